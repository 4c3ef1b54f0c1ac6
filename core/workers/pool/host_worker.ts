/**
 * A worker of the host.
 *
 * The pool uses threads of `node:worker_threads` (`host/worker_threads.ts`) rather than the web's `Worker`: a web worker
 * of Deno keeps the process alive, for ever if it was terminated in an endless loop. Web workers are used only with the
 * option `permissions`, which the others do not have.
 */
import { isDeno } from "../../host/runtime.ts";
import { unsupported } from "../../host/capability.ts";
import { type HostThread, type WorkerThreads, workerThreads } from "../../host/worker_threads.ts";
import type { PortLike } from "../remote/worker_loop.ts";

const ACTION = "make a pool of workers";

/** The events of a worker. */
export interface HostWorkerEvents {
  /** It has ended; `error` is the uncaught error that ended it, if there is one. */
  ended(error: unknown, code: number): void;
}

/** See the head of this file. */
export interface HostWorker {
  /** Whether the process may end while it is idle. */
  readonly unreferenced: boolean;
  postMessage(message: unknown, transfer: Transferable[]): void;
  ref(): void;
  unref(): void;
  /** Ends it, even in the middle of a task. */
  terminate(): Promise<void>;
}

/** The parts of the host that a pool uses. */
export interface WorkerHost {
  channel(): { port1: PortLike; port2: PortLike };
  receive(port: PortLike): { message: unknown } | undefined;
  create(source: string, name: string, events: HostWorkerEvents): HostWorker;
}

/** Permissions of a worker, as in the `deno` option of `new Worker`. */
export type WorkerPermissions = "inherit" | "none" | Readonly<Record<string, unknown>>;

/**
 * The workers of this host.
 *
 * @throws {UnsupportedError} If there are none.
 */
export function workerHost(permissions: WorkerPermissions | undefined): WorkerHost {
  const threads = workerThreads(ACTION);
  if (typeof SharedArrayBuffer !== "function") throw missing("SharedArrayBuffer");
  if (typeof Atomics.waitAsync !== "function") throw missing("Atomics.waitAsync");
  if (permissions !== undefined && !isDeno()) throw missing("permissions of workers");
  const create = permissions === undefined
    ? (source: string, name: string, events: HostWorkerEvents) => new ThreadWorker(threads, source, name, events)
    : (source: string, name: string, events: HostWorkerEvents) => new WebWorker(source, name, permissions, events);
  return { channel: () => new threads.MessageChannel(), receive: (port) => threads.receiveMessageOnPort(port), create };
}

function missing(what: string): Error {
  return unsupported(ACTION, what);
}

/** A worker of `node:worker_threads`. */
class ThreadWorker implements HostWorker {
  readonly unreferenced = true;
  readonly #worker: HostThread;

  constructor(threads: WorkerThreads, source: string, name: string, events: HostWorkerEvents) {
    let uncaught: unknown;
    this.#worker = new threads.Worker(source, { eval: true, name });
    this.#worker.on("error", (error: unknown) => uncaught = error);
    this.#worker.on("exit", (code: number) => events.ended(uncaught, code));
    this.#worker.unref();
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** A worker of the web, with permissions of its own. */
class WebWorker implements HostWorker {
  readonly unreferenced = false;
  readonly #worker: Worker;

  constructor(source: string, name: string, permissions: WorkerPermissions, events: HostWorkerEvents) {
    // A program that `deno compile` made does not find blobs: https://github.com/denoland/deno/issues/29962
    const url = `data:text/javascript,${encodeURIComponent(source)}`;
    const options = { type: "module", name, deno: { permissions } };
    this.#worker = new Worker(url, options as WorkerOptions);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#worker.terminate();
      events.ended(new Error(event.message), 1);
    };
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  ref(): void {}

  unref(): void {}

  terminate(): Promise<void> {
    this.#worker.terminate();
    return Promise.resolve();
  }
}
