/**
 * `main()`: whole programs, their exit codes, signals, and what keeps a process alive.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Program, runProgram, withPrograms } from "../helpers/program.ts";

Deno.test("main runs until its coroutine and all others but daemons have ended, with exit code 0", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, main, Scheduler } from "@asyncoro/asyncoro";
    Scheduler.instance().atexit(() => console.log("exit"));
    main(function* (coro, a, b) {
      new Coro(function* child(self) { yield* self.sleep(0.03); console.log("child"); });
      new Coro(function* daemon(self) {
        self.setDaemon();
        try { yield* self.sleep(1000); } finally { yield* self.sleep(0.01); console.log("daemon cleaned"); }
      });
      yield* coro.sleep(0.01);
      console.log("main", a + b);
    }, 1, 2);
    console.log("main returned");
  `);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout, "main returned\nmain 3\nchild\ndaemon cleaned\nexit\n");
});

Deno.test("an uncaught error of the main coroutine is printed once, the exit code is 1, and the others go on", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, main } from "@asyncoro/asyncoro";
    main(function* program(coro) {
      new Coro(function* (self) { yield* self.sleep(0.02); console.log("the other went on"); });
      yield* coro.sleep(0.01);
      throw new TypeError("boom");
    });
  `);
  assertEquals([code, stdout], [1, "the other went on\n"]);
  assertMatch(stderr, /^Uncaught error in coroutine program\/1: TypeError: boom\n/);
  assertEquals(stderr.match(/boom/g)?.length, 1, stderr);
});

Deno.test("an uncaught error of another coroutine makes the exit code 1, too", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { Coro, main } from "@asyncoro/asyncoro";
    main(function* (coro) {
      new Coro(function* child() { throw new Error("boom"); });
      yield* coro.sleep(0.01);
      console.log("done");
    });
  `);
  assertEquals([code, stdout], [1, "done\n"]);
  assertMatch(stderr, /^Uncaught error in coroutine child\/2: Error: boom\n/);
});

Deno.test("an error that finish() throws is not reported as uncaught", async () => {
  const { code, stderr } = await runProgram(`
    import { Coro, main } from "@asyncoro/asyncoro";
    main(function* () {
      try { yield* new Coro(function* () { yield; throw new Error("boom"); }).finish(); } catch {}
    });
  `);
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("main throws at the call if the target is not a generator function", async () => {
  const { code, stderr } = await runProgram(`
    import { main } from "@asyncoro/asyncoro";
    main(async () => {});
  `);
  assertEquals(code, 1);
  assertMatch(stderr, /TypeError: Cannot create a coroutine as 'target' must be a generator function/);
});

const WAITS = `
  import { Coro, main, Scheduler } from "@asyncoro/asyncoro";
  Scheduler.instance().atexit(() => console.log("exit"));
  main(function* (coro) {
    new Coro(function* child(self) {
      setTimeout(() => console.log("ready"), 0);
      try { yield* self.receive(); } finally { yield* self.sleep(0.03); console.log("child cleaned"); }
    });
    try {
      yield* coro.sleep(1000);
    } finally {
      yield* coro.sleep(0.06);
      console.log("main cleaned");
    }
  });
`;

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} terminates the coroutines, with waiting finally blocks, and ends with code ${code}`, () =>
    withPrograms(async (start) => {
      const program = start(WAITS);
      await program.printed("ready");
      program.kill(signal);
      const outcome = await program.ended();
      assertEquals([outcome.code, outcome.stderr], [code, ""]);
      assertEquals(outcome.stdout, "ready\nchild cleaned\nmain cleaned\nexit\n");
    }));
}

Deno.test("a second signal ends the process at once", () =>
  withPrograms(async (start) => {
    const program: Program = start(`
      import { main } from "@asyncoro/asyncoro";
      main(function* (coro) {
        try {
          setTimeout(() => console.log("ready"), 0);
          yield* coro.sleep(1000);
        } finally {
          console.log("cleaning");
          yield* coro.sleep(4);
          console.log("cleaned");
        }
      });
    `);
    await program.printed("ready");
    const start2 = performance.now();
    program.kill("SIGINT");
    await program.printed("cleaning");
    program.kill("SIGTERM");
    const outcome = await program.ended();
    assertEquals([outcome.code, outcome.stdout], [143, "ready\ncleaning\n"]);
    assert(performance.now() - start2 < 3_500);
  }));

Deno.test("cleanup that takes too long after a signal is cut short after five seconds", () =>
  withPrograms(async (start) => {
    const program = start(`
      import { main } from "@asyncoro/asyncoro";
      main(function* (coro) {
        try {
          setTimeout(() => console.log("ready"), 0);
          yield* coro.sleep(1000);
        } finally {
          try { yield* coro.sleep(1000); } finally { console.log("cut short"); }
        }
      });
    `);
    await program.printed("ready");
    program.kill("SIGTERM");
    const outcome = await program.ended();
    assertEquals([outcome.code, outcome.stdout], [143, "ready\ncut short\n"]);
  }));

Deno.test("the signal listeners of main do not keep the process alive, nor outlive it", async () => {
  const { code, stdout } = await runProgram(`
    import { main, run } from "@asyncoro/asyncoro";
    main(function* () { yield; console.log("first"); });
    setTimeout(() => run(function* (coro) { yield* coro.sleep(0.01); console.log("second"); }), 30);
  `);
  assertEquals([code, stdout], [0, "first\nsecond\n"]);
});

// --- what keeps a process alive -----------------------------------------------------------------------------------

Deno.test("daemons alone never keep the process alive, whatever they do", async () => {
  const start = performance.now();
  const { code, stdout, stderr } = await runProgram(`
    import { Coro } from "@asyncoro/asyncoro";
    new Coro(function* (coro) { coro.setDaemon(); yield* coro.sleep(1000); });
    new Coro(function* (coro) { coro.setDaemon(); yield* coro.receive(500); });
    new Coro(function* (coro) { coro.setDaemon(); for (;;) yield; });
    new Coro(function* (coro) { coro.setDaemon(); for (;;) yield* coro.sleep(0.001); });
    new Coro(function* (coro) { yield* coro.sleep(0.05); console.log("done"); });
  `);
  assertEquals([code, stdout, stderr], [0, "done\n", ""]);
  assert(performance.now() - start < 10_000);
});

Deno.test("a coroutine that is made a daemon later lets the process end; one that is no longer a daemon keeps it alive", async () => {
  const { code, stdout } = await runProgram(`
    import { Coro } from "@asyncoro/asyncoro";
    new Coro(function* (one) {
      setTimeout(() => one.setDaemon(), 20);
      yield* one.sleep(1000);
      console.log("must not be reached");
    });
    new Coro(function* (two) {
      two.setDaemon();
      // Called inside the coroutine, as outside it might come before that step on a slow machine.
      setTimeout(() => two.setDaemon(false), 10);
      yield* two.sleep(0.1);
      console.log("two ended");
    });
  `);
  assertEquals([code, stdout], [0, "two ended\n"]);
});

Deno.test("a coroutine that is no daemon keeps the process alive, also while code outside awaits value()", async () => {
  const { code, stdout } = await runProgram(`
    import { Coro, run, Scheduler } from "@asyncoro/asyncoro";
    new Coro(function* (coro) { yield* coro.sleep(0.05); console.log("alone"); });
    console.log(await run(function* (coro) { yield* coro.sleep(0.1); return "awaited"; }));
    const daemon = new Coro(function* (coro) { coro.setDaemon(); yield* coro.sleep(0.05); return "daemon"; });
    console.log(await daemon.value());
    await Scheduler.instance().join();
  `);
  assertEquals([code, stdout], [0, "alone\nawaited\ndaemon\n"]);
});

Deno.test("importing the package does nothing and needs no permission", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import "@asyncoro/asyncoro";
    import { VirtualClock } from "@asyncoro/asyncoro/testing";
    console.log(typeof VirtualClock);
  `);
  assertEquals([code, stdout, stderr], [0, "function\n", ""]);
});
