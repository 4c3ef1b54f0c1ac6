/**
 * The public names of the entry points: adding or removing one must be deliberate.
 */
import * as main from "@asyncoro/asyncoro";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import * as cluster from "@asyncoro/asyncoro/cluster";
import * as edge from "@asyncoro/asyncoro/edge";
import * as io from "@asyncoro/asyncoro/io";
import * as testing from "@asyncoro/asyncoro/testing";
import * as workers from "@asyncoro/asyncoro/workers";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";

Deno.test("cluster exports these names", () => {
  assertEquals(Object.keys(cluster).sort(), [
    "ClusterStatus",
    "Computation",
    "JobLostError",
    "NoServerError",
    "Node",
    "SetupError",
  ]);
});

Deno.test("mod.ts exports these names", () => {
  assertEquals(Object.keys(main).sort(), [
    "Ask",
    "AsynCoro",
    "AsyncDBCursor",
    "AsyncDatagram",
    "AsyncFile",
    "AsyncListener",
    "AsyncPipe",
    "AsyncSocket",
    "AsyncThreadPool",
    "BoundedSemaphore",
    "CategorizeMessages",
    "Channel",
    "ChannelClosedError",
    "ClosedError",
    "Condition",
    "Coro",
    "DatabaseError",
    "DeadlockError",
    "EOFError",
    "Event",
    "HotSwapException",
    "Items",
    "Local",
    "Lock",
    "MessageTooLargeError",
    "MonitorException",
    "NoReplyError",
    "Operation",
    "Queue",
    "QueueClosedError",
    "QueueFullError",
    "RLock",
    "RateLimiter",
    "ResultStream",
    "Scheduler",
    "Semaphore",
    "SupervisionError",
    "Supervisor",
    "TimeoutError",
    "UnsupportedError",
    "WorkerError",
    "WorkerMap",
    "WorkerPool",
    "all",
    "call",
    "current",
    "each",
    "events",
    "every",
    "main",
    "mainWith",
    "map",
    "race",
    "retry",
    "run",
    "runWith",
    "scope",
    "select",
    "shield",
    "signals",
    "sleep",
    "stdin",
    "stream",
    "supervise",
    "until",
    "withTimeout",
  ]);
  assertStrictEquals(main.AsynCoro, main.Scheduler);
});

Deno.test("io/mod.ts exports these names, and mod.ts all of them", () => {
  assertEquals(Object.keys(io).sort(), [
    "AsyncDatagram",
    "AsyncFile",
    "AsyncListener",
    "AsyncPipe",
    "AsyncSocket",
    "ClosedError",
    "EOFError",
    "Items",
    "MessageTooLargeError",
    "TimeoutError",
    "UnsupportedError",
    "signals",
    "stdin",
  ]);
  for (const [name, value] of Object.entries(io)) assertStrictEquals(main[name as keyof typeof io], value);
});

Deno.test("workers/mod.ts exports these names, and mod.ts all of them", () => {
  assertEquals(Object.keys(workers).sort(), [
    "AsyncDBCursor",
    "AsyncThreadPool",
    "DatabaseError",
    "ResultStream",
    "WorkerError",
    "WorkerMap",
    "WorkerPool",
  ]);
  for (const [name, value] of Object.entries(workers)) assertStrictEquals(main[name as keyof typeof workers], value);
});

Deno.test("edge/mod.ts exports what works everywhere, its own run(), runWith() and init()", () => {
  assertEquals(Object.keys(edge).sort(), [
    "Ask",
    "AsynCoro",
    "BoundedSemaphore",
    "CategorizeMessages",
    "Channel",
    "ChannelClosedError",
    "Condition",
    "Coro",
    "DeadlockError",
    "Event",
    "HotSwapException",
    "Items",
    "Local",
    "Lock",
    "MonitorException",
    "NoReplyError",
    "Operation",
    "Queue",
    "QueueClosedError",
    "QueueFullError",
    "RLock",
    "RateLimiter",
    "Scheduler",
    "Semaphore",
    "SupervisionError",
    "Supervisor",
    "TimeoutError",
    "UnsupportedError",
    "all",
    "call",
    "current",
    "each",
    "events",
    "every",
    "init",
    "map",
    "race",
    "retry",
    "run",
    "runWith",
    "scope",
    "select",
    "shield",
    "sleep",
    "stream",
    "supervise",
    "until",
    "withTimeout",
  ]);
  for (const [name, value] of Object.entries(edge)) {
    if (!["init", "run", "runWith"].includes(name)) assertStrictEquals(main[name as keyof typeof main], value);
  }
});

Deno.test("asyncio/mod.ts exports these names", () => {
  assertEquals(Object.keys(asyncio).sort(), [
    "ALL_COMPLETED",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "CancelledError",
    "Completions",
    "Condition",
    "Event",
    "EventLoop",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "Future",
    "Handle",
    "IncompleteReadError",
    "InvalidStateError",
    "LifoQueue",
    "LimitOverrunError",
    "Lock",
    "PriorityQueue",
    "Queue",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
    "Semaphore",
    "Server",
    "StreamReader",
    "StreamWriter",
    "Task",
    "TaskGroup",
    "Timeout",
    "TimeoutError",
    "TimerHandle",
    "allTasks",
    "asCompleted",
    "coroutine",
    "createTask",
    "currentTask",
    "ensureFuture",
    "gather",
    "getEventLoop",
    "getRunningLoop",
    "isCoroutine",
    "isCoroutineFunction",
    "isFuture",
    "newEventLoop",
    "openConnection",
    "run",
    "setEventLoop",
    "shield",
    "sleep",
    "startServer",
    "taskGroup",
    "timeout",
    "timeoutAt",
    "toThread",
    "wait",
    "waitFor",
    "wrapFuture",
  ]);
  assertStrictEquals(asyncio.TimeoutError, main.TimeoutError);
});

Deno.test("testing/mod.ts exports its names", () => {
  assertEquals(Object.keys(testing).sort(), ["SimulatedNetwork", "VirtualClock", "runVirtual", "runVirtualWith"]);
});

Deno.test("error classes are errors with their own name", () => {
  for (const name of ["ChannelClosedError", "TimeoutError", "UnsupportedError"] as const) {
    const error = new main[name]("why");
    assert(error instanceof Error);
    assertEquals([error.name, error.message], [name, "why"]);
  }
  assertEquals(new main.DeadlockError("why").name, "DeadlockError");
});

Deno.test("Coro has asyncoro's methods in camelCase", () => {
  const methods = ["sleep", "suspend", "resume", "wakeup", "send", "deliver", "receive", "recv", "setDaemon"];
  methods.push("hotSwappable", "hotSwap", "monitor", "notify", "throw", "terminate", "value", "finish", "isAlive");
  for (const method of methods) {
    assertEquals(typeof main.Coro.prototype[method as keyof main.Coro], "function", method);
  }
});

Deno.test("a scheduler shows its public members, and 'loop' for the package itself", () => {
  const members = new Set(Object.getOwnPropertyNames(main.Scheduler.prototype));
  for (const field of Object.keys(new main.Scheduler())) members.add(field);
  const lifetime = ["constructor", "name", "toString", "join", "terminate", "atexit", "onError"];
  const coroutines = ["spawn", "spawnWith", "coros", "dump", "stats", "statistics"];
  assertEquals(members, new Set([...lifetime, ...coroutines, "now", "debug", "precise", "loop"]));
  assertStrictEquals(Object.getPrototypeOf(main.Scheduler.prototype), Object.prototype);
});
