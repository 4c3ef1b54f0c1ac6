/**
 * Files. Reads go through a read buffer, like those of sockets; everything else takes a turn in the same line, so that
 * operations happen in the order in which they were asked for. What was read ahead is given back to the file before
 * its position matters to anything but a read.
 */
import { ClosedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import { WAITING } from "../../fiber/operation.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { sleep } from "../../coroutine/current.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { denoWith } from "../../host/capability.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { HostCall } from "../wait/host_call.ts";
import { ReadBuffer } from "../stream/read_buffer.ts";
import { IoWait } from "../wait/io_wait.ts";
import { Items } from "../items.ts";
import { type BoundedReadOptions, checkSize, type IoLimit, maxOf } from "../wait/io_options.ts";
import { ReadAll, ReadExactly, ReadSome } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";

/** How to open a file, as in C and Python: read, write anew, append, create; with `+` both ways. */
export type FileMode = "r" | "r+" | "w" | "w+" | "a" | "a+" | "x" | "x+";

/** From where a position is counted. */
export type Whence = "start" | "current" | "end";

/** How to go through the lines of a file. */
export interface LineOptions extends BoundedReadOptions {
  /** Whether to wait for more at the end of the file, as `tail -f` does, instead of stopping. */
  readonly follow?: boolean;
  /** How often to look for more; every 0.1 seconds by default. */
  readonly interval?: Timeout;
}

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

const WHENCE = { start: 0, current: 1, end: 2 } as const;
const FOLLOW_SECONDS = 0.1;

/**
 * A file.
 *
 * Operations of several coroutines happen one after the other, in the order in which they were asked for. Every one
 * has a timeout; it ends the wait, while what the host was just doing goes on, and the next operation waits for that.
 *
 * @example
 * ```ts
 * import { AsyncFile, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await run(function* () {
 *   using file = yield* AsyncFile.open(path, "w+");
 *   yield* file.write("one\ntwo\n");
 *   yield* file.seek(0);
 *   assertEquals(yield* file.readline(), "one");
 *   assertEquals(new TextDecoder().decode(yield* file.read()), "two\n");
 * });
 * await Deno.remove(path);
 * ```
 */
export class AsyncFile implements Disposable {
  /** Its path, as it was opened. */
  readonly path: string;
  /** @internal */
  readonly readBuffer: ReadBuffer;
  /** @internal */
  readonly readSeconds = Infinity;
  readonly #file: Deno.FsFile;
  readonly #seekable: boolean;
  #closed = false;

  private constructor(path: string, file: Deno.FsFile, seekable: boolean) {
    this.path = path;
    this.#file = file;
    this.#seekable = seekable;
    this.readBuffer = new ReadBuffer(file, { endless: true });
  }

  /**
   * Opens a file.
   *
   * @param path Its path, or a `file:` URL.
   * @param options As for `Deno.open`, or a mode as in C: `"r"` (the default), `"r+"`, `"w"`, `"a"`, `"x"`, ...
   * @param limit How long it may take.
   * @throws {Error} At the yield, what Deno says: `NotFound`, `IsADirectory`, `AlreadyExists`, `NotCapable`.
   * @throws {TypeError} If `path` or `options` is of the wrong type.
   * @throws {UnsupportedError} If the runtime has no files.
   */
  static open(
    path: string | URL,
    options: Deno.OpenOptions | FileMode = "r",
    limit?: IoLimit,
  ): Operation<AsyncFile> {
    if (typeof path !== "string" && !(path instanceof URL)) {
      throw new TypeError(`Cannot open a file as 'path' must be a string or a URL: current value is ${describe(path)}`);
    }
    const deno = denoWith("open", "open a file");
    const how = typeof options === "string" ? MODES[options] : options;
    if (typeof how !== "object" || how === null) {
      const modes = Object.keys(MODES).join(", ");
      throw new TypeError(
        `Cannot open a file as 'options' must be one of ${modes}: current value is ${describe(options)}`,
      );
    }
    return new HostCall<AsyncFile>({
      label: "open",
      waitsFor: `the host to open ${path}`,
      start: async () => {
        const file = await deno.open(path, how);
        const { isDirectory, isFile } = await info(file);
        if (!isDirectory) return new AsyncFile(String(path), file, isFile);
        file.close();
        throw new deno.errors.IsADirectory(`Is a directory: open '${path}'`);
      },
      discard: (file) => file.close(),
    }, limit) as Operation<unknown> as Operation<AsyncFile>;
  }

  // --- reading ------------------------------------------------------------------------------------------------

  /**
   * Reads from the current position.
   *
   * @param size Bytes to read at the most; everything to the end of the file if it is left out.
   * @param limit How long to wait.
   * @returns The bytes; none at the end of the file, or so far.
   * @throws {TimeoutError} At the yield, if it took too long; nothing is lost.
   * @throws {ClosedError} At the yield, if the file is closed.
   * @throws {RangeError} If `size` is not a positive integer.
   */
  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    if (size === undefined) return typed(new ReadAll(this, limit, "read"));
    return typed(new ReadSome(this, checkSize(size, "size", 1, "read"), limit, "read"));
  }

  /**
   * Reads exactly so many bytes.
   *
   * @param size How many.
   * @param limit How long to wait.
   * @throws {EOFError} At the yield, if the file ends before; what there was is in its `partial`.
   * @throws {TimeoutError} At the yield, if it took too long; nothing is lost.
   * @throws {ClosedError} At the yield, if the file is closed.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  readall(size: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return typed(new ReadExactly(this, checkSize(size, "size", 0, "readall"), limit, "readall"));
  }

  /**
   * Reads a line, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max` for the bytes of the line.
   * @returns The line without its end (`\n` or `\r\n`); the last one may lack its end. `null` at the end of the file.
   * @throws {MessageTooLargeError} At the yield, if the line is longer than `max`.
   * @throws {TimeoutError} At the yield, if it took too long; nothing is lost.
   * @throws {ClosedError} At the yield, if the file is closed.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    return typed(new ReadLine(this, maxOf(limit, Infinity, "read a line"), limit));
  }

  /**
   * The lines from the current position on.
   *
   * With `follow` it does not stop at the end of the file but waits for more, for ever; a line counts when its end has
   * been written, and when the file has been cut short it begins anew.
   *
   * @param options See {@linkcode LineOptions}. The limit is for each line.
   */
  lines(options: LineOptions = {}): Items<string> {
    const { timeout, signal, max } = options;
    const limit: BoundedReadOptions = { timeout, signal, max };
    if (!options.follow) return new Items(() => this.readline(limit));
    const seconds = options.interval === undefined ? FOLLOW_SECONDS : toSeconds(options.interval, "follow a file");
    return new Items(() => call(this.#followed(limit, Math.max(0.001, seconds))));
  }

  *#followed(limit: BoundedReadOptions, interval: number): Generator<unknown, string | null, unknown> {
    for (;;) {
      const max = maxOf(limit, Infinity, "read a line");
      const line = yield* typed<string | null>(new ReadLine(this, max, limit, true));
      if (line !== null) return line;
      yield* sleep(interval);
      yield* this.#turn("follow", () => this.#startOver());
    }
  }

  /** The file is shorter than what has been read of it: somebody has emptied it. */
  async #startOver(): Promise<void> {
    if (!this.#seekable) return;
    const position = await this.#file.seek(0, WHENCE.current);
    if ((await this.#file.stat()).size >= position) return;
    this.readBuffer.drop();
    await this.#file.seek(0, WHENCE.start);
  }

  // --- writing and the rest -----------------------------------------------------------------------------------

  /**
   * Writes all of the data at the current position, or at the end of a file opened for appending.
   *
   * @param data Bytes, or text that is written as UTF-8. It must not be changed meanwhile.
   * @param limit How long to wait; what has begun is written to its end all the same.
   * @returns How many bytes.
   * @throws {Error} At the yield, what Deno says.
   * @throws {ClosedError} At the yield, if the file is closed.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  write(data: Data, limit?: IoLimit): Operation<number> {
    const bytes = toBytes(data, "write");
    return this.#turn("write", async () => {
      await this.#giveBackAhead();
      for (let written = 0; written < bytes.length;) written += await this.#file.write(bytes.subarray(written));
      return bytes.length;
    }, limit);
  }

  /**
   * Moves the position.
   *
   * @param offset Bytes, from `whence` on; negative ones go back.
   * @param whence From the `"start"` (the default), the `"current"` position or the `"end"`.
   * @param limit How long to wait.
   * @returns The new position, from the start.
   * @throws {TypeError} If `offset` is no number or `whence` none of these.
   * @throws {RangeError} If `offset` is no integer, or negative from the start.
   */
  seek(offset: number, whence: Whence = "start", limit?: IoLimit): Operation<number> {
    if (!Object.hasOwn(WHENCE, whence)) {
      throw new TypeError(
        `Cannot seek as 'whence' must be "start", "current" or "end": current value is ${describe(whence)}`,
      );
    }
    checkSize(offset, "offset", whence === "start" ? 0 : -Number.MAX_SAFE_INTEGER, "seek");
    return this.#turn("seek", async () => {
      await this.#giveBackAhead();
      return await this.#file.seek(offset, WHENCE[whence] as Deno.SeekMode);
    }, limit);
  }

  /**
   * Cuts the file, or fills it with zeros. The position stays.
   *
   * @param size The new size in bytes.
   * @param limit How long to wait.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  truncate(size = 0, limit?: IoLimit): Operation<void> {
    checkSize(size, "size", 0, "truncate");
    return this.#turn("truncate", async () => {
      await this.#giveBackAhead();
      await this.#file.truncate(size);
    }, limit);
  }

  /**
   * Waits until what was written is on the disk.
   *
   * @param limit How long to wait.
   */
  sync(limit?: IoLimit): Operation<void> {
    return this.#turn("sync", () => this.#file.sync(), limit);
  }

  /**
   * What the host knows of the file: its size, times and kind.
   *
   * @param limit How long to wait.
   */
  stat(limit?: IoLimit): Operation<Deno.FileInfo> {
    return this.#turn("stat", () => this.#file.stat(), limit);
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Closes it and wakes everyone who waits. Doing it twice is doing it once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.readBuffer.close(new ClosedError(`Cannot use '${this}' as it is closed`));
    this.#file.close();
  }

  /** The same as {@linkcode AsyncFile.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Its path. */
  toString(): string {
    return this.path;
  }

  #turn<T>(label: string, act: () => Promise<T>, limit?: IoLimit): Operation<T> {
    return typed(new Turn(this, label, act, limit));
  }

  /** The host's position is where it has read to; ours is before what is still in the buffer. */
  async #giveBackAhead(): Promise<void> {
    const ahead = this.readBuffer.available;
    if (ahead > 0 && this.#seekable) {
      await this.#file.seek(-ahead, WHENCE.current);
      this.readBuffer.drop();
    }
  }
}

/** A turn in the line of a file's reads, for something else. */
class Turn extends IoWait {
  readonly label: string;
  readonly #file: AsyncFile;
  readonly #act: () => Promise<unknown>;

  constructor(file: AsyncFile, label: string, act: () => Promise<unknown>, limit: IoLimit) {
    super(limit, Infinity, label);
    this.label = label;
    this.#file = file;
    this.#act = act;
  }

  override get waitsFor(): string {
    return `the host's answer about '${this.#file}'`;
  }

  protected override enter(fiber: Fiber): void {
    this.#file.readBuffer.enter(this, coroOf(fiber));
  }

  protected override leave(): void {
    this.#file.readBuffer.leave(this);
  }

  override proceed(): void {
    const readBuffer = this.#file.readBuffer;
    if (readBuffer.closed) {
      readBuffer.line.remove(this);
      return this.settleError(new ClosedError(`Cannot ${this.label} as '${this.#file}' is closed`));
    }
    // A read that was given up is still under way.
    if (readBuffer.busy) return;
    readBuffer.busy = true;
    this.#act().then(
      (value) => this.#over(() => this.settle(value)),
      (error) => this.#over(() => this.settleError(error)),
    );
  }

  #over(settle: () => void): void {
    const readBuffer = this.#file.readBuffer;
    readBuffer.busy = false;
    if (this.inLine && this.state === WAITING) {
      readBuffer.line.remove(this);
      settle();
    }
    readBuffer.serve();
  }
}

async function info(file: Deno.FsFile): Promise<Deno.FileInfo> {
  try {
    return await file.stat();
  } catch (error) {
    file.close();
    throw error;
  }
}

function typed<T>(operation: Operation<unknown>): Operation<T> {
  return operation as Operation<T>;
}
