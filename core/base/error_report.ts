/**
 * The text of failures: the logical stack of a coroutine, and the report of an error that was not handled.
 *
 * The engine's stack of an error contains the generator that failed and those that delegated to it with `yield*`. It
 * does not contain the callers on the coroutine's own stack, which are suspended: `call` records their call sites while
 * the error passes through them.
 */
import { describe, isError } from "./describe.ts";
import { callerOf, isOwn } from "./call_site.ts";
import { getOrMake } from "./get_or_make.ts";

const callers = new WeakMap<object, string[]>();
const labelled = new WeakSet<object>();

// How the path of the module that resumes generators begins (its extension is that of the source or of the compiled
// file). Its frames and those below are the engine's and are cut off.
const ENGINE = "fiber/fiber.";

/** A coroutine, of which only the name is shown. */
interface Named {
  toString(): string;
}

/** Records the call site of the suspended caller through which `error` passes. `above` is the function that it called. */
export function recordCaller(error: unknown, above: (error: unknown) => never): void {
  if (!isError(error)) return;
  const callSite = callerOf(above);
  record(error, callSite === null ? null : `    ${callSite}`);
}

/** Records a caller that used plain `yield generator`, whose call site the engine does not provide. */
export function recordPlainCaller(error: unknown): void {
  if (isError(error)) {
    record(error, "    at a plain yield (yield* call(...) shows its place)");
  }
}

function record(error: Error, line: string | null): void {
  if (line === null) return;
  const lines = getOrMake(callers, error, () => []);
  if (lines.length < 50) lines.push(line);
}

/**
 * Replaces the run loop's frames in the error's stack by the callers and the coroutine, once. A stack that is not a
 * string, as the program's `Error.prepareStackTrace` may make it, is left unchanged.
 */
export function labelStack(error: unknown, coro: Named): void {
  if (!isError(error) || labelled.has(error)) return;
  labelled.add(error);
  const stack = stackOf(error);
  if (stack === null) return;
  const lines = [programPart(stack), ...callers.get(error) ?? [], `    in coroutine ${coro}`];
  setStack(error, lines.join("\n"));
}

/** The stack of an error; `null` if it has none, if it is not a string, or if reading it throws. */
function stackOf(error: Error): string | null {
  try {
    const stack: unknown = error.stack;
    return typeof stack === "string" && stack !== "" ? stack : null;
  } catch {
    return null;
  }
}

/** The stack without the frames of the run loop. */
function programPart(stack: string): string {
  const lines = stack.split("\n");
  const engine = lines.findIndex((line) => isOwn(line, ENGINE));
  return engine < 0 ? stack : lines.slice(0, engine).join("\n");
}

/** Removes the frames of an error that the scheduler made: where it was made does not help the program. */
export function withoutStack<E extends Error>(error: E): E {
  setStack(error, String(error));
  return error;
}

function setStack(error: Error, stack: string): void {
  try {
    error.stack = stack;
  } catch {
    // The error is frozen and keeps its stack.
  }
}

/** Prints an error that was not handled, with the coroutine that it ended. */
export function printUncaught(error: unknown, coro: Named): void {
  printLine(`Uncaught error in coroutine ${coro}: ${inFull(error)}${causes(error)}`);
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

/** Prints an error that a hook or callback threw. `what` says which. */
export function printError(what: string, error: unknown): void {
  try {
    console.error(`${what}:`, error);
  } catch {
    // The console formats an object by running its code (getters, `inspect`), which may throw.
    printLine(`${what}: ${inFull(error)}`);
  }
}

/** Prints a line on stderr. A console that throws must not stop the run loop. */
export function printLine(line: string): void {
  try {
    console.error(line);
  } catch {
    // There is no other place to report it.
  }
}
