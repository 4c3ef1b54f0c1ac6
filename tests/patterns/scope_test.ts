/** `scope`: coroutines that end with the block of code that created them. */
import {
  call,
  Coro,
  DeadlockError,
  Lock,
  MonitorException,
  type Operation,
  race,
  type Scope,
  scope,
  shield,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab, type Lab } from "../helpers/lab.ts";

interface Plan {
  readonly name?: string;
  /** After how many seconds it returns, or fails. */
  readonly seconds: number;
  readonly error?: unknown;
  readonly cleanup?: number;
  readonly cleanupError?: unknown;
}

/** A child, or a body, that notes how it ends. */
function* work(
  lab: Lab,
  { name = "child", seconds, error, cleanup = 0, cleanupError }: Plan,
): Generator<unknown, string, unknown> {
  let how = "terminated";
  try {
    yield* sleep(seconds);
    how = error === undefined ? "returned" : "failed";
    if (error !== undefined) throw error;
    return name;
  } finally {
    if (cleanup > 0) yield* sleep(cleanup);
    lab.at(`${name} ${how}`);
    failWith(cleanupError);
  }
}

function failWith(error: unknown): void {
  if (error !== undefined) throw error;
}

/** The same as a coroutine function. */
function* child(_coro: Coro, lab: Lab, plan: Plan): Generator<unknown, string, unknown> {
  return yield* work(lab, plan);
}

/** Runs a scope in a coroutine of its own. */
function opened<R>(lab: Lab, body: (scope: Scope) => Generator<unknown, R>): Promise<R | undefined> {
  return lab.scheduler.spawn(function* () {
    return yield* scope(body);
  }).value();
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}

// --- the normal end ---------------------------------------------------------------------------------------------

Deno.test("a scope ends when its body and all of its children have ended, and its value is the body's", () =>
  inLab(async (lab) => {
    const value = await opened(lab, function* (scope) {
      scope.spawn(child, lab, { name: "one", seconds: 3 });
      const two = scope.spawnWith({ name: "two", priority: 2 }, child, lab, { name: "two", seconds: 1 });
      assertEquals([two.name, two.priority], ["two", 2]);
      yield* sleep(2);
      return "value";
    });
    assertEquals(value, "value");
    assertEquals(lab.takeLog(), ["1 two returned", "3 one returned"]);
    assertEquals(await opened(lab, function* () {}), undefined);
    assertEquals(lab.scheduler.now(), 3);
  }));

Deno.test("both spellings work, and a scope belongs to one yield", () =>
  inLab(async (lab) => {
    await lab.scheduler.spawn(function* () {
      const operation = scope(function* () {
        return 1;
      });
      assertEquals(yield operation, 1);
      try {
        yield* operation;
        throw new Error("not reached");
      } catch (error) {
        assertInstanceOf(error, TypeError);
      }
    }).value();
  }));

Deno.test("children may spawn in the scope while it is open; their children are waited for", () =>
  inLab(async (lab) => {
    await opened(lab, function* (scope) {
      scope.spawn(function* () {
        yield* sleep(1);
        scope.spawn(function* () {
          yield* sleep(1);
          scope.spawn(child, lab, { name: "grandchild", seconds: 1 });
        });
      });
    });
    assertEquals(lab.takeLog(), ["3 grandchild returned"]);
  }));

Deno.test("spawning in a scope that has ended is an error", () =>
  inLab(async (lab) => {
    let kept: Scope;
    await opened(lab, function* (scope) {
      kept = scope;
    });
    for (
      const action of [() => kept.spawn(child, lab, { seconds: 1 }), () => kept.service(child, lab, { seconds: 1 })]
    ) {
      assertThrows(action, Error, "Cannot spawn in the scope as it has ended");
    }
    assertThrows(() => kept.spawnWith({}, child, lab, { seconds: 1 }), Error, "it has ended");
    assertEquals(kept!.size, 0);
    assertEquals(kept!.signal.aborted, false);
    kept!.cancel();
    assertEquals(kept!.signal.aborted, false);
  }));

Deno.test("size counts the children that have not ended, services included, the body not", () =>
  inLab(async (lab) => {
    await opened(lab, function* (scope) {
      assertEquals(scope.size, 0);
      scope.spawn(child, lab, { seconds: 1 });
      scope.spawn(child, lab, { seconds: 3 });
      scope.service(child, lab, { seconds: 100 });
      assertEquals(scope.size, 3);
      yield* sleep(2);
      assertEquals(scope.size, 2);
    });
  }));

Deno.test("services are terminated when the body and the other children have ended, and their cleanup is waited for", () =>
  inLab(async (lab) => {
    const value = await opened(lab, function* (scope) {
      const { signal } = scope;
      const service = scope.service(child, lab, { name: "service", seconds: 100, cleanup: 2 });
      scope.spawn(child, lab, { name: "child", seconds: 5 });
      scope.service(child, lab, { name: "short service", seconds: 1 });
      lab.scheduler.spawn(function* () {
        yield* service.finish();
        assertEquals(signal.aborted, false);
      });
      yield* sleep(2);
      return "value";
    });
    assertEquals(value, "value");
    assertEquals(lab.takeLog(), ["1 short service returned", "5 child returned", "7 service terminated"]);
  }));

Deno.test("the failure of a service is the scope's", () =>
  inLab(async (lab) => {
    const error = new Error("service");
    assertStrictEquals(
      await failureOf(opened(lab, function* (scope) {
        scope.service(child, lab, { name: "service", seconds: 1, error });
        yield* work(lab, { name: "body", seconds: 9 });
      })),
      error,
    );
    assertEquals(lab.takeLog(), ["1 service failed", "1 body terminated"]);
  }));

// --- failures -----------------------------------------------------------------------------------------------------

Deno.test("if a child fails, the others and the body are terminated, and the very error is thrown after their cleanup", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    const failure = await failureOf(opened(lab, function* (scope) {
      scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 3 });
      scope.service(child, lab, { name: "service", seconds: 9, cleanup: 1 });
      scope.spawn(child, lab, { name: "two", seconds: 1, error });
      yield* work(lab, { name: "body", seconds: 9, cleanup: 2 });
    }));
    assertStrictEquals(failure, error);
    assertEquals(lab.takeLog(), ["1 two failed", "2 service terminated", "3 body terminated", "4 one terminated"]);
  }));

Deno.test("if the body fails, the children are terminated and its error is thrown", () =>
  inLab(async (lab) => {
    for (const error of [new Error("boom"), "a string", undefined]) {
      assertStrictEquals(
        await failureOf(opened(lab, function* (scope) {
          scope.spawn(child, lab, { name: "before its first step", seconds: 9 });
          throw error;
        })),
        error,
      );
      assertEquals(lab.takeLog(), []);
    }
  }));

Deno.test("several failures are an AggregateError, with the errors in the order of failing", () =>
  inLab(async (lab) => {
    const [first, second, third] = ["first", "second", "third"].map((text) => new Error(text));
    const failure = await failureOf(opened(lab, function* (scope) {
      // These throw in the step in which they were terminated, before they are unwound.
      const failing = (error: Error, other: Error) =>
        function* (): Generator<unknown, void, unknown> {
          yield* sleep(1);
          scope.spawn(function* () {});
          victim.throw(other);
          throw error;
        };
      const victim = scope.spawn(child, lab, { name: "victim", seconds: 9 });
      scope.spawn(failing(first, second));
      try {
        yield* sleep(5);
      } finally {
        // An own failure of cleanup is none of the scope.
        lab.at("body terminated");
      }
      throw third;
    }));
    assertInstanceOf(failure, AggregateError);
    assertEquals((failure as AggregateError).errors, [first, second]);
    assertEquals(lab.takeLog(), ["1 victim terminated", "1 body terminated"]);
  }));

/** A scope whose children fail in the step in which a deadline terminates them. */
function failingTwice(lab: Lab, errors: readonly Error[]): Operation<unknown> {
  return scope(function* (scope) {
    const children = errors.map(() => scope.spawn(child, lab, { seconds: 9 }));
    scope.signal.addEventListener("abort", () => children.forEach((each, i) => each.throw(errors[i])));
    yield* sleep(9);
  });
}

Deno.test("a child that fails with the errors of another scope fails its own with that very AggregateError", () =>
  inLab(async (lab) => {
    const errors = [new Error("first"), new Error("second")];
    let inner: unknown;
    const outer = await failureOf(opened(lab, function* (scope) {
      scope.spawn(function* (): Generator<unknown, void, unknown> {
        try {
          yield* withTimeout(1, failingTwice(lab, errors));
        } catch (error) {
          inner = error;
          throw error;
        }
      });
    }));
    assertInstanceOf(outer, AggregateError);
    assertStrictEquals(outer, inner);
    assertEquals(new Set((outer as AggregateError).errors), new Set(errors));
  }));

Deno.test("the same error object counts once", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    assertStrictEquals(
      await failureOf(opened(lab, function* (scope) {
        const failing = scope.spawn(child, lab, { name: "one", seconds: 1, error });
        const waiting = scope.spawn(function* () {
          yield* failing.finish();
        });
        failing.send(waiting);
        yield* sleep(0.5);
        const other = scope.spawn(function* (self): Generator<unknown, void, unknown> {
          yield* self.sleep(0.5);
          waiting.throw(error);
          throw error;
        });
        yield* other.finish();
      })),
      error,
    );
  }));

Deno.test("a failure of a child is the scope's, whoever else waits for it, and is not reported elsewhere", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    const caught: unknown[] = [];
    const failure = await failureOf(opened(lab, function* (scope) {
      const failing = scope.spawn(child, lab, { name: "one", seconds: 1, error });
      const outside = failing.value().catch((thrown) => caught.push(thrown));
      const other = lab.scheduler.spawn(function* (self) {
        yield* self.monitor(failing);
        try {
          yield* failing.finish();
        } catch (thrown) {
          caught.push(thrown);
        }
        const message = yield* self.receive<MonitorException>();
        assertInstanceOf(message, MonitorException);
        assertEquals(message.outcome, { kind: "throw", error });
        assertEquals(failing.hotSwap(function* () {}), false, "it cannot be restarted");
      });
      yield* other.finish();
      yield* until(outside);
    }));
    assertStrictEquals(failure, error);
    assertEquals(caught, [error, error]);
    await lab.scheduler.join();
  }));

Deno.test("a child that was terminated is no failure", () =>
  inLab(async (lab) => {
    const value = await opened(lab, function* (scope) {
      const one = scope.spawn(child, lab, { name: "one", seconds: 9 });
      scope.spawn(child, lab, { name: "two", seconds: 2 });
      yield* sleep(1);
      one.terminate();
      return "value";
    });
    assertEquals(value, "value");
    assertEquals(lab.takeLog(), ["1 one terminated", "2 two returned"]);
  }));

Deno.test("an error in the cleanup of what the scope terminated is reported and is no failure of the scope", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    assertStrictEquals(
      await failureOf(opened(lab, function* (scope) {
        scope.spawn(child, lab, { name: "one", seconds: 9, cleanupError: new Error("cleanup of one") });
        scope.spawn(child, lab, { name: "two", seconds: 1, error });
        yield* work(lab, { name: "body", seconds: 9, cleanup: 1, cleanupError: new Error("cleanup of the body") });
      })),
      error,
    );
    assertEquals(lab.takeReported().sort(), ["cleanup of one", "cleanup of the body"]);
    lab.takeLog();
  }));

Deno.test("cleanup may take five seconds, and is cut short then", () =>
  inLab(async (lab) => {
    await failureOf(opened(lab, function* (scope) {
      scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 50 });
      yield* work(lab, { name: "body", seconds: 1, error: new Error("boom") });
    }));
    assertEquals(lab.takeLog(), ["1 body failed"]);
    assertEquals(lab.scheduler.now(), 6);
  }));

Deno.test("an error thrown into the coroutine while it waits for the children is a failure of the scope", () =>
  inLab(async (lab) => {
    const error = new Error("thrown");
    const coro = lab.scheduler.spawn(function* () {
      yield* scope(function* (scope) {
        scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 1 });
      });
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.throw(error);
    });
    assertStrictEquals(await failureOf(coro.value()), error);
    assertEquals(lab.takeLog(), ["2 one terminated"]);
  }));

Deno.test("a body may catch an error that is thrown into it, and the scope goes on", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      return yield* scope(function* (scope) {
        scope.spawn(child, lab, { name: "one", seconds: 3 });
        try {
          yield* sleep(9);
        } catch (error) {
          return (error as Error).message;
        }
      });
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.throw(new Error("thrown"));
    });
    assertEquals(await coro.value(), "thrown");
    assertEquals(lab.takeLog(), ["3 one returned"]);
  }));

// --- cancel -------------------------------------------------------------------------------------------------------

Deno.test("cancel terminates all, the body included, and the scope ends normally with undefined; twice is once", () =>
  inLab(async (lab) => {
    let signal: AbortSignal;
    const value = await opened(lab, function* (scope) {
      signal = scope.signal;
      scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 1 });
      scope.service(child, lab, { name: "service", seconds: 9 });
      scope.spawn(function* () {
        yield* sleep(1);
        scope.cancel("enough");
        scope.cancel("again");
      });
      return yield* work(lab, { name: "body", seconds: 9, cleanup: 2 });
    });
    assertEquals(value, undefined);
    assertEquals(lab.takeLog(), ["1 service terminated", "2 one terminated", "3 body terminated"]);
    assertEquals([signal!.aborted, signal!.reason], [true, "enough"]);
  }));

Deno.test("the body may cancel its own scope, and stops at its next yield", () =>
  inLab(async (lab) => {
    const value = await opened(lab, function* (scope) {
      scope.spawn(child, lab, { name: "one", seconds: 9 });
      scope.cancel();
      assertEquals(scope.signal.aborted, true);
      assertEquals((scope.signal.reason as Error).message, "Cannot go on in the scope as it was cancelled");
      lab.at("the same step");
      yield;
      lab.at("not reached");
      return "value";
    });
    assertEquals(value, undefined);
    assertEquals(lab.takeLog(), ["0 the same step"]);
  }));

Deno.test("cancel while the scope waits for its children ends it with undefined, too", () =>
  inLab(async (lab) => {
    const value = await opened(lab, function* (scope) {
      scope.spawn(child, lab, { name: "one", seconds: 9 });
      scope.spawn(function* () {
        yield* sleep(1);
        scope.cancel();
      });
      return "value";
    });
    assertEquals(value, undefined);
    assertEquals(lab.takeLog(), ["1 one terminated"]);
  }));

Deno.test("after a failure cancel does nothing", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    let signal: AbortSignal;
    const failure = await failureOf(opened(lab, function* (scope) {
      signal = scope.signal;
      scope.spawn(function* () {
        try {
          yield* sleep(9);
        } finally {
          scope.cancel("too late");
        }
      });
      yield* work(lab, { name: "body", seconds: 1, error });
    }));
    assertStrictEquals(failure, error);
    assertStrictEquals(signal!.reason, error);
    lab.takeLog();
  }));

Deno.test("after cancel, what a child or the body threw before it was unwound is thrown all the same", () =>
  inLab(async (lab) => {
    const errors = [new Error("child"), new Error("body")];
    assertStrictEquals(
      await failureOf(opened(lab, function* (scope) {
        scope.spawn(function* () {
          yield* sleep(1);
          scope.cancel();
          throw errors[0];
        });
        yield* sleep(9);
      })),
      errors[0],
    );
    assertStrictEquals(
      await failureOf(opened(lab, function* (scope) {
        scope.cancel();
        throw errors[1];
      })),
      errors[1],
    );
  }));

Deno.test("a child spawned while the scope ends early is terminated before its first step", () =>
  inLab(async (lab) => {
    for (const how of ["cancel", "failure", "services"]) {
      const end = opened(lab, function* (scope) {
        const late = function* () {
          try {
            yield* sleep(9);
          } finally {
            scope.spawn(child, lab, { name: "late", seconds: 0 });
            assertEquals(scope.size, 2);
            const coro = scope.spawnWith({ name: "never" }, function* () {
              lab.at("not reached");
            });
            yield* coro.finish();
          }
        };
        if (how === "services") scope.service(late);
        else scope.spawn(late);
        yield* sleep(1);
        if (how === "cancel") scope.cancel();
        if (how === "failure") throw new Error("boom");
      });
      await end.catch(() => {});
      assertEquals(lab.takeLog(), []);
    }
  }));

// --- cut short ------------------------------------------------------------------------------------------------------

Deno.test("a termination of the coroutine terminates the children with it, in the body or after it", () =>
  inLab(async (lab) => {
    for (const inBody of [true, false]) {
      const start = lab.scheduler.now();
      let signal: AbortSignal;
      const coro = lab.scheduler.spawn(function* () {
        yield* scope(function* (scope) {
          signal = scope.signal;
          scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 3 });
          scope.service(child, lab, { name: "service", seconds: 9, cleanup: 1 });
          // Its cleanup does not delay that of the children.
          if (inBody) yield* work(lab, { name: "body", seconds: 9, cleanup: 2 });
        });
        lab.at("not reached");
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        coro.terminate();
        assertEquals((signal.reason as Error).message, "Cannot go on in the scope as its coroutine was cut short");
      });
      await coro.value();
      const body = inBody ? [`${start + 3} body terminated`] : [];
      assertEquals(lab.takeLog(), [`${start + 2} service terminated`, ...body, `${start + 4} one terminated`]);
    }
  }));

Deno.test("a deadline and the loss of a race terminate the children, whose cleanup comes first", () =>
  inLab(async (lab) => {
    const body = function* (scope: Scope): Generator<unknown, void, unknown> {
      scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 3 });
      yield* sleep(5);
    };
    await lab.scheduler.spawn(function* (coro) {
      try {
        yield* withTimeout(1, scope(body));
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
        lab.at("too late");
      }
      lab.at(String(yield* race(scope(body), coro.sleep(1, "the other won"))));
    }).value();
    assertEquals(lab.takeLog(), ["4 one terminated", "4 too late", "8 one terminated", "8 the other won"]);
  }));

Deno.test("children get no more time for their cleanup than the coroutine", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield* scope(function* (scope) {
        scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 4 });
        yield* sleep(9);
      });
      // Nor does it go on when its grace passes in that wait.
      lab.at("not reached");
      return "not the last value";
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.terminate(2);
    });
    assertEquals(await coro.value(), undefined);
    assertEquals(lab.takeLog(), []);
    assertEquals(lab.scheduler.now(), 3);
  }));

Deno.test("a termination while body and children clean up after a failure shortens the cleanup of both", () =>
  inLab(async (lab) => {
    const coro = lab.scheduler.spawn(function* () {
      yield* scope(function* (scope) {
        scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 4 });
        scope.spawn(child, lab, { name: "two", seconds: 1, error: new Error("boom") });
        try {
          yield* sleep(9);
        } finally {
          yield* sleep(4);
          lab.at("not reached");
        }
      });
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(2);
      coro.terminate(1);
      yield* self.sleep(1.5);
      assertEquals([...lab.scheduler.coros()].length, 1);
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["1 two failed"]);
    assertEquals(lab.takeReported(), ["boom"]);
    await lab.scheduler.join();
  }));

Deno.test("a termination or deadline while the scope waits for its children's cleanup leaves no child behind", () =>
  inLab(async (lab) => {
    for (const grace of [10, 1, 0]) {
      const start = lab.scheduler.now();
      const error = new Error("boom");
      let one: Coro<string>;
      const coro = lab.scheduler.spawn(function* () {
        try {
          yield* withTimeout(
            2,
            scope(function* (scope) {
              one = scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 4 });
              yield* work(lab, { name: "body", seconds: 1, error });
            }),
          );
        } finally {
          assert(!one.isAlive(), "a child was left behind");
        }
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(3);
        coro.terminate(grace);
      });
      // What began first stands.
      assertStrictEquals(await failureOf(coro.value()), error);
      assertEquals(lab.takeLog(), [`${start + 1} body failed`, ...grace === 10 ? [`${start + 5} one terminated`] : []]);
      assertEquals(lab.scheduler.now() - start, Math.min(5, 3 + grace));
      await lab.scheduler.join();
    }
  }));

Deno.test("a failure before a child is unwound is thrown in place of the TimeoutError, or reported after a termination", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    for (const how of ["deadline", "terminate"]) {
      const coro = lab.scheduler.spawn(function* () {
        yield* withTimeout(
          how === "deadline" ? 1 : 100,
          scope(function* (scope) {
            const one = scope.spawn(child, lab, { name: "one", seconds: 9 });
            // In the step in which it is terminated an error is thrown in it first.
            scope.signal.addEventListener("abort", () => one.throw(error));
            yield* sleep(9);
          }),
        );
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(1);
        if (how === "terminate") coro.terminate();
      });
      if (how === "deadline") assertStrictEquals(await failureOf(coro.value()), error);
      else assertEquals(await coro.value(), undefined);
      assertEquals(lab.takeReported(), how === "deadline" ? [] : ["boom"]);
      lab.takeLog();
    }
  }));

Deno.test("scopes in scopes end from the inside out, to any depth", () =>
  inLab(async (lab) => {
    const deep = (depth: number): () => Generator<unknown, void, unknown> =>
      function* () {
        yield* scope(function* (scope) {
          if (depth > 0) scope.spawn(deep(depth - 1));
          else scope.spawn(child, lab, { name: "deepest", seconds: 9, cleanup: 1 });
          yield* sleep(9);
        });
      };
    const coro = lab.scheduler.spawn(deep(2_000));
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      coro.terminate();
    });
    await coro.value();
    assertEquals(lab.takeLog(), ["2 deepest terminated"]);
    await assertRejects(
      () =>
        opened(lab, function* (outer) {
          outer.spawn(function* () {
            yield* scope(function* (inner) {
              inner.spawn(child, lab, { name: "inner", seconds: 1, error: new Error("inner") });
              yield* sleep(9);
            });
          });
          yield* work(lab, { name: "outer", seconds: 9 });
        }),
      Error,
      "inner",
    );
    assertEquals(lab.takeLog(), ["3 inner failed", "3 outer terminated"]);
  }));

// --- signal -----------------------------------------------------------------------------------------------------------

Deno.test("signal is aborted when the scope begins to end early, with the failure as its reason, also if used later", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    await failureOf(opened(lab, function* (scope) {
      assertStrictEquals(scope.signal, scope.signal);
      scope.signal.addEventListener("abort", () => lab.at("aborted"));
      scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 1 });
      scope.spawn(child, lab, { name: "two", seconds: 1, error });
      yield* sleep(9);
    }));
    assertEquals(lab.takeLog(), ["1 two failed", "1 aborted", "2 one terminated"]);
    let late: Scope;
    await failureOf(opened(lab, function* (scope) {
      late = scope;
      throw error;
    }));
    assertEquals([late!.signal.aborted, late!.signal.reason], [true, error]);
  }));

Deno.test("a listener of the signal may look at the child that failed", () =>
  inLab(async (lab) => {
    const error = new Error("boom");
    const seen: unknown[] = [];
    await failureOf(opened(lab, function* (scope) {
      const failing = scope.spawn(child, lab, { name: "one", seconds: 1, error });
      const waiting = lab.scheduler.spawn(function* () {
        yield* failing.finish();
      });
      waiting.value().catch((thrown) => seen.push(thrown));
      scope.signal.addEventListener("abort", () => failing.value().catch((thrown) => seen.push(thrown)));
      yield* sleep(9);
    }));
    assertEquals(seen, [error, error]);
    lab.takeLog();
  }));

// --- deadlock -----------------------------------------------------------------------------------------------------------

Deno.test("a scope whose children wait for each other is a deadlock: its wait fails, and they are terminated", () =>
  inLab(async (lab) => {
    const locks = [new Lock("one"), new Lock("two")];
    // An unrelated timer does not hide it.
    const other = lab.scheduler.spawn(function* (coro) {
      yield* coro.sleep(1000);
    });
    const failure = await failureOf(opened(lab, function* (scope) {
      for (const [first, second] of [locks, locks.toReversed()]) {
        scope.spawn(function* crossed() {
          using _one = yield* first.hold();
          yield* sleep(1);
          using _two = yield* second.hold();
        });
      }
      scope.service(function* () {
        yield* sleep(0.1);
      });
    })) as DeadlockError;
    assertInstanceOf(failure, DeadlockError);
    assertEquals(failure.waiting.map(({ coro }) => coro.name).sort(), ["anonymous", "crossed", "crossed"]);
    assert(failure.waiting.some(({ waitsFor }) => /^the end of crossed\/\d+, crossed\/\d+$/.test(waitsFor)));
    assertEquals(lab.scheduler.now(), 1);
    other.terminate();
    await lab.scheduler.join();
  }));

/** Two children that wait for each other. */
function* spawnRing(scope: Scope): Generator<unknown, void, unknown> {
  const first: Coro = scope.spawn(function* () {
    yield* second.finish();
  });
  const second: Coro = scope.spawn(function* () {
    yield* first.finish();
  });
}

Deno.test("children that wait for each other are no deadlock while a deadline or a signal may end their scope", () =>
  inLab(async (lab) => {
    const controller = new AbortController();
    const works: Record<string, () => Operation<unknown>> = {
      "a deadline": () => withTimeout(1, scope(spawnRing)),
      "a signal": () => withTimeout(controller.signal, scope(spawnRing)),
      "a deadline further out": () =>
        withTimeout(
          1,
          (function* () {
            yield* race(call((function* () {
              yield* scope(spawnRing);
            })()));
          })(),
        ),
      "a deadline around the scope of the scope": () =>
        withTimeout(
          1,
          scope(function* (outer) {
            outer.spawn(function* () {
              yield* scope(spawnRing);
            });
          }),
        ),
    };
    for (const [name, work] of Object.entries(works)) {
      const end = failureOf(
        lab.scheduler.spawn(function* () {
          yield* work();
        }).value(),
      );
      lab.scheduler.spawn(function* () {
        yield* sleep(1);
        if (name === "a signal") controller.abort(new TimeoutError("aborted"));
      });
      assertInstanceOf(await end, TimeoutError, name);
      await lab.scheduler.join();
    }
  }));

Deno.test("a deadline that a shield holds back, or one inside the scope, does not hide a deadlock", () =>
  inLab(async (lab) => {
    const works: Record<string, () => Operation<unknown>> = {
      "outside a shield": () => withTimeout(1, shield(scope(spawnRing))),
      "in the body": () =>
        scope(function* (inner) {
          yield* spawnRing(inner);
          yield* withTimeout(1000, sleep(500));
        }),
    };
    for (const [name, work] of Object.entries(works)) {
      const end = failureOf(
        lab.scheduler.spawn(function* () {
          yield* work();
        }).value(),
      );
      assertInstanceOf(await end, DeadlockError, name);
      assertEquals(lab.scheduler.now(), 0, name);
      await lab.scheduler.join();
    }
  }));

Deno.test("a child that waits for the coroutine of its scope is a deadlock", () =>
  inLab(async (lab) => {
    const failure = await failureOf(
      lab.scheduler.spawn(function* (coro) {
        yield* scope(function* (scope) {
          scope.spawn(function* () {
            yield* coro.finish();
          });
        });
      }).value(),
    );
    assertInstanceOf(failure, DeadlockError);
  }));

Deno.test("a scope with a child that can still go on is no deadlock", () =>
  inLab(async (lab) => {
    const lock = new Lock();
    const value = await opened(lab, function* (scope) {
      const waiting = scope.spawn(function* () {
        using _lock = yield* lock.hold();
      });
      scope.service(function* (self) {
        using _lock = yield* lock.hold();
        // It is resumed from outside.
        yield* self.sleep();
      });
      lab.scheduler.spawn(function* (self) {
        yield* self.sleep(10);
        waiting.terminate();
      });
      return "value";
    });
    assertEquals(value, "value");
  }));

Deno.test("a body that waits for a lock in a closed set with a child is found, once", () =>
  inLab(async (lab) => {
    const lock = new Lock();
    const end = lab.scheduler.spawn(function* (coro) {
      yield* lock.acquire();
      yield* scope(function* (scope) {
        const one = scope.spawn(function* () {
          yield* lock.acquire();
        });
        assertEquals(coro.isAlive(), true);
        yield* one.finish();
      });
    }).value();
    assertInstanceOf(await failureOf(end), DeadlockError);
    assertEquals(lab.takeReported().length, 1, "the lock that was held at the end");
  }));

// --- arguments ------------------------------------------------------------------------------------------------------------

Deno.test("scope and its methods refuse bad arguments, and nothing has changed then", () =>
  inLab(async (lab) => {
    for (const bad of [undefined, null, 5, () => {}, async () => {}, sleep(1)]) {
      assertThrows(() => scope(bad as never), TypeError, "Cannot open a scope as 'body' must be a generator function");
    }
    const value = await opened(lab, function* (scope) {
      assertThrows(() => scope.spawn((() => {}) as never), TypeError, "'target' must be a generator function");
      assertThrows(() => scope.service(5 as never), TypeError, "'target' must be a generator function");
      assertThrows(() => scope.spawnWith({ priority: 9 }, child, lab, { seconds: 1 }), RangeError);
      assertThrows(() => scope.spawnWith(null as never, child, lab, { seconds: 1 }), TypeError);
      assertEquals(scope.size, 0);
      // What is created next is no child.
      const other = new Coro(function* () {
        yield* sleep(5);
      });
      assertEquals(scope.size, 0);
      return other;
    });
    assertEquals(value!.isAlive(), true);
    await value!.value();
  }));

Deno.test("a function whose parameters fail at the spawn is no child", () =>
  inLab(async (lab) => {
    await opened(lab, function* (scope) {
      const target = function* (_coro: Coro, _value = fail()) {};
      assertThrows(() => scope.spawn(target), Error, "default value");
      assertEquals(scope.size, 0);
    });
  }));

function fail(): never {
  throw new Error("default value");
}

Deno.test("a hot swap of a child keeps it a child", () =>
  inLab(async (lab) => {
    await opened(lab, function* (scope) {
      const one = scope.spawn(function* (self): Generator<unknown, void, unknown> {
        self.hotSwappable(true);
        yield* self.sleep(9);
      });
      yield* sleep(1);
      one.hotSwap(function* swapped() {
        yield* work(lab, { name: "swapped", seconds: 2 });
      });
    });
    assertEquals(lab.takeLog(), ["3 swapped returned"]);
  }));

Deno.test("a signal that ends the time of a scope terminates its children, and its reason is thrown after their cleanup", () =>
  inLab(async (lab) => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const coro = lab.scheduler.spawn(function* () {
      yield* withTimeout(
        controller.signal,
        scope(function* (scope) {
          scope.spawn(child, lab, { name: "one", seconds: 9, cleanup: 2 });
          yield* sleep(5);
        }),
      );
    });
    lab.scheduler.spawn(function* (self) {
      yield* self.sleep(1);
      controller.abort(reason);
    });
    assertStrictEquals(await failureOf(coro.value()), reason);
    assertEquals(lab.takeLog(), ["3 one terminated"]);
  }));
