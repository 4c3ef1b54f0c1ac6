/** The policies. Each is a loop that rotates if that is due, and then waits until it may be due again. */
import { basename, dirname } from "node:path";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import type { Policy } from "./config.ts";
import type { Log } from "./log.ts";

/** Follows a policy until it is cancelled. */
export function* follow(log: Log, policy: Policy): Generator<unknown, void, unknown> {
  if (policy.type === "size" && policy.watch) return yield* followChanges(log, policy);
  for (;;) {
    yield* check(log, policy);
    const seconds = secondsToWait(log, policy);
    if (policy.type !== "size") log.world.status.expect(`${basename(log.config.path)} (${describe(policy)})`, seconds);
    // A long sleep would miss changes of the wall clock.
    yield* asyncio.sleep(policy.type === "daily" ? Math.min(seconds, log.world.maxSleep) : seconds);
  }
}

/** Rotates if that is due by a policy. */
export function* check(log: Log, policy: Policy): Generator<unknown, void, unknown> {
  yield* log.rotateIf(() => isDue(log, policy), describe(policy));
}

async function isDue(log: Log, policy: Policy): Promise<boolean> {
  switch (policy.type) {
    case "interval":
      return log.age() >= policy.every;
    case "size":
      return await log.size() > policy.maxBytes;
    case "daily":
      return log.isDateDue(policy);
  }
}

function secondsToWait(log: Log, policy: Policy): number {
  switch (policy.type) {
    case "interval":
      return policy.every - log.age();
    case "size":
      return policy.checkEvery;
    case "daily":
      return log.untilNextDate(policy);
  }
}

/** The policy in words. */
export function describe(policy: Policy): string {
  switch (policy.type) {
    case "interval":
      return `every ${policy.every} s`;
    case "size":
      return `over ${policy.maxBytes} bytes`;
    case "daily":
      return `daily at ${policy.at} in ${policy.timeZone}`;
  }
}

// Seconds after a change during which further changes are not checked separately.
const DEBOUNCE = 0.1;

/** Checks a log after events of the file system, and at intervals in case there are none. */
function* followChanges(log: Log, policy: Policy & { type: "size" }): Generator<unknown, void, unknown> {
  const changed = new asyncio.Event();
  yield* asyncio.taskGroup(function* (group) {
    group.createTask(watch(log, changed), { name: `watch ${log.config.path}` });
    for (;;) {
      changed.clear();
      yield* check(log, policy);
      yield* waitForChange(changed, policy.checkEvery);
    }
  });
}

function* waitForChange(changed: asyncio.Event, seconds: number): Generator<unknown, void, unknown> {
  try {
    yield* asyncio.waitFor(changed.wait(), seconds);
    yield* asyncio.sleep(DEBOUNCE);
  } catch (error) {
    if (!(error instanceof asyncio.TimeoutError)) throw error;
  }
}

function* watch(log: Log, changed: asyncio.Event): Generator<unknown, void, unknown> {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(dirname(log.config.path), { recursive: false });
  } catch (error) {
    return log.world.status.failure(`${log.config.path}: cannot be watched: ${(error as Error).message}`);
  }
  try {
    const events = watcher[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = yield* asyncio.wrapFuture(events.next());
      if (done) return;
      if (value.paths.some((path: string) => basename(path) === basename(log.config.path))) changed.set();
    }
  } finally {
    watcher.close();
  }
}
