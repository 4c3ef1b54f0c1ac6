/** The activity of a page: how often it gets a turn beside busy coroutines, and what wakes it when it is idle. */
import { Scheduler } from "@asyncoro/asyncoro";
import { page } from "./page.ts";

/** What happened in a period. */
export interface Activity {
  /** Animation frames. */
  frames: number;
  /** Turns of a chain of `setTimeout(0)`. */
  timeouts: number;
  /** Messages that the window posted to itself, each after the one before. */
  messages: number;
  /** Clicks of the mouse. */
  clicks: number;
}

/** Counts turns of the page for some seconds, beside `count` coroutines that never wait. */
export async function activityBeside(count: number, seconds: number): Promise<Activity & { switches: number }> {
  const scheduler = new Scheduler();
  for (let i = 0; i < count; i++) {
    scheduler.spawn(function* () {
      for (;;) yield;
    });
  }
  const activity = await countTurns(seconds);
  const { switches } = scheduler.stats();
  await scheduler.terminate();
  return { ...activity, switches };
}

async function countTurns(seconds: number): Promise<Activity> {
  const counts: Activity = { frames: 0, timeouts: 0, messages: 0, clicks: 0 };
  const watching = new AbortController();
  const { signal } = watching;
  const counting = (name: keyof Activity, again: () => void) => () => {
    if (signal.aborted) return;
    counts[name]++;
    again();
  };
  const frame = counting("frames", () => page.requestAnimationFrame(frame));
  const timeout = counting("timeouts", () => setTimeout(timeout, 0));
  const message = counting("messages", () => page.postMessage(null));
  addEventListener("message", message, { signal });
  addEventListener("click", counting("clicks", () => {}), { signal });
  page.requestAnimationFrame(frame);
  setTimeout(timeout, 0);
  page.postMessage(null);
  // Not by a timer, whose delay would be affected by what is counted.
  const end = performance.now() + seconds * 1000;
  await new Promise<void>((resolve) => {
    const look = () => performance.now() < end ? page.requestAnimationFrame(look) : resolve();
    look();
  });
  watching.abort();
  return counts;
}

/** How often, in some seconds, code asks the page to call it. */
export async function wakeUps(seconds: number): Promise<Record<string, number>> {
  const pause = new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const counts: Record<string, number> = {};
  const restore = [
    count(globalThis, "setTimeout", counts),
    count(globalThis, "setInterval", counts),
    count(globalThis, "queueMicrotask", counts),
    count(globalThis, "requestAnimationFrame", counts),
    count(MessagePort.prototype, "postMessage", counts),
  ];
  await pause;
  for (const each of restore) each();
  return counts;
}

/** Counts the calls of a method. Returns a function that restores it. */
function count(owner: object, name: string, counts: Record<string, number>): () => void {
  const methods = owner as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[name];
  counts[name] = 0;
  methods[name] = function (this: unknown, ...args: unknown[]): unknown {
    counts[name]++;
    return original.apply(this, args);
  };
  return () => methods[name] = original;
}
