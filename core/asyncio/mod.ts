/**
 * Python's asyncio, on the same scheduler: event loops with callbacks, futures and tasks, locks and queues.
 *
 * Names are Python's in camelCase, keyword arguments are a last options object, and `await` in a coroutine is `yield*`.
 * A coroutine is a generator: a generator object, or a generator function, which is called with its `Coro`.
 *
 * @example
 * ```ts
 * import { gather, run, sleep, timeout } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * function* fetchGreeting(name: string) {
 *   yield* sleep(0.01);
 *   return `hello ${name}`;
 * }
 *
 * const greetings = await run(function* () {
 *   return yield* timeout(5, gather(fetchGreeting("Ada"), fetchGreeting("Alan")));
 * });
 * assertEquals(greetings, ["hello Ada", "hello Alan"]);
 * ```
 *
 * @module
 */
export { TimeoutError } from "../base/errors.ts";
export type { ConditionStatistics } from "../sync/condition.ts";
export { Event, type EventStatistics } from "../sync/event.ts";
export type { LockStatistics } from "../sync/base_lock.ts";
export type { SemaphoreStatistics } from "../sync/semaphore.ts";
export { asCompleted, type AsCompletedOptions, Completions } from "./await/as_completed.ts";
export { Barrier, type BarrierStatistics } from "./sync/barrier.ts";
export { BoundedSemaphore } from "./sync/bounded_semaphore.ts";
export { Condition } from "./sync/condition.ts";
export {
  type Awaitable,
  type AwaitedValue,
  type Coroutine,
  coroutine,
  isCoroutine,
  isCoroutineFunction,
} from "./loop/coroutine.ts";
export { createTask } from "./loop/create_task.ts";
export { ensureFuture, isFuture, wrapFuture } from "./loop/ensure_future.ts";
export {
  BrokenBarrierError,
  CancelledError,
  IncompleteReadError,
  InvalidStateError,
  LimitOverrunError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
} from "./errors.ts";
export { EventLoop, type ExceptionHandler } from "./loop/event_loop.ts";
export type { ExceptionContext } from "./loop/exception_context.ts";
export { Future, type FutureOptions } from "./loop/future.ts";
export { type Awaitables, gather, type Gathered, type GatheredOrFailed, type GatherOptions } from "./await/gather.ts";
export { Handle, TimerHandle } from "./loop/handle.ts";
export { LifoQueue } from "./queues/lifo_queue.ts";
export { Lock } from "./sync/lock.ts";
export type { EventLoopOptions } from "./loop/iteration_loop.ts";
export { getEventLoop, newEventLoop, setEventLoop } from "./loop/policy.ts";
export { type Compare, PriorityQueue } from "./queues/priority_queue.ts";
export { Queue, type QueueStatistics } from "./queues/queue.ts";
export { run, type RunOptions } from "./run.ts";
export type { EndpointOptions, StreamOptions } from "./streams/endpoint_options.ts";
export { openConnection } from "./streams/open_connection.ts";
export { type ClientConnected, Server, startServer } from "./streams/server.ts";
export { StreamReader } from "./streams/stream_reader.ts";
export { StreamWriter } from "./streams/stream_writer.ts";
export { getRunningLoop } from "./loop/running.ts";
export { Semaphore } from "./sync/semaphore.ts";
export { shield } from "./await/shield.ts";
export { sleep } from "./await/sleep.ts";
export { Task, type TaskOptions } from "./loop/task.ts";
export { type GroupBlock, TaskGroup, taskGroup } from "./await/task_group.ts";
export { allTasks, currentTask } from "./loop/tasks.ts";
export { Timeout, timeout, timeoutAt, type TimeoutBlock } from "./await/timeout.ts";
export { toThread } from "./await/to_thread.ts";
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  wait,
  type WaitOptions,
} from "./await/wait.ts";
export { waitFor } from "./await/wait_for.ts";
