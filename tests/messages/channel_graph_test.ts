import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals } from "@std/assert";
import { Channel } from "../../core/messages/channel.ts";
import { listener } from "../helpers/listener.ts";

Deno.test("channels subscribe to channels, and each applies its own transform", async () => {
  await runVirtual(function* (coro) {
    using top = new Channel<unknown>("top", (_name, message) => `top ${message}`);
    using middle = new Channel<unknown>("middle", (_name, message) => `${message} middle`);
    using bottom = new Channel<unknown>(
      "bottom",
      (_name, message) => String(message).includes("secret") ? null : message,
    );
    assert(yield* top.subscribe(middle));
    assert(yield* middle.subscribe(bottom));
    const [a, b, c] = [listener("a", top), listener("b", middle), listener("c", bottom)];
    yield* coro.sleep(1);
    assertEquals(yield* top.deliver("one"), 3);
    assertEquals(yield* top.deliver("secret"), 2);
    assertEquals(yield* middle.deliver("two"), 2);
    yield* coro.sleep(1);
    assertEquals(a.got, ["top one", "top secret"]);
    assertEquals(b.got, ["top one middle", "top secret middle", "two middle"]);
    assertEquals(c.got, ["top one middle", "two middle"]);
    assertEquals(top.statistics(), { subscribers: 1, channels: 1, waiting: 0, dropped: 0 });
    assertEquals([yield* top.unsubscribe(middle), yield* top.unsubscribe(middle)], [true, false]);
    assertEquals(yield* top.deliver("three"), 1);
  });
});

Deno.test("a coroutine gets a message once, by the shortest path, whatever the paths and cycles", async () => {
  await runVirtual(function* (coro) {
    const suffix = (name: string, message: unknown) => `${message}${name}`;
    using a = new Channel<unknown>("a", suffix);
    using b = new Channel<unknown>("b", suffix);
    using c = new Channel<unknown>("c", suffix);
    for (const [above, below] of [[a, b], [b, c], [c, a], [a, c], [a, a]]) yield* above.subscribe(below);
    const every = listener("every", a, b, c);
    const last = listener("last", c);
    yield* coro.sleep(1);
    assertEquals([yield* a.deliver("-"), yield* b.deliver("-"), yield* c.deliver("-")], [2, 2, 2]);
    yield* coro.sleep(1);
    assertEquals(every.got, ["-a", "-b", "-c"]);
    assertEquals(last.got, ["-ac", "-bc", "-c"]);
  });
});

Deno.test("a channel that drops one version of a message may pass on one from another path", async () => {
  await runVirtual(function* (coro) {
    using source = new Channel<number>("source");
    using plus = new Channel<number>("plus", (_name, message) => message + 1);
    using same = new Channel<number>("same");
    using even = new Channel<number>("even", (_name, message) => message % 2 === 0 ? message : null);
    yield* source.subscribe(plus);
    yield* source.subscribe(same);
    yield* plus.subscribe(even);
    yield* same.subscribe(even);
    yield* even.subscribe(coro);
    assertEquals([yield* source.deliver(2), yield* source.deliver(3)], [1, 1]);
    assertEquals([yield* coro.receive(0), yield* coro.receive(0), yield* coro.receive(0, "end")], [2, 4, "end"]);
  });
});

Deno.test("each subscriber gets the messages sent while it was subscribed, once and in order (1,000 seeds)", async () => {
  for (let seed = 1; seed <= 1000; seed++) await shuffled(seed);
});

/** A random graph of channels without transforms; every listener must get every message that could reach it. */
async function shuffled(seed: number): Promise<void> {
  let state = seed;
  const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) % 65_536 % n;
  const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
  const channels = Array.from({ length: 4 }, (_, i) => new Channel<number>(`shuffled ${i}`));
  const edges = Array.from({ length: 6 }, () => [random(4), random(4)]);
  const reach = (from: number, seen = new Set<number>()): Set<number> => {
    if (!seen.has(from)) {
      seen.add(from);
      for (const [above, below] of edges) if (above === from) reach(below, seen);
    }
    return seen;
  };
  await scheduler.spawn(function* (coro) {
    for (const [above, below] of edges) yield* channels[above].subscribe(channels[below]);
    const got: number[][] = [];
    const subscribed = Array.from({ length: 4 }, () => [random(4), random(4)]);
    const listeners = subscribed.map((to, index) =>
      new Coro(function* (self) {
        for (const i of to) yield* channels[i].subscribe(self);
        got[index] = [];
        for (;;) {
          const message = yield* self.receive<number>();
          if (message < 0) return;
          got[index].push(message);
        }
      })
    );
    yield* coro.sleep(1);
    const expected: number[][] = listeners.map(() => []);
    for (let message = 0; message < 10; message++) {
      const source = random(4);
      const reached = reach(source);
      let count = 0;
      subscribed.forEach((to, index) => {
        if (!to.some((i) => reached.has(i))) return;
        expected[index].push(message);
        count++;
      });
      if (random(2)) channels[source].send(message);
      else assertEquals(yield* channels[source].deliver(message), count, `seed ${seed}`);
      if (random(2)) yield;
    }
    for (const each of listeners) each.send(-1);
    for (const each of listeners) yield* each.finish();
    assertEquals(got, expected, `seed ${seed}`);
    assertEquals(channels.map((channel) => channel.statistics().subscribers), [0, 0, 0, 0]);
  }).value();
  for (const channel of channels) channel.close();
  await scheduler.terminate();
}

Deno.test("a broadcast costs little more per subscriber than a send, also with many subscribers that are added and removed", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel<unknown>("crowd");
    const count = 20_000;
    const crowd = Array.from({ length: count }, () =>
      new Coro(function* (self) {
        yield* channel.subscribe(self);
        for (;;) if ((yield* self.receive()) === "go") return;
      }));
    yield* coro.sleep(1);
    const time = (act: () => void): number => {
      const start = performance.now();
      act();
      return performance.now() - start;
    };
    let sends = 0;
    let broadcast = 0;
    for (let round = 0; round < 5; round++) {
      sends += time(() => {
        for (const each of crowd) each.send(round);
      });
      yield* coro.sleep(1);
      broadcast += time(() => channel.send(round));
      yield* coro.sleep(1);
    }
    // Far above the measured ratio, for busy machines: a quadratic broadcast would cost a thousand times as much.
    assert(broadcast < 10 * sends + 20, `${broadcast} ms against ${sends} ms`);
    assertEquals(yield* channel.deliver("go", 0, count), count);
    yield* coro.sleep(1);
    assertEquals(channel.statistics().subscribers, 0);
  });
});
