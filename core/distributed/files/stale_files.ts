/**
 * Removes what a joining has left behind that was ended by force while it received files: temporary files of other
 * joinings, when they have not been written to for an hour. A younger one may belong to another process that is receiving
 * it into the same directory.
 */
import type { Operation } from "../../fiber/operation.ts";
import { sleep } from "../../operations/sleep.ts";
import { shield } from "../../patterns/shield.ts";
import { disk } from "./disk.ts";
import type { FileDirectory } from "./file_directory.ts";
import { makerOf } from "./temporary_name.ts";

/** Seconds without a write after which a temporary file is stale. */
const STALE_AFTER = 3600;

/** Removes stale files, now and as long as there are some that may become stale. `joining` is the id of this joining. */
export function* removeStaleFiles(directory: FileDirectory, joining: string): Generator<unknown, void, unknown> {
  while (yield* sweep(directory, joining)) yield* sleep(STALE_AFTER);
}

/** Goes through all directories. Returns whether there is a temporary file of another joining that is not stale yet. */
function* sweep(directory: FileDirectory, joining: string): Generator<unknown, boolean, unknown> {
  let hasYoung = false;
  const directories = [directory.root];
  for (let path; (path = directories.pop()) !== undefined;) {
    for (const { name, isDirectory, isFile } of yield* whole(() => entriesOf(path))) {
      const entry = directory.join(path, name);
      const maker = isFile ? makerOf(name) : null;
      // Symbolic links are no directories here.
      if (isDirectory) directories.push(entry);
      else if (maker !== null && maker !== joining) hasYoung = !(yield* removeIfStale(entry)) || hasYoung;
    }
  }
  return hasYoung;
}

/** Returns whether the file is gone. */
function* removeIfStale(path: string): Generator<unknown, boolean, unknown> {
  const modified = yield* whole(() => Deno.lstat(path).then(({ mtime }) => mtime?.getTime() ?? 0, () => null));
  if (modified === null) return true;
  if (Date.now() - modified < STALE_AFTER * 1000) return false;
  yield* whole(() => Deno.remove(path).catch(() => {}));
  return true;
}

/** What is in a directory; nothing if it cannot be read. */
async function entriesOf(path: string): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(path)) entries.push(entry);
  } catch {
    // As said above.
  }
  return entries;
}

/** Nothing cleans up behind this coroutine, so its end waits for the disk. */
function whole<T>(start: () => Promise<T>): Operation<T> {
  return shield(disk(start));
}
