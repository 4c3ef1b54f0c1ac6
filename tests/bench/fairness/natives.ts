/** Loads of native async functions, which differ in what they await after a step. */
import { FUNCTIONS, type Load } from "./load.ts";
import { timer } from "./waits.ts";

/** What a function awaits after a step: `null`, or a promise that gives the host a turn. */
type Pause = () => Promise<unknown> | null;

// Half a frame at 60 Hz.
const SHARE_MS = 8;

function immediate(): Promise<unknown> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** When all together have worked for a while, they wait for the same turn of the host. */
function together(): Pause {
  let last = performance.now();
  let turn: Promise<unknown> | null = null;
  return () => {
    if (turn === null && performance.now() - last < SHARE_MS) return null;
    return turn ??= timer(0).then(() => {
      last = performance.now();
      turn = null;
    });
  };
}

/**
 * By the name of the kind. A clock for each function is not among them, though it looks as fair as `together`: each
 * function that is resumed then has 8 ms for itself, in the microtasks of its own timer, and other timers were 2 s
 * late.
 */
export const NATIVES: Readonly<Record<string, () => Pause>> = {
  microtasks: () => () => null,
  immediates: () => immediate,
  timeouts: together,
};

/** Runs a load of native async functions. */
export async function runNatives(load: Load, pause: Pause): Promise<void> {
  const functions: Promise<void>[] = [];
  for (let i = 0; i < FUNCTIONS; i++) functions.push(go(load, pause));
  await Promise.all(functions);
}

async function go(load: Load, pause: Pause): Promise<void> {
  while (load.going) {
    load.work();
    await pause();
  }
}
