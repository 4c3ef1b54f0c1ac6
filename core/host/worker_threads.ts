/**
 * The threads of the host: `node:worker_threads`, which Deno, Node.js and Bun have.
 *
 * Unlike the web's workers, these can be unreferenced, so that idle ones do not keep the process alive, and their end
 * comes with an exit code and the error itself.
 */
import { unsupported } from "./capability.ts";

/** An end of a channel between two threads. */
export interface Port {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  on(event: "message", listener: (message: never) => void): void;
  on(event: "close", listener: () => void): void;
  once(event: "message" | "close", listener: () => void): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/** A thread, from the thread that has started it. */
export interface HostThread {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
  ref(): void;
  unref(): void;
  /** Ends it, even in the middle of a computation. */
  terminate(): Promise<unknown>;
}

/** The parts of `node:worker_threads` that are used. */
export interface WorkerThreads {
  /** Starts a thread that runs a program, given as text. */
  readonly Worker: new (source: string, options: { eval: true; name: string }) => HostThread;
  readonly MessageChannel: new () => { port1: Port; port2: Port };
  /** Takes a message that has arrived at a port without a listener. */
  receiveMessageOnPort(port: object): { message: unknown } | undefined;
}

/**
 * The threads of this host. `action` completes "Cannot ...".
 *
 * @throws {UnsupportedError} If there are none.
 */
export function workerThreads(action: string): WorkerThreads {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const threads = process?.getBuiltinModule?.("node:worker_threads") as Partial<WorkerThreads> | undefined;
  if (typeof threads?.Worker !== "function") throw unsupported(action, "workers (node:worker_threads)");
  return threads as WorkerThreads;
}

/** How many cores the machine has, as far as the host tells. */
export function coreCount(): number {
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return navigator?.hardwareConcurrency ?? 4;
}
