import { type Deferred, deferred } from "../../base/deferred.ts";
import { startTimer, stopTimer } from "../../host/timers.ts";
import { type HostThread, type Port, workerThreads } from "../../host/worker_threads.ts";
import { decodeError } from "./thread_error.ts";
import type { FromThread, ThreadStart, ToThread } from "./thread_messages.ts";

/** Seconds that a thread may take to end, beside those for its `finally` blocks. */
const END_SECONDS = 0.5;

/**
 * The program of a thread, as text: so it needs no file, whether the package comes from a URL or was compiled.
 *
 * It imports an empty module first, as Deno checks the types of what a thread imports first, if it checks those of the
 * program. They have been checked, and it takes a second.
 */
const SOURCE = `
globalThis.self ??= globalThis;
const { parentPort } = process.getBuiltinModule("node:worker_threads");
parentPort.once("message", async (start) => {
  await import("data:text/javascript,");
  const modules = [import(start.networkModule), import(start.threadModule)];
  const [{ Network }, { runThread }] = await Promise.all(modules);
  runThread(Network, start);
});`;

/** What happens to a thread. */
export interface ThreadEvents {
  /** It dials the thread of a number. */
  dialed(to: number, port: Port): void;
  /** An uncaught error ends it, after it was ready. */
  crashed(error: unknown): void;
  /** It takes no messages any more, as it has ended. May be called twice. */
  ended(): void;
}

/** A thread, as the one sees it that has started it. */
export class Thread {
  readonly #name: string;
  readonly #events: ThreadEvents;
  readonly #control: Port;
  readonly #worker: HostThread;
  readonly #ready: Deferred<void> = deferred();
  readonly #ended: Deferred<void> = deferred();
  #isReady = false;
  #hasEnded = false;

  /** Starts it. */
  constructor(name: string, start: Omit<ThreadStart, "control">, events: ThreadEvents) {
    const { Worker, MessageChannel } = workerThreads("start threads");
    this.#name = name;
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#control = port1;
    port1.on("message", (message: FromThread) => this.#take(message));
    // Before the thread is told to have exited, others may dial it again.
    port1.on("close", () => events.ended());
    port1.unref();
    this.#worker = new Worker(SOURCE, { eval: true, name });
    this.#worker.on("error", (error) => this.#uncaught(error));
    this.#worker.on("exit", (code) => this.#exited(code));
    this.#worker.unref();
    this.#worker.postMessage({ ...start, control: port2 } satisfies ThreadStart, [port2]);
  }

  /** Fulfilled when its module has been imported. Rejected if that fails or the thread ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Passes on the port with which another thread dials this one, which has this number. */
  dial(number: number, port: Port): void {
    this.#tell({ kind: "dial", to: number, port }, [port]);
  }

  /** Ends it: its `finally` blocks may take so many seconds. Resolved when it has ended. */
  end(seconds: number): Promise<void> {
    if (this.#hasEnded) return this.#ended.promise;
    // Until then the process is to stay alive.
    this.#worker.ref();
    this.#tell({ kind: "end", seconds });
    const timer = startTimer(() => void this.#worker.terminate(), seconds + END_SECONDS, true);
    return this.#ended.promise.then(() => stopTimer(timer));
  }

  #tell(message: ToThread, transfer: readonly unknown[] = []): void {
    this.#control.postMessage(message, transfer);
  }

  #take(message: FromThread): void {
    if (message.kind === "dial") return this.#events.dialed(message.to, message.port);
    if (message.kind === "failed") return this.#ready.reject(decodeError(message.error));
    this.#isReady = true;
    this.#ready.resolve();
  }

  #uncaught(error: unknown): void {
    if (this.#isReady) this.#events.crashed(error);
    else this.#ready.reject(error);
  }

  #exited(code: number): void {
    this.#hasEnded = true;
    this.#control.close();
    this.#ready.reject(
      new Error(`Cannot start ${this.#name} as it has ended before its module was imported: its exit code is ${code}`),
    );
    this.#ended.resolve();
    this.#events.ended();
  }
}
