/** What the tests of channels share. */
import { Channel, Coro, type Operation, sleep, until } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import type { NetworkOptions } from "../../../core/distributed/network_options.ts";
import { type Here, type Program, together } from "../together.ts";

/** Gives a coroutine or channel out under a key, past the network, as names would. */
export function give(here: Here, key: string, value: Coro | Channel): void {
  const { coros, channels } = here.network;
  const type = value instanceof Channel ? channels.handleType : coros.handleType;
  here.shared[key] = { isChannel: value instanceof Channel, packed: type.pack(value) };
}

/** What was given out under a key, as this peer sees it. */
// deno-lint-ignore no-explicit-any -- the test knows what it is
export function take<T extends Coro | Channel<any>>(here: Here, key: string): T {
  const { coros, channels } = here.network;
  const { isChannel, packed } = here.shared[key] as { isChannel: boolean; packed: unknown[] };
  return (isChannel ? channels.handleType : coros.handleType).unpack(packed) as T;
}

/** A daemon that stores what it receives. */
export function listener(coro: Coro, name = "listener"): { coro: Coro; got: unknown[] } {
  const got: unknown[] = [];
  const listening = coro.scheduler.spawnWith({ name, daemon: true }, function* (self) {
    for (;;) got.push(yield* self.receive());
  });
  return { coro: listening as Coro, got };
}

/** Waits until a condition holds. */
export function* eventually(condition: () => boolean, what = String(condition)): Generator<unknown, void, unknown> {
  for (let i = 0; !condition(); i++) {
    assert(i < 4000, `Never held: ${what}`);
    yield* sleep(0.005);
  }
}

/** The figures of a network that must be back at zero. */
export function pending({ network }: Here): { pending: number; underWay: number } {
  return { pending: network.stats().pending, underWay: network.channels.broadcasts.size };
}

/** The body of a coroutine. */
// deno-lint-ignore no-explicit-any -- it returns anything
export type Body = Generator<unknown, any, unknown>;

/** What each peer does in one step of a test: peers take their steps together. */
export type Steps = Record<string, (coro: Coro, here: Here) => Body>;

/** Runs programs step by step: the next one begins when all peers have ended the one before. */
export function inSteps(...steps: Steps[]): Promise<void> {
  return inStepsWith(() => ({}), ...steps);
}

/** The same with options of the networks, by name. */
export async function inStepsWith(options: (name: string) => NetworkOptions, ...steps: Steps[]): Promise<void> {
  const names = [...new Set(steps.flatMap((step) => Object.keys(step)))];
  const program: Program = function* (coro, here) {
    for (const step of steps) {
      yield* step[here.network.location.name]?.(coro, here) ?? [];
      yield* until(here.meet());
    }
    yield* eventually(() => pending(here).pending === 0 && pending(here).underWay === 0, "all is settled");
    assertEquals(here.reported, []);
  };
  await together(Object.fromEntries(names.map((name) => [name, program])), options);
}

/** The channel that was given out under a key. */
export function channelOf(here: Here, key: string): Channel {
  return take(here, key);
}

/** Opens a channel and gives it out under its name. */
export function open(here: Here, name: string, transform?: (name: string, message: unknown) => unknown): Channel {
  const channel = new Channel(name, transform);
  give(here, name, channel);
  return channel;
}

/** A coroutine that waits, and returns what the wait returns or throws. */
// deno-lint-ignore no-explicit-any -- the test knows what it is
export function caught(wait: () => Operation<unknown>): Coro<any> {
  return new Coro(function* () {
    try {
      return yield* wait();
    } catch (error) {
      return error;
    }
  });
}
