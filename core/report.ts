/**
 * How failures read: the logical stack of a coroutine, and the report of an error that nobody took.
 *
 * The engine's stack of an error shows the generator that failed and what it delegated to with `yield*`. The callers
 * on the coroutine's own stack are suspended then; `call` notes their places while the error passes through them.
 */
import type { Coro } from "./coro.ts";
import { describe } from "./describe.ts";
import { callerOf, isOwn } from "./place.ts";

const callers = new WeakMap<object, string[]>();
const labelled = new WeakSet<object>();

// The module that resumes generators, whether it was compiled or not: what its frames and those below do is no business
// of the program.
const ENGINE = "strand.";

/** Notes where the caller that `error` passes through is suspended. `above` is the function whose callers count. */
export function recordCaller(error: unknown, above: (error: unknown) => never): void {
  if (!(error instanceof Error)) return;
  const place = callerOf(above);
  note(error, place === null ? null : `    ${place}`);
}

/** Notes a caller that used plain `yield generator`: nothing can tell its place. */
export function recordPlainCaller(error: unknown): void {
  if (error instanceof Error) {
    note(error, "    at a caller that used plain yield (yield* call(...) would show its place)");
  }
}

function note(error: Error, line: string | null): void {
  if (line === null) return;
  const lines = callers.get(error);
  if (lines === undefined) callers.set(error, [line]);
  else if (lines.length < 50) lines.push(line);
}

/** Appends the callers and the coroutine to the error's stack, once, in the place of the run loop's own frames. */
export function labelStack(error: unknown, coro: Coro): void {
  if (!(error instanceof Error) || labelled.has(error)) return;
  labelled.add(error);
  const lines = [programStack(error), ...callers.get(error) ?? [], `    in coroutine ${coro}`];
  setStack(error, lines.join("\n"));
}

function programStack(error: Error): string {
  const stack = error.stack ?? String(error);
  const lines = stack.split("\n");
  const engine = lines.findIndex((line) => isOwn(line, ENGINE));
  return engine < 0 ? stack : lines.slice(0, engine).join("\n");
}

/** For an error that is found by the scheduler and not thrown by the program: where that was says nothing. */
export function withoutStack<E extends Error>(error: E): E {
  setStack(error, String(error));
  return error;
}

function setStack(error: Error, stack: string): void {
  try {
    error.stack = stack;
  } catch {
    // A frozen error keeps the stack it has.
  }
}

/** Prints an error that nobody took, with the coroutine it ended. */
export function printUncaught(error: unknown, coro: Coro): void {
  const text = error instanceof Error ? error.stack ?? String(error) : describe(error);
  console.error(`Uncaught error in coroutine ${coro}: ${text}${causes(error)}`);
}

function causes(error: unknown): string {
  let text = "";
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && depth < 5; depth++) {
    text += `\nCaused by: ${cause instanceof Error ? programStack(cause) : describe(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}
