/**
 * Asynchronous, concurrent programming with coroutines: Python's asyncoro, rebuilt for Deno.
 *
 * Coroutines are generator functions. They are scheduled by a small kernel in WebAssembly, talk by messages, wait
 * with timeouts that lose nothing, and are terminated with their `finally` blocks run.
 *
 * @example
 * ```ts
 * import { Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const total = await run(function* (coro) {
 *   for (let i = 1; i <= 3; i++) {
 *     new Coro(function* (child) {
 *       yield* child.sleep(0.01 * i);
 *       coro.send(i);
 *     });
 *   }
 *   let sum = 0;
 *   for (let i = 0; i < 3; i++) sum += yield* coro.receive<number>();
 *   return sum;
 * });
 * assertEquals(total, 6);
 * ```
 *
 * @module
 */
export type { Clock } from "./core/clock.ts";
export { Coro, type CoroFunction } from "./core/coro.ts";
export type { Drivable, Driver } from "./core/driver.ts";
export type { CoroInfo, DumpOptions } from "./core/dump.ts";
export {
  ChannelClosedError,
  type DeadlockedCoro,
  DeadlockError,
  HotSwapException,
  MonitorException,
  type Outcome,
  SupervisionError,
  TimeoutError,
  UnsupportedError,
} from "./core/errors.ts";
export { current, sleep } from "./core/helpers.ts";
export * from "./core/io/mod.ts";
export { main, run } from "./core/main.ts";
export { type Categorize, CategorizeMessages } from "./core/message/categorize.ts";
export { Channel, type ChannelStatistics, type Subscriber, type Transform } from "./core/message/channel.ts";
export { Operation } from "./core/operation.ts";
export { call } from "./core/operations/call.ts";
export { all, race, type Waitable, type Waited } from "./core/combine.ts";
export { until } from "./core/operations/until.ts";
export { withTimeout } from "./core/operations/with_timeout.ts";
export {
  Scheduler,
  Scheduler as AsynCoro,
  type SchedulerOptions,
  type SchedulerStats,
  type SpawnOptions,
} from "./core/scheduler.ts";
export {
  type ArgumentsOf,
  type ChildSpec,
  type ResultOf,
  supervise,
  type SuperviseOptions,
  type SupervisionStrategy,
} from "./core/supervise.ts";
export { BoundedSemaphore } from "./core/sync/bounded_semaphore.ts";
export { Condition, type ConditionStatistics } from "./core/sync/condition.ts";
export { Event, type EventStatistics } from "./core/sync/event.ts";
export { Lock } from "./core/sync/lock.ts";
export type { LockStatistics } from "./core/sync/mutex.ts";
export { RLock, type RLockStatistics } from "./core/sync/rlock.ts";
export { Semaphore, type SemaphoreStatistics } from "./core/sync/semaphore.ts";
export type { DurationLike, Timeout } from "./core/time.ts";
export * from "./core/workers/mod.ts";
