/** A module of jobs that uses the package and a neighbour. */
import { type Coro, sleep } from "@asyncoro/asyncoro";
import { Location } from "@asyncoro/asyncoro/distributed";
import { triple } from "./helper.ts";

let calls = 0;

/** Counts its calls: each server has one copy of the module. */
export function* count(_coro: Coro): Generator<unknown, number, unknown> {
  yield* sleep(0);
  return ++calls;
}

/** Uses the neighbour, and a class of the package. */
export function* work(coro: Coro, n: number): Generator<unknown, [number, boolean], unknown> {
  return [triple(n), coro.scheduler !== null && typeof Location === "function"];
}

/** The default export. */
export default function* (_coro: Coro, text: string): Generator<unknown, string, unknown> {
  return text.toUpperCase();
}

/** No job. */
export const five = 5;
/** No job either. */
export const arrow = (): number => 1;
