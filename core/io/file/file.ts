/**
 * Files. Reads go through a read buffer, like those of sockets. All other operations wait in the same queue, so that
 * operations happen in the order of the calls. The host's position is ahead of ours by the bytes in the buffer; it is
 * moved back before any operation that depends on it.
 */
import { ClosedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { denoWith } from "../../host/capability.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { HostCall } from "../wait/host_call.ts";
import { ReadBuffer } from "../stream/read_buffer.ts";
import { Items } from "../../coroutine/items.ts";
import { type BoundedReadOptions, checkSize, type IoLimit, maxOf } from "../wait/io_options.ts";
import { ReadExactly, readSomeOrAll } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";
import { FileTurn } from "./file_turn.ts";
import { followLine } from "./follow.ts";
import { type FileMode, toOpenOptions } from "./open_options.ts";

/** Where a position is counted from. */
export type Whence = "start" | "current" | "end";

/** How to read the lines of a file. */
export interface LineOptions extends BoundedReadOptions {
  /** Whether to wait for more at the end of the file, as `tail -f` does, instead of stopping. */
  readonly follow?: boolean;
  /** How often to look for more: 0.1 seconds by default. */
  readonly interval?: Timeout;
}

const WHENCE = { start: 0, current: 1, end: 2 } as const;
const FOLLOW_SECONDS = 0.1;

/**
 * A file.
 *
 * Operations of several coroutines happen one after the other, in the order of the calls. A timeout ends only the wait:
 * the host finishes the operation that it has begun, and the next one waits for that.
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
   * @throws {Error} At the yield, Deno's error: `NotFound`, `IsADirectory`, `AlreadyExists`, `NotCapable`.
   * @throws {TypeError} If `path` or `options` is of the wrong type, or no option is true.
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
    const openOptions = toOpenOptions(options);
    return new HostCall<AsyncFile>({
      label: "open",
      waitsFor: `the host to open ${path}`,
      start: async () => {
        const file = await deno.open(path, openOptions);
        const { isDirectory, isFile } = await statOrClose(file);
        if (!isDirectory) return new AsyncFile(String(path), file, isFile);
        file.close();
        throw new deno.errors.IsADirectory(`Is a directory: open '${path}'`);
      },
      discard: (file) => file.close(),
    }, limit);
  }

  // --- reading ------------------------------------------------------------------------------------------------

  /**
   * Reads from the current position.
   *
   * @param size The greatest number of bytes; if it is left out, everything to the end of the file.
   * @param limit How long to wait.
   * @returns The bytes; none at the end of the file.
   * @throws {TimeoutError} At the yield, if it took too long; nothing is lost.
   * @throws {ClosedError} At the yield, if the file is closed.
   * @throws {RangeError} If `size` is not a positive integer.
   */
  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return readSomeOrAll(this, size, limit, "read");
  }

  /**
   * Reads exactly `size` bytes.
   *
   * @param size The number of bytes.
   * @param limit How long to wait.
   * @throws {EOFError} At the yield, if the file ends before; its `partial` has the bytes that there were.
   * @throws {TimeoutError} At the yield, if it took too long; nothing is lost.
   * @throws {ClosedError} At the yield, if the file is closed.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  readall(size: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return new ReadExactly(this, checkSize(size, "size", 0, "read"), limit, "readall");
  }

  /**
   * Reads a line, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max`, the greatest number of bytes of the line.
   * @returns The line without its line end (`\n` or `\r\n`), which the last line may lack. `null` at the end of the
   * file.
   * @throws {MessageTooLargeError} At the yield, if the line is longer than `max`.
   * @throws {TimeoutError} At the yield, if it took too long; nothing is lost.
   * @throws {ClosedError} At the yield, if the file is closed.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    return new ReadLine(this, maxOf(limit, Infinity, "read a line"), limit);
  }

  /**
   * The lines from the current position on.
   *
   * With `follow` it does not stop at the end of the file but waits for more lines, for ever. A line counts when its
   * line end has been written. When the file has become shorter, reading starts again at its beginning.
   *
   * @param options See {@linkcode LineOptions}. The limits apply to each line.
   */
  lines(options: LineOptions = {}): Items<string> {
    const { timeout, signal, max } = options;
    const limit: BoundedReadOptions = { timeout, signal, max };
    if (!options.follow) return new Items(() => this.readline(limit));
    const seconds = options.interval === undefined
      ? FOLLOW_SECONDS
      : toSeconds(options.interval, "follow a file", "interval");
    const interval = Math.max(0.001, seconds);
    const restart = (): Operation<void> => this.#turn("follow", () => this.#restartIfTruncated());
    return new Items(() => call(followLine(this, limit, interval, restart)));
  }

  /** If the file is shorter than our position, another program has emptied it. */
  async #restartIfTruncated(): Promise<void> {
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
   * @param limit How long to wait; a write that has begun goes on to its end all the same.
   * @returns How many bytes.
   * @throws {Error} At the yield, Deno's error.
   * @throws {ClosedError} At the yield, if the file is closed.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  write(data: Data, limit?: IoLimit): Operation<number> {
    const bytes = toBytes(data, "write");
    return this.#turn("write", async () => {
      await this.#seekBack();
      for (let written = 0; written < bytes.length;) written += await this.#file.write(bytes.subarray(written));
      return bytes.length;
    }, limit);
  }

  /**
   * Moves the position.
   *
   * @param offset Bytes, counted from `whence`; a negative number goes back.
   * @param whence From the `"start"` (the default), the `"current"` position or the `"end"`.
   * @param limit How long to wait.
   * @returns The new position, from the start.
   * @throws {TypeError} If `offset` is not a number, or `whence` is none of these.
   * @throws {RangeError} If `offset` is not an integer, or is negative from the start.
   */
  seek(offset: number, whence: Whence = "start", limit?: IoLimit): Operation<number> {
    if (!Object.hasOwn(WHENCE, whence)) {
      throw new TypeError(
        `Cannot seek as 'whence' must be "start", "current" or "end": current value is ${describe(whence)}`,
      );
    }
    checkSize(offset, "offset", whence === "start" ? 0 : -Number.MAX_SAFE_INTEGER, "seek");
    return this.#turn("seek", async () => {
      await this.#seekBack();
      return await this.#file.seek(offset, WHENCE[whence] as Deno.SeekMode);
    }, limit);
  }

  /**
   * Cuts the file to a size, or extends it with zeros. The position stays.
   *
   * @param size The new size in bytes.
   * @param limit How long to wait.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  truncate(size = 0, limit?: IoLimit): Operation<void> {
    checkSize(size, "size", 0, "truncate");
    return this.#turn("truncate", async () => {
      await this.#seekBack();
      await this.#file.truncate(size);
    }, limit);
  }

  /**
   * Waits until all that was written is on the disk.
   *
   * @param limit How long to wait.
   */
  sync(limit?: IoLimit): Operation<void> {
    return this.#turn("sync", () => this.#file.sync(), limit);
  }

  /**
   * Returns the file's size, times and kind.
   *
   * @param limit How long to wait.
   */
  stat(limit?: IoLimit): Operation<Deno.FileInfo> {
    return this.#turn("stat", () => this.#file.stat(), limit);
  }

  /** Whether the file is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Closes it; every operation that waits fails with a `ClosedError`. Calling it again has no effect. */
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
    return new FileTurn(this, label, act, limit);
  }

  /** Moves the host's position back to ours, before the bytes that are still in the buffer. */
  async #seekBack(): Promise<void> {
    const ahead = this.readBuffer.available;
    if (ahead > 0 && this.#seekable) {
      await this.#file.seek(-ahead, WHENCE.current);
      this.readBuffer.drop();
    }
  }
}

/** Closes the file if the host cannot describe it. */
async function statOrClose(file: Deno.FsFile): Promise<Deno.FileInfo> {
  try {
    return await file.stat();
  } catch (error) {
    file.close();
    throw error;
  }
}
