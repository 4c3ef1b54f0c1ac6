/** A work that a process does again and again, to be timed from outside. */
import { Scheduler } from "@asyncoro/asyncoro";

/** A coroutine function that returns a `T`. */
export type Body<T = void> = Generator<unknown, T, unknown>;

/** A work. It takes some 50 ms, and V8 has compiled its code after the first times. */
export interface Work {
  /** How many operations it consists of. */
  readonly operations: number;
  run(): Promise<void>;
}

/** Works by name. */
export type Works = Readonly<Record<string, Work>>;

/** Coroutines of a scheduler of their own, until all have ended. */
export function scheduled(operations: number, begin: (scheduler: Scheduler) => void): Work {
  const run = async () => {
    const scheduler = new Scheduler();
    begin(scheduler);
    await scheduler.join();
    await scheduler.terminate();
  };
  return { operations, run };
}

/** A coroutine that ends at once. */
export function* nothing(): Body {}
