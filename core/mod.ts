/** What works in every runtime: the part that the entry points `.` and `./edge` share. */
export type { Clock } from "./host/clock.ts";
export { Ask } from "./coroutine/ask.ts";
export type { MailboxOptions } from "./coroutine/bounded_mailbox.ts";
export { Coro, type CoroFunction } from "./coroutine/coro.ts";
export type { LossError, PeerLocation } from "./coroutine/peer_location.ts";
export type { Drivable, Driver } from "./host/driver.ts";
export type { CoroInfo, DumpOptions } from "./coroutine/dump.ts";
export { ChannelClosedError, QueueClosedError } from "./messages/errors.ts";
export {
  type DeadlockedCoro,
  DeadlockError,
  HotSwapException,
  MonitorException,
  NoReplyError,
  type Outcome,
} from "./coroutine/errors.ts";
export { SupervisionError } from "./supervision/errors.ts";
export { QueueFullError, TimeoutError, UnsupportedError } from "./base/errors.ts";
export { current } from "./coroutine/current.ts";
export { sleep } from "./operations/sleep.ts";
export type {
  ReceiveGuardOptions,
  ReceiveLimit,
  ReceiveOptions,
  ReceiveOptionsWithoutTimeout,
} from "./coroutine/receive_options.ts";
export { type Categorize, CategorizeMessages } from "./messages/categorize.ts";
export { Channel, type ChannelStatistics, type Subscriber, type Transform } from "./messages/channel.ts";
export { type ItemAction, Items } from "./coroutine/items.ts";
export { Local } from "./coroutine/local.ts";
export { Queue, type QueueOptions, type QueueStatistics } from "./messages/queue.ts";
export { Operation } from "./fiber/operation.ts";
export { call } from "./operations/call.ts";
export { all } from "./coroutine/all.ts";
export { race } from "./coroutine/race.ts";
export type { RunOptions } from "./coroutine/run_with.ts";
export { select, type Selected } from "./coroutine/select.ts";
export type { Waitable, Waited } from "./coroutine/waitable.ts";
export { every, type EveryOptions, type MissedTicks, type Ticker, type TickerStatistics } from "./operations/ticker.ts";
export { until } from "./operations/until.ts";
export { withTimeout } from "./operations/with_timeout.ts";
export {
  Scheduler,
  Scheduler as AsynCoro,
  type SchedulerOptions,
  type SchedulerStats,
  type SpawnOptions,
} from "./coroutine/scheduler.ts";
export { each } from "./patterns/each.ts";
export { type EventOverflow, events, type EventsOptions } from "./patterns/events.ts";
export { type ConcurrencyOptions, map, type Mapper } from "./patterns/map.ts";
export { type Attempt, retry, type RetryOptions } from "./patterns/retry.ts";
export { type Scope, scope } from "./patterns/scope.ts";
export { shield } from "./patterns/shield.ts";
export { type Emit, stream, type StreamFunction, type StreamOptions } from "./patterns/stream.ts";
export type { ChildInfo, ChildState } from "./supervision/child.ts";
export type {
  ArgumentsOf,
  ChildSpec,
  RestartKind,
  ResultOf,
  SuperviseOptions,
  SupervisionStrategy,
} from "./supervision/options.ts";
export { supervise } from "./supervision/supervise.ts";
export { Supervisor } from "./supervision/supervisor.ts";
export { BoundedSemaphore } from "./sync/bounded_semaphore.ts";
export { Condition, type ConditionStatistics } from "./sync/condition.ts";
export { Event, type EventStatistics } from "./sync/event.ts";
export { Lock } from "./sync/lock.ts";
export type { LockStatistics } from "./sync/base_lock.ts";
export { RateLimiter, type RateLimiterOptions, type RateLimiterStatistics } from "./sync/rate_limiter.ts";
export { RLock, type RLockStatistics } from "./sync/rlock.ts";
export { Semaphore, type SemaphoreStatistics } from "./sync/semaphore.ts";
export type { DurationLike, Timeout } from "./base/duration.ts";
export type { Limit, LimitOptions } from "./base/limit.ts";
export type { Overflow } from "./base/overflow.ts";
