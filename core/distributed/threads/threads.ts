/**
 * The threads that a network has started. Each has a scheduler of its own that has joined the same network: it is a peer,
 * connected by the engine of `engines/threads.ts`. The peer that has started them passes on the ports with which they
 * dial each other, and ends them when it leaves.
 */
import { checkCount } from "../../base/count.ts";
import { describe } from "../../base/describe.ts";
import { withoutStack } from "../../base/error_report.ts";
import { UnsupportedError } from "../../base/errors.ts";
import type { Port } from "../../host/worker_threads.ts";
import { until } from "../../operations/until.ts";
import { threadAddress, ThreadEngine } from "../engines/threads.ts";
import type { Location } from "../location.ts";
import { type CheckedNetworkOptions, type NetworkOptions, sharedOptions } from "../network_options.ts";
import type { Peers } from "../peers/peers.ts";
import { Thread } from "./thread.ts";
import { THREAD_MODULE } from "./thread_main.ts";

/** Seconds for the `finally` blocks of threads that are ended. */
const GRACE = 1;
/** Seconds to connect to a thread that is ready: it is connected, and the confirmation may be on its way. */
const CONNECT_SECONDS = 10;

/** Throws unless the module is a URL and the number of threads is positive. */
export function checkThreads(module: unknown, count: unknown): void {
  if (!(module instanceof URL)) {
    throw new TypeError(
      `Cannot start threads as 'module' must be a URL, such as new URL("./thread.ts", import.meta.url): ` +
        `current value is ${describe(module)}`,
    );
  }
  checkCount(count, 1, "start threads as 'n'");
}

/** See the head of this file. */
export class Threads {
  /** Connects this peer and its threads. */
  readonly engine: ThreadEngine;
  readonly #peers: Peers;
  readonly #options: NetworkOptions;
  readonly #networkModule: string;
  readonly #threads: Map<number, Thread> = new Map();
  #lastNumber = 0;

  /**
   * `networkModule` is the URL of the module that exports `Network`.
   *
   * @throws {UnsupportedError} if a thread could not import that.
   */
  constructor(peers: Peers, options: CheckedNetworkOptions, networkModule: string) {
    if (networkModule === THREAD_MODULE) {
      throw new UnsupportedError("Cannot start threads as the package is part of a bundle: leave it out of that");
    }
    this.#peers = peers;
    this.#options = sharedOptions(options);
    this.#networkModule = networkModule;
    this.engine = new ThreadEngine({
      group: peers.location.id,
      number: 0,
      forward: (number, port) => this.#forward(number, port),
      closed: () => {},
    });
  }

  /** Starts threads, and returns where they are once they have imported the module. If one fails, all are ended. */
  *start(module: URL, count: number): Generator<unknown, Location[], unknown> {
    const numbers: number[] = [];
    let locations: Location[] | null = null;
    try {
      while (numbers.length < count) numbers.push(this.#start(module));
      yield* until(Promise.all(numbers.map((number) => this.#threads.get(number)!.ready)));
      const connected: Location[] = [];
      for (const number of numbers) connected.push(yield* this.#peers.connect(this.#address(number), CONNECT_SECONDS));
      return locations = connected;
    } finally {
      if (locations === null) yield* this.#end(numbers);
    }
  }

  /** Ends all threads. */
  end(): Generator<unknown, void, unknown> {
    return this.#end([...this.#threads.keys()]);
  }

  *#end(numbers: readonly number[]): Generator<unknown, void, unknown> {
    const ends: Promise<void>[] = [];
    for (const number of numbers) {
      const thread = this.#threads.get(number);
      if (thread === undefined) continue;
      this.#threads.delete(number);
      this.#peers.closeAt(this.#address(number));
      ends.push(thread.end(GRACE));
    }
    if (ends.length > 0) yield* until(Promise.all(ends));
  }

  #start(module: URL): number {
    const number = ++this.#lastNumber;
    const name = `thread-${number}`;
    const start = {
      networkModule: this.#networkModule,
      threadModule: THREAD_MODULE,
      module: module.href,
      group: this.#peers.location.id,
      number,
      options: { ...this.#options, name },
    };
    const thread = new Thread(name, start, {
      dialed: (to, port) => this.#threads.has(number) ? this.engine.take(to, port) : port.close(),
      crashed: (error) => this.#peers.report(crashOf(name, error)),
      ended: () => this.#threads.delete(number),
    });
    this.#threads.set(number, thread);
    return number;
  }

  #forward(number: number, port: Port): void {
    const thread = this.#threads.get(number);
    if (thread === undefined) port.close();
    else thread.dial(number, port);
  }

  #address(number: number): string {
    return threadAddress(this.#peers.location.id, number);
  }
}

/** The error to report. Its cause says where the thread has failed. */
function crashOf(name: string, error: unknown): Error {
  return withoutStack(new Error(`Thread ${name} has ended: ${describe(error)}`, { cause: error }));
}
