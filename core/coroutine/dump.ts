import type { Coro } from "./coro.ts";
import type { CoroLoop } from "./coro_loop.ts";
import { runningCoro } from "./coro_of.ts";
import { spawnSite } from "./spawn_site.ts";

/** Options of `scheduler.dump()`. */
export interface DumpOptions {
  /** The largest number of coroutines to list; 1,000 by default. */
  readonly limit?: number;
}

/** One coroutine, as `scheduler.dump()` lists it. */
export interface CoroInfo {
  /** Its id. */
  readonly id: number;
  /** Its name. */
  readonly name: string;
  /** `running` now, `ready` to run, or `waiting`. */
  readonly state: "running" | "ready" | "waiting";
  /** Its priority, 0 (first) to 7 (last). */
  readonly priority: number;
  /** Whether it is a daemon. */
  readonly daemon: boolean;
  /** The operation it waits in, such as `"receive"`; `null` if it does not wait. */
  readonly operation: string | null;
  /** What it waits for, in words; `null` if it does not wait. */
  readonly waitsFor: string | null;
  /** Seconds until the wait times out; `null` if it has no limit. */
  readonly deadline: number | null;
  /** Messages in its mailbox. */
  readonly messages: number;
  /** Seconds since it was created. */
  readonly age: number;
  /** Number of suspended callers of the innermost generator. */
  readonly depth: number;
  /** Where it was created, if `debug` of the scheduler was on; otherwise `null`. */
  readonly spawnSite: string | null;
}

/** Lists the coroutines of a run loop, oldest first. Has no side effects. */
export function dumpCoros(loop: CoroLoop, { limit = 1000 }: DumpOptions): CoroInfo[] {
  loop.settleTimers();
  const now = loop.now();
  loop.setReading(now);
  const running = runningCoro();
  return loop.coros().slice(0, limit).map((coro) => describeCoro(coro, running, now));
}

function describeCoro(coro: Coro, running: Coro | null, now: number): CoroInfo {
  const wait = coro === running || coro.ready ? null : coro.wait;
  return {
    id: coro.id,
    name: coro.name,
    state: coro === running ? "running" : wait === null ? "ready" : "waiting",
    priority: coro.priority,
    daemon: coro.daemon,
    operation: wait?.label ?? null,
    waitsFor: wait?.waitsFor ?? null,
    deadline: wait === null ? null : secondsLeft(coro, now),
    messages: coro.mailbox?.length ?? 0,
    age: Math.max(0, coro.loop.uptime() - coro.createdAt) / 1000,
    depth: coro.height,
    spawnSite: spawnSite(coro),
  };
}

function secondsLeft(coro: Coro, now: number): number | null {
  const deadline = coro.loop.deadline(coro);
  return deadline === Infinity ? null : Math.max(0, deadline - now);
}
