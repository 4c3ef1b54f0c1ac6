/** An operation that something else than `yield*` iterates: an error, and nothing of it is left. */
import { all, Coro, Lock, Queue, select, sleep } from "@asyncoro/asyncoro";
import { Queue as AsyncioQueue } from "@asyncoro/asyncoro/asyncio";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertThrows } from "@std/assert";
import type { Operation } from "../../core/fiber/operation.ts";

type Body<T = void> = Generator<unknown, T, unknown>;

const FORGOTTEN: Record<string, (operation: Operation<unknown>) => unknown> = {
  destructuring: (operation) => {
    const [first] = operation;
    return first;
  },
  spread: (operation) => [...operation],
  "for ... of": (operation) => {
    for (const each of operation) if (each === undefined) throw new Error("an operation has no items");
  },
};

for (const [how, forget] of Object.entries(FORGOTTEN)) {
  Deno.test(`${how} of an operation that has to wait is a TypeError, and it no longer waits`, () =>
    runVirtual(function* (coro: Coro): Body {
      const queue = new Queue<number>(1);
      const lock = new Lock();
      new Coro(function* () {
        yield* lock.acquire();
        yield* sleep(1);
        lock.release();
        queue.tryPut(7);
      });
      yield;
      const waits: Operation<unknown>[] = [queue.get(), coro.receive(), lock.acquire(), sleep(2), coro.sleep(2)];
      for (const operation of waits) {
        assertThrows(() => forget(operation), TypeError, "write yield* in front of");
        assertThrows(() => forget(operation), TypeError, "again");
      }
      const before = coro.scheduler.now();
      yield* sleep(10);
      assertEquals(coro.scheduler.now() - before, 10);
      assertEquals([queue.statistics().getting, queue.tryGet(), lock.locked()], [0, 7, false]);
    }));

  Deno.test(`${how} of an operation with parts is a TypeError at once, and its parts lose nothing`, () =>
    runVirtual(function* (coro: Coro): Body {
      for (const make of [() => all(coro.receive(), coro.receive()), () => select({ a: coro.receive() })]) {
        assertThrows(() => forget(make()), TypeError, "write yield* in front of");
      }
    }));
}

Deno.test("a for ... of over a helper that waits is a TypeError in the helper", () =>
  runVirtual(function* (coro: Coro): Body {
    const queue = new Queue<number>(1);
    const helper = function* (): Body {
      yield* queue.get();
    };
    assertThrows(
      () => {
        for (const _ of helper());
      },
      TypeError,
      "write yield* in front of",
    );
    queue.tryPut(1);
    coro.send("message");
    assertEquals([yield* coro.receive(), yield* queue.get()], ["message", 1]);
  }));

Deno.test("an item of a queue of asyncio is not lost to a forgotten yield*", () =>
  runVirtual(function* (): Body {
    const queue = new AsyncioQueue<number>();
    assertThrows(() => [...queue.get()], TypeError, "write yield* in front of");
    queue.putNowait(1);
    assertEquals(yield* queue.get(), 1);
  }));
