/**
 * The state that is kept between two runs: when each log was rotated last, and for which dates.
 *
 * It is in a file, which is replaced as a whole at each change. Before a rotation, the state after it is added as `next`;
 * after the rotation, `next` replaces the state. If there is a `next` after a crash, the log files show whether the
 * rotation has happened.
 */
import { dirname } from "node:path";
import type { Journal } from "./rotate.ts";

/** The state of a log. */
export interface Memory {
  /** When it was rotated last, or first seen. */
  readonly rotated: string;
  /** For each daily policy, the latest date with a rotation. */
  readonly dates: Readonly<Record<string, string>>;
}

interface Entry extends Memory {
  readonly next?: Memory;
}

/** The functions of Deno that it uses. */
export type StateFiles = Pick<typeof Deno, "openSync" | "readTextFileSync" | "renameSync">;

/** The state of all logs. */
export class State {
  readonly #file: string;
  readonly #fs: StateFiles;
  readonly #entries: Record<string, Entry>;
  readonly #lock: Deno.FsFile | null;

  /**
   * Locks and reads a state file, which need not exist yet.
   *
   * @param readOnly Whether changes are not written, and the file is not locked.
   * @throws {Error} If another process has locked it, or it cannot be parsed.
   */
  constructor(file: string, readOnly = false, fs: StateFiles = Deno) {
    this.#file = file;
    this.#fs = fs;
    this.#lock = readOnly ? null : this.#takeLock();
    this.#entries = this.#read();
  }

  /** The state of a log; `undefined` if there is none. */
  of(log: string): Memory | undefined {
    return Object.hasOwn(this.#entries, log) ? this.#entries[log] : undefined;
  }

  /** Sets the state of a log. A rotation that has begun remains begun. */
  set(log: string, memory: Memory): void {
    this.#replace(log, { ...this.#entries[log], ...memory });
  }

  /** The journal of one rotation of a log; `next` is the state after it. */
  journal(log: string, next: () => Memory): Journal {
    const entry = () => this.#entries[log];
    return {
      begin: () => this.#replace(log, { ...entry(), next: next() }),
      commit: () => entry()?.next && this.#replace(log, entry().next!),
      rollback: () => entry()?.next && this.#replace(log, { rotated: entry().rotated, dates: entry().dates }),
    };
  }

  /** Unlocks the file. */
  [Symbol.dispose](): void {
    this.#lock?.close();
  }

  #takeLock(): Deno.FsFile {
    Deno.mkdirSync(dirname(this.#file), { recursive: true });
    const lock = Deno.openSync(`${this.#file}.lock`, { write: true, create: true });
    if (lock.tryLockSync(true)) return lock;
    lock.close();
    throw new Error(`Cannot start as another log rotator works with ${this.#file}`);
  }

  #read(): Record<string, Entry> {
    try {
      return JSON.parse(this.#fs.readTextFileSync(this.#file));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return {};
      this.#lock?.close();
      throw new Error(`Cannot read ${this.#file}: ${(error as Error).message}`);
    }
  }

  #replace(log: string, entry: Entry): void {
    this.#entries[log] = entry;
    this.#save();
  }

  // The file is small. It is written synchronously, so that two changes cannot interleave.
  #save(): void {
    if (this.#lock === null) return;
    const text = new TextEncoder().encode(JSON.stringify(this.#entries, null, 2) + "\n");
    const part = `${this.#file}.part`;
    {
      using file = this.#fs.openSync(part, { write: true, create: true, truncate: true });
      for (let at = 0; at < text.length;) at += file.writeSync(text.subarray(at));
      file.syncSync();
    }
    this.#fs.renameSync(part, this.#file);
  }
}
