/** Channels whose subscribers have bounded mailboxes. */
import { Channel, ChannelClosedError, Coro } from "@asyncoro/asyncoro";
import { runVirtual, runVirtualWith } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { Overflow } from "../../core/base/overflow.ts";

// deno-lint-ignore no-explicit-any -- bodies of coroutines that return anything
type Body = Generator<unknown, any, unknown>;

/** A coroutine that receives one message each time it is resumed, and what it got. */
function subscriber(parent: Coro, capacity: number, overflow?: Overflow): { coro: Coro; got: unknown[] } {
  const got: unknown[] = [];
  const coro = parent.scheduler.spawnWith({ mailbox: { capacity, overflow } }, function* (self) {
    while (true) {
      yield* self.sleep();
      got.push(yield* self.receive());
    }
  });
  return { coro, got };
}

function kept({ coro }: { coro: Coro }): unknown[] {
  return [...coro.mailbox ?? []];
}

function delivering<T>(channel: Channel<T>, message: T, limit?: number): Coro<unknown> {
  return new Coro(function* () {
    return yield* channel.deliver(message, limit);
  });
}

Deno.test("send() passes a full mailbox by, whatever its policy, and counts it", () =>
  runVirtual(function* (coro) {
    for (const overflow of ["wait", "drop-newest", "throw"] as const) {
      using channel = new Channel<number>("news");
      const [full, other] = [subscriber(coro, 1, overflow), subscriber(coro, 9)];
      for (const { coro } of [full, other]) yield* channel.subscribe(coro);
      assertEquals([1, 2, 3].map((n) => channel.send(n)), [true, true, true]);
      assertEquals([kept(full), kept(other), channel.statistics().dropped], [[1], [1, 2, 3], 2]);
      for (const { coro } of [full, other]) coro.terminate();
    }
  }));

Deno.test("a mailbox that drops its oldest messages is never full", () =>
  runVirtual(function* (coro) {
    using channel = new Channel<number>("news");
    const latest = subscriber(coro, 1, "drop-oldest");
    yield* channel.subscribe(latest.coro);
    assertEquals([channel.send(1), channel.send(2), yield* channel.deliver(3)], [true, true, 1]);
    assertEquals([kept(latest), channel.statistics().dropped], [[3], 0]);
    latest.coro.terminate();
  }));

Deno.test("a subscriber reached by several paths is passed by once", () =>
  runVirtual(function* (coro) {
    using top = new Channel<number>("top");
    using below = new Channel<number>("below");
    yield* top.subscribe(below);
    const full = subscriber(coro, 1);
    for (const channel of [top, below]) yield* channel.subscribe(full.coro);
    for (const n of [1, 2]) top.send(n);
    assertEquals([top.statistics().dropped, below.statistics().dropped, kept(full)], [1, 0, [1]]);
    full.coro.terminate();
  }));

Deno.test("deliver() waits until no mailbox is full, then sends to all", () =>
  runVirtual(function* (coro) {
    for (const overflow of ["wait", "drop-newest", "throw"] as const) {
      using channel = new Channel<string>("news");
      const all = [subscriber(coro, 1, overflow), subscriber(coro, 1, overflow), subscriber(coro, 2)];
      for (const { coro } of all) yield* channel.subscribe(coro);
      channel.send("first");
      const delivery = delivering(channel, "second");
      yield* coro.sleep(1);
      assertEquals([channel.statistics().waiting, delivery.isAlive()], [1, true]);
      all[0].coro.resume();
      yield* coro.sleep(1);
      assertEquals([kept(all[0]), kept(all[2]), delivery.isAlive()], [[], ["first"], true]);
      all[1].coro.resume();
      assertEquals(yield* delivery.finish(), 3);
      assertEquals(all.map(kept), [["second"], ["second"], ["first", "second"]]);
      const { dropped, waiting } = channel.statistics();
      assertEquals([dropped, waiting], [0, 0]);
      for (const { coro } of all) coro.terminate();
    }
  }));

Deno.test("late, deliver() sends to none and is 0", () =>
  runVirtual(function* (coro) {
    using channel = new Channel<string>("news");
    const [full, free] = [subscriber(coro, 1), subscriber(coro, 1)];
    for (const { coro } of [full, free]) yield* channel.subscribe(coro);
    full.coro.send("full");
    assertEquals([yield* channel.deliver("late", 2), coro.scheduler.now()], [0, 2]);
    assertEquals([yield* channel.deliver("late", 0), kept(free), channel.statistics().waiting], [0, [], 0]);
    const waiting = (full.coro.mailbox as unknown as { waiting: { length: number } }).waiting;
    assertEquals(waiting.length, 0);
    for (const { coro } of [full, free]) coro.terminate();
  }));

Deno.test("it waits for those below subscribed channels, too", () =>
  runVirtual(function* (coro) {
    using top = new Channel<string>("top");
    using below = new Channel<string>("below", (_name, text) => text.toUpperCase());
    yield* top.subscribe(below);
    const [a, b] = [subscriber(coro, 1), subscriber(coro, 1)];
    yield* top.subscribe(a.coro);
    yield* below.subscribe(b.coro);
    b.coro.send("full");
    const delivery = delivering(top, "hello");
    yield* coro.sleep(1);
    assertEquals([kept(a), delivery.isAlive()], [[], true]);
    b.coro.resume();
    assertEquals([yield* delivery.finish(), kept(a), kept(b)], [2, ["hello"], ["HELLO"]]);
    for (const { coro } of [a, b]) coro.terminate();
  }));

Deno.test("it goes on when a full subscriber ends, leaves, or its channel leaves or is closed", () =>
  runVirtual(function* (coro) {
    const ways: ((full: Coro, top: Channel<string>, below: Channel<string>) => Body)[] = [
      function* (full) {
        full.terminate();
      },
      function* (full, _top, below) {
        yield* below.unsubscribe(full);
      },
      function* (_full, top, below) {
        yield* top.unsubscribe(below);
      },
      function* (_full, _top, below) {
        below.close();
      },
    ];
    for (const way of ways) {
      using top = new Channel<string>("top");
      using below = new Channel<string>("below");
      yield* top.subscribe(below);
      const [full, other] = [subscriber(coro, 1), subscriber(coro, 1)];
      yield* below.subscribe(full.coro);
      yield* top.subscribe(other.coro);
      full.coro.send("full");
      const delivery = delivering(top, "hello");
      yield* coro.sleep(1);
      assert(delivery.isAlive());
      yield* way(full.coro, top, below);
      assertEquals([yield* delivery.finish(), kept(other)], [1, ["hello"]]);
      for (const { coro } of [full, other]) coro.terminate();
    }
  }));

Deno.test("it fails when the channel is closed while it waits for room", () =>
  runVirtual(function* (coro) {
    const channel = new Channel<string>("news");
    const full = subscriber(coro, 1);
    yield* channel.subscribe(full.coro);
    full.coro.send("full");
    const delivery = new Coro(function* () {
      try {
        yield* channel.deliver("never");
      } catch (error) {
        return error;
      }
    });
    yield* coro.sleep(1);
    channel.close();
    assertInstanceOf(yield* delivery.finish(), ChannelClosedError);
    full.coro.resume();
    yield* coro.sleep(1);
    assertEquals(kept(full), []);
    full.coro.terminate();
  }));

Deno.test("it waits for subscribers first, then for their room", () =>
  runVirtual(function* (coro) {
    using channel = new Channel<string>("news");
    const delivery = new Coro(function* () {
      return yield* channel.deliver("hello", null, 1);
    });
    const full = subscriber(coro, 1);
    full.coro.send("full");
    yield* coro.sleep(1);
    yield* channel.subscribe(full.coro);
    yield* coro.sleep(1);
    assert(delivery.isAlive());
    assertEquals(coro.scheduler.dump().some(({ waitsFor }) => waitsFor?.startsWith("room in the mailboxes")), true);
    full.coro.resume();
    assertEquals([yield* delivery.finish(), kept(full)], [1, ["hello"]]);
    full.coro.terminate();
  }));

Deno.test("it does not hold back others while it waits, and is served before those that came later", () =>
  runVirtual(function* (coro) {
    using channel = new Channel<string>("news");
    const [a, b] = [subscriber(coro, 1), subscriber(coro, 1)];
    for (const { coro } of [a, b]) yield* channel.subscribe(coro);
    channel.send("full");
    const broadcast = delivering(channel, "to both");
    yield* coro.sleep(1);
    const direct = new Coro(function* () {
      return yield* a.coro.deliver("to a");
    });
    yield* coro.sleep(1);
    a.coro.resume();
    yield* coro.sleep(1);
    assertEquals([direct.isAlive(), broadcast.isAlive(), kept(a)], [false, true, ["to a"]]);
    b.coro.resume();
    yield* coro.sleep(1);
    const later = new Coro(function* () {
      return yield* a.coro.deliver("later");
    });
    yield* coro.sleep(1);
    a.coro.resume();
    yield* coro.sleep(1);
    assertEquals([broadcast.isAlive(), kept(a), kept(b), later.isAlive()], [false, ["to both"], ["to both"], true]);
    for (const { coro } of [a, b]) coro.terminate();
  }));

Deno.test("every broadcast reaches all or none, and what is dropped is counted (300 seeds)", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    let state = seed;
    const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 65_536 % n | 0;
    await runVirtualWith(seed % 2 ? { shuffle: seed } : {}, function* (coro) {
      coro.scheduler.onError = () => {};
      using top = new Channel<string>("top");
      using below = new Channel<string>("below");
      yield* top.subscribe(below);
      let over = false;
      const boxes = Array.from({ length: 3 }, (_, index) => {
        const got: string[] = [];
        const box = coro.scheduler.spawnWith({ mailbox: { capacity: 1 + random(2) } }, function* (self): Body {
          while (!over || self.mailbox!.length > 0) {
            const message = yield* self.receive<string>(1);
            if (message !== undefined) got.push(message);
            if (random(2)) yield* self.sleep(random(3));
          }
        });
        return { box, got, channel: index === 0 ? top : below };
      });
      for (const { box, channel } of boxes) yield* channel.subscribe(box);
      const outcomes = new Map<string, number>();
      let sends = 0;
      const senders = Array.from({ length: 3 }, (_, from) =>
        new Coro(function* (self): Body {
          for (let n = 0; n < 8; n++) {
            const way = random(3);
            if (way === 0) {
              sends++;
              top.send(`send ${from} ${n}`);
            } else if (way === 1) {
              yield* boxes[random(3)].box.deliver(`direct ${from} ${n}`, random(3));
            } else {
              outcomes.set(`all ${from} ${n}`, yield* top.deliver(`all ${from} ${n}`, random(4)));
            }
            if (random(2)) yield* self.sleep(random(2));
          }
        }));
      for (let i = 0; i < 10; i++) {
        yield* coro.sleep(1);
        if (random(6) === 0) senders[random(3)].terminate();
      }
      for (const sender of senders) yield* sender.finish();
      over = true;
      for (const { box } of boxes) yield* box.finish();
      const all = boxes.flatMap(({ got }) => got);
      for (const [message, outcome] of outcomes) {
        assertEquals(all.filter((each) => each === message).length, outcome, `seed ${seed}: ${message}`);
        assert(outcome === 0 || outcome === 3, `seed ${seed}: ${message} reached ${outcome}`);
      }
      const sent = all.filter((message) => message.startsWith("send")).length;
      assertEquals(sent + top.statistics().dropped, 3 * sends, `seed ${seed}`);
      for (const { got } of boxes) assertEquals(new Set(got).size, got.length, `seed ${seed}: doubled`);
      assertEquals(top.statistics().waiting, 0);
    });
  }
});
