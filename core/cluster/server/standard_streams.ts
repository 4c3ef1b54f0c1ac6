/**
 * What jobs see as standard streams: input that has ended, and output that goes to standard error. The process's own
 * input and output are the link to the node.
 *
 * This cannot be complete: `writeSync(1, ...)` of `node:fs` still writes to standard output. The node takes that for a
 * malformed frame, and loses the server.
 */
import type { Console } from "node:console";

/** Methods of `console` that write to standard output, other than `log`, `info` and `debug`. */
const RARE = ["count", "countReset", "dir", "dirxml", "table", "time", "timeEnd", "timeLog"] as const;

/** Replaces the streams of this process. */
export function replaceStandardStreams(): void {
  replaceConsole();
  replace(Deno, "stdout", Deno.stderr);
  replace(Deno, "stdin", NO_INPUT);
  const { process } = globalThis as { process?: NodeProcess };
  if (process === undefined) return;
  Object.defineProperty(process, "stdout", { get: () => process.stderr, configurable: true });
  Object.defineProperty(process, "stdin", { get: () => noNodeInput(process), configurable: true });
}

interface NodeProcess {
  readonly stderr: unknown;
  getBuiltinModule(name: string): unknown;
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function replaceConsole(): void {
  const { error } = console;
  for (const name of ["log", "info", "debug"]) replace(console, name, error);
  // Node's console is loaded when it is needed: that takes longer than all else of a server's start.
  let rare: Console | null = null;
  for (const name of RARE) {
    replace(console, name, (...args: unknown[]) => {
      rare ??= nodeConsole((text) => error("%s", text));
      (rare[name] as (...args: unknown[]) => void)(...args);
    });
  }
}

function nodeConsole(write: (text: string) => void): Console {
  const { process } = globalThis as unknown as { process: NodeProcess };
  const { Console } = process.getBuiltinModule("node:console") as typeof import("node:console");
  const stdout = { write: (text: string) => write(text.replace(/\n$/, "")) } as unknown as NodeJS.WritableStream;
  // Otherwise it listens to errors of the stream.
  return new Console({ stdout, ignoreErrors: false });
}

/** Standard input at its end. */
const NO_INPUT = {
  read: (): Promise<null> => Promise.resolve(null),
  readSync: (): null => null,
  isTerminal: (): boolean => false,
  setRaw: (): void => {},
  close: (): void => {},
  get readable(): ReadableStream<Uint8Array> {
    return new ReadableStream({ start: (controller) => controller.close() });
  },
};

function noNodeInput(process: NodeProcess): unknown {
  const { Readable } = process.getBuiltinModule("node:stream") as typeof import("node:stream");
  return Readable.from([]);
}
