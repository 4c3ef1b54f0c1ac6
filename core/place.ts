/**
 * Places in the source, for messages: where something was called.
 */

/**
 * The address of a file or folder of this package, from the folder of this one, as stacks have it.
 *
 * Of a package that was bundled with the program no stack has it, and a bundle that is no module has no address at all.
 */
export function ownAddress(path: string): string | null {
  const own: string | undefined = import.meta.url;
  return URL.canParse(path, own) ? new URL(path, own).href : null;
}

/** The stack below the function `above`, a line a frame; empty where the engine does not tell. */
function frames(above: (...args: never[]) => unknown): string[] {
  if (!("captureStackTrace" in Error)) return [];
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, above);
  return here.stack?.split("\n").filter((line) => line.trimStart().startsWith("at ")) ?? [];
}

/** Where the caller of the function `above` is, as the engine writes it; `null` if the engine does not tell. */
export function callerOf(above: (...args: never[]) => unknown): string | null {
  return frames(above)[0]?.trim() ?? null;
}

/** Where the program called this package, from within a call of it. */
export function callOfProgram(): string | null {
  const lines = frames(callOfProgram);
  const ours = ownAddress(".");
  return (lines.find((line) => ours === null || !line.includes(ours)) ?? lines[0])?.trim() ?? null;
}
