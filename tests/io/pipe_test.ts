/** Child processes. */
import { Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AsyncPipe, ClosedError } from "@asyncoro/asyncoro/io";
import { bytes, drive, eventually, testWith, text } from "./helpers.ts";
import { fails, patterned } from "./stream_suite.ts";

/** Whether a process exists, zombies included. */
async function exists(pid: number): Promise<boolean> {
  try {
    await Deno.lstat(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

testWith(["cat"], "communicate() moves any size in and out at once", async () => {
  const data = patterned(5_000_000);
  await drive(function* () {
    const pipe = new AsyncPipe("cat");
    const { stdout, stderr, status } = yield* pipe.communicate(data, 20);
    assert(stdout.length === data.length && stdout.every((byte, i) => byte === data[i]));
    assertEquals([stderr.length, status.code, status.success], [0, 0, true]);
    assertEquals(pipe.statuses, [status]);
  });
});

testWith(
  ["sh"],
  "communicate() returns both outputs and the exit code, and closes standard input even without input",
  async () => {
    await drive(function* () {
      const pipe = new AsyncPipe("sh", { args: ["-c", "cat; echo out; echo err >&2; exit 3"] });
      const { stdout, stderr, status } = yield* pipe.communicate(undefined, 10);
      assertEquals([text(stdout), text(stderr), status.code], ["out\n", "err\n", 3]);
    });
  },
);

testWith(["head", "true"], "communicate() with a child that does not read all its input does not fail", async () => {
  await drive(function* () {
    const head = new AsyncPipe("head", { args: ["-c", "3"] });
    assertEquals(text((yield* head.communicate("abc".repeat(1_000_000), 10)).stdout), "abc");
    const none = new AsyncPipe("true");
    assertEquals((yield* none.communicate("x".repeat(1_000_000), 10)).status.code, 0);
  });
});

testWith(["sh"], "a communicate() that times out loses nothing: the next one returns all", async () => {
  await drive(function* () {
    const pipe = new AsyncPipe("sh", { args: ["-c", "echo early; read line; echo late $line"] });
    yield* fails(pipe.communicate(undefined, 0), TimeoutError);
    pipe.close();
    const again = new AsyncPipe("sh", { args: ["-c", "echo early; sleep 0.3; echo late"], stdin: "null" });
    yield* fails(again.communicate(undefined, 0.1), TimeoutError);
    assertEquals(text((yield* again.communicate(undefined, 10)).stdout), "early\nlate\n");
    const controller = new AbortController();
    const aborted = new AsyncPipe("sh", { args: ["-c", "sleep 5"] });
    setTimeout(() => controller.abort(new RangeError("enough")), 20);
    yield* fails(aborted.communicate("", controller.signal), RangeError);
    aborted.close();
    yield* aborted.wait(5);
  });
});

testWith(["cat"], "write() and readline() exchange lines with a child; closeStdin() lets it end", async () => {
  await drive(function* () {
    using pipe = new AsyncPipe("cat");
    assertEquals(yield* pipe.write("one\ntwo\n"), 8);
    assertEquals(yield* pipe.readline(5), "one");
    assertEquals(yield* pipe.lines(5).next(), "two");
    yield* fails(pipe.readline(0.02), TimeoutError);
    yield* fails(pipe.wait(0.02), TimeoutError);
    yield* pipe.write("three");
    yield* pipe.closeStdin();
    yield* pipe.closeStdin();
    assertEquals(text(yield* pipe.read()), "three");
    assertEquals((yield* pipe.wait(5)).success, true);
    yield* fails(pipe.write("more"), ClosedError);
    assertEquals((yield* pipe.read(10)).length, 0);
    assertEquals((yield* pipe.readStderr()).length, 0);
  });
});

testWith(["true"], "write() to a child that has ended fails with BrokenPipe, and nothing else fails", async () => {
  await drive(function* () {
    using pipe = new AsyncPipe("true");
    yield* pipe.wait(5);
    const error = yield* fails(
      (function* () {
        for (let i = 0; i < 100; i++) yield* pipe.write("x".repeat(100_000), 5);
      })(),
      Error,
    );
    assertEquals(error.name, "BrokenPipe");
  });
});

testWith(["sleep"], "kill() sends a signal, once it can be received", async () => {
  await drive(function* () {
    using pipe = new AsyncPipe("sleep", { args: ["60"] });
    assertThrows(() => pipe.kill("SIGNONE" as Deno.Signal), TypeError);
    assertEquals(pipe.kill(), true);
    assertEquals((yield* pipe.wait(5)).signal, "SIGTERM");
    assertEquals((yield* pipe.wait(0)).signal, "SIGTERM");
    assertEquals(pipe.kill("SIGKILL"), false);
  });
});

testWith(["sleep"], "a child is killed when its coroutine ends, is terminated, or leaves 'using'", async () => {
  if (Deno.build.os !== "linux") return;
  const pids: number[] = [];
  await drive(function* () {
    const ended = new Coro(function* () {
      pids.push(new AsyncPipe("sleep", { args: ["60"] }).pid);
    });
    const terminated = new Coro(function* () {
      const pipe = new AsyncPipe("sleep", { args: ["60"] });
      pids.push(pipe.pid);
      yield* pipe.wait();
    });
    const left = new Coro(function* () {
      using pipe = new AsyncPipe("sleep", { args: ["60"] });
      pids.push(pipe.pid);
    });
    yield* ended.finish();
    yield* left.finish();
    yield* sleep(0.02);
    terminated.terminate();
    yield* terminated.finish();
  });
  assertEquals(pids.length, 3);
  for (const pid of pids) await eventually(async () => !await exists(pid), `process ${pid} is gone, no zombie`);
});

testWith(["grep", "wc"], "pipeline() connects processes", async () => {
  await drive(function* () {
    const count = AsyncPipe.pipeline(["grep", "a"], ["grep", "-v", "b"], ["wc", "-l"]);
    const { stdout, status } = yield* count.communicate("a\nab\nca\nd\n", 10);
    assertEquals([text(stdout).trim(), status.code, count.statuses!.length], ["2", 0, 3]);
  });
});

testWith(["yes", "head"], "pipeline() whose last process ends early ends the others", async () => {
  await drive(function* () {
    const pipe = AsyncPipe.pipeline(["yes"], ["head", "-n", "2"]);
    assertEquals(text((yield* pipe.communicate(undefined, 10)).stdout), "y\ny\n");
    assertEquals(pipe.statuses!.map(({ success }) => success), [false, true]);
  });
});

testWith(["cat"], "a pipeline with a command that does not exist leaves nothing behind", async () => {
  await drive(function* () {
    assertThrows(() => AsyncPipe.pipeline(["cat"], ["no-such-program-here"]), Deno.errors.NotFound);
    assertThrows(() => new AsyncPipe("no-such-program-here"), Deno.errors.NotFound);
    yield* sleep(0.05);
  });
});

testWith(["cat"], "bad input is refused at the call", async () => {
  assertThrows(() => new AsyncPipe(5 as never), TypeError, "'command' must be a string or a URL: current value is 5");
  assertThrows(
    () => new AsyncPipe("cat", null as never),
    TypeError,
    "'options' must be an object: current value is null",
  );
  assertThrows(() => new AsyncPipe("cat", { args: [1] as never }), TypeError, "'args' must be an array of strings");
  assertThrows(() => new AsyncPipe("cat", { args: "x" as never }), TypeError, "'args' must be an array of strings");
  assertThrows(() => AsyncPipe.pipeline(), TypeError, "has no commands");
  assertThrows(() => AsyncPipe.pipeline("cat" as never), TypeError, "must be an array of strings");
  await drive(function* () {
    using pipe = new AsyncPipe("cat", { stdin: "null", stdout: "null" });
    assertThrows(() => pipe.read(), TypeError, "is not piped: leave out the option 'stdout'");
    assertThrows(() => pipe.write("x"), TypeError, "is not piped");
    assertThrows(() => pipe.communicate("x"), TypeError, "is not piped");
    assertThrows(() => pipe.write(5 as never), TypeError);
    assertThrows(() => pipe.readStderr(0), RangeError);
    yield* pipe.wait(5);
  });
});

testWith(["cat"], "close() wakes reads, writes and communicate()", async () => {
  await drive(function* () {
    const pipe = new AsyncPipe("cat");
    const waiters = [
      new Coro(function* () {
        yield* fails(pipe.read(10), ClosedError);
      }),
      new Coro(function* () {
        yield* fails(pipe.readStderr(), ClosedError);
      }),
    ];
    yield* sleep(0.02);
    pipe.close();
    pipe.close();
    for (const waiter of waiters) yield* waiter.finish();
    assertEquals((yield* pipe.wait(5)).signal, "SIGKILL");
    yield* fails(pipe.write(bytes("x")), ClosedError);
  });
});
