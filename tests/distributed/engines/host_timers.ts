/** Host timers that a test lets fire. */

/** A timer. */
export interface FakeTimer {
  /** Its delay. */
  readonly seconds: number;
  /** Whether it was stopped. */
  stopped: boolean;
  fire(): void;
}

/**
 * Runs a test during which no timer fires by itself, except those of `eventually` (10 ms). `timers` has all that were
 * started, in order.
 */
export async function withTimers(test: (timers: FakeTimer[]) => Promise<void>): Promise<void> {
  const { setTimeout, clearTimeout } = globalThis;
  const { unrefTimer } = Deno;
  const timers: FakeTimer[] = [];
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, ms: number) =>
      ms === 10 ? setTimeout(fire, ms) : -timers.push({ seconds: ms / 1000, stopped: false, fire }),
    clearTimeout: (id: number) => {
      if (id < 0) timers[-id - 1].stopped = true;
      else clearTimeout(id);
    },
  });
  Object.assign(Deno, { unrefTimer: (id: number) => id < 0 || unrefTimer(id) });
  try {
    await test(timers);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
    Object.assign(Deno, { unrefTimer });
  }
}
