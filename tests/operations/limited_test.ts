/**
 * Limits with signals: every kind of wait, ended in every way. A signal that is aborted throws its reason at the yield,
 * nothing is lost, and no listener stays on the signal.
 */
import {
  all,
  BoundedSemaphore,
  call,
  CategorizeMessages,
  Channel,
  Condition,
  Coro,
  Event,
  type Limit,
  Lock,
  Operation,
  Queue,
  race,
  RLock,
  Semaphore,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { limited } from "../../core/operations/limited.ts";
import { CountedSignal, ForeignSignal } from "../helpers/counted_signal.ts";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

type Body = Generator<unknown, unknown, unknown>;

/** One wait: how a coroutine begins it, and how it is granted what it waits for. */
interface Wait {
  begin(coro: Coro, limit: Limit): Operation<unknown>;
  /** Grants it, from outside. */
  grant(coro: Coro): void;
  /** Its value when it is granted. */
  readonly value: unknown;
  /** Its value after a timeout; `TimeoutError` if it throws that. */
  readonly late: unknown;
  /** Before the wait, as the coroutine that waits. */
  prepare?(coro: Coro): Body;
  /** After the wait, as the coroutine that waits. */
  release?(granted: boolean): void;
  /** Whether it always has to wait, even for what is granted before. */
  readonly never?: boolean;
}

let names = 0;

/** The kinds of wait, each new for one test. */
const KINDS: Readonly<Record<string, (lab: Lab) => Wait>> = {
  "coro.sleep": () => ({
    begin: (coro, limit) => coro.sleep(limit, "late"),
    grant: (coro) => void coro.resume("up"),
    value: "up",
    late: "late",
    never: true,
  }),
  "coro.suspend": () => ({
    begin: (coro, limit) => coro.suspend(limit, "late"),
    grant: (coro) => void coro.resume("up"),
    value: "up",
    late: "late",
    never: true,
  }),
  sleep: () => ({
    begin: (_coro, limit) => sleep(limit),
    grant: (coro) => void coro.resume("up"),
    value: "up",
    late: undefined,
    never: true,
  }),
  receive: () => ({
    begin: (coro, limit) => coro.receive(limit, "late"),
    grant: (coro) => void coro.send("message"),
    value: "message",
    late: "late",
  }),
  recv: () => ({
    begin: (coro, limit) => coro.recv(limit, "late"),
    grant: (coro) => void coro.send("message"),
    value: "message",
    late: "late",
  }),
  "receive of a category": () => {
    let messages: CategorizeMessages;
    return {
      begin(coro, limit) {
        messages = new CategorizeMessages(coro);
        messages.add((message) => typeof message);
        return messages.receive("string", limit, "late");
      },
      grant(coro) {
        coro.send(1);
        coro.send("message");
      },
      value: "message",
      late: "late",
    };
  },
  finish: ({ scheduler }) => {
    const other = scheduler.spawn(function* (coro) {
      return yield* coro.receive();
    });
    return {
      begin: (_coro, limit) => other.finish(limit),
      grant: () => void other.send("result"),
      value: "result",
      late: TimeoutError,
    };
  },
  until: () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    return {
      begin: (_coro, limit) => until(promise, limit),
      grant: () => resolve("kept"),
      value: "kept",
      late: TimeoutError,
      never: true,
    };
  },
  "Coro.locate": ({ scheduler }) => {
    const name = `name ${names++}`;
    const other = scheduler.spawn(function* other(coro) {
      yield* coro.receive();
    });
    return {
      begin: (_coro, limit) => Coro.locate(name, limit),
      grant: () => void other.register(name),
      value: other,
      late: null,
    };
  },
  "Channel.locate": () => {
    const name = `channel ${names++}`;
    let channel: Channel | undefined;
    return {
      begin: (_coro, limit) => Channel.locate(name, limit),
      grant: () => void (channel = new Channel(name)),
      get value() {
        return channel;
      },
      late: null,
      release: () => channel?.close(),
    };
  },
  "channel.deliver": ({ scheduler }) => {
    const channel = new Channel<string>(`channel ${names++}`);
    return {
      begin: (_coro, limit) => channel.deliver("news", limit, 1),
      grant: () => {
        scheduler.spawn(function* (coro) {
          yield* channel.subscribe(coro);
          yield* coro.receive();
        });
      },
      value: 1,
      late: 0,
      release: () => channel.close(),
      never: true,
    };
  },
  ...Object.fromEntries(
    [Lock, RLock, Semaphore, BoundedSemaphore].map((Kind) => [`${Kind.name}.acquire`, ({ scheduler }: Lab): Wait => {
      const gate = Kind === Lock || Kind === RLock ? new Kind() : new (Kind as typeof Semaphore)(1);
      const holder = scheduler.spawn(function* (coro) {
        using _ = yield* gate.hold();
        yield* coro.receive();
      });
      return {
        begin: (_coro, limit) => gate.acquire(true, limit),
        grant: () => void holder.send("release it"),
        value: true,
        late: false,
        release: (granted) => granted && gate.release(),
        prepare: function* () {
          yield;
        },
      };
    }]),
  ),
  "Semaphore.acquireMany": () => {
    const semaphore = new Semaphore(1);
    return {
      begin: (_coro, limit) => semaphore.acquireMany(2, limit),
      grant: () => semaphore.release(),
      value: undefined,
      late: TimeoutError,
    };
  },
  "Queue.get": () => {
    const queue = new Queue<string>(1);
    return {
      begin: (_coro, limit) => queue.get(limit),
      grant: () => void queue.tryPut("item"),
      value: "item",
      late: TimeoutError,
    };
  },
  "Queue.items": () => {
    const queue = new Queue<string>(1);
    return {
      begin: (_coro, limit) => queue.items(limit).next(),
      grant: () => void queue.tryPut("item"),
      value: "item",
      late: TimeoutError,
    };
  },
  ...Object.fromEntries([0, 1].map((capacity) => [`Queue.put with a capacity of ${capacity}`, (): Wait => {
    const queue = new Queue<string>(capacity);
    queue.tryPut("first");
    return {
      begin: (_coro, limit) => queue.put("second", limit),
      grant: () => void queue.tryGet(),
      value: true,
      late: TimeoutError,
    };
  }])),
  "Event.wait": () => {
    const event = new Event();
    return {
      begin: (_coro, limit) => event.wait(limit),
      grant: () => event.set(),
      value: true,
      late: false,
    };
  },
  "Condition.wait": ({ scheduler }) => {
    const condition = new Condition();
    return {
      prepare: () => condition.acquire() as unknown as Body,
      begin: (_coro, limit) => condition.wait(limit),
      grant: () => {
        scheduler.spawn(function* () {
          using _ = yield* condition.hold();
          condition.notify();
        });
      },
      value: true,
      late: false,
      release: () => condition.release(),
      never: true,
    };
  },
  "Condition.waitFor": ({ scheduler }) => {
    const condition = new Condition();
    let stock = 0;
    return {
      prepare: () => condition.acquire() as unknown as Body,
      begin: (_coro, limit) => condition.waitFor(() => stock > 0, limit),
      grant: () => {
        scheduler.spawn(function* () {
          using _ = yield* condition.hold();
          stock++;
          condition.notify();
        });
      },
      value: true,
      late: false,
      release: () => condition.release(),
      never: true,
    };
  },
  "withTimeout of an operation": () => ({
    begin: (coro, limit) => withTimeout(limit, coro.receive()),
    grant: (coro) => void coro.send("message"),
    value: "message",
    late: TimeoutError,
  }),
  "withTimeout of a generator": () => ({
    begin: (coro, limit) =>
      withTimeout(
        limit,
        (function* () {
          return yield* coro.receive();
        })(),
      ),
    grant: (coro) => void coro.send("message"),
    value: "message",
    late: TimeoutError,
  }),
  "withTimeout of a race": () => ({
    begin: (coro, limit) => withTimeout(limit, race(coro.receive(), new Event().wait())),
    grant: (coro) => void coro.send("message"),
    value: "message",
    late: TimeoutError,
  }),
};

/** Runs one wait in a coroutine. `outcome` is its value, or what it threw. */
function waiting(lab: Lab, wait: Wait, limit: Limit, plain: boolean) {
  const seen = { begun: false, outcome: "none" as unknown, threw: false, cleaned: false };
  const coro = lab.scheduler.spawn(function* waiter(coro): Body {
    if (wait.prepare !== undefined) yield* wait.prepare(coro);
    let granted = false;
    try {
      seen.begun = true;
      const operation = wait.begin(coro, limit);
      seen.outcome = plain ? yield operation : yield* operation;
      granted = seen.outcome === wait.value;
    } catch (error) {
      seen.outcome = error;
      seen.threw = true;
    } finally {
      seen.cleaned = true;
      wait.release?.(granted);
    }
    return seen.outcome;
  });
  return { coro, seen };
}

for (const [kind, make] of Object.entries(KINDS)) {
  for (const plain of [false, true]) {
    const name = `${kind}${plain ? ", with plain yield," : ""}`;

    Deno.test(`${name} throws the reason of its signal when that is aborted, and loses nothing`, () =>
      inLab(async (lab) => {
        const counted = new CountedSignal();
        const wait = make(lab);
        const { coro, seen } = waiting(lab, wait, counted.signal, plain);
        await settle();
        assertEquals(counted.listeners, 1);
        const reason = new Error("aborted");
        counted.abort(reason);
        assertEquals(counted.listeners, 0);
        await settle();
        assertStrictEquals(seen.outcome, reason);
        await coro.value();
        assertEquals(counted.added, 1);
        if (kind === "coro.sleep" || kind === "coro.suspend" || kind === "sleep" || kind.includes("ategory")) return;
        if (kind.startsWith("receive") || kind === "recv" || kind.startsWith("withTimeout")) return;
        if (kind.startsWith("channel.")) return;
        // What it waited for is still there for the next.
        const next = waiting(lab, wait, new AbortController().signal, plain);
        await settle();
        wait.grant(next.coro);
        await settle();
        assertEquals(next.seen.outcome, wait.value);
      }));

    Deno.test(`${name} has its value in spite of a signal, and leaves no listener`, () =>
      inLab(async (lab) => {
        const counted = new CountedSignal();
        const wait = make(lab);
        const { coro, seen } = waiting(lab, wait, { signal: counted.signal, timeout: undefined }, plain);
        await settle();
        assertEquals(counted.listeners, 1);
        wait.grant(coro);
        await settle();
        assertEquals([seen.threw, seen.outcome, counted.listeners], [false, wait.value, 0]);
      }));

    Deno.test(`${name} with a timeout and a signal ends with whichever comes first`, () =>
      inLab(async (lab) => {
        const late = new CountedSignal();
        const wait = make(lab);
        lab.clock.autoAdvance = false;
        const timed = waiting(lab, wait, { timeout: 5, signal: late.signal }, plain);
        await lab.clock.advance(4);
        assertEquals([timed.seen.cleaned, late.listeners], [false, 1]);
        await lab.clock.advance(2);
        if (wait.late === TimeoutError) assertEquals(timed.seen.outcome instanceof TimeoutError, true);
        else assertEquals(timed.seen.outcome, wait.late);
        assertEquals(late.listeners, 0);

        const early = new CountedSignal();
        const other = make(lab);
        const aborted = waiting(lab, other, { timeout: 5, signal: early.signal }, plain);
        await lab.clock.advance(4);
        early.abort("early");
        await lab.clock.advance(2);
        assertEquals([aborted.seen.outcome, early.listeners], ["early", 0]);
        lab.clock.autoAdvance = true;
      }));

    for (const way of ["a throw", "a termination", "losing a race"] as const) {
      Deno.test(`${name} leaves no listener after ${way}`, () =>
        inLab(async (lab) => {
          const counted = new CountedSignal();
          const wait = make(lab);
          const within: Wait = way !== "losing a race" ? wait : {
            ...wait,
            value: wait.value,
            begin: (coro, limit) =>
              race(
                wait.begin(coro, limit),
                (function* () {
                  yield* new Event().wait(0.01);
                  return "won";
                })(),
              ),
          };
          const { coro, seen } = waiting(lab, within, counted.signal, plain);
          if (way !== "losing a race") {
            await settle();
            assertEquals(counted.listeners, 1);
          }
          const error = new Error("thrown");
          if (way === "a throw") coro.throw(error);
          else if (way === "a termination") coro.terminate();
          await coro.value();
          assertEquals([seen.cleaned, counted.listeners, counted.added], [true, 0, 1]);
          if (way === "a throw") assertStrictEquals(seen.outcome, error);
          if (way === "losing a race") assertEquals(seen.outcome, "won");
        }));
    }

    Deno.test(`${name} with a signal that is aborted already throws before anything happens`, () =>
      inLab(async (lab) => {
        const counted = new CountedSignal();
        const reason = { not: "an error" };
        counted.abort(reason);
        const wait = make(lab);
        const { coro, seen } = waiting(lab, wait, counted.signal, plain);
        if (!wait.never) wait.grant(coro);
        await settle();
        assertStrictEquals(seen.outcome, reason);
        assertEquals([counted.added, lab.scheduler.stats().timers], [0, 0]);
        if (kind.startsWith("rec") || kind.startsWith("withTimeout")) {
          // A second coroutine in its place finds what was there.
          const other = lab.scheduler.spawn(function* (coro): Body {
            coro.send("kept");
            try {
              yield* coro.receive(counted.signal);
            } catch (error) {
              assertStrictEquals(error, reason);
            }
            return yield* coro.receive(0);
          });
          assertEquals(await other.value(), "kept");
        }
      }));
  }
}

Deno.test("a value that was granted before the signal is aborted stands, in the same turn", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    for (
      const [kind, begin] of Object.entries({
        receive: (coro: Coro) => coro.receive(counted.signal),
        withTimeout: (coro: Coro) => withTimeout(counted.signal, coro.receive()),
      })
    ) {
      const receiver = scheduler.spawn(function* (coro): Body {
        return yield* begin(coro);
      });
      await settle();
      scheduler.spawn(function* () {
        receiver.send(kind);
        if (kind === "withTimeout") counted.abort(new Error("too late"));
      });
      assertEquals(await receiver.value(), kind);
    }
  }));

Deno.test("a signal that is aborted before the value is granted stands, and the message stays", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const receiver = scheduler.spawn(function* (coro): Body {
      try {
        yield* coro.receive(counted.signal);
      } catch (error) {
        return [error, yield* coro.receive()];
      }
    });
    await settle();
    scheduler.spawn(function* () {
      counted.abort("first");
      receiver.send("second");
    });
    assertEquals(await receiver.value(), ["first", "second"]);
  }));

Deno.test("a granted message that a race does not use goes back, with a signal as without", () =>
  inLab(async ({ scheduler }) => {
    const { signal, listeners } = new CountedSignal();
    const receiver = scheduler.spawn(function* (coro): Body {
      // Both branches are granted in one turn; the first wins.
      const won = yield* race(sleep(1), coro.receive(signal));
      return [won, yield* coro.receive(0)];
    });
    const sender = scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      receiver.send("message");
    });
    await sender.value();
    assertEquals(await receiver.value(), [undefined, "message"]);
    assertEquals(listeners, 0);
  }));

Deno.test("1,000 waits on one signal have one listener, and abort in the order in which they began", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const ended: number[] = [];
    const coros = Array.from({ length: 1000 }, (_, i) =>
      scheduler.spawn(function* (coro) {
        try {
          yield* coro.receive(counted.signal);
        } catch {
          ended.push(i);
        }
      }));
    await settle();
    assertEquals([counted.listeners, counted.added], [1, 1]);
    coros[0].send("it goes on");
    await coros[0].value();
    assertEquals(counted.listeners, 1);
    counted.abort("all");
    for (const coro of coros) await coro.value();
    assertEquals(ended, Array.from({ length: 999 }, (_, i) => i + 1));
    assertEquals([counted.listeners, counted.added], [0, 1]);
  }));

Deno.test("an operation that is dropped adds no listener", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    await scheduler.spawn(function* (coro) {
      coro.receive(counted.signal);
      sleep({ timeout: 1, signal: counted.signal });
      withTimeout(counted.signal, coro.receive());
      yield;
      // The second is never begun, as the first decides the race.
      yield* race(
        coro.sleep(0),
        (function* () {
          yield;
          yield* coro.receive(counted.signal);
        })(),
      );
    }).value();
    assertEquals(counted.added, 0);
  }));

Deno.test("signals of another realm are signals, and their listeners are functions", () =>
  inLab(async ({ scheduler }) => {
    const foreign = new ForeignSignal();
    const coro = scheduler.spawn(function* (coro): Body {
      try {
        yield* coro.receive({ signal: foreign.asSignal });
      } catch (error) {
        return error;
      }
    });
    await settle();
    assertEquals(foreign.listeners.size, 1);
    foreign.abort("elsewhere");
    assertEquals([await coro.value(), foreign.listeners.size], ["elsewhere", 0]);
  }));

Deno.test("a coroutine may abort the signal of a deadline in which it runs", () =>
  inLab(async (lab) => {
    const counted = new CountedSignal();
    const outcome = await lab.scheduler.spawn(function* (coro): Body {
      try {
        return yield* withTimeout(
          counted.signal,
          (function* () {
            try {
              counted.abort("by itself");
              lab.note("goes on");
              yield* coro.receive();
              lab.note("not reached");
            } finally {
              yield* coro.sleep(1);
              lab.note("cleaned up");
            }
          })(),
        );
      } catch (error) {
        return error;
      }
    }).value();
    assertEquals([outcome, lab.takeLog(), counted.listeners], ["by itself", ["goes on", "cleaned up"], 0]);
  }));

Deno.test("an aborted withTimeout() gives back a lock that its race had been granted", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const lock = new Lock();
    const coro = scheduler.spawn(function* (coro): Body {
      try {
        yield* withTimeout(
          counted.signal,
          call((function* (): Body {
            using _ = yield* lock.hold();
            return yield* coro.receive();
          })()),
        );
      } catch (error) {
        return [error, lock.locked()];
      }
    });
    await settle();
    assertEquals(lock.locked(), true);
    counted.abort(null);
    assertEquals(await coro.value(), [null, false]);
  }));

Deno.test("a wait for a message of a category that was woken for nothing notices an abort in the meantime", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const coro = scheduler.spawn(function* (coro): Body {
      const messages = new CategorizeMessages(coro);
      messages.add((message) => typeof message);
      try {
        yield* messages.receive("string", counted.signal);
      } catch (error) {
        return [error, yield* messages.receive("number", 0)];
      }
    });
    await settle();
    scheduler.spawn(function* () {
      coro.send(7);
      counted.abort("meanwhile");
    });
    assertEquals(await coro.value(), ["meanwhile", 7]);
    assertEquals(counted.listeners, 0);
  }));

Deno.test("an abort by what the wait itself calls ends it, too", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const condition = new Condition();
    const outcome = await scheduler.spawn(function* (): Body {
      using _ = yield* condition.hold();
      try {
        return yield* condition.waitFor(() => {
          counted.abort("in the predicate");
          return false;
        }, counted.signal);
      } catch (error) {
        return error;
      }
    }).value();
    assertEquals([outcome, counted.listeners], ["in the predicate", 0]);
  }));

Deno.test("Condition.wait() holds its lock again when its signal has ended it, and a notification that came first stands", () =>
  inLab(async (lab) => {
    const { scheduler } = lab;
    const condition = new Condition();
    const counted = new CountedSignal();
    const waits = ["one", "two"].map((name) =>
      scheduler.spawn(function* () {
        using _ = yield* condition.hold();
        try {
          const notified = yield* condition.wait(counted.signal);
          lab.at(`${name} ${notified}`);
        } catch (error) {
          lab.at(`${name} ${error} ${condition.locked()}`);
        }
      })
    );
    scheduler.spawn(function* (coro) {
      using _ = yield* condition.hold();
      condition.notify();
      counted.abort("aborted");
      yield* coro.sleep(2);
    });
    for (const coro of waits) await coro.value();
    assertEquals(lab.takeLog(), ["2 one true", "2 two aborted true"]);
    assertEquals(counted.listeners, 0);
  }));

Deno.test("a wait with a signal never makes a deadlock certain", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const locks = [new Lock("one"), new Lock("two")];
    const coros = [0, 1].map((i) =>
      scheduler.spawn(function* (): Body {
        using _first = yield* locks[i].hold();
        yield;
        try {
          yield* locks[1 - i].acquire(true, counted.signal);
        } catch (error) {
          return error;
        }
      })
    );
    const joiner = scheduler.spawn(function* (): Body {
      return yield* coros[0].finish();
    });
    const alone = scheduler.spawn(function* (coro): Body {
      return yield* coro.receive(counted.signal);
    });
    await settle();
    assertEquals([...coros, joiner, alone].map((coro) => coro.isAlive()), [true, true, true, true]);
    const failed = assertRejects(() => alone.value());
    counted.abort(new Error("resolved"));
    await failed;
    assertStrictEquals(await joiner.value(), counted.signal.reason);
    await coros[1].value();
  }));

Deno.test("a deadlock is found all the same when no signal can end it", () =>
  inLab(async ({ scheduler }) => {
    const { signal } = new CountedSignal();
    const coro: Coro = scheduler.spawn(function* (): Body {
      yield* sleep({ timeout: 1, signal });
      return yield* coro.finish();
    });
    await assertRejects(() => coro.value(), Error, "Deadlock");
    coro.terminate();
  }));

Deno.test("value() is rejected with the reason of its signal, and at once if that is aborted already", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const coro = scheduler.spawn(function* (coro): Body {
      return yield* coro.receive();
    });
    await settle();
    const first = coro.value(counted.signal);
    const second = coro.value({ timeout: 100, signal: counted.signal });
    assertEquals(counted.listeners, 1);
    const reason = new Error("enough");
    counted.abort(reason);
    assertStrictEquals(await assertRejects(() => first), reason);
    assertStrictEquals(await assertRejects(() => second), reason);
    assertEquals([counted.listeners, scheduler.stats().timers], [0, 0]);
    const other = new CountedSignal();
    const third = coro.value(other.signal);
    coro.send("result");
    assertEquals([await third, other.listeners], ["result", 0]);
    // Already aborted, though the coroutine has ended.
    assertStrictEquals(await assertRejects(() => coro.value(counted.signal)), reason);
    assertEquals(counted.added, 1);
  }));

Deno.test("a hot swap may cut a wait with a signal short, also one with plain yield or in a race", () =>
  inLab(async ({ scheduler }) => {
    const waits: ((coro: Coro, signal: AbortSignal) => Body)[] = [
      function* (coro, signal) {
        yield* coro.receive(signal);
        return "not swapped";
      },
      function* (coro, signal) {
        yield coro.receive(signal);
        return "not swapped";
      },
      function* (coro, signal) {
        yield race(coro.receive(signal), new Event().wait(signal));
        return "not swapped";
      },
      function* (coro, signal) {
        yield new CategorizeMessages(coro).receive("none", signal);
        return "not swapped";
      },
    ];
    for (const wait of waits) {
      const counted = new CountedSignal();
      const coro: Coro<unknown> = scheduler.spawn(function* (coro): Body {
        coro.hotSwappable(true);
        return yield* wait(coro, counted.signal);
      });
      await settle();
      assertEquals(counted.listeners, 1);
      coro.hotSwap(function* () {
        return "new";
      });
      await settle();
      assertEquals([coro.isAlive(), await coro.value(), counted.listeners], [false, "new", 0]);
    }
  }));

Deno.test("a loop that waits with an aborted signal gives others a turn", () =>
  inLab(async ({ scheduler }) => {
    const signal = AbortSignal.abort("over");
    const looper = scheduler.spawn(function* (coro): Body {
      for (;;) {
        try {
          yield* coro.receive(signal);
        } catch {
          // Again.
        }
      }
    });
    scheduler.spawn(function* () {
      looper.terminate();
    });
    await looper.value();
  }));

/** Logs what is done with it. */
class Probe extends Operation<void> {
  readonly label = "probe";
  readonly #lab: Lab;

  constructor(lab: Lab) {
    super();
    this.#lab = lab;
  }

  override takenOver(): void {
    this.#lab.note("taken over");
  }

  override discarded(): void {
    this.#lab.note("discarded");
  }

  override begin(): boolean {
    this.#lab.note("begun");
    return false;
  }

  override detach(): void {
    this.#lab.note("detached");
  }
}

Deno.test("an operation with a signal may be given another one: whichever is aborted first ends it", () =>
  inLab(async ({ scheduler }) => {
    for (const first of [0, 1]) {
      for (const plain of [false, true]) {
        const signals = [new CountedSignal(), new CountedSignal()];
        const coro = scheduler.spawn(function* (coro): Body {
          const operation = limited(coro.receive(signals[0].signal), signals[1].signal);
          try {
            return plain ? yield operation : yield* operation;
          } catch (error) {
            return error;
          }
        });
        await settle();
        assertEquals(signals.map(({ listeners }) => listeners), [1, 1]);
        signals[first].abort(first);
        assertEquals(await coro.value(), first);
        assertEquals(signals.map(({ listeners }) => listeners), [0, 0]);
      }
    }
  }));

Deno.test("an operation that does not begin is discarded: its signal is aborted, or an interrupt comes first", () =>
  inLab(async (lab) => {
    const aborted = lab.scheduler.spawn(function* (): Body {
      try {
        return yield* limited(new Probe(lab), AbortSignal.abort("over"));
      } catch (error) {
        return error;
      }
    });
    assertEquals([await aborted.value(), lab.takeLog()], ["over", ["taken over", "discarded"]]);
    const { signal, added } = new CountedSignal();
    const terminated = lab.scheduler.spawn(function* (coro): Body {
      coro.terminate();
      return yield limited(new Probe(lab), signal);
    });
    await terminated.value();
    assertEquals([added, lab.takeLog()], [0, ["taken over", "discarded"]]);
    const counted = new CountedSignal();
    const waiter = lab.scheduler.spawn(function* () {
      yield limited(new Probe(lab), counted.signal);
    });
    await settle();
    waiter.terminate();
    await waiter.value();
    assertEquals([counted.listeners, lab.takeLog()], [0, ["taken over", "begun", "detached"]]);
  }));

Deno.test("a reason that is not handed over is not reported: it concerns only the wait", () =>
  inLab(async ({ scheduler }) => {
    const counted = new CountedSignal();
    const instead = new Error("instead");
    const coro = scheduler.spawn(function* (coro): Body {
      try {
        return yield* race(
          withTimeout(
            counted.signal,
            (function* () {
              return yield* coro.receive();
            })(),
          ),
          coro.receive(),
        );
      } catch (error) {
        return error;
      }
    });
    await settle();
    counted.abort(new Error("enough"));
    scheduler.spawn(function* () {
      // Rejected, and not run yet.
      for (let turn = 0; turn < 100 && coro.wait?.hasOutcome !== true; turn++) yield;
      assertEquals(coro.wait?.hasOutcome, true);
      coro.throw(instead);
    });
    assertStrictEquals(await coro.value(), instead);
  }));

Deno.test("a race or all() with a signal closes its branches when that is aborted, and gives back what they had", () =>
  inLab(async (lab) => {
    const counted = new CountedSignal();
    const lock = new Lock();
    const coro = lab.scheduler.spawn(function* (coro): Body {
      function* cleaning(): Generator<unknown, void, unknown> {
        try {
          yield* new Event().wait();
        } finally {
          yield* coro.sleep(1);
          lab.at("cleaned up");
        }
      }
      try {
        return yield* limited(all([coro.receive(), lock.acquire(), cleaning()]), counted.signal);
      } catch (error) {
        return [error, lock.locked(), yield* coro.receive(0)];
      }
    });
    coro.send("message");
    await settle();
    assertEquals(lock.locked(), true);
    counted.abort("enough");
    assertEquals(await coro.value(), ["enough", false, "message"]);
    assertEquals([lab.takeLog(), counted.listeners], [["1 cleaned up"], 0]);
  }));

Deno.test("the stack of an error from a subroutine with a signal names its caller and nothing of the library", () =>
  inLab(async ({ scheduler }) => {
    const { signal } = new CountedSignal();
    function* inner(): Body {
      yield;
      throw new Error("inner");
    }
    const error: Error = await assertRejects(() =>
      scheduler.spawn(function* outer(): Body {
        return yield* withTimeout(signal, inner());
      }).value(), Error);
    assertEquals(error.stack!.includes("at outer"), true, error.stack);
    assertEquals(error.stack!.includes("limited.ts"), false, error.stack);
  }));

Deno.test("deliver, subscribe and unsubscribe with an aborted signal do nothing", () =>
  inLab(async ({ scheduler }) => {
    const signal = AbortSignal.abort("over");
    await scheduler.spawn(function* (coro) {
      using channel = new Channel<string>(`channel ${names++}`);
      for (
        const begin of [
          () => coro.deliver("message", signal),
          () => channel.subscribe(coro, { signal }),
          () => channel.deliver("message", signal),
        ]
      ) {
        try {
          yield* begin();
          throw new Error("It did not throw");
        } catch (error) {
          assertEquals(error, "over");
        }
      }
      assertEquals([yield* coro.receive(0), channel.statistics().subscribers], [undefined, 0]);
      yield* channel.subscribe(coro, { timeout: 1, signal: new AbortController().signal });
      try {
        yield* channel.unsubscribe(coro, signal);
      } catch {
        assertEquals(channel.statistics().subscribers, 1);
      }
    }).value();
  }));
