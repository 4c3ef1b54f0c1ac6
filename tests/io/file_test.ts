/** Files. */
import { Coro, race, run, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AsyncFile, ClosedError, EOFError, type FileMode, MessageTooLargeError } from "@asyncoro/asyncoro/io";
import { drive, seeded, text } from "./helpers.ts";
import { fails, patterned } from "./stream_suite.ts";

async function withFile(content: string | Uint8Array, body: (path: string) => Promise<unknown>): Promise<void> {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  try {
    await body(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("AsyncFile reads everything, some bytes, a number of bytes, lines", () =>
  withFile("one\r\ntwo\n\nlast", (path) =>
    drive(function* () {
      using file = yield* AsyncFile.open(path);
      assertEquals(yield* file.readline(), "one");
      assertEquals(text(yield* file.read(2)), "tw");
      assertEquals(text(yield* file.readall(3)), "o\n\n");
      assertEquals(text(yield* file.read()), "last");
      assertEquals((yield* file.read()).length, 0);
      assertEquals(yield* file.readline(), null);
      const error = yield* fails(file.readall(5), EOFError);
      assertEquals(error.partial.length, 0);
      yield* file.seek(0);
      const lines: string[] = [];
      assertEquals(yield* file.lines().forEach((line) => void lines.push(line)), 4);
      assertEquals(lines, ["one", "two", "", "last"]);
      yield* file.seek(0);
      yield* fails(file.readline({ max: 2 }), MessageTooLargeError);
    })));

Deno.test("AsyncFile keeps one position for reading ahead, writing and seeking", () =>
  withFile("0123456789\nabc\n", (path) =>
    drive(function* () {
      using file = yield* AsyncFile.open(path, "r+");
      assertEquals(text(yield* file.read(2)), "01");
      assertEquals(yield* file.write("XY"), 2);
      assertEquals(yield* file.readline(), "456789");
      assertEquals(yield* file.seek(0, "current"), 11);
      assertEquals(yield* file.seek(-4, "end"), 11);
      assertEquals(yield* file.readline(), "abc");
      yield* file.truncate(5);
      yield* file.seek(0);
      assertEquals(text(yield* file.read()), "01XY4");
      yield* file.sync();
      assertEquals((yield* file.stat()).size, 5);
      yield* file.truncate();
      assertEquals((yield* file.stat()).size, 0);
    })));

Deno.test("AsyncFile behaves like a plain array of bytes, after any sequence of operations", () =>
  withFile(patterned(20_000), async (path) => {
    const seed = 4711;
    const next = seeded(seed);
    let model = [...patterned(20_000)];
    let at = 0;
    await drive(function* () {
      using file = yield* AsyncFile.open(path, "r+");
      for (let step = 0; step < 400; step++) {
        const note = `seed ${seed}, step ${step}`;
        switch (next(5)) {
          case 0: {
            const got = yield* file.readall(Math.min(next(3000), Math.max(0, model.length - at)));
            assertEquals([...got], model.slice(at, at + got.length), note);
            at += got.length;
            break;
          }
          case 1: {
            const data = patterned(next(500));
            yield* file.write(data);
            while (model.length < at) model.push(0);
            model.splice(at, data.length, ...data);
            at += data.length;
            break;
          }
          case 2:
            at = next(22_000);
            assertEquals(yield* file.seek(at), at, note);
            break;
          case 3:
            if (next(10) === 0) {
              const size = next(25_000);
              yield* file.truncate(size);
              model = [...model.slice(0, size), ...new Array(Math.max(0, size - model.length)).fill(0)];
            }
            break;
          default: {
            const reader = new Coro(function* () {
              yield* file.read(next(2000) + 1);
            });
            if (next(2) === 0) yield;
            reader.terminate();
            yield* reader.finish();
            // It may or may not have read before it was terminated.
            at = yield* file.seek(0, "current");
          }
        }
      }
    });
    assertEquals([...await Deno.readFile(path)], model);
  }));

Deno.test("AsyncFile operations of several coroutines happen in order", () =>
  withFile("", (path) =>
    drive(function* () {
      using file = yield* AsyncFile.open(path, "w+");
      const writers = Array.from({ length: 20 }, (_, i) =>
        new Coro(function* () {
          yield* file.write(`line ${i}\n`);
        }));
      for (const writer of writers) yield* writer.finish();
      yield* file.seek(0);
      const all = text(yield* file.read());
      assertEquals(all, Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join(""));
    })));

Deno.test("AsyncFile modes are those of C", () =>
  withFile("old\n", (path) =>
    drive(function* () {
      const content = function* (mode: FileMode): Generator<unknown, string, unknown> {
        using file = yield* AsyncFile.open(path, mode);
        yield* file.write("new\n");
        file.close();
        using again = yield* AsyncFile.open(path);
        return text(yield* again.read());
      };
      assertEquals(yield* content("a"), "old\nnew\n");
      assertEquals(yield* content("r+"), "new\nnew\n");
      assertEquals(yield* content("w"), "new\n");
      yield* fails(AsyncFile.open(path, "x"), Deno.errors.AlreadyExists);
      yield* fails(AsyncFile.open(`${path}.none`), Deno.errors.NotFound);
    })));

Deno.test("lines({ follow: true }) follows a file that grows, and one that is truncated", () =>
  withFile("first\n", (path) =>
    drive(function* (coro) {
      using file = yield* AsyncFile.open(path);
      const follower = new Coro(function* () {
        yield* file.lines({ follow: true, interval: 0.005 }).forEach((line) => void coro.send(line));
      });
      assertEquals(yield* coro.receive(5), "first");
      yield* write("sec");
      yield* sleep(0.03);
      assertEquals(yield* coro.receive(0, "nothing yet"), "nothing yet");
      yield* write("ond\nthird\n");
      assertEquals(yield* coro.receive(5), "second");
      assertEquals(yield* coro.receive(5), "third");
      Deno.truncateSync(path);
      yield* sleep(0.03);
      yield* write("anew\n");
      assertEquals(yield* coro.receive(5), "anew");
      follower.terminate();
      yield* follower.finish();

      function* write(data: string): Generator<unknown, void, unknown> {
        using appending = yield* AsyncFile.open(path, "a");
        yield* appending.write(data);
      }
    })));

Deno.test("the lines of an AsyncFile can be iterated in async code", () =>
  withFile("a\nb\n", async (path) => {
    const file = await run(function* () {
      return yield* AsyncFile.open(path);
    });
    const lines: string[] = [];
    for await (const line of file.lines()) lines.push(line);
    assertEquals(lines, ["a", "b"]);
    file.close();
  }));

Deno.test("an AsyncFile that is closed wakes its waiters, and fails later operations", () =>
  withFile("abc", (path) =>
    drive(function* () {
      const file = yield* AsyncFile.open(path, "r+");
      const waiting = new Coro(function* () {
        yield* fails(
          (function* () {
            for (;;) yield* file.write("x");
          })(),
          Error,
        );
      });
      yield* sleep(0.005);
      file.close();
      file.close();
      yield* waiting.finish();
      yield* fails(file.read(), ClosedError);
      yield* fails(file.write("x"), ClosedError);
      yield* fails(file.stat(), ClosedError);
      assertEquals(file.closed, true);
    })));

Deno.test("AsyncFile has timeouts, and bytes that were read after a timeout are kept", () =>
  withFile("abc\n", (path) =>
    drive(function* () {
      using file = yield* AsyncFile.open(path);
      yield* fails(file.readline(0), TimeoutError);
      yield* race(file.readline(), sleep(0));
      yield* file.seek(0);
      assertEquals(yield* file.readline(5), "abc");
      yield* fails(file.stat(0), TimeoutError);
      assertEquals((yield* file.stat(5)).size, 4);
    })));

Deno.test("a directory, wrong types and sizes are refused", async () => {
  const directory = await Deno.makeTempDir();
  await drive(function* () {
    const error = yield* fails(AsyncFile.open(directory), Deno.errors.IsADirectory);
    assert(error.message.includes(directory));
  });
  await Deno.remove(directory);
  assertThrows(() => AsyncFile.open(5 as never), TypeError, "'path' must be a string or a URL: current value is 5");
  for (const options of [{}, { read: false }, []]) {
    assertThrows(() => AsyncFile.open("x", options as never), TypeError, "option that is true: current value is an ");
  }
  assertThrows(() => AsyncFile.open("x", "rw" as never), TypeError, `'options' must be one of r, r+`);
  await withFile("", (path) =>
    drive(function* () {
      using file = yield* AsyncFile.open(path, "r+");
      assertThrows(() => file.read(-1), RangeError);
      assertThrows(() => file.seek(-1), RangeError);
      assertThrows(() => file.seek(0.5), RangeError);
      assertThrows(() => file.seek(0, "middle" as never), TypeError, `'whence' must be "start", "current" or "end"`);
      assertThrows(() => file.truncate(-1), RangeError);
      assertThrows(() => file.write({} as never), TypeError);
      yield* fails(file.seek(-5, "current"), Error);
      assertEquals(yield* file.seek(0, "current"), 0);
    }));
});
