/**
 * How failures read: the logical stack of a coroutine, and the report of an error that nobody took.
 *
 * The engine's stack of an error shows the generator that failed and what it delegated to with `yield*`. The callers
 * on the coroutine's own stack are suspended then; `call` notes their places while the error passes through them.
 */
import type { Coro } from "../coroutine/coro.ts";
import { describe, isError } from "./describe.ts";
import { callerOf, isOwn } from "./call_site.ts";

const callers = new WeakMap<object, string[]>();
const labelled = new WeakSet<object>();

// The module that resumes generators, whether it was compiled or not: what its frames and those below do is no business
// of the program.
const ENGINE = "fiber.";

/** Notes where the caller that `error` passes through is suspended. `above` is the function whose callers count. */
export function recordCaller(error: unknown, above: (error: unknown) => never): void {
  if (!isError(error)) return;
  const place = callerOf(above);
  note(error, place === null ? null : `    ${place}`);
}

/** Notes a caller that used plain `yield generator`: nothing can tell its place. */
export function recordPlainCaller(error: unknown): void {
  if (isError(error)) {
    note(error, "    at a caller that used plain yield (yield* call(...) would show its place)");
  }
}

function note(error: Error, line: string | null): void {
  if (line === null) return;
  const lines = callers.get(error);
  if (lines === undefined) callers.set(error, [line]);
  else if (lines.length < 50) lines.push(line);
}

/**
 * Appends the callers and the coroutine to the error's stack, once, in the place of the run loop's own frames. A stack
 * that is no text, as `Error.prepareStackTrace` may make it, is the program's own and stays as it is.
 */
export function labelStack(error: unknown, coro: Coro): void {
  if (!isError(error) || labelled.has(error)) return;
  labelled.add(error);
  const stack = stackOf(error);
  if (stack === null) return;
  const lines = [programPart(stack), ...callers.get(error) ?? [], `    in coroutine ${coro}`];
  setStack(error, lines.join("\n"));
}

/** The stack of an error; `null` if it has none, none that is text, or one that cannot be read. */
function stackOf(error: Error): string | null {
  try {
    const stack: unknown = error.stack;
    return typeof stack === "string" && stack !== "" ? stack : null;
  } catch {
    return null;
  }
}

/** The stack without the frames of the engine that resumes generators. */
function programPart(stack: string): string {
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
  print(`Uncaught error in coroutine ${coro}: ${inFull(error)}${causes(error)}`);
}

function inFull(error: unknown): string {
  const stack = isError(error) ? stackOf(error) : null;
  return stack === null ? describe(error) : programPart(stack);
}

function causes(error: unknown): string {
  let text = "";
  let cause = causeOf(error);
  for (let depth = 0; cause !== undefined && depth < 5; depth++) {
    text += `\nCaused by: ${inFull(cause)}`;
    cause = causeOf(cause);
  }
  return text;
}

function causeOf(error: unknown): unknown {
  try {
    return isError(error) ? error.cause : undefined;
  } catch {
    return undefined;
  }
}

/** Prints an error that a hook or callback threw: `what` says which. */
export function printError(what: string, error: unknown): void {
  try {
    console.error(`${what}:`, error);
  } catch {
    // The host shows objects by running code of theirs.
    print(`${what}: ${inFull(error)}`);
  }
}

/** Prints a line on stderr, if it can be: the run loop goes on even if the console is broken. */
function print(line: string): void {
  try {
    console.error(line);
  } catch {
    // There is nowhere to tell.
  }
}
