/** What the tests of channels share. */
import { Channel, Coro, sleep } from "@asyncoro/asyncoro";
import { assert } from "@std/assert";
import type { Here } from "../together.ts";

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
    assert(i < 1000, `Never held: ${what}`);
    yield* sleep(0.005);
  }
}

/** The figures of a network that must be back at zero. */
export function pending({ network }: Here): { pending: number; underWay: number } {
  return { pending: network.stats().pending, underWay: network.channels.broadcasts.size };
}
