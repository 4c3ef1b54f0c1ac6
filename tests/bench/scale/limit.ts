/** Creates coroutines that wait until a limit is reached, and reports which it was. */
import { getHeapStatistics } from "node:v8";
import type { Limit } from "./page.ts";

/** Finds the first limit of a program with the engine's default settings. Takes as much memory as those allow. */
export async function findLimit(): Promise<Limit> {
  const script = new URL("limit_child.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script] });
  const { stdout, stderr } = await command.output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const output = new TextDecoder().decode(stderr);
  return {
    coroutines: Number(lines.findLast((line) => /^\d+$/.test(line)) ?? 0),
    heap: Math.round(getHeapStatistics().heap_size_limit / 1e6),
    // V8's last output, or the error that was caught and printed.
    said: /Fatal [^\n]*/.exec(output)?.[0] ?? lines.at(-1)!,
  };
}
