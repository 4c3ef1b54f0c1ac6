/** SIGINT while run() runs, and how programs end, in processes of their own. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Outcome, type Program, runProgram, withPrograms } from "../helpers/program.ts";

const INTERRUPTED = 130;

/** Runs a program that prints "ready", and interrupts it then, and again each time it prints one of `again`. */
async function interrupted(source: string, ...again: string[]): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await withPrograms(async (start) => {
    const program: Program = start(
      `import { CancelledError, createTask, currentTask, run, sleep } from "@asyncoro/asyncoro/asyncio";\n${source}`,
    );
    for (const text of ["ready", ...again]) {
      await program.printed(text);
      program.kill("SIGINT");
    }
    outcome = await program.ended();
  });
  return outcome!;
}

function lines({ stdout }: Outcome): string[] {
  return stdout.trimEnd().split("\n");
}

Deno.test("SIGINT cancels main, waits for its cleanup, and the process ends with code 130", async () => {
  const outcome = await interrupted(`
    await run(function* () {
      try {
        console.log("ready");
        yield* sleep(3600);
      } catch (error) {
        console.log(error instanceof CancelledError);
        throw error;
      } finally {
        yield* sleep(0.01);
        console.log("cleaned up");
      }
    });
    console.log("never");
  `);
  assertEquals([outcome.code, lines(outcome)], [INTERRUPTED, ["ready", "true", "cleaned up"]]);
  assertEquals(outcome.stderr, "");
});

Deno.test("SIGINT: when main has ended, what is left is cancelled, and its cleanup is waited for", async () => {
  const outcome = await interrupted(`
    function* worker(name) {
      try {
        yield* sleep(3600);
      } finally {
        yield* sleep(0.01);
        console.log(name);
      }
    }
    run(function* () {
      const tasks = ["a", "b"].map((name) => createTask(worker(name)));
      yield* sleep(0);
      console.log("ready");
      try {
        yield* sleep(3600);
      } finally {
        console.log("main");
      }
    });
  `);
  assertEquals([outcome.code, lines(outcome)], [INTERRUPTED, ["ready", "main", "a", "b"]]);
});

Deno.test("a second SIGINT ends the process at once, whatever cleanup runs", async () => {
  const outcome = await interrupted(
    `
    run(function* () {
      try {
        console.log("ready");
        yield* sleep(3600);
      } finally {
        console.log("cleaning");
        yield* sleep(3600);
        console.log("never");
      }
    });
  `,
    "cleaning",
  );
  assertEquals([outcome.code, lines(outcome)], [INTERRUPTED, ["ready", "cleaning"]]);
});

Deno.test("SIGINT cancels a main whose waits never suspend it", async () => {
  const outcome = await interrupted(`
    run(function* () {
      try {
        for (let i = 0;; i++) {
          if (i === 10) console.log("ready");
          yield* sleep(0);
        }
      } finally {
        console.log("cancelled");
      }
    });
  `);
  assertEquals([outcome.code, lines(outcome)], [INTERRUPTED, ["ready", "cancelled"]]);
});

Deno.test("a main that swallows the cancellation ends normally: no exit, its result counts", async () => {
  const outcome = await interrupted(`
    const result = await run(function* () {
      try {
        console.log("ready");
        yield* sleep(3600);
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
      }
      yield* sleep(0.01);
      return "went on";
    });
    console.log(result);
  `);
  assertEquals([outcome.code, lines(outcome)], [0, ["ready", "went on"]]);
});

Deno.test("a main that the program cancels as well ends with a CancelledError, and the process goes on", async () => {
  const outcome = await interrupted(`
    await run(function* () {
      try {
        console.log("ready");
        yield* sleep(3600);
      } finally {
        currentTask().cancel();
      }
    }).catch((error) => console.log(error.name));
    console.log("goes on");
  `);
  assertEquals([outcome.code, lines(outcome)], [0, ["ready", "CancelledError", "goes on"]]);
});

Deno.test("an error that main throws in its cleanup is the result, and the exit code is its program's", async () => {
  const outcome = await interrupted(`
    try {
      await run(function* () {
        try {
          console.log("ready");
          yield* sleep(3600);
        } finally {
          throw new RangeError("in the cleanup");
        }
      });
    } catch (error) {
      console.log(error.name);
    }
  `);
  assertEquals([outcome.code, lines(outcome)], [0, ["ready", "RangeError"]]);
});

Deno.test("SIGINT cancels the mains of several runs, and the process ends when all have", async () => {
  const outcome = await interrupted(`
    let begun = 0;
    const main = (name, seconds) => function* () {
      try {
        if (++begun === 2) console.log("ready");
        yield* sleep(3600);
      } finally {
        yield* sleep(seconds);
        console.log(name);
      }
    };
    run(main("slow", 0.05)).catch(() => {});
    run(main("quick", 0.01)).catch(() => {});
  `);
  assertEquals([outcome.code, lines(outcome)], [INTERRUPTED, ["ready", "quick", "slow"]]);
});

Deno.test("after a run SIGINT has its usual effect again", async () => {
  await withPrograms(async (start) => {
    const program = start(`
      import { run, sleep } from "@asyncoro/asyncoro/asyncio";
      await run(sleep(0.001));
      setTimeout(() => console.log("never"), 60_000);
      console.log("ready");
    `);
    await program.printed("ready");
    program.kill("SIGINT");
    const outcome = await program.ended();
    assertEquals([outcome.code, lines(outcome)], [INTERRUPTED, ["ready"]]);
  });
});

Deno.test("a run that was interrupted and went on does not affect the next one", async () => {
  const outcome = await interrupted(
    `
    const main = (name) => function* () {
      try {
        console.log(name);
        yield* sleep(3600);
      } catch {
        return "swallowed";
      }
    };
    console.log(await run(main("ready")));
    console.log(await run(main("second")));
  `,
    "second",
  );
  assertEquals([outcome.code, lines(outcome)], [0, ["ready", "swallowed", "second", "swallowed"]]);
});

Deno.test("the listener does not keep the process going: a run that has ended lets it end", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { run, sleep } from "@asyncoro/asyncoro/asyncio";
    console.log(await run(sleep(0.01, "slept")));
  `);
  assertEquals([code, stdout, stderr], [0, "slept\n", ""]);
});

Deno.test("a run that can never end fails with a DeadlockError instead of hanging, and names what waits", async () => {
  const { code, stdout } = await runProgram(`
    import { getRunningLoop, run } from "@asyncoro/asyncoro/asyncio";
    run(function* lost() {
      try {
        yield* getRunningLoop().createFuture();
      } finally {
        console.log("cleaned up");
      }
    }).catch(({ name, message }) => console.log(name, message));
  `);
  assertMatch(stdout, /^cleaned up\nDeadlockError Deadlock: .*\n +lost\/\d+ waits for a pending future\n$/);
  assertEquals(code, 0);
});

Deno.test("an unhandled rejection of run() ends the process as any other does", async () => {
  const { code, stderr } = await runProgram(`
    import { run } from "@asyncoro/asyncoro/asyncio";
    run(function* () {
      throw new RangeError("of main");
    });
  `);
  assertStringIncludes(stderr, "RangeError: of main");
  assertEquals(code, 1);
});

Deno.test("an idle run keeps the process alive until its timer", async () => {
  const { code, stdout } = await runProgram(`
    import { run, sleep } from "@asyncoro/asyncoro/asyncio";
    run(function* () {
      yield* sleep(0.05);
      console.log("woke up");
    });
  `);
  assertEquals([code, stdout], [0, "woke up\n"]);
});
