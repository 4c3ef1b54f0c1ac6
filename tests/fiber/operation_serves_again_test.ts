/** The objects of frequent waits serve again: what a program notices of it, which is nothing but in the last test. */
import { all, type Coro, Lock, Queue, run, Scheduler, Semaphore, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { inLab } from "../helpers/lab.ts";
import type { Operation } from "../../core/fiber/operation.ts";

type Body<T = void> = Generator<unknown, T, unknown>;

/** A kind of wait that can go on at once, and what makes it so again after one. */
interface Kind {
  make(): Operation<unknown>;
  refill(): void;
}

function kinds(coro: Coro): Record<string, Kind> {
  const full = new Queue<number>(1000);
  const empty = new Queue<number>(1000);
  const lock = new Lock();
  const semaphore = new Semaphore(1);
  const all: Record<string, Kind> = {
    receive: { make: () => coro.receive(), refill: () => void coro.send(0) },
    get: { make: () => full.get(), refill: () => void full.tryPut(0) },
    put: { make: () => empty.put(0), refill: () => {} },
    lock: { make: () => lock.acquire(), refill: () => lock.locked() && lock.release() },
    semaphore: { make: () => semaphore.acquire(), refill: () => semaphore.locked() && semaphore.release() },
  };
  for (const { refill } of Object.values(all)) refill();
  return all;
}

/** Yields an operation, in a step that is sure to be its own. */
function* take({ make, refill }: Kind): Body<Operation<unknown>> {
  const operation = make();
  yield* operation;
  refill();
  return operation;
}

for (const name of ["receive", "get", "put", "lock", "semaphore"]) {
  Deno.test(`${name}: an operation that has ended cannot be yielded again, whatever waited since`, async () => {
    await run(function* (coro): Body {
      const kind = kinds(coro)[name];
      const first = yield* take(kind);
      assertThrows(() => first[Symbol.iterator](), TypeError, "again");
      yield* take(kind);
      yield* take(kind);
      assertThrows(() => first[Symbol.iterator](), TypeError, "again");
    });
  });

  Deno.test(`${name}: operations that are there at once are different ones, also one that was never yielded`, async () => {
    await run(function* (coro): Body {
      const kind = kinds(coro)[name];
      yield* take(kind);
      const made = [kind.make(), kind.make(), kind.make()];
      assertEquals(new Set(made).size, 3);
      for (const operation of made.toReversed().slice(1)) {
        yield* operation;
        kind.refill();
      }
    });
  });

  Deno.test(`${name}: with debug each operation has an object of its own`, async () => {
    const scheduler = new Scheduler({ debug: true });
    const seen = await scheduler.spawn(function* (coro: Coro): Body<Set<unknown>> {
      const kind = kinds(coro)[name];
      const seen = new Set<unknown>();
      for (let i = 0; i < 3; i++) seen.add(yield* take(kind));
      return seen;
    }).value();
    scheduler.debug = false;
    await scheduler.terminate();
    assertEquals(seen!.size, 3);
  });

  Deno.test(`${name}: the object of an operation serves again after yield* and after plain yield`, async () => {
    await run(function* (coro): Body {
      const kind = kinds(coro)[name];
      const first = yield* take(kind);
      const second = kind.make();
      assertStrictEquals(second, first);
      yield second;
      kind.refill();
      assertStrictEquals(yield* take(kind), first);
    });
  });

  Deno.test(`${name}: an operation that was a part of another one does not serve again`, async () => {
    await run(function* (coro): Body {
      const kind = kinds(coro)[name];
      yield* take(kind);
      const part = kind.make();
      yield* all(part);
      kind.refill();
      for (let i = 0; i < 3; i++) assert((yield* take(kind)) !== part);
    });
  });
}

for (const name of ["get", "put", "lock", "semaphore"]) {
  Deno.test(`${name}: the object of a coroutine's operation does not serve another coroutine`, async () => {
    await run(function* (coro): Body {
      const kind = kinds(coro)[name];
      const first = yield* take(kind);
      const other = coro.scheduler.spawn(function* (): Body {
        const operation = kind.make();
        assert(operation !== first);
        yield;
        yield* operation;
      });
      yield;
      assertThrows(() => first[Symbol.iterator](), TypeError, "again");
      yield* other.finish();
    });
  });
}

Deno.test("what an item of all() was granted goes back when all() fails, though others have waited meanwhile", async () => {
  await run(function* (coro): Body {
    const queue = new Queue<string>(4);
    const lock = new Lock();
    // All have an object that may serve again.
    coro.send("first");
    queue.tryPut("first");
    yield* coro.receive();
    yield* queue.get();
    yield* lock.acquire();
    lock.release();

    coro.send("second");
    queue.tryPut("second");
    const waits = [() => coro.receive(), () => queue.get(), () => lock.acquire()];
    const failing = function* (): Body {
      yield* sleep(0.001);
      throw new Error("failed");
    };
    const waiting = function* (make: () => Operation<unknown>): Body {
      yield;
      yield* make();
    };
    const error = yield* caught(all(...waits.map((make) => make()), ...waits.map(waiting), failing()));
    assertEquals((error as Error).message, "failed");
    assertEquals(yield* coro.receive(0), "second");
    assertEquals(queue.tryGet(), "second");
    assertEquals(lock.locked(), false);
  });
});

function* caught(operation: Operation<unknown>): Body<unknown> {
  try {
    yield* operation;
  } catch (error) {
    return error;
  }
}

Deno.test("a wait that was cut short serves another coroutine before its own has run", async () => {
  await run(function* (coro): Body {
    const queue = new Queue<number>(1);
    const body = function* (): Body<number> {
      return yield* queue.get();
    };
    const cut = coro.scheduler.spawn(body);
    yield;
    cut.throw(new Error("cut short"));
    // The object of its wait is free now, and the coroutine has not run yet.
    const other = queue.get();
    queue.tryPut(5);
    assertEquals(yield* other, 5);
    const ended = yield* caught(cut.finish() as Operation<unknown>);
    assertEquals((ended as Error | undefined)?.message ?? "cut short", "cut short");
    assertEquals(queue.statistics(), { size: 0, putting: 0, getting: 0, dropped: 0 });
  });
});

Deno.test("an operation made with debug does not serve again, which would make it look forgotten", () =>
  inLab(async ({ scheduler }) => {
    scheduler.debug = true;
    const queue = new Queue<number>(1);
    scheduler.spawn(function* (): Body {
      yield* queue.put(1);
      yield* queue.get();
      yield* sleep(5);
    });
    await scheduler.spawn(function* (): Body {
      yield* sleep(1);
      scheduler.debug = false;
      const operation = queue.get();
      scheduler.debug = true;
      yield* sleep(10);
      queue.tryPut(2);
      assertEquals(yield* operation, 2);
      scheduler.debug = false;
    }).value();
  }));

Deno.test("a receive that was made and dropped does not keep later ones from their messages", async () => {
  await run(function* (coro): Body {
    coro.send(1);
    yield* coro.receive();
    coro.receive();
    coro.send(2);
    assertEquals(yield* coro.receive(), 2);
    coro.send(3);
    assertEquals(yield* coro.receive(), 3);
  });
});

Deno.test("a receive after one that failed for its signal gets its message", async () => {
  await assertRejects(
    () =>
      run(function* (coro): Body {
        yield* coro.receive(AbortSignal.abort(new Error("aborted")));
      }),
    Error,
    "aborted",
  );
});
