import { all, call, Coro, current, race, run, withTimeout } from "@asyncoro/asyncoro";
import { runVirtual, runVirtualWith } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { thrownBy } from "../helpers/lab.ts";

// deno-lint-ignore no-explicit-any -- bodies of coroutines that return anything
type Body = Generator<unknown, any, unknown>;

const isEven = (n: number): boolean => n % 2 === 0;
const never = (): boolean => false;

/** Sends messages, then returns everything in the mailbox, in order. */
function* drain(coro: Coro): Generator<unknown, unknown[], unknown> {
  const all = [];
  while (coro.mailbox !== null && coro.mailbox.length > 0) all.push(yield* coro.receive());
  return all;
}

function sendAll(coro: Coro, ...messages: unknown[]): void {
  for (const message of messages) coro.send(message);
}

Deno.test("receive({ where }) takes the earliest that 'where' takes; the others stay, in order", () =>
  runVirtual(function* (coro) {
    sendAll(coro, 1, 2, 3, 4, 5);
    assertEquals(yield* coro.receive({ where: isEven }), 2);
    assertEquals(yield* coro.recv({ where: isEven }), 4);
    assertEquals(yield coro.receive({ where: (n: number) => n > 3 }), 5);
    assertEquals(yield* drain(coro), [1, 3]);
  }));

Deno.test("it waits for one, and is not disturbed by others", () =>
  runVirtual(function* (coro) {
    for (const plain of [false, true]) {
      const receiver = new Coro(function* (self) {
        const wanted = plain
          ? yield self.receive({ where: isEven })
          : yield* self.receive({ where: isEven, timeout: 100 });
        return [wanted, coro.scheduler.now(), yield* drain(self)];
      });
      const start = coro.scheduler.now();
      for (const n of [1, 3, 4, 5]) {
        yield* coro.sleep(1);
        receiver.send(n);
      }
      assertEquals(yield* receiver.finish(), [4, start + 3, [1, 3]]);
    }
  }));

Deno.test("timeout, alarm, and both as ever; a timeout counts from the yield", () =>
  runVirtual(function* (coro) {
    sendAll(coro, 1);
    const now = () => coro.scheduler.now();
    assertEquals([yield* coro.receive({ where: isEven, timeout: 1 }), now()], [undefined, 1]);
    assertEquals([yield* coro.receive({ where: isEven, timeout: { seconds: 1 }, alarm: "late" }), now()], ["late", 2]);
    assertEquals([yield* coro.receive({ where: isEven, timeout: 0, alarm: null }), now()], [null, 2]);
    const ticker = new Coro(function* (self) {
      while (true) {
        yield* self.sleep(0.3);
        coro.send(1);
      }
    });
    // Messages that are not wanted do not prolong it.
    assertEquals([yield* coro.receive({ where: isEven, timeout: 1, alarm: "late" }), now()], ["late", 3]);
    assertEquals([(yield coro.receive({ where: isEven, timeout: 1, alarm: "late" })) as unknown, now()], ["late", 4]);
    ticker.terminate();
    yield* drain(coro);
    assertEquals([yield* coro.receive({ timeout: 1, alarm: "late" }), now()], ["late", 5]);
    assertEquals([yield* coro.receive({ timeout: 1 }, "late"), now()], ["late", 6]);
    sendAll(coro, 7);
    assertEquals(yield* coro.receive({ alarm: "late" }), 7);
  }));

Deno.test("'where' runs in the name and the context of the receiver, in its steps", async () => {
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  await runVirtual(function* (coro) {
    const receiver: Coro = store.run("receiver", () =>
      new Coro(function* (self) {
        return yield* self.receive({
          where: (n: number) => {
            seen.push([n, current() === receiver, store.getStore()]);
            return n === 2;
          },
        });
      }));
    receiver.send(0);
    yield* coro.sleep(1);
    receiver.send(1);
    assertEquals(seen.length, 1);
    yield* coro.sleep(1);
    receiver.send(2);
    assertEquals(yield* receiver.finish(), 2);
  });
  assertEquals(seen, [0, 1, 2].map((n) => [n, true, "receiver"]));
});

Deno.test("'where' is called at most once for each message and receive", () =>
  runVirtual(function* (coro) {
    const calls: unknown[] = [];
    const receiver = new Coro(function* (self) {
      return yield* self.receive({
        where: (n) => {
          calls.push(n);
          return n === "last";
        },
      });
    });
    const messages = ["a", "a", 1, "b", "a", "last"];
    for (const message of messages) {
      receiver.send(message);
      if (message !== 1) yield* coro.sleep(1);
    }
    assertEquals([yield* receiver.finish(), calls], ["last", messages]);
  }));

Deno.test("what 'where' throws is thrown at the yield, and the message stays", () =>
  runVirtual(function* (coro) {
    const failure = new Error("cannot look");
    const where = (n: number): boolean => {
      if (n === 2) throw failure;
      return false;
    };
    for (const plain of [false, true]) {
      for (const late of [false, true]) {
        const receiver = new Coro(function* (self): Body {
          try {
            if (plain) yield self.receive({ where });
            else yield* self.receive({ where, timeout: 9 });
          } catch (error) {
            assertStrictEquals(error, failure);
            yield* self.sleep(1);
            return yield* drain(self);
          }
        });
        for (const n of [1, 2, 3]) {
          if (late) yield* coro.sleep(1);
          receiver.send(n);
        }
        assertEquals(yield* receiver.finish(), [1, 2, 3]);
      }
    }
  }));

Deno.test("a message that was chosen and not handed over returns to its place", () =>
  runVirtual(function* (coro) {
    for (const cut of ["throw", "terminate", "race"]) {
      for (const received of [false, true]) {
        const receiver = new Coro(function* (self): Body {
          try {
            if (!received) yield* self.sleep(1);
            const wait = self.receive({ where: isEven });
            // Both branches are over when the coroutine has its turn.
            if (cut === "race") yield* race(self.sleep(1), all(wait, self.sleep(5)));
            else yield* all(wait, self.sleep(5));
          } catch {
            // Thrown below.
          } finally {
            left = yield* drain(self);
          }
        });
        let left: unknown[] = [];
        for (const n of [1, 2, 3]) receiver.send(n);
        yield* coro.sleep(2);
        receiver.send(4);
        if (cut === "throw") receiver.throw(new Error("stop"));
        else if (cut === "terminate") receiver.terminate();
        yield* receiver.finish();
        assertEquals(left.slice(0, 3), [1, 2, 3], `${cut} ${received}`);
      }
    }
  }));

Deno.test("one that is cut short after it was woken loses nothing, and those behind it are served", () =>
  runVirtual(function* (coro) {
    const receiver = new Coro(function* (self) {
      const got: unknown[] = [];
      const first = call(function* (): Body {
        try {
          yield* withTimeout(1, self.receive({ where: never }));
        } catch {
          got.push("late");
        }
      }());
      const second = call(function* (): Body {
        got.push(yield* self.receive());
      }());
      yield* all(first, second);
      return got;
    });
    yield* coro.sleep(1);
    receiver.send("message");
    assertEquals((yield* receiver.finish()).toSorted(), ["late", "message"]);
  }));

Deno.test("receives in branches are served in order: what one leaves is for the next", () =>
  runVirtual(function* (coro) {
    const receiver = new Coro(function* (self) {
      return yield* all(
        self.receive({ where: (n: number) => n > 2 }),
        self.receive(),
        self.receive({ where: isEven }),
        self.receive(),
      );
    });
    yield* coro.sleep(1);
    for (const n of [1, 2, 5, 7]) receiver.send(n);
    assertEquals(yield* receiver.finish(), [5, 1, 2, 7]);
  }));

Deno.test("what one leaves is there for the next at once, and what the next takes is not missed", () =>
  runVirtual(function* (coro) {
    const calls: unknown[] = [];
    const receiver = new Coro(function* (self) {
      return yield* all(
        self.receive({ where: (m) => (calls.push(m), m === "end") }),
        call(function* (): Body {
          return [yield* self.receive(), coro.scheduler.now(), yield* self.receive(), coro.scheduler.now()];
        }()),
      );
    });
    for (const message of ["a", "b", "end"]) {
      yield* coro.sleep(1);
      receiver.send(message);
    }
    assertEquals(yield* receiver.finish(), ["end", ["a", 1, "b", 2]]);
    assertEquals(calls, ["a", "b", "end"]);
  }));

Deno.test("a message that another branch puts back in front is looked at again, the others are not", () =>
  runVirtual(function* (coro) {
    const calls: unknown[] = [];
    const receiver = new Coro(function* (self): Body {
      const [found] = yield* all(
        self.receive({ where: (m) => (calls.push(m), m === "end") }),
        call(function* (): Body {
          yield* self.sleep(2);
          // It takes "a" and gives it back, as it is too late.
          yield* race(all(self.receive(), self.sleep(9)), self.sleep(1));
        }()),
      );
      return [found, yield* drain(self)];
    });
    yield* coro.sleep(1);
    for (const message of ["a", "b", "c"]) receiver.send(message);
    yield* coro.sleep(3);
    receiver.send("end");
    assertEquals(yield* receiver.finish(), ["end", ["a", "b", "c"]]);
    assertEquals(calls, ["a", "b", "c", "a", "end"]);
  }));

Deno.test("a later receive does not overtake one that has yet to look", () =>
  runVirtual(function* (coro) {
    const receiver = new Coro(function* (self) {
      return yield* all(
        self.receive({ where: isEven }),
        call(function* (): Body {
          yield* self.sleep(1);
          self.send(2);
          self.send(3);
          return yield* self.receive();
        }()),
      );
    });
    assertEquals(yield* receiver.finish(), [2, 3]);
    yield* coro.sleep(0);
  }));

Deno.test("messages that 'where' sends while it looks are looked at, too", () =>
  runVirtual(function* (coro) {
    coro.send(1);
    const got = yield* coro.receive({
      where: (n: number) => {
        if (n < 5) coro.send(n + 1);
        return n === 5;
      },
    });
    assertEquals([got, yield* drain(coro)], [5, [1, 2, 3, 4]]);
  }));

Deno.test("'where' may fill a mailbox that drops its oldest messages", () =>
  runVirtual(function* (coro) {
    const receiver = coro.scheduler.spawnWith(
      { mailbox: { capacity: 2, overflow: "drop-oldest" } },
      function* (self): Body {
        let sent = 0;
        const where = (text: string): boolean => {
          if (sent < 3) self.send(`new ${++sent}`);
          return text === "new 3";
        };
        yield* self.sleep(1);
        return [yield* self.receive({ where, timeout: 1 }), yield* drain(self)];
      },
    );
    sendAll(receiver, "a", "b");
    assertEquals(yield* receiver.finish(), ["new 3", ["new 2"]]);
  }));

Deno.test("a hot swap of a coroutine that receives so keeps its messages", () =>
  runVirtual(function* (coro) {
    const receiver: Coro = new Coro(function* (self) {
      self.hotSwappable(true);
      yield* self.receive({ where: never });
    });
    sendAll(receiver, 1, 2, 3);
    yield* coro.sleep(1);
    receiver.hotSwap(function* (self) {
      return [yield* self.receive({ where: isEven }), yield* drain(self)];
    });
    assertEquals(yield* receiver.finish(), [2, [1, 3]]);
  }));

Deno.test("receive() throws for wrong options at the call", () =>
  runVirtual(function* (coro) {
    const wrong = (options: unknown) => () => coro.receive(options as { timeout: number });
    assertThrows(wrong({ where: 5 }), TypeError, "Cannot receive as 'where' must be a function: current value is 5");
    assertThrows(wrong({ where: null }), TypeError, "'where' must be a function");
    assertThrows(wrong({ where: isEven, time: 5 }), TypeError, "there is no option 'time': use where");
    assertThrows(
      wrong({ where: isEven, seconds: 5 }),
      TypeError,
      "there is no option 'seconds': use where, timeout, signal, alarm",
    );
    assertThrows(wrong({ timeout: NaN }), TypeError);
    assertThrows(wrong({ signal: 5 }), TypeError, "'signal' must be an AbortSignal");
    assertThrows(wrong({}), TypeError);
    const other = new Coro(function* () {});
    assert(thrownBy(() => other.receive({ where: isEven })).message.startsWith("Cannot receive"));
    yield* other.finish();
  }));

Deno.test("a mailbox of many messages is walked once", () =>
  runVirtual(function* (coro) {
    let calls = 0;
    for (let n = 0; n < 10_000; n++) coro.send(n);
    const sender = new Coro(function* () {
      for (let n = 0; n < 100; n++) {
        yield;
        coro.send(-1);
      }
      coro.send(-2);
    });
    assertEquals(yield* coro.receive({ where: (n: number) => (calls++, n === -2) }), -2);
    assertEquals(calls, 10_101);
    yield* sender.finish();
  }));

Deno.test("every message is received once, by one or several branches, under cancellations of every kind (500 seeds)", async () => {
  for (let seed = 1; seed <= 500; seed++) {
    let state = seed;
    const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) / 65_536 % n | 0;
    await runVirtualWith(seed % 2 ? { shuffle: seed } : {}, function* (coro) {
      // Errors of branches that were closed because another had failed.
      coro.scheduler.onError = () => {};
      const got: number[] = [];
      let sent = 0;
      let over = false;
      const take = function* (self: Coro): Body {
        const parity = random(2);
        const where = (n: number): boolean => n % 2 === parity;
        switch (random(5)) {
          case 0:
            return yield* self.receive<number>(random(2));
          case 1:
            return yield self.receive({ where, timeout: random(3) });
          case 2:
            return yield* race(self.receive({ where }), self.sleep(random(2)));
          case 3:
            return yield* withTimeout(1, self.receive({ where }));
          default:
            return yield* self.receive({ where, timeout: random(3) });
        }
      };
      const receiver = new Coro(function* (self): Body {
        while (!over || self.mailbox!.length > 0) {
          try {
            const branches = 1 + random(3);
            if (branches === 1) got.push(...[yield* take(self)].filter((n) => n !== undefined));
            else {
              yield* all(Array.from({ length: branches }, () =>
                call(function* (): Body {
                  const n = yield* take(self);
                  if (n !== undefined) got.push(n);
                }())));
            }
          } catch {
            // A timeout, or thrown below.
          }
        }
      });
      yield;
      yield;
      for (let i = 0; i < 30; i++) {
        for (let n = random(4); n > 0; n--) receiver.send(sent++);
        if (random(2)) yield* coro.sleep(random(2));
        if (random(2)) yield;
        if (random(3) === 0) receiver.throw(new Error("stop"));
      }
      over = true;
      receiver.throw(new Error("stop"));
      yield* receiver.finish();
      assertEquals(got.toSorted((a, b) => a - b), Array.from({ length: sent }, (_, n) => n), `seed ${seed}`);
    });
  }
});

Deno.test("it works in real time", async () => {
  assertEquals(
    await run(function* (coro) {
      sendAll(coro, 1, 2);
      return yield* coro.receive({ where: isEven, timeout: 5 });
    }),
    2,
  );
});
