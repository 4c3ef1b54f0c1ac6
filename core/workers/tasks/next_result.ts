import type { Fiber } from "../../fiber/fiber.ts";
import { HostWait } from "../../fiber/host_wait.ts";

/** Receives one result of a stream: the value of an iterator's `next()`, or the error of the stream. */
export interface ResultReader {
  settle(step: unknown): void;
  settleError(error: unknown): void;
}

/** The stream that a {@linkcode NextResult} reads. */
export interface ResultSource<T> {
  /** Settles the reader at once, or keeps it until there is a result. Returns whether it was settled. */
  read(reader: ResultReader, fiber: Fiber | null): boolean;
  /** Removes a reader that was kept. */
  removeReader(reader: ResultReader): void;
  /** Takes a result back that was not handed over. */
  putBack(value: T): void;
}

/** Waits for the next result of a stream. */
export class NextResult<T, R> extends HostWait<IteratorResult<T, R>> implements ResultReader {
  readonly label = "next result";
  readonly #source: ResultSource<T>;

  constructor(source: ResultSource<T>) {
    super();
    this.#source = source;
  }

  override begin(fiber: Fiber): boolean {
    if (this.#source.read(this, fiber)) return true;
    this.count(fiber);
    return false;
  }

  override detach(): void {
    this.uncount();
    this.#source.removeReader(this);
  }

  override reclaim(): void {
    const step = this.outcome as IteratorResult<T, R>;
    if (!step.done) this.#source.putBack(step.value);
  }
}
