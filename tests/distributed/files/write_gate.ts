/** Holds a write to a file back, so that a test can look at a transfer that is under way. */
export class WriteGate implements Disposable {
  /** Fulfilled when the write has been asked for. */
  readonly reached: Promise<void>;
  readonly #write = Deno.FsFile.prototype.write;
  readonly #opened = Promise.withResolvers<void>();

  /** `count`: which write it is, from 1. `act` is called in its place, and may throw. */
  constructor(count: number, act?: () => void) {
    const write = this.#write;
    const opened = this.#opened.promise;
    const reached = Promise.withResolvers<void>();
    this.reached = reached.promise;
    Deno.FsFile.prototype.write = async function (bytes) {
      if (--count === 0) {
        reached.resolve();
        if (act === undefined) await opened;
        else act();
      }
      return await write.call(this, bytes);
    };
  }

  /** Lets the write go on. */
  open(): void {
    this.#opened.resolve();
  }

  [Symbol.dispose](): void {
    this.open();
    Deno.FsFile.prototype.write = this.#write;
  }
}
