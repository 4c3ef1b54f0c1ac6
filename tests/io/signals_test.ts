/**
 * `signals`: signals of the process, in this one and in whole programs.
 */
import { Coro, type Items, race, run, Scheduler, signals, sleep, until } from "@asyncoro/asyncoro";
import { assertEquals, assertThrows } from "@std/assert";
import { settle } from "../helpers/lab.ts";
import { withPrograms } from "../helpers/program.ts";
import { countingListeners } from "../helpers/signals.ts";

const ignore = Deno.build.os === "windows";

/** Sends this process a signal and waits until it has arrived. The caller listens to it. */
function* raise(signal: Deno.Signal, times = 1): Generator<unknown, void, unknown> {
  for (; times > 0; times--) {
    const arrived = Promise.withResolvers<void>();
    const listener = () => arrived.resolve();
    Deno.addSignalListener(signal, listener);
    Deno.kill(Deno.pid, signal);
    // A signal that is to come does not keep the process alive.
    const alive = setInterval(() => {}, 1000);
    yield* until(arrived.promise);
    clearInterval(alive);
    Deno.removeSignalListener(signal, listener);
  }
}

function* next(_coro: Coro, names: Items<Deno.Signal>): Generator<unknown, Deno.Signal | null, unknown> {
  return yield* names.next();
}

/** What is kept. */
function* rest(names: Items<Deno.Signal>): Generator<unknown, unknown[], unknown> {
  const kept: unknown[] = [];
  for (;;) {
    const name = yield* race(names.next(), sleep(0.001));
    if (name === undefined) return kept;
    kept.push(name);
  }
}

Deno.test({
  name: "signals gives the names that come, to those that wait in their order",
  ignore,
  fn: () =>
    run(function* () {
      using names = signals("SIGUSR1", "SIGHUP");
      const waiting = [new Coro(next, names), new Coro(next, names)];
      yield;
      yield* raise("SIGHUP");
      yield* raise("SIGUSR1");
      assertEquals([yield* waiting[0].finish(), yield* waiting[1].finish()], ["SIGHUP", "SIGUSR1"]);
    }),
});

Deno.test({
  name: "a name that comes while no coroutine waits is kept once",
  ignore,
  fn: () =>
    run(function* () {
      using names = signals("SIGUSR1", "SIGHUP", "SIGHUP");
      yield* rest(names);
      yield* raise("SIGHUP", 2);
      yield* raise("SIGUSR1");
      yield* raise("SIGHUP");
      assertEquals(yield* rest(names), ["SIGHUP", "SIGUSR1"]);
      yield* raise("SIGHUP");
      assertEquals(yield* rest(names), ["SIGHUP"]);
    }),
});

Deno.test("a name that was granted to a wait which is cut short is kept, once", { ignore }, async () => {
  const { addSignalListener, removeSignalListener } = Deno;
  let deliver = () => {};
  Deno.addSignalListener = (_, handler) => deliver = handler;
  Deno.removeSignalListener = () => {};
  try {
    await run(function* () {
      using names = signals("SIGUSR1");
      for (const again of [false, true]) {
        const coro = new Coro(next, names);
        yield;
        deliver();
        if (again) deliver();
        coro.terminate();
        yield* coro.finish();
        assertEquals(yield* rest(names), ["SIGUSR1"]);
      }
    });
  } finally {
    Object.assign(Deno, { addSignalListener, removeSignalListener });
  }
});

Deno.test({
  name: "it listens from the first next on, until it is disposed of, its loop ends or its coroutine ends",
  ignore,
  fn: () =>
    countingListeners("SIGTERM", async (count) => {
      const counts: number[] = [];
      await run(function* () {
        const names = signals("SIGTERM");
        names.next();
        counts.push(count());
        yield* race(names.next(), sleep(0));
        counts.push(count());
        names[Symbol.dispose]();
        counts.push(count());
        assertEquals(yield* names.next(), null);
        yield* race(signals("SIGTERM").forEach(() => {}), sleep(0));
        counts.push(count());
        yield* new Coro(function* () {
          yield* race(signals("SIGTERM").next(), sleep(0));
          counts.push(count());
        }).finish();
        counts.push(count());
      });
      assertEquals(counts, [0, 1, 0, 0, 1, 0]);
    }),
});

Deno.test("a wait for signals counts as a host operation and says what it waits for", { ignore }, async () => {
  const scheduler = new Scheduler();
  const coro = scheduler.spawn(function* () {
    yield* signals("SIGUSR1", "SIGHUP").next();
  });
  await settle();
  assertEquals(scheduler.stats().hostOperations, 1);
  assertEquals(scheduler.dump()[0].waitsFor, "the signal SIGUSR1 or SIGHUP");
  coro.terminate();
  await coro.value();
  assertEquals(scheduler.stats().hostOperations, 0);
  await scheduler.terminate();
});

Deno.test("bad input is refused at the call, and what the host refuses at the yield", async () => {
  assertThrows(() => signals(), TypeError, "there are no names");
  for (const name of ["HUP", "", 5, null, "sighup"]) {
    assertThrows(() => signals(name as never), TypeError, 'names are like "SIGHUP"');
  }
  if (ignore) return;
  await countingListeners("SIGTERM", async (count) => {
    await run(function* () {
      const names = signals("SIGTERM", "SIGKILL");
      let error: unknown;
      try {
        yield* names.next();
      } catch (thrown) {
        error = thrown;
      }
      assertEquals([error instanceof TypeError, count()], [true, 0]);
    });
  });
});

Deno.test({
  name: "while a coroutine waits for signals, main leaves them to it and the process stays alive",
  ignore,
  fn: () =>
    withPrograms(async (start) => {
      const program = start(`
        import { main, signals } from "@asyncoro/asyncoro";
        main(function* () {
          setTimeout(() => console.log("ready"), 0);
          let count = 0;
          for (const next of signals("SIGINT", "SIGHUP")) {
            console.log(yield* next, ++count);
            if (count === 3) break;
          }
          console.log("done");
        });
      `);
      await program.printed("ready\n");
      program.kill("SIGINT");
      await program.printed("SIGINT 1\n");
      program.kill("SIGHUP");
      await program.printed("SIGHUP 2\n");
      program.kill("SIGINT");
      const { code, stdout, stderr } = await program.ended();
      assertEquals([code, stderr], [0, ""]);
      assertEquals(stdout, "ready\nSIGINT 1\nSIGHUP 2\nSIGINT 3\ndone\n");
    }),
});

Deno.test({
  name: "between two waits a signal is kept and main leaves it alone; afterwards it ends the program as ever",
  ignore,
  fn: () =>
    withPrograms(async (start) => {
      const program = start(`
        import { main, signals, sleep } from "@asyncoro/asyncoro";
        main(function* (coro) {
          {
            using names = signals("SIGTERM");
            setTimeout(() => console.log("ready"), 0);
            console.log(yield* names.next());
            setTimeout(() => console.log("busy"), 0);
            yield* sleep(0.5);
            console.log(yield* names.next());
          }
          try {
            console.log("open");
            yield* sleep(60);
          } finally {
            console.log("cleanup");
          }
        });
      `);
      await program.printed("ready\n");
      program.kill("SIGTERM");
      await program.printed("busy\n");
      program.kill("SIGTERM");
      program.kill("SIGTERM");
      await program.printed("open\n");
      program.kill("SIGTERM");
      const { code, stdout, stderr } = await program.ended();
      assertEquals([code, stderr], [143, ""]);
      assertEquals(stdout, "ready\nSIGTERM\nbusy\nSIGTERM\nopen\ncleanup\n");
    }),
});

Deno.test({
  name: "main still ends the program on signals that nobody waits for",
  ignore,
  fn: () =>
    withPrograms(async (start) => {
      const program = start(`
        import { main, signals } from "@asyncoro/asyncoro";
        main(function* () {
          setTimeout(() => console.log("ready"), 0);
          try { yield* signals("SIGHUP", "SIGTERM").forEach(() => {}); } finally { console.log("cleanup"); }
        });
      `);
      await program.printed("ready\n");
      program.kill("SIGINT");
      const { code, stdout } = await program.ended();
      assertEquals([code, stdout], [130, "ready\ncleanup\n"]);
    }),
});

Deno.test({
  name: "a daemon that waits for signals does not keep the process alive",
  ignore,
  fn: () =>
    withPrograms(async (start) => {
      const program = start(`
        import { Coro, main, signals, sleep } from "@asyncoro/asyncoro";
        main(function* () {
          new Coro(function* (coro) {
            coro.setDaemon();
            setTimeout(() => console.log("ready"), 0);
            for (const next of signals("SIGHUP")) console.log(yield* next);
          });
          yield* sleep(0.5);
        });
      `);
      await program.printed("ready\n");
      program.kill("SIGHUP");
      const { code, stdout, stderr } = await program.ended();
      assertEquals([code, stdout, stderr], [0, "ready\nSIGHUP\n", ""]);
    }),
});

Deno.test({
  name: "without main the process stays alive while a coroutine waits, and no longer",
  ignore,
  fn: () =>
    withPrograms(async (start) => {
      const program = start(`
        import { Coro, signals } from "@asyncoro/asyncoro";
        const names = signals("SIGUSR1");
        new Coro(function* () {
          setTimeout(() => console.log("ready"), 0);
          console.log(yield* names.next());
        });
      `);
      await program.printed("ready\n");
      program.kill("SIGUSR1");
      const { code, stdout, stderr } = await program.ended();
      assertEquals([code, stdout, stderr], [0, "ready\nSIGUSR1\n", ""]);
    }),
});
