/**
 * Locks on logs: of all processes that rotate a log, whatever their state files, one does it at a time.
 *
 * A lock is on the file `app.log.lock` beside the log, as the log itself is renamed. The system releases it when the
 * process ends, however that happens.
 */
import { dirname } from "node:path";

/** What a process has locked, until it is disposed of. */
export class LogLocks {
  readonly #files = new Map<string, Deno.FsFile>();

  /**
   * Locks a log, unless this process has done so before. Without the log's folder there is nothing to lock, or to rotate.
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
