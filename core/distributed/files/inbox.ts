import type { IncomingFile } from "./incoming_file.ts";

/** The requests of one peer about files, in the order in which they came. */
export class Inbox {
  /** How many coroutines serve them. */
  servers = 0;
  private readonly open: Map<number, IncomingFile> = new Map();
  private readonly waiting: Set<IncomingFile> = new Set();

  /** How many have been neither answered nor cancelled. */
  get size(): number {
    return this.open.size;
  }

  /** One that has been neither answered nor cancelled. */
  find(number: number): IncomingFile | undefined {
    return this.open.get(number);
  }

  /** Adds one, which waits to be served. */
  add(file: IncomingFile): void {
    this.open.set(file.number, file);
    this.waiting.add(file);
  }

  /** Removes one that was answered or cancelled. */
  remove(file: IncomingFile): void {
    this.open.delete(file.number);
    this.waiting.delete(file);
  }

  /** The next one to serve, which does not wait any more; `null` if there is none. */
  next(): IncomingFile | null {
    for (const file of this.waiting) {
      this.waiting.delete(file);
      return file;
    }
    return null;
  }
}
