/** Loads of native async functions: what they await after a step decides how polite they are. */
import { FUNCTIONS, type Load } from "./load.ts";

/** Nothing longer than half a frame at 60 Hz is noticed by people, so many a program gives way as often. */
const POLITE_MS = 8;

/** Makes, for one function, what it does between two steps. */
type Manners = () => () => Promise<unknown> | null;

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function timeout(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Gives way when the function has not done so for a while. */
function nowAndThen(giveWay: () => Promise<void>): Manners {
  return () => {
    let last = performance.now();
    return () => {
      if (performance.now() - last < POLITE_MS) return null;
      return giveWay().then(() => last = performance.now());
    };
  };
}

/** Gives way at every so many steps of each function. */
function everySteps(count: number, giveWay: () => Promise<void>): Manners {
  return () => {
    let steps = 0;
    return () => ++steps % count === 0 ? giveWay() : null;
  };
}

/** By name. */
export const NATIVES: Readonly<Record<string, Manners>> = {
  starving: () => () => null,
  timeout: nowAndThen(timeout),
  immediate8: nowAndThen(immediate),
  immediate1: everySteps(1, immediate),
  immediate10: everySteps(10, immediate),
  timeout100: everySteps(100, timeout),
  timeout1: everySteps(1, timeout),
};

/** Runs a load of native async functions. */
export async function runNatives(load: Load, manners: Manners): Promise<void> {
  const functions: Promise<void>[] = [];
  for (let i = 0; i < FUNCTIONS; i++) functions.push(go(load, manners()));
  await Promise.all(functions);
}

async function go(load: Load, between: () => Promise<unknown> | null): Promise<void> {
  while (load.going) {
    load.work();
    await between();
  }
}
