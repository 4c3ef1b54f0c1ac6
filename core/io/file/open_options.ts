import { describe } from "../../base/describe.ts";

/**
 * How to open a file, as in C and Python: `r` reads, `w` empties and writes, `a` appends, `x` creates; with `+` it both
 * reads and writes.
 */
export type FileMode = "r" | "r+" | "w" | "w+" | "a" | "a+" | "x" | "x+";

const MODES: Readonly<Record<FileMode, Deno.OpenOptions>> = {
  "r": { read: true },
  "r+": { read: true, write: true },
  "w": { write: true, create: true, truncate: true },
  "w+": { read: true, write: true, create: true, truncate: true },
  "a": { append: true, create: true },
  "a+": { read: true, append: true, create: true },
  "x": { write: true, createNew: true },
  "x+": { read: true, write: true, createNew: true },
};

/**
 * Returns how to open a file, for the host.
 *
 * @throws {TypeError} If there is no such mode, or the options open a file for nothing.
 */
export function toOpenOptions(options: Deno.OpenOptions | FileMode): Deno.OpenOptions {
  const openOptions = typeof options === "string" ? MODES[options] : options;
  if (typeof openOptions !== "object" || openOptions === null) {
    const modes = Object.keys(MODES).join(", ");
    throw new TypeError(
      `Cannot open a file as 'options' must be one of ${modes}: current value is ${describe(options)}`,
    );
  }
  // As the host checks it.
  if (Object.values(openOptions).includes(true)) return openOptions;
  throw new TypeError(
    `Cannot open a file as 'options' must have 'read', 'write' or another option that is true: ` +
      `current value is ${describe(options)}`,
  );
}
