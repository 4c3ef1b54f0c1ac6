/**
 * Places in the source, for messages: where something was called.
 */

// Everything of this package is below this folder, unless it was bundled with the program. Cut out of the text, as some
// runtimes name their modules by what is no URL.
const OWN_FOLDER = String(import.meta.url).replace(/[^/]*$/, "");
// Bun writes paths into a stack where the others write URLs.
const OWN_PATH = OWN_FOLDER.startsWith("file://") ? decodeURIComponent(OWN_FOLDER.slice(7)) : OWN_FOLDER;

/** Whether a line of a stack is in a module of this package; `start`: how the module's path in `core/` begins. */
export function isOwn(line: string, start = ""): boolean {
  return line.includes(OWN_FOLDER + start) || line.includes(OWN_PATH + start);
}

// Bun's engine places a constructor that is not spelled out here.
const NOWHERE = "(unknown:";

/** The stack below the function `above`, a line a frame; empty where the engine does not tell. */
function frames(above: (...args: never[]) => unknown): string[] {
  if (!("captureStackTrace" in Error)) return [];
  const here: { stack?: unknown } = {};
  try {
    Error.captureStackTrace(here, above);
    // A program may have its own `Error.prepareStackTrace`, which gives anything, or throws.
    if (typeof here.stack !== "string") return [];
    return here.stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  } catch {
    return [];
  }
}

/** Where the caller of the function `above` is, as the engine writes it; `null` if the engine does not tell. */
export function callerOf(above: (...args: never[]) => unknown): string | null {
  return frames(above)[0]?.trim() ?? null;
}

/** Where the program called this package, from within a call of it. */
export function callOfProgram(): string | null {
  const lines = frames(callOfProgram);
  return (lines.find((line) => !isOwn(line) && !line.includes(NOWHERE)) ?? lines[0])?.trim() ?? null;
}
