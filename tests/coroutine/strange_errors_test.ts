/**
 * Any value may be thrown, even one whose properties throw: it ends its own coroutine only, and everything that handles
 * it gets the same value.
 */
import {
  all,
  call,
  Channel,
  type Coro,
  MonitorException,
  race,
  Scheduler,
  sleep,
  supervise,
  SupervisionError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { CancelledError, newEventLoop, taskGroup, timeout, waitFor } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { inLab } from "../helpers/lab.ts";
import { runProgram } from "../helpers/program.ts";
import { STRANGE } from "../helpers/strange.ts";

/** Silences the console; returns how often something was printed. */
async function silently(act: () => Promise<void>): Promise<number> {
  const { error } = console;
  let printed = 0;
  console.error = (...parts: unknown[]) => {
    printed++;
    // The real console also runs code of the value that it prints.
    for (const part of parts) Deno.inspect(part);
  };
  try {
    await act();
  } finally {
    console.error = error;
  }
  return printed;
}

/** The rejection of a promise, in a box: a promise resolved with the value would read its properties. */
async function rejection(promise: PromiseLike<unknown>): Promise<{ error: unknown }> {
  try {
    await promise;
  } catch (error) {
    return { error };
  }
  throw new Error("It was not rejected");
}

for (const [name, make] of Object.entries(STRANGE)) {
  Deno.test(`${name} that nothing handles is reported once, and the others go on`, async () => {
    const scheduler = new Scheduler();
    const printed = await silently(async () => {
      const other = scheduler.spawn(function* () {
        yield* sleep(0.001);
        return "alive";
      });
      scheduler.spawn(function* () {
        throw make();
      });
      assertEquals(await other.value(), "alive");
      await scheduler.join();
    });
    assertEquals(printed, 1);
    await scheduler.terminate();
  });

  Deno.test(`${name} passes through every frame and every operation unchanged`, () =>
    inLab(async ({ scheduler }) => {
      const strange = make();
      function* inner(): Generator<unknown, void, unknown> {
        yield* sleep(1);
        throw strange;
      }
      function* plain(): Generator<unknown, void, unknown> {
        yield inner();
      }
      const failing = () => scheduler.spawn(inner);
      const ways: ((coro: Coro) => Generator<unknown, unknown, unknown>)[] = [
        function* () {
          yield* call(plain());
        },
        function* () {
          yield* withTimeout(5, call(inner()));
        },
        function* () {
          yield* race(call(inner()), sleep(5));
        },
        function* () {
          yield* all(inner(), plain());
        },
        function* () {
          yield* failing().finish();
        },
        function* () {
          yield* until(Promise.reject(strange));
        },
      ];
      for (const way of ways) {
        assertStrictEquals((await rejection(scheduler.spawn(way).value())).error, strange);
      }
    }));

  Deno.test(`${name} reaches monitors and supervisors`, () =>
    inLab(async ({ scheduler }) => {
      const strange = make();
      const target = function* (): Generator<unknown, void, unknown> {
        yield* sleep(1);
        throw strange;
      };
      const message = await scheduler.spawn(function* (coro) {
        yield* coro.monitor(scheduler.spawn(target));
        return yield* coro.receive<MonitorException>();
      }).value();
      assertInstanceOf(message, MonitorException);
      assertEquals(message.outcome.kind, "throw");
      assertStrictEquals((message.outcome as { error: unknown }).error, strange);
      const { error } = await rejection(
        scheduler.spawn(function* () {
          yield* supervise([{ target }], { maxRestarts: 1 }).finish();
        }).value(),
      );
      assertInstanceOf(error, SupervisionError);
      const { failures } = error as SupervisionError;
      assertEquals(failures.length, 2);
      assertStrictEquals(failures[0], strange);
    }));

  Deno.test(`${name} that cleanup, a hook or a transform throws breaks nothing`, async () => {
    const scheduler = new Scheduler();
    const printed = await silently(async () => {
      scheduler.onError = () => {
        throw make();
      };
      const cleaning = scheduler.spawn(function* () {
        try {
          yield* sleep(5);
        } finally {
          // deno-lint-ignore no-unsafe-finally -- it is what the test is about
          throw make();
        }
      });
      using channel = new Channel<number>("strange", () => {
        throw make();
      });
      await scheduler.spawn(function* () {
        yield;
        channel.send(1);
        cleaning.terminate();
        yield* cleaning.finish();
      }).value();
      scheduler.atexit(() => {
        throw make();
      });
      assertEquals(channel.send(1), false);
      await scheduler.terminate();
    });
    // Two errors with what the hook threw, a transform outside coroutines, and the function at the exit; where what
    // is thrown cannot be shown, it is tried twice.
    assertEquals(printed >= 6, true, `${printed}`);
  });

  Deno.test(`${name} as the reason of a signal, or thrown in a loop of asyncio, breaks nothing`, async () => {
    const loop = newEventLoop();
    const strange = make();
    const reports: unknown[] = [];
    loop.setExceptionHandler((_loop, { exception }) => {
      reports.push(exception);
      throw strange;
    });
    const failing = function* (): Generator<unknown, void, unknown> {
      yield* sleep(0);
      throw strange;
    };
    await silently(async () => {
      const controller = new AbortController();
      const aborted = loop.createTask(
        function* () {
          yield* sleep(60);
        },
        { signal: controller.signal },
      );
      controller.abort(strange);
      loop.callSoon(() => {
        throw strange;
      });
      assertInstanceOf((await rejection(loop.runUntilComplete(aborted))).error, CancelledError);
      assertStrictEquals((await rejection(loop.runUntilComplete(loop.createTask(failing)))).error, strange);
      const limited = loop.createTask(function* () {
        yield* timeout(5, failing as () => Generator<unknown, void, unknown>);
      });
      assertStrictEquals((await rejection(loop.runUntilComplete(limited))).error, strange);
      const waiting = loop.createTask(function* () {
        yield* waitFor(failing as unknown as () => Generator<unknown, void, unknown>, 5);
      });
      assertStrictEquals((await rejection(loop.runUntilComplete(waiting))).error, strange);
      const grouped = loop.createTask(function* () {
        yield* taskGroup(function* (group) {
          group.createTask(failing);
          yield* sleep(60);
        });
      });
      const failure = (await rejection(loop.runUntilComplete(grouped))).error as AggregateError;
      assertEquals(failure.errors.length, 1);
      assertStrictEquals(failure.errors[0], strange);
      loop.createTask(failing);
      await loop.runUntilComplete(loop.createTask(function* () {
        yield* sleep(0);
        yield* sleep(0);
      }));
      loop.close();
    });
    assertEquals(reports.length, 2);
    for (const each of reports) assertStrictEquals(each, strange);
  });
}

for (const prepare of ["(_error, sites) => sites", "() => { throw new Error('prepare'); }", "() => 42"]) {
  Deno.test(`coroutines fail as usual with Error.prepareStackTrace = ${prepare}`, async () => {
    const { code, stdout, stderr } = await runProgram(`
      import { all, call, Coro, Scheduler, sleep, withTimeout } from "@asyncoro/asyncoro";
      Error.prepareStackTrace = ${prepare};
      const scheduler = new Scheduler({ debug: true });
      function* inner() { yield* sleep(0.001); throw new Error("boom"); }
      const other = scheduler.spawn(function* () { yield* sleep(0.02); return "alive"; });
      const nested = scheduler.spawn(function* () { yield* withTimeout(1, call(inner())); });
      const plain = scheduler.spawn(function* () { sleep(1); yield inner(); });
      const both = scheduler.spawn(function* () { yield* all(inner(), sleep(1)); });
      for (const each of [nested, plain, both]) console.log((await each.value().catch((error) => error)).message);
      scheduler.spawn(function* () { throw new Error("uncaught"); });
      console.log(await other.value());
    `);
    assertEquals([code, stdout], [0, "boom\nboom\nboom\nalive\n"], stderr);
    assertEquals(stderr.match(/Uncaught error in coroutine \w+\/\d+: Error: uncaught/g)?.length, 1, stderr);
  });
}

Deno.test("a function whose name was replaced by any value still makes a coroutine", () =>
  inLab(async ({ scheduler }) => {
    for (const name of [Symbol("name"), 5, "", null]) {
      const target = Object.defineProperty(function* () {}, "name", { value: name });
      assertEquals(scheduler.spawn(target).toString().split("/")[0], "anonymous");
    }
    await scheduler.join();
  }));

Deno.test("main() ends with code 1 whatever its coroutine throws", async () => {
  const { code, stderr } = await runProgram(`
    import { main } from "@asyncoro/asyncoro";
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    main(function* () { throw proxy; });
  `);
  assertEquals(code, 1, stderr);
  assertEquals(stderr, "Uncaught error in coroutine anonymous/1: an object that cannot be read\n");
});
