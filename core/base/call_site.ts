/**
 * Call sites, for messages: where in its source the program called this package.
 */

// The folder `core/`, which holds the whole package unless it was bundled with the program. It is cut out of the text
// and not parsed, as some runtimes have module names that are not URLs.
const OWN_FOLDER = String(import.meta.url).replace(/[^/]*\/[^/]*$/, "");
// Bun writes paths into stacks, other runtimes URLs.
const OWN_PATH = OWN_FOLDER.startsWith("file://") ? decodeURIComponent(OWN_FOLDER.slice(7)) : OWN_FOLDER;

/** Whether a line of a stack is in a module of this package whose path in `core/` begins with `start`. */
export function isOwn(line: string, start = ""): boolean {
  return line.includes(OWN_FOLDER + start) || line.includes(OWN_PATH + start);
}

// Bun's engine writes this for a constructor that a class does not declare.
const NOWHERE = "(unknown:";

/** The stack below the function `above`, a line for each frame; empty if the engine does not provide it. */
function frames(above: (...args: never[]) => unknown): string[] {
  if (!("captureStackTrace" in Error)) return [];
  const here: { stack?: unknown } = {};
  try {
    Error.captureStackTrace(here, above);
    // The program may have set `Error.prepareStackTrace` to a function that returns any value, or throws.
    if (typeof here.stack !== "string") return [];
    return here.stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  } catch {
    return [];
  }
}

/** The call site of the function `above`, as the engine writes it; `null` if the engine does not provide it. */
export function callerOf(above: (...args: never[]) => unknown): string | null {
  return frames(above)[0]?.trim() ?? null;
}

/** The call site at which the program entered this package. */
export function callOfProgram(): string | null {
  const lines = frames(callOfProgram);
  return (lines.find((line) => !isOwn(line) && !line.includes(NOWHERE)) ?? lines[0])?.trim() ?? null;
}
