/** The stand-in for `node:vm`: Bun has no `gc` in a new context, but one of its own. */
import { runInNewContext as runInNewContextOfNode } from "node:vm";

const { Bun } = globalThis as { Bun?: { gc(synchronous: boolean): void } };

/** As in Node.js. */
export function runInNewContext(code: string): unknown {
  return Bun !== undefined && code === "gc" ? () => Bun.gc(true) : runInNewContextOfNode(code);
}
