/** The cost of a lock: without contention, and passed between two coroutines. */
import { Lock, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Effort, ns, printTable, timed } from "./harness.ts";

type Body = Generator<unknown, void, unknown>;

function uncontended(count: number): Promise<number> {
  const scheduler = new Scheduler();
  scheduler.spawn(function* (): Body {
    const lock = new Lock();
    for (let i = 0; i < count; i++) {
      yield* lock.acquire();
      lock.release();
    }
  });
  return timed(count, () => scheduler.join());
}

/** Two that take turns: every release passes the lock to the other. */
function handOff(count: number): Promise<number> {
  const scheduler = new Scheduler();
  const lock = new Lock();
  for (let i = 0; i < 2; i++) {
    scheduler.spawn(function* (): Body {
      for (let n = 0; n < count; n++) {
        yield* lock.acquire();
        yield;
        lock.release();
      }
    });
  }
  return timed(2 * count, () => scheduler.join());
}

/** Locks. */
export async function benchLocks({ rounds, scale }: Effort): Promise<void> {
  const count = Math.round(500_000 * scale);
  const locks = await compare(rounds, { free: () => uncontended(count), handOff: () => handOff(count) });
  printTable("Lock, ns", ["what", "ns"], [
    ["acquire and release, uncontended", ns(locks.medians.free)],
    ["hand-off between two, with a turn while it is held", ns(locks.medians.handOff)],
  ]);
}
