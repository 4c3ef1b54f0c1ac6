/**
 * The process, where there is one: its exit code and the signals that ask it to end.
 */
import { host, isDeno } from "./runtime.ts";

/** Whether there is a process that ends when nothing keeps it alive. A page lives as long as it is open. */
export function hasProcess(): boolean {
  return processThere ??= isDeno() || host.process !== undefined;
}

// Remembered, as in some hosts these globals are getters that cost as much as a switch or two.
let processThere: boolean | undefined;

/** Sets the exit code of the process, if there is one. */
export function setExitCode(code: number): void {
  if (isDeno()) host.Deno!.exitCode = code;
  else if (host.process !== undefined) host.process.exitCode = code;
}

/** Ends the process, if there is one. */
export function exitProcess(code: number): void {
  if (isDeno()) host.Deno!.exit(code);
  else host.process?.exit(code);
}

/** A signal that asks a process to end. */
export type TerminationSignal = "SIGINT" | "SIGTERM";

/** Calls back when the process is asked to end. Returns a function that stops listening. */
export function onTermination(
  callback: (signal: TerminationSignal) => void,
  signals: readonly TerminationSignal[] = ["SIGINT", "SIGTERM"],
): () => void {
  const handlers = signals.map((signal) => ({ signal, handler: () => callback(signal) }));
  const listening = handlers.filter(({ signal, handler }) => listen(signal, handler));
  return () => {
    for (const { signal, handler } of listening) {
      if (isDeno()) host.Deno!.removeSignalListener(signal, handler);
      else host.process!.off(signal, handler);
    }
  };
}

function listen(signal: string, handler: () => void): boolean {
  try {
    if (isDeno()) host.Deno!.addSignalListener(signal, handler);
    else if (typeof host.process?.on === "function") host.process.on(signal, handler);
    else return false;
    return true;
  } catch {
    // Windows has no SIGTERM.
    return false;
  }
}
