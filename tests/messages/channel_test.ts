import { ChannelClosedError, Coro, race, Scheduler } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Channel } from "../../core/messages/channel.ts";
import { inLab, settle, thrownBy } from "../helpers/lab.ts";
import { listener } from "../helpers/listener.ts";

Deno.test("send() reaches all subscribers, subscribed once or twice, in order", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel("news");
    assertEquals([channel.name, channel.send("without subscribers")], ["news", true]);
    const [a, b] = [listener("a", channel), listener("b", channel, channel)];
    yield* coro.sleep(1);
    for (const message of [1, null, undefined, "x"]) assert(channel.send(message));
    yield* coro.sleep(1);
    assertEquals([a.got, b.got], [[1, null, undefined, "x"], [1, null, undefined, "x"]]);
    assertEquals(channel.statistics(), { subscribers: 2, channels: 0, waiting: 0 });
    assertEquals([yield* channel.unsubscribe(a.coro), yield* channel.unsubscribe(a.coro)], [true, false]);
    channel.send("y");
    yield* coro.sleep(1);
    assertEquals([a.got.length, b.got.length], [4, 5]);
  });
});

Deno.test("a transform changes or drops messages, and can be replaced", async () => {
  await runVirtual(function* (coro) {
    const calls: unknown[] = [];
    using channel = new Channel<number>("sums", (name, message) => {
      calls.push([name, message]);
      return message < 0 ? null : message === 0 ? undefined : message + 1;
    });
    yield* channel.subscribe(coro);
    assertEquals([channel.send(1), channel.send(-1), channel.send(0)], [true, false, false]);
    assertEquals([yield* channel.deliver(5), yield* channel.deliver(-5)], [1, 0]);
    assertEquals(calls, [["sums", 1], ["sums", -1], ["sums", 0], ["sums", 5], ["sums", -5]]);
    channel.setTransform((_name, message) => message * 2);
    channel.send(1);
    channel.setTransform(null);
    channel.send(-7);
    const got = [];
    for (let i = 0; i < 4; i++) got.push(yield* coro.receive(0));
    assertEquals(got, [2, 6, 2, -7]);
  });
});

Deno.test("a transform that throws drops the message and is reported to the sender's scheduler", async () => {
  await inLab(async (lab) => {
    using channel = new Channel<unknown>("sick", () => {
      throw new Error("cannot transform");
    });
    await lab.scheduler.spawn(function* (coro) {
      yield* channel.subscribe(coro);
      assertEquals([channel.send(1), yield* channel.deliver(1)], [false, 0]);
      assertEquals(yield* coro.receive(0, "none"), "none");
    }).value();
    assertEquals(lab.takeReported(), ["cannot transform", "cannot transform"]);
  });
});

Deno.test("a transform that throws outside coroutines is reported on stderr", () => {
  using channel = new Channel<unknown>("sick", () => {
    throw new Error("cannot transform");
  });
  const lines: unknown[][] = [];
  const print = console.error;
  console.error = (...line: unknown[]) => lines.push(line);
  try {
    assertEquals(channel.send(1), false);
  } finally {
    console.error = print;
  }
  assertEquals(lines.length, 1);
  assertEquals(lines[0][0], "Uncaught error in the transform of channel 'sick':");
});

Deno.test("deliver() waits for n subscribers, a channel counts as one, and returns how many got the message", async () => {
  await inLab(async (lab) => {
    using channel = new Channel<unknown>("meeting");
    using below = new Channel<unknown>("meeting below");
    await lab.scheduler.spawn(function* (coro) {
      const [x, y] = [listener("x", below), listener("y", below)];
      for (const n of [1, 2, 3, 4]) {
        new Coro(function* () {
          lab.at(`${n}: ${yield* channel.deliver(n, n === 4 ? 9 : 5, n)}`);
        });
      }
      yield* coro.sleep(1);
      assertEquals(channel.statistics().waiting, 4);
      assertEquals(coro.scheduler.dump().at(-1)!.waitsFor, "4 subscribers of channel 'meeting'");
      yield* channel.subscribe(below);
      yield* coro.sleep(1);
      const z = listener("z", channel);
      yield* coro.sleep(1);
      yield* channel.subscribe(z.coro);
      yield* coro.sleep(7);
      assertEquals(channel.statistics().waiting, 0);
      assertEquals([x.got, y.got, z.got], [[1, 2], [1, 2], [2]]);
    }).value();
    assertEquals(lab.takeLog(), ["1 1: 2", "2 2: 3", "5 3: 0", "9 4: 0"]);
  });
});

Deno.test("deliver() with zero or less does not wait, and with n = 0 never does", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel("empty");
    assertEquals([yield* channel.deliver(1), yield* channel.deliver(1, 0, 1), yield* channel.deliver(1, -1, 2)], [
      0,
      0,
      0,
    ]);
    yield* channel.subscribe(coro);
    assertEquals([yield* channel.deliver(1, 0, 1), yield* channel.deliver(1, 0, 2)], [1, 0]);
    assertEquals([yield* coro.receive(0), yield* coro.receive(0, "end")], [1, "end"]);
  });
});

Deno.test("a deliver() that is cancelled while it waits sends nothing", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel("late");
    assertEquals(yield* race(channel.deliver("raced", null, 1), coro.sleep(1, "slept")), "slept");
    const waiting = new Coro(function* () {
      yield* channel.deliver("terminated", null, 1);
    });
    yield* coro.sleep(1);
    waiting.terminate();
    yield* coro.sleep(1);
    yield* channel.subscribe(coro);
    assertEquals([channel.statistics().waiting, yield* coro.receive(0, "none")], [0, "none"]);
  });
});

Deno.test("a deliver() that is cancelled in the turn of its outcome has sent once", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel("turn");
    const sender = new Coro(function* (self) {
      try {
        return yield* channel.deliver("sent", null, 1);
      } catch {
        return yield* self.sleep(1, "cancelled");
      }
    });
    yield;
    yield* channel.subscribe(coro);
    sender.throw(new Error("stop"));
    assertEquals([yield* sender.finish(), channel.statistics().waiting], ["cancelled", 0]);
    assertEquals([yield* coro.receive(0), yield* coro.receive(0, "end")], ["sent", "end"]);
  });
});

Deno.test("subscribers that end are removed and do not count", async () => {
  await inLab(async (lab) => {
    using channel = new Channel<unknown>("doors");
    await lab.scheduler.spawn(function* (coro) {
      for (let i = 0; i < 1000; i++) {
        const visitor = new Coro(function* (self) {
          yield* channel.subscribe(self);
          if (i % 3 === 0) throw new Error("fell");
          if (i % 3 === 1) yield* self.receive();
        });
        yield;
        visitor.terminate();
        yield;
      }
      yield* coro.sleep(1);
      assertEquals(channel.statistics().subscribers, 0);
      assertEquals(yield* channel.deliver("anybody", 1, 1), 0);
      const ended = new Coro(function* () {});
      yield* ended.finish();
      assertEquals([yield* channel.subscribe(ended), channel.statistics().subscribers], [false, 0]);
    }).value();
    assertEquals(new Set(lab.takeReported()), new Set(["fell"]));
  });
});

Deno.test("a subscriber that failed stays as long as a monitor may restart it", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel<unknown>("patient");
    const worker = new Coro(function* worker(self): Generator<unknown, unknown, unknown> {
      yield* channel.subscribe(self);
      throw new Error("boom");
    });
    yield* coro.monitor(worker);
    yield* coro.receive();
    assertEquals(yield* channel.deliver("while it was down", 0, 1), 1);
    assert(worker.hotSwap(function* (self) {
      return [yield* self.receive(), yield* self.receive()];
    }));
    channel.send("after");
    assertEquals(yield* worker.finish(), ["while it was down", "after"]);
    assertEquals(channel.statistics().subscribers, 0);
  });
});

Deno.test("a subscriber that failed is removed when its last monitor has ended", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel<unknown>("orphan");
    const worker = new Coro(function* worker(self) {
      yield* channel.subscribe(self);
      yield* self.sleep(1);
      throw new Error("boom");
    });
    const monitor = new Coro(function* (self) {
      yield* self.sleep(5);
    });
    worker.notify(monitor);
    yield* coro.sleep(2);
    worker.send("kept for now");
    assertEquals([channel.statistics().subscribers, worker.mailbox!.length], [1, 1]);
    yield* monitor.finish();
    assertEquals([channel.statistics().subscribers, worker.mailbox, worker.send(1)], [0, null, false]);
  });
});

Deno.test("subscribing and unsubscribing take effect for later messages", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel<unknown>("snapshot");
    const early = listener("early", channel);
    yield;
    yield;
    channel.send(1);
    const late = listener("late", channel);
    yield;
    yield* channel.unsubscribe(early.coro);
    channel.send(2);
    yield* coro.sleep(1);
    assertEquals([early.got, late.got], [[1], [2]]);
  });
});

Deno.test("a transform may send, close and set the transform without effect on the broadcast", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      using other = new Channel<string>("other");
      using channel: Channel<string> = new Channel<string>("busy", (_name, message) => {
        if (message === "forward") other.send("forwarded");
        if (message === "close") channel.close();
        if (message === "again") channel.send("once more");
        return message;
      });
      yield* channel.subscribe(coro);
      yield* other.subscribe(coro);
      assert(channel.send("forward"));
      assertEquals([yield* coro.receive(0), yield* coro.receive(0)], ["forwarded", "forward"]);
      assert(channel.send("again"));
      assertEquals([yield* coro.receive(0), yield* coro.receive(0)], ["once more", "again"]);
      assertEquals(yield* channel.deliver("close"), 0);
      assertEquals(channel.statistics().subscribers, 0);
    }).value();
  });
});

Deno.test("close() removes all subscribers and the name, and fails the waits", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const channel = new Channel<unknown>("closing");
      using above = new Channel<unknown>("closing above");
      using below = new Channel<unknown>("closing below");
      yield* above.subscribe(channel);
      yield* channel.subscribe(below);
      yield* channel.subscribe(coro);
      const waiting = new Coro(function* () {
        yield* channel.deliver("x", 9, 5);
      });
      const subscribe = channel.subscribe(coro);
      const deliver = channel.deliver(1);
      yield;
      yield;
      channel.close();
      channel.close();
      assertEquals([above.statistics().channels, channel.statistics()], [0, {
        subscribers: 0,
        channels: 0,
        waiting: 0,
      }]);
      let error: unknown;
      try {
        yield* waiting.finish();
      } catch (failure) {
        error = failure;
      }
      assert(error instanceof ChannelClosedError);
      assertEquals((error as Error).message, "Cannot deliver as channel 'closing' is closed: open a new one");
      for (const operation of [subscribe, deliver]) {
        let late: unknown;
        try {
          yield operation;
        } catch (failure) {
          late = failure;
        }
        assert(late instanceof ChannelClosedError);
      }
      for (
        const use of [
          () => channel.send(1),
          () => channel.deliver(1),
          () => channel.subscribe(coro),
          () => channel.unsubscribe(coro),
          () => channel.setTransform(null),
        ]
      ) assert(thrownBy(use) instanceof ChannelClosedError);
      error = undefined;
      try {
        yield* above.subscribe(channel);
      } catch (failure) {
        error = failure;
      }
      assert(error instanceof ChannelClosedError);
      new Channel("closing").close();
    }).value();
  });
});

Deno.test("a name is unique among open channels, and Channel.locate() finds them", async () => {
  await runVirtual(function* (coro) {
    using channel = new Channel<unknown>("unique");
    assertThrows(
      () => new Channel("unique"),
      Error,
      'Cannot open a channel as another one of that name is open: current value is "unique"',
    );
    assertEquals(yield* Channel.locate("unique"), channel);
    channel.close();
    assertEquals(yield* Channel.locate("unique", 0), null);
    const waiting = new Coro(function* () {
      const found = yield* Channel.locate<string>("unique", 5);
      return found?.name;
    });
    yield* coro.sleep(1);
    using again = new Channel("unique");
    assertEquals(yield* waiting.finish(), again.name);
    // A failed attempt to take a name does not affect the channel that has it.
    assertEquals(yield* Channel.locate("unique", 0), again as Channel<unknown>);
  });
});

Deno.test("Channel throws for wrong arguments, at the call", async () => {
  await runVirtual(function* (coro) {
    for (const name of ["", null, 7] as string[]) {
      assertThrows(
        () => new Channel(name),
        TypeError,
        "Cannot open a channel as 'name' must be a string that is not empty",
      );
    }
    assertThrows(
      () => new Channel("bad", 7 as never),
      TypeError,
      "as 'transform' must be a function: current value is 7",
    );
    using channel = new Channel("bad");
    assertThrows(() => channel.setTransform("x" as never), TypeError, "as 'transform' must be a function");
    for (const n of [-1, 1.5, NaN, Infinity, "2", null] as number[]) {
      assertThrows(() => channel.deliver(1, 1, n), RangeError, "Cannot deliver as 'n' must be an integer of 0 or more");
    }
    assertThrows(() => channel.deliver(1, NaN), TypeError, "Cannot deliver as 'timeout'");
    for (const subscriber of [null, {}, function* () {}, "coro"] as unknown as Coro[]) {
      const problem = "as 'subscriber' must be a coroutine or a channel";
      assertThrows(() => channel.subscribe(subscriber), TypeError, `Cannot subscribe ${problem}`);
      assertThrows(() => channel.unsubscribe(subscriber), TypeError, `Cannot unsubscribe ${problem}`);
    }
    assertThrows(() => channel.subscribe(coro, NaN), TypeError, "Cannot subscribe as 'timeout'");
    assertThrows(() => channel.unsubscribe(coro, "1" as never), TypeError, "Cannot unsubscribe as 'timeout'");
    assertThrows(() => Channel.locate("", 1), TypeError, "Cannot locate a channel");
    assertEquals(channel.statistics(), { subscribers: 0, channels: 0, waiting: 0 });
    yield;
  });
});

Deno.test("deliver() outside a coroutine is an error, send() is not", async () => {
  using channel = new Channel("outside");
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const receiver = scheduler.spawn(function* (coro) {
    yield* channel.subscribe(coro);
    return yield* coro.receive();
  });
  await settle();
  assertThrows(
    () => channel.deliver(1)[Symbol.iterator]().next(),
    TypeError,
    "Cannot begin 'deliver' outside a coroutine",
  );
  assert(channel.send("from outside"));
  assertEquals(await receiver.value(), "from outside");
  await scheduler.terminate();
});
