/**
 * Locks on logs: one process at a time rotates a log, even if processes have different state files.
 *
 * The file `app.log.lock` beside the log is locked, as the log itself is renamed. The system releases the lock when the
 * process ends, even if it crashes.
 */
import { dirname } from "node:path";

/** The locks of this process, until it is disposed of. */
export class LogLocks {
  readonly #files = new Map<string, Deno.FsFile>();

  /**
   * Locks a log, unless this process has locked it already. If the folder does not exist, there is nothing to rotate and
   * nothing is locked.
   *
   * @throws {Error} If another process has locked it.
   */
  take(path: string): void {
    if (this.#files.has(path) || !isFolder(dirname(path))) return;
    const file = Deno.openSync(`${path}.lock`, { write: true, create: true });
    if (file.tryLockSync(true)) return void this.#files.set(path, file);
    file.close();
    throw new Error(`Cannot rotate ${path} as another log rotator works with it`);
  }

  /** Releases all locks. */
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
