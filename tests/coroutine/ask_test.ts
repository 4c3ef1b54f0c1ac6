import {
  Ask,
  CategorizeMessages,
  Coro,
  DeadlockError,
  NoReplyError,
  type Operation,
  race,
  Scheduler,
  supervise,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

// deno-lint-ignore no-explicit-any -- bodies of coroutines that return anything
type Body = Generator<unknown, any, unknown>;

/** The error of an operation; fails if it has none. */
function* errorOf(operation: Operation<unknown>): Generator<unknown, Error, unknown> {
  try {
    yield* operation;
  } catch (error) {
    return error as Error;
  }
  throw new Error("There was no error");
}

Deno.test("ask() sends an Ask, and is the value of its reply", () =>
  runVirtual(function* (coro) {
    const server = new Coro(function* (self) {
      const request = yield* self.receive<Ask<string, number>>();
      assertInstanceOf(request, Ask);
      assertEquals([request.message, request.from === coro, request.open], ["four", true, true]);
      yield* self.sleep(1);
      return [request.reply(request.message.length), request.open, request.reply(5), request.fail(new Error())];
    });
    assertEquals([yield* server.ask<number>("four"), coro.scheduler.now()], [4, 1]);
    assertEquals(yield* server.finish(), [true, false, false, false]);
  }));

Deno.test("fail() throws the very error at the asker's yield", () =>
  runVirtual(function* () {
    const failure = new RangeError("no");
    const server = new Coro(function* (self) {
      return (yield* self.receive<Ask>()).fail(failure);
    });
    assertStrictEquals(yield* errorOf(server.ask("?")), failure);
    assertEquals(yield* server.finish(), true);
  }));

Deno.test("a late reply goes nowhere: ask() throws TimeoutError, after 5 seconds by default", () =>
  runVirtual(function* (coro) {
    const server = new Coro(function* (self) {
      const replies = [];
      for (let n = 0; n < 2; n++) {
        const request = yield* self.receive<Ask>();
        yield* self.sleep(10);
        replies.push(request.open, request.reply("late"));
      }
      return replies;
    });
    const start = coro.scheduler.now();
    const error = yield* errorOf(server.ask("?"));
    assertInstanceOf(error, TimeoutError);
    assertEquals([error.message, coro.scheduler.now() - start], [`${server} did not reply in time`, 5]);
    assertInstanceOf(yield* errorOf(server.ask("?", { seconds: 2 })), TimeoutError);
    assertEquals(coro.scheduler.now() - start, 7);
    assertEquals(yield* server.finish(), [false, false, false, false]);
    assertEquals(yield* coro.receive(0, "nothing"), "nothing");
  }));

Deno.test("with a limit of zero nothing is sent", () =>
  runVirtual(function* () {
    const server = new Coro(function* (self) {
      return yield* self.receive(1, "nothing");
    });
    assertInstanceOf(yield* errorOf(server.ask("?", 0)), TimeoutError);
    assertEquals(yield* server.finish(), "nothing");
    assertInstanceOf(yield* errorOf(server.ask("?", 0)), NoReplyError);
  }));

Deno.test("with a limit of null it waits as long as it takes", () =>
  runVirtual(function* (coro) {
    const server = new Coro(function* (self) {
      const request = yield* self.receive<Ask>();
      yield* self.sleep({ days: 1 });
      request.reply("at last");
    });
    assertEquals([yield* server.ask("?", null), coro.scheduler.now()], ["at last", 86_400]);
  }));

Deno.test("if the recipient ends or has ended without an answer: NoReplyError", () =>
  runVirtual(function* (coro) {
    const server = (receives: boolean, end: "return" | "throw" | "terminate"): Coro =>
      new Coro(function* server(self): Body {
        if (receives) yield* self.receive();
        yield* self.sleep(1);
        if (end === "throw") throw new Error("failed");
        if (end === "terminate") self.terminate();
        yield;
      });
    for (const receives of [true, false]) {
      for (const end of ["return", "throw", "terminate"] as const) {
        const to = server(receives, end);
        to.value().catch(() => {});
        const start = coro.scheduler.now();
        const error = yield* errorOf(to.ask("?"));
        assertInstanceOf(error, NoReplyError);
        assertStrictEquals((error as NoReplyError).coro, to);
        assertEquals([error.message, coro.scheduler.now() - start], [
          `${to} did not reply as it ended`,
          1,
        ]);
        const late = yield* errorOf(to.ask("?"));
        assertInstanceOf(late, NoReplyError);
        assertStrictEquals((late as NoReplyError).coro, to);
      }
    }
  }));

Deno.test("a request may be passed on: whoever has it answers, also code outside coroutines", () =>
  runVirtual(function* (coro) {
    const worker = new Coro(function* (self) {
      const request = yield* self.receive<Ask<number, number>>();
      yield* self.sleep(1);
      request.reply(2 * request.message);
    });
    const server = new Coro(function* (self) {
      worker.send(yield* self.receive());
      const request = yield* self.receive<Ask>();
      queueMicrotask(() => request.reply("from outside"));
      yield* self.sleep(9);
    });
    assertEquals(yield* server.ask(21), 42);
    assertEquals(yield* server.ask("?"), "from outside");
    assertEquals(yield* server.finish(), undefined);
    assert(coro.isAlive());
  }));

Deno.test("after a failure, received asks have no reply; those in the mailbox wait for the successor", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      let starts = 0;
      const supervisor = supervise([{
        name: "server",
        *target(self: Coro): Body {
          if (++starts === 1) {
            const request = yield* self.receive<Ask<string>>();
            yield* self.sleep(1);
            throw new Error(`failed at ${request.message}`);
          }
          yield* self.sleep(1);
          for (let n = 0; n < 2; n++) (yield* self.receive<Ask<string, string>>()).reply("from the successor");
        },
      }], { onRestart: () => {}, backoff: 1 });
      const [{ coro: server }] = supervisor.children();
      const asks = ["a", "b", "c"].map((message) =>
        new Coro(function* () {
          try {
            return yield* server.ask(message, 10);
          } catch (error) {
            return `${(error as Error).name} at ${coro.scheduler.now()}`;
          }
        })
      );
      const answers = [];
      for (const ask of asks) answers.push(yield* ask.finish());
      assertEquals(answers, ["NoReplyError at 1", "from the successor", "from the successor"]);
      yield* supervisor.finish();
    }).value();
  });
});

Deno.test("if nobody restarts it, the asks in the mailbox have no reply when its last monitor ends", () =>
  runVirtual(function* (coro) {
    const server = new Coro(function* (self) {
      yield* self.sleep(1);
      throw new Error("failed");
    });
    new Coro(function* (self) {
      yield* self.monitor(server);
      yield* self.sleep(3);
    });
    const error = yield* errorOf(server.ask("?", 10));
    assertEquals([error.name, coro.scheduler.now()], ["NoReplyError", 3]);
  }));

Deno.test("a message that is given back before it was received waits for the successor, too", () =>
  runVirtual(function* (coro) {
    const server = new Coro(function* (self): Body {
      yield* self.receive();
    });
    yield* coro.monitor(server);
    yield* coro.sleep(1);
    const asker = new Coro(function* () {
      return yield* server.ask("?", 10);
    });
    yield* coro.sleep(0);
    yield;
    // It has been granted the message and has not run.
    server.throw(new Error("failed"));
    yield* coro.receive();
    assert(server.hotSwap(function* (self) {
      (yield* self.receive<Ask>()).reply("successor");
    }));
    assertEquals(yield* asker.finish(), "successor");
  }));

Deno.test("ask() waits for room as deliver() does, in order and within its limit", () =>
  runVirtual(function* (coro) {
    const server = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (self): Body {
      const got: unknown[] = [];
      for (let n = 0; n < 3; n++) {
        yield* self.sleep(1);
        const message = yield* self.receive();
        got.push(message instanceof Ask ? message.message : message);
        if (message instanceof Ask) message.reply(`reply to ${message.message}`);
      }
      return got;
    });
    server.send("first");
    const answers: unknown[] = [];
    for (const question of ["second", "third"]) {
      new Coro(function* () {
        answers.push(yield* server.ask(question), coro.scheduler.now());
      });
    }
    yield;
    yield;
    assertInstanceOf(yield* errorOf(server.ask("impatient", 0.5)), TimeoutError);
    assertEquals(yield* server.finish(), ["first", "second", "third"]);
    yield;
    assertEquals(answers, ["reply to second", 2, "reply to third", 3]);
  }));

Deno.test("an ask that waits for room has no reply if the recipient ends; one of a failed recipient goes on waiting", () =>
  runVirtual(function* (coro) {
    const server = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (self) {
      yield* self.sleep(1);
      throw new Error("failed");
    });
    server.send("full");
    yield* coro.monitor(server);
    const ask = (): Coro =>
      new Coro(function* () {
        try {
          return yield* server.ask("?", 10);
        } catch (error) {
          return `${(error as Error).name} at ${coro.scheduler.now()}`;
        }
      });
    const [first, second] = [ask(), ask()];
    yield* coro.sleep(2);
    server.hotSwap(function* (self) {
      yield* self.receive();
      (yield* self.receive<Ask>()).reply("successor");
      yield* self.sleep(2);
    });
    assertEquals([yield* first.finish(), yield* second.finish()], ["successor", "NoReplyError at 4"]);
  }));

Deno.test("an ask that is cut short leaves nothing behind, and is no longer open", () =>
  runVirtual(function* (coro) {
    const requests: Ask[] = [];
    const server = new Coro(function* (self) {
      while (true) requests.push(yield* self.receive<Ask>());
    });
    const asker = (): Coro =>
      new Coro(function* () {
        try {
          return yield* server.ask("?", null);
        } catch (error) {
          return (error as Error).message;
        }
      });
    const [thrown, terminated] = [asker(), asker()];
    yield* coro.sleep(1);
    thrown.throw(new Error("stop"));
    terminated.terminate();
    assertEquals(yield* thrown.finish(), "stop");
    yield* terminated.finish();
    yield* errorOf(withTimeout(1, server.ask("?")));
    yield* race(server.ask("?"), coro.sleep(1));
    assertEquals(requests.map((request) => [request.open, request.reply(1)]), Array(4).fill([false, false]));
    assertEquals(server.mailbox!.endListeners, null);
    server.terminate();
  }));

Deno.test("ask() throws for a wrong limit at the call", () =>
  runVirtual(function* (coro) {
    for (const limit of [NaN, "5", {}, true]) {
      assertThrows(() => coro.ask("?", limit as number), TypeError, "Cannot ask");
    }
    yield;
  }));

// --- deadlock -------------------------------------------------------------------------------------------------------

/** The error of `join()`, or the first that is reported, on a scheduler in virtual time, where a timer is always pending. */
async function join(start: (scheduler: Scheduler) => void): Promise<unknown> {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const errors: unknown[] = [];
  scheduler.onError = (error) => errors.push(error);
  scheduler.spawnWith({ daemon: true }, function* (coro) {
    while (true) yield* coro.sleep(1000);
  });
  start(scheduler);
  try {
    await scheduler.join();
    return errors[0];
  } catch (error) {
    return error;
  } finally {
    await scheduler.terminate();
  }
}

Deno.test("a closed set that waits on asks without limit is found", async () => {
  const error = await join((scheduler) => {
    const all: Coro[] = [];
    for (const next of [1, 2, 0]) {
      all.push(scheduler.spawnWith({ name: "c" }, function* () {
        yield* all[next].ask("?", null);
      }));
    }
  });
  assertInstanceOf(error, DeadlockError);
  assertEquals((error as DeadlockError).waiting.map(({ waitsFor }) => waitsFor), [
    "a reply of c/3",
    "a reply of c/4",
    "a reply of c/2",
  ]);
});

Deno.test("so is one that asks itself, and one in which others wait for room or an end", async () => {
  assertInstanceOf(
    await join((scheduler) =>
      scheduler.spawn(function* (coro) {
        yield* coro.ask("?", null);
      })
    ),
    DeadlockError,
  );
  assertInstanceOf(
    await join((scheduler) => {
      const a: Coro = scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* () {
        yield* b.ask("?", null);
      });
      const b: Coro = scheduler.spawn(function* () {
        a.send("full");
        yield* a.ask("?", null);
      });
      scheduler.spawn(function* () {
        yield* b.finish();
      });
    }),
    DeadlockError,
  );
});

Deno.test("an ask with a limit is no deadlock", async () => {
  assertEquals(
    await join((scheduler) =>
      scheduler.spawn(function* (coro) {
        assertInstanceOf(yield* errorOf(coro.ask("?", 10)), TimeoutError);
      })
    ),
    undefined,
  );
});

Deno.test("an ask that was received may be answered by anybody: no deadlock", async () => {
  assertEquals(
    await join((scheduler) => {
      let request: Ask | null = null;
      const server: Coro = scheduler.spawn(function* (self): Body {
        request = yield* self.receive<Ask>();
        yield* asker.finish();
      });
      const asker: Coro = scheduler.spawn(function* () {
        yield* server.ask("?", null);
      });
      scheduler.spawn(function* (coro) {
        yield* coro.sleep(5);
        request!.reply("passed on");
      });
    }),
    undefined,
  );
});

Deno.test("so may one that 'where' or a category has looked at: no deadlock", async () => {
  for (const look of ["where", "category"]) {
    assertEquals(
      await join((scheduler) => {
        let request: Ask | null = null;
        const keep = (message: unknown): false => {
          request = message as Ask;
          return false;
        };
        const server = scheduler.spawn(function* (self): Body {
          if (look === "where") {
            yield* self.receive({ where: keep, timeout: 1 });
          } else {
            const categories = new CategorizeMessages(self);
            categories.add((message) => keep(message) || "left");
            yield* categories.receive("wanted", 1);
          }
          yield* asker.finish();
        });
        const asker = scheduler.spawn(function* () {
          yield* server.ask("?", null);
        });
        scheduler.spawn(function* (coro) {
          yield* coro.sleep(5);
          request!.reply("from where");
        });
      }),
      undefined,
    );
  }
});
