import {
  CategorizeMessages,
  Coro,
  MonitorException,
  NoReplyError,
  type Operation,
  QueueFullError,
  race,
  Scheduler,
  type SpawnOptions,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual, runVirtualWith, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { Overflow } from "../../core/base/overflow.ts";
import { thrownBy } from "../helpers/lab.ts";

// deno-lint-ignore no-explicit-any -- bodies of coroutines that return anything
type Body = Generator<unknown, any, unknown>;

/** A coroutine with a bounded mailbox that receives a message every `pause` seconds, and what it got. */
function slow(coro: Coro, capacity: number, overflow?: Overflow, pause = Infinity): { coro: Coro; got: unknown[] } {
  const got: unknown[] = [];
  const receiver = coro.scheduler.spawnWith({ name: "slow", mailbox: { capacity, overflow } }, function* (self) {
    while (true) {
      yield* self.sleep(pause);
      got.push(yield* self.receive());
    }
  });
  return { coro: receiver, got };
}

/** Takes what is in the mailbox of a coroutine that is suspended. */
function kept(coro: Coro): unknown[] {
  return [...coro.mailbox ?? []];
}

/** The outcome of an operation: its value, or the name of its error. */
function* outcome(operation: Operation<unknown>): Generator<unknown, unknown, unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return (error as Error).name;
  }
}

Deno.test('"wait" is the default: send() to a full mailbox is false, and deliver() waits for room', () =>
  runVirtual(function* (coro) {
    const { coro: to, got } = slow(coro, 2, undefined, 1);
    assertEquals([to.send("a"), to.send("b"), to.send("c")], [true, true, false]);
    assertEquals([yield* to.deliver("c"), coro.scheduler.now()], [1, 1]);
    assertEquals([kept(to), got, to.send("d")], [["b", "c"], ["a"], false]);
    to.terminate();
  }));

Deno.test("those who wait for room are served in order, and nobody overtakes them", () =>
  runVirtual(function* (coro) {
    const { coro: to, got } = slow(coro, 1, "wait", 1);
    const order: unknown[] = [];
    to.send(0);
    for (const n of [1, 2, 3]) {
      new Coro(function* () {
        order.push([n, yield* to.deliver(n), coro.scheduler.now()]);
      });
    }
    yield* coro.sleep(1.5);
    assertEquals([to.send("pushy"), yield* to.deliver("pushy", 0)], [false, 0]);
    yield* coro.sleep(3);
    assertEquals(order, [[1, 1, 1], [2, 1, 2], [3, 1, 3]]);
    yield* coro.sleep(1);
    assertEquals(got, [0, 1, 2, 3]);
    to.terminate();
  }));

Deno.test("deliver() is 0 when it is late, and then has sent nothing", () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 1);
    assertEquals(yield* to.deliver("a", 1), 1);
    assertEquals([yield* to.deliver("b", 1), coro.scheduler.now()], [0, 1]);
    assertEquals(yield* to.deliver("b", 0), 0);
    assertEquals(yield* outcome(withTimeout(1, to.deliver("b"))), "TimeoutError");
    assertEquals(kept(to), ["a"]);
    to.terminate();
  }));

Deno.test("deliver() is -1 when the recipient ends meanwhile, however it ends, or has ended", () =>
  runVirtual(function* (coro) {
    const ends: ((to: Coro) => void)[] = [(to) => to.terminate(), (to) => to.resume(), (to) => to.throw(new Error())];
    for (const end of ends) {
      const to = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (to) {
        yield* to.sleep();
      });
      to.value().catch(() => {});
      to.send("a");
      const waiting = new Coro(function* () {
        return yield* to.deliver("b");
      });
      yield* coro.sleep(1);
      end(to);
      assertEquals(yield* waiting.finish(), -1);
      assertEquals([yield* to.deliver("c"), to.send("d")], [-1, false]);
    }
  }));

Deno.test('"drop-oldest" drops the earliest message: send() is true and deliver() 1', () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 2, "drop-oldest");
    assertEquals([to.send(1), to.send(2), to.send(3)], [true, true, true]);
    assertEquals([yield* to.deliver(4), kept(to)], [1, [3, 4]]);
    to.terminate();
  }));

Deno.test('"drop-newest" drops the message: send() is false and deliver() 0, at once', () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 2, "drop-newest");
    assertEquals([to.send(1), to.send(2), to.send(3)], [true, true, false]);
    assertEquals([yield* to.deliver(4), kept(to), coro.scheduler.now()], [0, [1, 2], 0]);
    to.terminate();
  }));

Deno.test('"throw": send() throws QueueFullError, and deliver() does at the yield', () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 1, "throw");
    assertEquals(yield* to.deliver(1), 1);
    const error = thrownBy(() => to.send(2));
    assertInstanceOf(error, QueueFullError);
    assertEquals(
      error.message.startsWith("Cannot send as the mailbox is full: current value of 'capacity' is 1"),
      true,
    );
    const delivery = to.deliver(3);
    assertEquals([yield* outcome(delivery), kept(to)], ["QueueFullError", [1]]);
    to.terminate();
  }));

Deno.test("a receive that waits gets a message whatever the policy", () =>
  runVirtual(function* (coro) {
    for (const overflow of ["wait", "drop-oldest", "drop-newest", "throw"] as const) {
      const to = coro.scheduler.spawnWith({ mailbox: { capacity: 1, overflow } }, function* (to) {
        return [yield* to.receive(), yield* to.receive(), yield* to.receive()];
      });
      yield* coro.sleep(1);
      assertEquals([to.send(1), to.send(2)], [true, true]);
      yield* coro.sleep(1);
      assertEquals(yield* to.deliver(3), 1);
      assertEquals(yield* to.finish(), [1, 2, 3]);
    }
  }));

Deno.test("MonitorException ignores the capacity, and is not dropped for other messages", () =>
  runVirtual(function* (coro) {
    for (const overflow of ["wait", "drop-oldest", "drop-newest", "throw"] as const) {
      const { coro: to } = slow(coro, 1, overflow);
      to.send("first");
      const child = new Coro(function* () {});
      assert(child.notify(to));
      yield* child.finish();
      assertEquals(kept(to).length, 2);
      assertInstanceOf(kept(to)[1], MonitorException);
      if (overflow === "drop-oldest") {
        to.send("second");
        const [exit, second] = kept(to);
        assertInstanceOf(exit, MonitorException);
        assertEquals([second, kept(to).length], ["second", 2]);
        assertEquals([to.send(new MonitorException(child, { kind: "terminate" })), kept(to).length], [true, 3]);
      }
      to.terminate();
    }
  }));

Deno.test('"drop-oldest" never refuses a message, even if it holds nothing that may be dropped', () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 1, "drop-oldest");
    to.send(new MonitorException(coro, { kind: "terminate" }));
    assertEquals([to.send("first"), yield* to.deliver("second")], [true, 1]);
    assertEquals([kept(to).length, kept(to)[1]], [2, "second"]);
    to.terminate();
  }));

Deno.test("a message that is put back ignores the capacity, and stands at the head", () =>
  runVirtual(function* (coro) {
    const to = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (to) {
      try {
        yield* to.receive();
      } catch {
        // It had been given "a".
      }
      yield* to.sleep(1);
      return [yield* to.receive(), yield* to.receive(0), yield* to.receive(0)];
    });
    yield* coro.sleep(1);
    assertEquals([to.send("a"), to.send("b")], [true, true]);
    to.throw(new Error("cut short"));
    const late = new Coro(function* () {
      return yield* to.deliver("c");
    });
    yield* coro.sleep(0.5);
    assertEquals([kept(to), to.send("d")], [["a", "b"], false]);
    // "c" has no room when "a" is received, but when "b" is.
    assertEquals([yield* to.finish(), yield* late.finish()], [["a", "b", "c"], 1]);
  }));

Deno.test("a deliver() that is cut short while it waits leaves nothing behind", () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 1);
    to.send("a");
    const cut: ((waiting: Coro) => void)[] = [(c) => c.terminate(), (c) => c.throw(new Error("stop"))];
    for (const end of cut) {
      const waiting = new Coro(function* () {
        try {
          yield* to.deliver("b");
        } catch {
          // Thrown below.
        }
      });
      yield* coro.sleep(1);
      end(waiting);
      yield* waiting.finish();
    }
    yield* race(to.deliver("b"), coro.sleep(1));
    assertEquals(to.mailbox!.endListeners, null);
    assertEquals((to.mailbox as unknown as { waiting: { length: number } }).waiting.length, 0);
    assertEquals(kept(to), ["a"]);
    to.terminate();
  }));

Deno.test("a deliver() that is cut short after it was granted counts as done", () =>
  runVirtual(function* (coro) {
    const to = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (to) {
      yield* to.sleep();
      const first = yield* to.receive();
      sender.throw(new Error("too late"));
      yield* to.sleep(1);
      return [first, yield* to.receive(0)];
    });
    to.send("a");
    const sender: Coro = new Coro(function* () {
      try {
        return yield* to.deliver("b");
      } catch (error) {
        return (error as Error).message;
      }
    });
    yield* coro.sleep(1);
    to.resume();
    assertEquals([yield* to.finish(), yield* sender.finish()], [["a", "b"], "too late"]);
  }));

Deno.test("a hot swap and a restart keep the mailbox and its capacity", () =>
  runVirtual(function* (coro) {
    const to = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* () {
      throw new Error("failed");
    });
    yield* coro.monitor(to);
    yield* coro.receive();
    assertEquals([to.send("kept"), to.send("refused")], [true, false]);
    const waiting = new Coro(function* () {
      return yield* to.deliver("later");
    });
    yield* coro.sleep(1);
    to.hotSwap(function* (to) {
      return [yield* to.receive(), yield* to.receive(), to.send(1), to.send(2)];
    });
    assertEquals([yield* to.finish(), yield* waiting.finish()], [["kept", "later", true, false], 1]);
  }));

Deno.test("messages that were categorized or left by 'where' count", () =>
  runVirtual(function* (coro) {
    const to = coro.scheduler.spawnWith({ mailbox: { capacity: 2 } }, function* (to) {
      const late = yield* to.receive({ where: (m: string) => m === "c", timeout: 1, alarm: "late" });
      return [late, yield* to.receive({ where: (m: string) => m === "b" }), yield* to.receive(), yield* to.receive()];
    });
    assertEquals([to.send("a"), to.send("b"), to.send("c")], [true, true, false]);
    // It can be received only when there is room for it.
    assertEquals(yield* to.deliver("c", 0.5), 0);
    assertEquals([yield* to.deliver("d"), coro.scheduler.now()], [1, 1]);
    assertEquals(yield* to.finish(), ["late", "b", "a", "d"]);
  }));

Deno.test("a message that is received from its category makes room", () =>
  runVirtual(function* (coro) {
    const to = coro.scheduler.spawnWith({ mailbox: { capacity: 2 } }, function* (to): Body {
      const messages = new CategorizeMessages(to);
      messages.add((message: string) => message < "c" ? "early" : "late");
      const first = yield* messages.receive("late", 1, "none");
      const got = [];
      for (let n = 0; n < 2; n++) {
        yield* to.sleep(1);
        got.push(yield* messages.receive("early"));
      }
      return [first, got, yield* messages.receive("late"), yield* messages.receive("late")];
    });
    for (const message of ["a", "b"]) assert(to.send(message));
    assertEquals([yield* to.deliver("c"), coro.scheduler.now()], [1, 2]);
    assertEquals([yield* to.deliver("d"), coro.scheduler.now()], [1, 3]);
    assertEquals(yield* to.finish(), ["none", ["a", "b"], "c", "d"]);
  }));

Deno.test("drop-oldest drops categorized messages first, which are older", () =>
  runVirtual(function* (coro) {
    const mailbox = { capacity: 3, overflow: "drop-oldest" } as const;
    const to = coro.scheduler.spawnWith({ mailbox }, function* (to): Body {
      const messages = new CategorizeMessages(to);
      messages.add((message: number) => message % 2 === 0 ? "even" : "odd");
      yield* messages.receive("neither", 1);
      yield* to.sleep(1);
      return [yield* messages.receive("odd", 0), yield* messages.receive("even", 0), yield* messages.receive("odd", 0)];
    });
    for (const message of [1, 2, 3]) to.send(message);
    yield* coro.sleep(1.5);
    for (const message of [4, 5]) assert(to.send(message));
    assertEquals(yield* to.finish(), [3, 4, 5]);
  }));

Deno.test("an Infinity of room is no bound", () =>
  runVirtual(function* (coro) {
    const { coro: to } = slow(coro, Infinity, "throw");
    for (let n = 0; n < 1000; n++) assert(to.send(n));
    assertEquals(kept(to).length, 1000);
    to.terminate();
  }));

Deno.test("spawnWith() throws for a wrong mailbox, and creates nothing", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const wrong = (mailbox: unknown) => () => scheduler.spawnWith({ mailbox } as SpawnOptions, function* () {});
  for (const capacity of [0, -1, 1.5, NaN, "5", null, undefined]) {
    assertThrows(wrong({ capacity }), RangeError, "'capacity' must be a positive integer or Infinity");
  }
  assertThrows(wrong({ capacity: 1, overflow: "drop" }), TypeError, "'overflow' must be one of wait, drop-oldest");
  assertThrows(wrong({ capacity: 1, overflow: null }), TypeError, "'overflow' must be one of");
  assertThrows(wrong({ capacity: 1, overfow: "wait" }), TypeError, "there is no option 'overfow'");
  for (const mailbox of [null, 5, "wait"]) assertThrows(wrong(mailbox), TypeError, "'mailbox' must be an object");
  assertEquals(scheduler.stats().spawned, 0);
  await scheduler.terminate();
});

Deno.test("coroutines that deliver to each other's full mailboxes for ever are a deadlock", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  // Keeps rule (c) away: a timer is pending.
  scheduler.spawnWith({ daemon: true }, function* (coro) {
    yield* coro.sleep(1000);
  });
  const both: Coro[] = [];
  for (const other of [1, 0]) {
    both.push(scheduler.spawnWith({ name: `c${1 - other}`, mailbox: { capacity: 1 } }, function* () {
      for (let n = 0; n < 3; n++) yield* both[other].deliver(n);
    }));
  }
  const error = await scheduler.join().catch((error) => error);
  assertEquals([error.name, scheduler.now()], ["DeadlockError", 0]);
  assertEquals(error.message.includes("c0/2 waits for room in the mailbox of c1/3"), true);
  await scheduler.terminate();
});

Deno.test("a deliver() with a limit, or to one that may still receive, is no deadlock", async () => {
  await runVirtual(function* (coro) {
    const { coro: to } = slow(coro, 1, "wait", 1000);
    to.send(0);
    const unlimited = new Coro(function* () {
      return yield* to.deliver(1);
    });
    const sleeping = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (self) {
      self.send(0);
      return yield* self.deliver(1, 10);
    });
    assertEquals([yield* sleeping.finish(), yield* unlimited.finish(), coro.scheduler.now()], [0, 1, 1000]);
    to.terminate();
  });
});

/** A small generator of pseudo-random numbers. */
function randomFrom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 65_536 % n | 0;
}

interface Sent {
  readonly from: number;
  readonly n: number;
}

Deno.test("no message is lost or doubled and order is kept, under cancellations of every kind (400 seeds)", async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = randomFrom(seed);
    const overflow = (["wait", "wait", "drop-newest", "throw"] as const)[random(4)];
    const capacity = 1 + random(3);
    await runVirtualWith(seed % 2 ? { shuffle: seed } : {}, function* (coro) {
      const got: Sent[] = [];
      const taken: Sent[] = [];
      let maximum = 0;
      const to = coro.scheduler.spawnWith({ mailbox: { capacity, overflow } }, function* (to): Body {
        while (!(done && kept(to).length === 0)) {
          try {
            if (random(3) === 0) yield* to.sleep(random(3));
            maximum = Math.max(maximum, kept(to).length);
            const kind = random(4);
            const message = kind === 0
              ? yield* to.receive<Sent>(random(3))
              : kind === 1
              ? yield* race(to.receive<Sent>(), to.sleep<undefined>(1))
              : kind === 2
              ? yield* to.receive({ where: (sent: Sent) => (sent.n + sent.from) % 2 === 0, timeout: random(3) })
              : (yield to.receive(random(2))) as Sent | undefined;
            if (message !== undefined) got.push(message);
          } catch {
            // Thrown below.
          }
        }
      });
      let done = false;
      const senders = Array.from({ length: 4 }, (_, from) =>
        new Coro(function* (self) {
          for (let n = 0; n < 10; n++) {
            const message = { from, n };
            try {
              if (random(3) === 0) yield* self.sleep(random(2));
              // Noted first: one that is cut short after it was granted is done.
              const sent = random(3) === 0 ? (to.send(message) ? 1 : 0) : yield* to.deliver(message, random(4));
              if (sent === 1) taken.push(message);
              else if (kept(to).includes(message) || got.includes(message)) throw new Error("it was sent all the same");
            } catch (error) {
              if (error instanceof QueueFullError) continue;
              if ((error as Error).message !== "interrupt") throw error;
              if (kept(to).includes(message) || got.includes(message)) taken.push(message);
            }
          }
        }));
      // An error that comes before the first line, or after the last wait.
      coro.scheduler.onError = () => {};
      // None of them fails at its first line.
      yield;
      yield;
      for (let i = 0; i < 20; i++) {
        yield* coro.sleep(random(2));
        const victim = [to, ...senders][random(5)];
        if (random(2)) victim.throw(new Error("interrupt"));
        else if (victim !== to && random(8) === 0) victim.terminate();
      }
      for (const sender of senders) {
        try {
          yield* sender.finish();
        } catch (error) {
          assertEquals((error as Error).message, "interrupt");
        }
      }
      done = true;
      yield* to.finish();
      const text = ({ from, n }: Sent) => `${from}:${n}`;
      assertEquals(new Set(got.map(text)).size, got.length, `seed ${seed}: doubled`);
      const lost = taken.filter((message) => !got.includes(message));
      assertEquals(lost.map(text), [], `seed ${seed}: lost`);
      // One put back, at most, for each branch.
      assert(maximum <= capacity + 2, `seed ${seed}: ${maximum} of ${capacity}`);
      for (let from = 0; from < 4; from++) {
        for (const parity of [0, 1]) {
          const order = got.filter((sent) => sent.from === from && (sent.n + from) % 2 === parity).map(({ n }) => n);
          assertEquals(order, order.toSorted((a, b) => a - b), `seed ${seed}: order of ${from}`);
        }
      }
    });
  }
});

Deno.test("an ask that is dropped fails at once with NoReplyError", () =>
  runVirtual(function* (coro) {
    const { coro: newest } = slow(coro, 1, "drop-newest");
    newest.send("full");
    assertEquals([yield* outcome(newest.ask("?")), coro.scheduler.now()], ["NoReplyError", 0]);
    const { coro: oldest } = slow(coro, 1, "drop-oldest");
    const asker = new Coro(function* () {
      try {
        yield* oldest.ask("?");
      } catch (error) {
        assertInstanceOf(error, NoReplyError);
        return [(error as NoReplyError).coro === oldest, coro.scheduler.now()];
      }
    });
    yield* coro.sleep(1);
    oldest.send("another");
    assertEquals(yield* asker.finish(), [true, 1]);
    const { coro: strict } = slow(coro, 1, "throw");
    strict.send("full");
    assertEquals(yield* outcome(strict.ask("?")), "QueueFullError");
    for (const each of [newest, oldest, strict]) each.terminate();
  }));
