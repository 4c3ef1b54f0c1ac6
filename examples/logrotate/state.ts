/**
 * What has to be remembered between two runs: when each log was rotated last, and for which dates.
 *
 * A file holds it, replaced as a whole at each change. Before a rotation it says what will hold after it (`next`), and
 * after it, that this holds. Whoever finds a `next` after a crash asks the disk whether the rotation has happened.
 */
import { dirname } from "node:path";
import type { Journal } from "./rotate.ts";

/** What is known of a log. */
export interface Memory {
  /** When it was rotated last, or first seen. */
  readonly rotated: string;
  /** For each daily policy the latest date that has been dealt with. */
  readonly dates: Readonly<Record<string, string>>;
}

interface Entry extends Memory {
  readonly next?: Memory;
}

/** The part of Deno that keeps it. */
export type StateFiles = Pick<typeof Deno, "openSync" | "readTextFileSync" | "renameSync">;

/** The memory of all logs. */
export class State {
  readonly #file: string;
  readonly #fs: StateFiles;
  readonly #entries: Record<string, Entry>;
  readonly #lock: Deno.FsFile | null;

  /**
   * Takes hold of a state file, which need not exist yet.
   *
   * @param readOnly Whether changes are to be forgotten.
   * @throws {Error} If another process has hold of it, or it cannot be understood.
   */
  constructor(file: string, readOnly = false, fs: StateFiles = Deno) {
    this.#file = file;
    this.#fs = fs;
    this.#lock = readOnly ? null : this.#takeLock();
    this.#entries = this.#read();
  }

  /** What is known of a log; `undefined` if nothing is. */
  of(log: string): Memory | undefined {
    return Object.hasOwn(this.#entries, log) ? this.#entries[log] : undefined;
  }

  /** Remembers. A rotation that has begun stays so. */
  set(log: string, memory: Memory): void {
    this.#replace(log, { ...this.#entries[log], ...memory });
  }

  /** For one rotation of a log, after which `next` holds. */
  journal(log: string, next: () => Memory): Journal {
    const entry = () => this.#entries[log];
    return {
      begin: () => this.#replace(log, { ...entry(), next: next() }),
      commit: () => entry()?.next && this.#replace(log, entry().next!),
      rollback: () => entry()?.next && this.#replace(log, { rotated: entry().rotated, dates: entry().dates }),
    };
  }

  /** Lets go of the file. */
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

  // The file is small: at one go it is safe from any interleaving.
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
