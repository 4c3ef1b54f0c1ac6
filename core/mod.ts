/** What works in every runtime: the part that the entry points `.` and `./edge` share. */
export type { Clock } from "./clock.ts";
export { Coro, type CoroFunction } from "./coro.ts";
export type { Drivable, Driver } from "./driver.ts";
export type { CoroInfo, DumpOptions } from "./dump.ts";
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
} from "./errors.ts";
export { current, sleep } from "./helpers.ts";
export { type Categorize, CategorizeMessages } from "./message/categorize.ts";
export { Channel, type ChannelStatistics, type Subscriber, type Transform } from "./message/channel.ts";
export { Operation } from "./operation.ts";
export { call } from "./operations/call.ts";
export { all, race, type Waitable, type Waited } from "./combine.ts";
export { until } from "./operations/until.ts";
export { withTimeout } from "./operations/with_timeout.ts";
export {
  Scheduler,
  Scheduler as AsynCoro,
  type SchedulerOptions,
  type SchedulerStats,
  type SpawnOptions,
} from "./scheduler.ts";
export {
  type ArgumentsOf,
  type ChildSpec,
  type ResultOf,
  supervise,
  type SuperviseOptions,
  type SupervisionStrategy,
} from "./supervise.ts";
export { BoundedSemaphore } from "./sync/bounded_semaphore.ts";
export { Condition, type ConditionStatistics } from "./sync/condition.ts";
export { Event, type EventStatistics } from "./sync/event.ts";
export { Lock } from "./sync/lock.ts";
export type { LockStatistics } from "./sync/mutex.ts";
export { RLock, type RLockStatistics } from "./sync/rlock.ts";
export { Semaphore, type SemaphoreStatistics } from "./sync/semaphore.ts";
export type { DurationLike, Timeout } from "./time.ts";
