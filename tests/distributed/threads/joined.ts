/** Runs a program on a scheduler of its own that has joined a network, and starts its threads. */
import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { MemoryHub } from "../memory_engine.ts";

/** What a program gets. */
export interface Joined {
  readonly coro: Coro;
  readonly network: Network;
  /** What was reported on this scheduler. */
  readonly reported: unknown[];
}

/** Runs a program to its end, and leaves the network. */
export async function joined<R>(
  program: (joined: Joined) => Generator<unknown, R, unknown>,
  options: NetworkOptions = {},
): Promise<R> {
  const scheduler = new Scheduler({ name: "main" });
  const reported: unknown[] = [];
  scheduler.onError = (error) => void reported.push(error);
  try {
    return await scheduler.spawn(function* (coro: Coro) {
      const engines = [new MemoryHub().engine("main")];
      const network = yield* Network.join({ name: "main", engines, ...options });
      return yield* program({ coro, network, reported });
    }).value();
  } finally {
    await scheduler.terminate();
  }
}

/** The URL of a module of threads, beside this one. */
export function moduleOf(name: string): URL {
  return new URL(name, import.meta.url);
}

/** Starts threads that run `server.ts`. Returns the coroutines that serve in them. */
export function* servers(network: Network, count: number): Generator<unknown, Coro[], unknown> {
  const found: Coro[] = [];
  for (const location of yield* network.startThreads(moduleOf("./server.ts"), count)) {
    found.push((yield* Coro.locate("server", 20, location))!);
  }
  return found;
}
