/** Runs programs in one process, each on a scheduler of its own that has joined the network of the test. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { Network } from "../../core/distributed/network.ts";
import type { NetworkOptions } from "../../core/distributed/network_options.ts";
import { MemoryHub } from "./memory_engine.ts";

/** What a program gets beside its coroutine. */
export interface Here {
  readonly network: Network;
  /** The engines of all, to cut links. */
  readonly hub: MemoryHub;
  /** What was reported on this scheduler. */
  readonly reported: unknown[];
  /** Waits until all programs have come here. */
  meet(): Promise<void>;
  /** What programs tell each other past the network. */
  readonly shared: Record<string, unknown>;
}

/** A program. */
export type Program = (coro: Coro, here: Here) => Generator<unknown, unknown, unknown>;

/** Runs programs by name, until all have ended. Returns their results, by name. */
export async function together(
  programs: Record<string, Program>,
  options: (name: string) => NetworkOptions = () => ({}),
): Promise<Record<string, unknown>> {
  const hub = new MemoryHub();
  const shared: Record<string, unknown> = {};
  const names = Object.keys(programs);
  const meet = meetingOf(names.length);
  const schedulers = names.map((name) => new Scheduler({ name }));
  try {
    const results = await Promise.all(names.map((name, i) => {
      const scheduler = schedulers[i];
      const reported: unknown[] = [];
      scheduler.onError = (error) => reported.push(error);
      return scheduler.spawn(function* (coro: Coro) {
        const network = yield* Network.join({ name, engines: [hub.engine(name)], ...options(name) });
        return yield* programs[name](coro, { network, hub, reported, meet, shared });
      }).value();
    }));
    return Object.fromEntries(names.map((name, i) => [name, results[i]]));
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
}

/** A function whose promise is resolved when so many have called it; then anew. */
function meetingOf(count: number): () => Promise<void> {
  let waiting: (() => void)[] = [];
  return () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    if (waiting.length === count) {
      for (const go of waiting) go();
      waiting = [];
    }
    return promise;
  };
}
