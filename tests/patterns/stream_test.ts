/**
 * `stream`: web streams that coroutines fill.
 */
import {
  ClosedError,
  Coro,
  DeadlockError,
  each,
  type Emit,
  Lock,
  race,
  run,
  Scheduler,
  sleep,
  stream,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { inLab, settle } from "../helpers/lab.ts";

function* count(_coro: Coro, emit: Emit<number>, log: string[] = []): Generator<unknown, void, unknown> {
  for (let n = 1;; n++) {
    log.push(`emitting ${n}`);
    yield* emit(n);
    log.push(`emitted ${n}`);
  }
}

/** A stream of all numbers, and what its coroutine does. */
function counting(highWaterMark?: number): { readable: ReadableStream<number>; log: string[] } {
  const log: string[] = [];
  const readable = stream<number>(function* (coro, emit) {
    try {
      yield* count(coro, emit, log);
    } finally {
      log.push("cleanup");
      yield* sleep(0);
      log.push("end");
    }
  }, highWaterMark === undefined ? {} : { highWaterMark });
  return { readable, log };
}

Deno.test("a stream gives what its coroutine emits, and ends when that returns", async () => {
  const readable = stream<number | null>(function* (_coro, emit) {
    yield* emit(1);
    yield* emit(null);
    yield* sleep(0.001);
    yield* emit(3);
    return "ignored";
  });
  assert(readable instanceof ReadableStream);
  assertEquals(await Array.fromAsync(readable), [1, null, 3]);
});

Deno.test("the coroutine begins at once by default, and with the first read if highWaterMark is 0", async () => {
  const eager = counting();
  const lazy = counting(0);
  await settle();
  assertEquals([eager.log, lazy.log], [["emitting 1", "emitted 1", "emitting 2"], []]);
  const reader = lazy.readable.getReader();
  assertEquals(await reader.read(), { done: false, value: 1 });
  await settle();
  assertEquals(lazy.log, ["emitting 1", "emitted 1", "emitting 2"]);
  await reader.cancel();
  await eager.readable.cancel();
});

Deno.test("a stream with highWaterMark 0 that is never read creates no coroutine", async () => {
  const scheduler = new Scheduler();
  await scheduler.spawn(function* () {
    stream(count, { highWaterMark: 0 });
  }).value();
  await scheduler.join();
  assertEquals(scheduler.stats().spawned, 1);
  await scheduler.terminate();
});

Deno.test("emit waits while highWaterMark items are unread", async () => {
  for (const highWaterMark of [0, 1, 3]) {
    const { readable, log } = counting(highWaterMark);
    const emitted = () => log.filter((line) => line.startsWith("emitted")).length;
    const reader = readable.getReader();
    await settle();
    assertEquals(emitted(), highWaterMark);
    for (let n = 1; n <= 5; n++) {
      assertEquals((await reader.read()).value, n);
      await settle();
      assertEquals(emitted(), n + highWaterMark);
    }
    await reader.cancel();
  }
});

Deno.test("with highWaterMark Infinity emit never waits", async () => {
  const readable = stream<number>(function* (_coro, emit) {
    for (let n = 0; n < 1000; n++) yield* emit(n);
  }, { highWaterMark: Infinity });
  await settle();
  assertEquals((await Array.fromAsync(readable)).length, 1000);
});

Deno.test("several reads at once are served in their order", async () => {
  for (const highWaterMark of [0, 1, 2]) {
    const { readable } = counting(highWaterMark);
    const reader = readable.getReader();
    const reads = [reader.read(), reader.read(), reader.read(), reader.read()];
    assertEquals((await Promise.all(reads)).map(({ value }) => value), [1, 2, 3, 4]);
    await reader.cancel();
  }
});

Deno.test("cancelling terminates the coroutine, and waits for its cleanup", async () => {
  for (const highWaterMark of [0, 1, 5]) {
    const { readable, log } = counting(highWaterMark);
    const reader = readable.getReader();
    await reader.read();
    await reader.cancel("enough");
    assertEquals(log.slice(-2), ["cleanup", "end"]);
    assertEquals(await reader.read(), { done: true, value: undefined });
  }
});

Deno.test("an error of the cleanup after cancelling is reported, once", () =>
  inLab(async (lab) => {
    const fills: ((coro: Coro, emit: Emit<number>) => Generator<unknown, void, unknown>)[] = [
      function* (_coro, emit) {
        try {
          yield* count(_coro, emit);
        } finally {
          fail("in cleanup");
        }
      },
      function* (coro, emit) {
        yield* waitingCleanup(coro, emit);
        // JavaScript resumes a generator normally when a helper under `yield*` waits in its cleanup.
        throw new Error("after cleanup");
      },
    ];
    for (const fill of fills) {
      const [readable] = await lab.scheduler.spawn(function* () {
        return [stream(fill)];
      }).value();
      await settle();
      await readable.cancel();
    }
    const [readable] = await lab.scheduler.spawn(function* () {
      return [stream(count)];
    }).value();
    await settle();
    const producer = [...lab.scheduler.coros()][0];
    producer.throw(new Error("thrown just before"));
    await readable.cancel();
    assertEquals(lab.takeReported(), ["in cleanup", "after cleanup", "thrown just before"]);
  }));

function fail(message: string): never {
  throw new Error(message);
}

function* waitingCleanup(coro: Coro, emit: Emit<number>): Generator<unknown, void, unknown> {
  try {
    yield* count(coro, emit);
  } finally {
    yield* sleep(1);
  }
}

Deno.test("cancelling a stream that nobody has read", async () => {
  const { readable, log } = counting(0);
  await readable.cancel();
  await settle();
  assertEquals(log, []);
});

Deno.test("the error of the coroutine is the stream's, after what it had emitted, and is not reported", () =>
  inLab(async ({ scheduler }) => {
    const error = new Error("broken");
    for (const highWaterMark of [0, 1, 3]) {
      const readable = await scheduler.spawn(function* () {
        return [stream<number>(function* (_coro, emit) {
          yield* emit(1);
          yield* emit(2);
          throw error;
        }, { highWaterMark })];
      }).value();
      const reader = readable[0].getReader();
      if (highWaterMark > 0) await settle();
      assertEquals((await reader.read()).value, 1);
      assertEquals((await reader.read()).value, 2);
      assertStrictEquals(await reader.read().catch((thrown) => thrown), error);
      assertStrictEquals(await reader.closed.catch((thrown) => thrown), error);
    }
  }));

Deno.test("an error before the first item fails the stream at once", async () => {
  const error = new Error("broken");
  // deno-lint-ignore require-yield
  const readable = stream(function* () {
    throw error;
  });
  assertStrictEquals(await readable.getReader().closed.catch((thrown) => thrown), error);
});

Deno.test("terminated by another, the stream ends after what it had emitted", async () => {
  let producer: Coro | undefined;
  const readable = stream<number>(function* (coro, emit) {
    producer = coro;
    yield* emit(1);
    yield* coro.receive();
  });
  await settle();
  producer!.terminate();
  assertEquals(await Array.fromAsync(readable), [1]);
});

Deno.test("the stream ends when its coroutine does, even if that is a daemon", () =>
  run(function* () {
    const readable = stream<number>(function* (coro) {
      coro.setDaemon();
      yield* sleep(0.001);
    });
    assertEquals(yield* each(readable).next(), null);
  }));

Deno.test("the coroutine runs on the scheduler of whoever made the stream, whoever reads it", () =>
  inLab(async ({ scheduler }) => {
    const owners: Scheduler[] = [];
    const made = await scheduler.spawn(function* () {
      return [0, 1].map((highWaterMark) =>
        stream<number>(function* (coro, emit) {
          owners.push(coro.scheduler);
          yield* emit(1);
        }, { highWaterMark })
      );
    }).value();
    for (const readable of made) assertEquals(await Array.fromAsync(readable), [1]);
    assertEquals(owners, [scheduler, scheduler]);
    const outside = stream(function* (coro) {
      owners.push(coro.scheduler);
      yield;
    }, { highWaterMark: 0 });
    await scheduler.spawn(function* () {
      yield* each(outside).forEach(() => {});
    }).value();
    assertStrictEquals(owners[2], Scheduler.instance());
  }));

Deno.test("the coroutine has the host's context of whoever made the stream", async () => {
  const storage = new AsyncLocalStorage<string>();
  for (const highWaterMark of [0, 1]) {
    const readable = storage.run("maker", () =>
      stream<string | undefined>(function* (_coro, emit) {
        yield* emit(storage.getStore());
        yield* sleep(0);
        yield* emit(storage.getStore());
      }, { highWaterMark }));
    // The stream has started: from now on its reader has it filled.
    await settle();
    assertEquals(await storage.run("reader", () => Array.fromAsync(readable)), ["maker", "maker"]);
  }
});

Deno.test("an emit that is cut short while it waits has emitted nothing", () =>
  runVirtual(function* (coro) {
    const outcomes: unknown[] = [];
    const readable = stream<number>(function* (self, emit) {
      yield* emit(1);
      yield* emit(2);
      try {
        yield* emit(3, 0);
      } catch (error) {
        outcomes.push(error instanceof TimeoutError);
      }
      try {
        yield* emit(4, 1);
      } catch (error) {
        outcomes.push(error instanceof TimeoutError);
      }
      yield* race(emit(5), sleep(1));
      outcomes.push(self.scheduler.now());
      try {
        yield* withTimeout(1, emit(6));
      } catch (error) {
        outcomes.push(error instanceof TimeoutError);
      }
      yield* emit(7);
    });
    const items = each(readable);
    const seen = [yield* items.next()];
    yield* coro.sleep(60);
    yield* items.forEach((item) => void seen.push(item));
    assertEquals([seen, outcomes], [[1, 2, 7], [true, true, 2, true]]);
  }));

Deno.test("emit with a limit that is not needed leaves no timer behind", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* () {
      const readable = stream<number>(function* (_coro, emit) {
        yield* emit(1, 1000);
        yield* emit(2, 1000);
      });
      yield* each(readable).forEach(() => {});
      assertEquals(scheduler.stats().timers, 0);
    }).value();
  }));

Deno.test("several coroutines may emit, first come, first served", () =>
  run(function* () {
    const readable = stream<number>(function* (coro, emit) {
      const helpers = [1, 2, 3, 4].map((n) =>
        new Coro(function* () {
          yield* emit(n);
          yield* emit(10 + n);
        })
      );
      for (const helper of helpers) yield* helper.finish();
      coro.send("done");
    });
    const seen: number[] = [];
    yield* each(readable).forEach((item) => void seen.push(item));
    assertEquals(seen.toSorted((a, b) => a - b), [1, 2, 3, 4, 11, 12, 13, 14]);
    assertEquals(seen.filter((item) => item < 10), [1, 2, 3, 4]);
  }));

Deno.test("emit after the end of the stream is a ClosedError, and so is one that waits when it ends", async () => {
  const errors: unknown[] = [];
  let helper: Coro | undefined;
  const readable = stream<number>(function* (_coro, emit) {
    helper = new Coro(function* () {
      for (let n = 0; n < 3; n++) {
        try {
          yield* emit(n);
        } catch (error) {
          errors.push(error instanceof ClosedError);
        }
      }
    });
    yield* sleep(60);
  });
  await settle();
  await readable.cancel();
  await helper!.value();
  assertEquals(errors, [true, true]);
});

Deno.test("bad input is refused at the call", () => {
  assertThrows(() => stream((() => {}) as never), TypeError, "'target' must be a generator function");
  assertThrows(() => stream(count, 5 as never), TypeError, "'options' must be an object");
  assertThrows(() => stream(count, { capacity: 5 } as never), TypeError, "'highWaterMark' is the only option");
  for (const highWaterMark of [-1, 0.5, NaN, "1", null]) {
    assertThrows(() => stream(count, { highWaterMark } as never), RangeError, "'highWaterMark' must be a whole number");
  }
  let thrown: unknown;
  const readable = stream<number>(function* (_coro, emit) {
    try {
      yield* emit(1, "soon" as never);
    } catch (error) {
      thrown = error;
    }
  });
  return readable.getReader().closed.then(() => assert(thrown instanceof TypeError));
});

Deno.test("an emit that waits counts as a host operation and says what it waits for", async () => {
  const scheduler = new Scheduler();
  const readable = await scheduler.spawn(function* () {
    return [stream(count)];
  }).value();
  await settle();
  assertEquals(scheduler.stats().hostOperations, 1);
  assertEquals(scheduler.dump()[0].waitsFor, "a reader of its stream");
  await readable[0].cancel();
  assertEquals(scheduler.stats().hostOperations, 0);
  await scheduler.terminate();
});

Deno.test("a coroutine that can never go on fails its stream with the DeadlockError", () =>
  inLab(async (lab) => {
    const [one, two] = [new Lock(), new Lock()];
    const deadly = function* (first: Lock, second: Lock): Generator<unknown, void, unknown> {
      yield* first.acquire();
      yield* sleep(1);
      yield* second.acquire();
    };
    const [readable] = await lab.scheduler.spawn(function* () {
      new Coro(function* () {
        yield* deadly(two, one);
      });
      return [stream(function* () {
        yield* deadly(one, two);
      })];
    }).value();
    const error = await readable.getReader().closed.catch((thrown) => thrown);
    assert((error as unknown) instanceof DeadlockError, String(error));
    for (const coro of lab.scheduler.coros()) coro.terminate();
    await lab.scheduler.join();
    assertEquals(lab.takeReported().length, 2);
  }));

Deno.test("streams of coroutines pass through transforms, tee, pipes and responses", async () => {
  const text = () =>
    stream<string>(function* (_coro, emit) {
      for (let n = 0; n < 100; n++) yield* emit(`line ${n}\n`);
    });
  const expected = Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join("");
  assertEquals(await new Response(text().pipeThrough(new TextEncoderStream())).text(), expected);
  const [left, right] = text().tee();
  assertEquals((await Array.fromAsync(left)).join(""), expected);
  assertEquals((await Array.fromAsync(right)).join(""), expected);
  let written = "";
  await text().pipeTo(
    new WritableStream({
      async write(chunk) {
        if (written.length % 3 === 0) await settle();
        written += chunk;
      },
    }),
  );
  assertEquals(written, expected);
});

Deno.test("a pipe that is aborted terminates the coroutine", async () => {
  const { readable, log } = counting();
  const abort = new AbortController();
  const piped = readable.pipeTo(new WritableStream({ write: () => settle() }), { signal: abort.signal });
  await settle();
  abort.abort();
  await assertRejects(() => piped);
  assertEquals(log.slice(-2), ["cleanup", "end"]);
});

Deno.test("a server answers with the stream of a coroutine, which ends when the client has gone", async () => {
  const ended = Promise.withResolvers<void>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () =>
      new Response(stream<Uint8Array<ArrayBuffer>>(function* (_coro, emit) {
        try {
          for (;;) {
            yield* emit(new TextEncoder().encode("tick\n"));
            yield* sleep(0.001);
          }
        } finally {
          ended.resolve();
        }
      })),
  );
  await run(function* () {
    const response = yield* until(fetch(`http://127.0.0.1:${server.addr.port}/`));
    let bytes = 0;
    for (const next of each(response.body!, 10)) {
      bytes += (yield* next)!.length;
      if (bytes >= 15) break;
    }
    yield* until(ended.promise, 10);
  });
  await server.shutdown();
});

Deno.test("in virtual time a stream and its reader keep their pace, and a reader that waits costs no real time", () =>
  runVirtual(function* (coro) {
    const readable = stream<number>(function* (self, emit) {
      for (let n = 1; n <= 1000; n++) {
        yield* self.sleep(60);
        yield* emit(n);
      }
    });
    const items = each(readable);
    let seen = 0;
    yield* items.forEach((item) => {
      seen++;
      assertEquals([item, coro.scheduler.now()], [seen, 60 * seen]);
    });
    assertEquals(seen, 1000);
  }));

Deno.test("in virtual time an emit that waits for a reader of its own scheduler costs no real time", () =>
  runVirtual(function* (coro) {
    let emitted = 0;
    const readable = stream<number>(function* (_self, emit) {
      for (; emitted < 1000; emitted++) yield* emit(emitted);
    });
    let seen = 0;
    yield* each(readable).forEach(function* (item) {
      assertEquals(item, seen++);
      yield* coro.sleep(60);
      assertEquals([coro.scheduler.now(), emitted], [60 * seen, Math.min(seen + 1, 1000)]);
    });
    assertEquals(seen, 1000);
  }));

for (const highWaterMark of [0, 1]) {
  Deno.test(`an emit that waits for a reader which can never go on is a deadlock, and stays as it is: ${highWaterMark}`, () =>
    inLab(async (lab) => {
      const reader = lab.scheduler.spawn(function* (coro) {
        yield* each(stream<number>(function* (_self, emit) {
          for (;;) yield* emit(1);
        }, { highWaterMark })).next();
        yield* coro.receive();
      });
      await assertRejects(() => reader.value(), DeadlockError, "a reader of its stream");
      await settle();
      assertEquals(lab.scheduler.stats().live, 2);
      for (const coro of lab.scheduler.coros()) coro.terminate();
    }));
}

Deno.test("a reader that waits for a coroutine of its own scheduler which can never go on is a deadlock", () =>
  inLab(async (lab) => {
    const reader = lab.scheduler.spawn(function* () {
      yield* each(stream(function* (coro) {
        yield* coro.receive();
      })).next();
    });
    await assertRejects(() => reader.value(), DeadlockError, "the next item of a stream");
    for (const coro of lab.scheduler.coros()) coro.terminate();
  }));

Deno.test("under the virtual clock an emit that waits for a reader outside is no deadlock", () =>
  inLab(async ({ scheduler }) => {
    const [readable] = await scheduler.spawn(function* () {
      return [stream<number>(function* (_coro, emit) {
        yield* emit(1);
        yield* emit(2);
      })];
    }).value();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(await Array.fromAsync(readable), [1, 2]);
  }));

Deno.test("a reader that leaves while it waits loses nothing for the next reader", async () => {
  const coro = Promise.withResolvers<Coro>();
  const error = new Error("broken");
  const readable = stream<number>(function* (self, emit) {
    coro.resolve(self);
    yield* self.receive();
    yield* emit(1);
    throw error;
  });
  const first = readable.getReader();
  const read = first.read();
  await settle();
  first.releaseLock();
  await assertRejects(() => read, TypeError);
  (await coro.promise).send("go on");
  await settle();
  const second = readable.getReader();
  assertEquals((await second.read()).value, 1);
  assertStrictEquals(await second.read().catch((thrown) => thrown), error);
});

/** A small generator of random numbers, by a seed. */
function randomOf(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  Deno.test(`every emit that ended well is read once, in order, whatever is cut short: seed ${seed}`, async () => {
    const random = randomOf(seed);
    const scheduler = new Scheduler({ shuffle: seed });
    const emitted: number[] = [];
    const read: number[] = [];
    const [readable] = await scheduler.spawn(function* () {
      return [stream<number>(
        function* (_coro, emit) {
          let next = 0;
          function* one(): Generator<unknown, void, unknown> {
            const item = next++;
            yield* emit(item);
            emitted.push(item);
          }
          for (let rounds = 0; rounds < 100; rounds++) {
            const emitter = new Coro(one);
            if (random(2) === 0) yield* race(one(), turns(random(6)));
            for (let pause = random(4); pause > 0; pause--) yield;
            if (random(3) === 0) emitter.terminate();
            yield* emitter.finish();
          }
        },
        { highWaterMark: random(4) },
      )];
    }).value();
    for await (const item of readable) {
      read.push(item);
      for (let pause = random(3); pause > 0; pause--) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    // One that was granted and then cut short counts as done.
    assertEquals(new Set(emitted).difference(new Set(read)).size, 0);
    assertEquals(read, [...new Set(read)].toSorted((a, b) => a - b));
    assert(read.length > 50, `${read.length}`);
    assertEquals(scheduler.stats().hostOperations, 0);
    await scheduler.terminate();
  });
}

function* turns(count: number): Generator<unknown, void, unknown> {
  while (count-- > 0) yield;
}
