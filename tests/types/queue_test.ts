/** The types of queues, rate limiters, tickers and permits. */
import {
  every,
  type Limit,
  Lock,
  type Operation,
  type Overflow,
  Queue,
  type QueueStatistics,
  RateLimiter,
  Semaphore,
  type Ticker,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

Deno.test("a queue has the type of its items", () =>
  runVirtual(function* () {
    const queue = new Queue<string>(3, { overflow: "drop-oldest", name: "words" });
    expectType<Operation<boolean>>()(queue.put("a"));
    expectType<Operation<string>>()(queue.get());
    expectType<string | undefined>()(queue.tryGet());
    expectType<Operation<string | null>>()(queue.items(1).next());
    expectType<QueueStatistics>()(queue.statistics());
    expectType<boolean>()(queue.tryPut("b"));
    const word = yield* queue.get();
    expectType<string>()(word);
    // @ts-expect-error: not a string
    queue.tryPut(5);
    const policy: Overflow = "wait";
    new Queue(1, { overflow: policy });
    // @ts-expect-error: there is no such policy
    const wrong: Overflow = "drop";
    assertEquals([word, wrong], ["b", "drop"]);
  }));

Deno.test("a limit is a timeout, a signal or both, wherever a queue waits", () => {
  const queue = new Queue<number>(1);
  const limits: Limit[] = [1, { seconds: 1 }, null, undefined, { timeout: 1 }];
  for (const limit of limits) {
    queue.put(1, limit);
    queue.get(limit);
  }
  // @ts-expect-error: not a limit
  assertEquals(throws(() => queue.get("soon")), true);
});

Deno.test("rate limiters, tickers and permits have their types", () => {
  const limiter = new RateLimiter({ rate: 5, per: { minutes: 1 }, burst: 2 });
  expectType<Operation<void>>()(limiter.take());
  expectType<boolean>()(limiter.tryTake(2));
  const ticker = every({ seconds: 1 }, { missed: "burst", immediate: true });
  expectType<Ticker>()(ticker);
  expectType<Operation<number>>()(ticker.next(5));
  const disposable: Disposable = ticker;
  disposable[Symbol.dispose]();
  expectType<boolean>()(new Semaphore().tryAcquire());
  expectType<Operation<void>>()(new Semaphore(3).acquireMany(2, 1));
  expectType<() => boolean>()(() => new Lock().tryAcquire());
  // @ts-expect-error: a rate limiter has a rate
  assertEquals(throws(() => new RateLimiter({})), true);
  // @ts-expect-error: there is no such option
  assertEquals(throws(() => every(1, { missed: "drop" })), true);
});

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}
