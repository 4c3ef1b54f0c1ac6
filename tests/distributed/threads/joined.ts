/** Runs a program on a scheduler of its own that has joined a network, and starts its threads. */
import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { Network } from "../../../core/distributed/network.ts";
import type { NetworkOptions } from "../../../core/distributed/network_options.ts";
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

/** The URL of a module beside this one, with a coroutine of this scheduler. */
export function moduleWith(name: string, network: Network, coro: Coro): URL {
  const url = new URL(name, import.meta.url);
  const [id, ...others] = network.coros.handleType.pack(coro) as [ArrayBuffer, ...unknown[]];
  url.searchParams.set("coro", JSON.stringify([[...new Uint8Array(id)], ...others]));
  return url;
}

/** The coroutine in the URL of a module, in a thread. */
export function given(url: string): Coro {
  const [id, ...others] = JSON.parse(new URL(url).searchParams.get("coro")!);
  return Network.of()!.coros.handleType.unpack([Uint8Array.from(id).buffer, ...others]) as Coro;
}

/** Starts threads that run `server.ts`. Returns the coroutines that serve in them, in their order. */
export function* servers({ coro, network }: Joined, count: number): Generator<unknown, Coro[], unknown> {
  const inbox = coro.scheduler.spawnWith({ daemon: true }, function* (inbox: Coro) {
    const servers: Coro[] = [];
    while (servers.length < count) servers.push(yield* inbox.receive<Coro>());
    return servers.sort((one, other) => one.location!.name.localeCompare(other.location!.name));
  });
  yield* network.startThreads(moduleWith("./server.ts", network, inbox), count);
  return (yield* inbox.finish())!;
}
