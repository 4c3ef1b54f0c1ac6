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

/** Whether this host has processes that can be sent signals. */
export function hasSignals(): boolean {
  return isDeno() ? host.Deno!.addSignalListener !== undefined : typeof host.process?.on === "function";
}

/**
 * Listens to a signal of the process.
 *
 * @returns A function that stops listening.
 * @throws {TypeError} The host's error, if it does not know the signal or cannot listen to it.
 */
export function onSignal(signal: string, handler: () => void): () => void {
  if (isDeno()) {
    host.Deno!.addSignalListener(signal, handler);
    return () => host.Deno!.removeSignalListener(signal, handler);
  }
  host.process!.on(signal, handler);
  return () => void host.process!.off(signal, handler);
}

// How often each signal is claimed.
const claims = new Map<string, number>();

/**
 * Listens to a signal that the program handles itself: meanwhile it does not ask the process to end.
 *
 * @returns A function that stops listening.
 */
export function claimSignal(signal: string, handler: () => void): () => void {
  const stop = onSignal(signal, handler);
  claims.set(signal, (claims.get(signal) ?? 0) + 1);
  return () => {
    stop();
    claims.set(signal, claims.get(signal)! - 1);
  };
}

/** A signal that asks a process to end. */
export type TerminationSignal = "SIGINT" | "SIGTERM";

/** Calls back when the process is asked to end. Returns a function that stops listening. */
export function onTermination(
  callback: (signal: TerminationSignal) => void,
  signals: readonly TerminationSignal[] = ["SIGINT", "SIGTERM"],
): () => void {
  if (!hasSignals()) return () => {};
  const stops = signals.map((signal) =>
    listen(signal, () => {
      if (!claims.get(signal)) callback(signal);
    })
  );
  return () => {
    for (const stop of stops) stop();
  };
}

function listen(signal: string, handler: () => void): () => void {
  try {
    return onSignal(signal, handler);
  } catch {
    // Windows has no SIGTERM.
    return () => {};
  }
}
