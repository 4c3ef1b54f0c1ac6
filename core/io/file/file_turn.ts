import { coroOf } from "../../coroutine/coro_of.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { ClosedError } from "../../base/errors.ts";
import { WAITING } from "../../fiber/operation.ts";
import { isQueued } from "../../fiber/wait_queue.ts";
import type { Readable } from "../stream/read.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";

/** One operation on a file that is not a read. It waits for its turn in the queue of the file's reads. */
export class FileTurn<T> extends IoWait<T> {
  readonly label: string;
  readonly #file: Readable;
  readonly #act: () => Promise<T>;

  constructor(file: Readable, label: string, act: () => Promise<T>, limit: IoLimit) {
    super(limit, Infinity, label);
    this.label = label;
    this.#file = file;
    this.#act = act;
  }

  override get waitsFor(): string {
    return `the host to finish with '${this.#file}'`;
  }

  protected override register(fiber: Fiber): void {
    this.#file.readBuffer.enqueue(this, coroOf(fiber));
  }

  protected override unregister(): void {
    this.#file.readBuffer.dequeue(this);
  }

  override proceed(): void {
    const { readBuffer } = this.#file;
    if (readBuffer.closed) {
      readBuffer.waitQueue.remove(this);
      return this.settleError(new ClosedError(`Cannot ${this.label} as '${this.#file}' is closed`));
    }
    // A host read whose wait was given up is still under way.
    if (readBuffer.busy) return;
    readBuffer.busy = true;
    this.#act().then(
      (value) => this.#ended(() => this.settle(value)),
      (error) => this.#ended(() => this.settleError(error)),
    );
  }

  #ended(settle: () => void): void {
    const { readBuffer } = this.#file;
    readBuffer.busy = false;
    if (this.state === WAITING && isQueued(this)) {
      readBuffer.waitQueue.remove(this);
      settle();
    }
    readBuffer.serve();
  }
}
