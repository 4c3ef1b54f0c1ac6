import { type Channel, type Coro, Scheduler } from "@asyncoro/asyncoro";

/** A coroutine that subscribes to channels and stores the messages. */
export function listener(name: string, ...channels: Channel<unknown>[]): { coro: Coro; got: unknown[] } {
  const got: unknown[] = [];
  const coro = Scheduler.curCoro()!.scheduler.spawnWith({ name, daemon: true }, function* (self) {
    for (const channel of channels) yield* channel.subscribe(self);
    for (;;) got.push(yield* self.receive());
  });
  return { coro: coro as Coro, got };
}
