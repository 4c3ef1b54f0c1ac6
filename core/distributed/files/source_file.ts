import { FileTransferError } from "../errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import { disk } from "./disk.ts";
import { CHUNK_BYTES } from "./file_request.ts";
import { sha256 } from "./sha256.ts";

/** The bytes that are read at once. */
const READ_BYTES = 4 * CHUNK_BYTES;

/**
 * A file that is sent. It is read twice: for its hash, and to be sent.
 *
 * That it changes meanwhile is seen here by its size and time, and by the receiver by its hash.
 */
export class SourceFile implements Disposable {
  /** How large it was when it was opened. */
  readonly size: number;
  /** Its mode; `null` if the system has none. */
  readonly mode: number | null;
  /** When it was modified. */
  readonly modified: Date | null;
  private readonly file: Deno.FsFile;
  private readonly buffer: Uint8Array<ArrayBuffer>;
  private position = 0;

  private constructor(file: Deno.FsFile, { size, mode, mtime }: Deno.FileInfo) {
    this.file = file;
    this.size = size;
    this.mode = mode;
    this.modified = mtime;
    this.buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(1, size)));
  }

  /**
   * Opens it.
   *
   * @throws {FileTransferError} If it cannot be opened, or is no file.
   */
  static open(path: string | URL): Operation<SourceFile> {
    return disk(async () => {
      // Looked at before it is opened: that would wait for the other end of a named pipe.
      const { isFile } = await Deno.stat(path);
      if (!isFile) throw new FileTransferError(`Cannot send '${path}' as it is not a file`);
      const file = await Deno.open(path, { read: true });
      try {
        return new SourceFile(file, await file.stat());
      } catch (error) {
        file.close();
        throw error;
      }
    }, (source) => source[Symbol.dispose]());
  }

  /** Reads it, makes its hash, and goes back to its beginning. */
  *hash(): Generator<unknown, Uint8Array, unknown> {
    const hash = sha256();
    while (this.position < this.size) hash.update(yield* this.read());
    yield* disk(() => this.file.seek(0, Deno.SeekMode.Start));
    this.position = 0;
    return hash.digest();
  }

  /** Whether all has been read. */
  get atEnd(): boolean {
    return this.position >= this.size;
  }

  /**
   * Reads what comes next, one byte at least: not at the end. It is valid until the next read.
   *
   * @throws {FileTransferError} If the file was changed meanwhile.
   */
  *read(): Generator<unknown, Uint8Array, unknown> {
    const count = yield* disk(() => this.file.read(this.buffer));
    if (count === null) throw changed();
    this.position += count;
    if (this.position >= this.size) yield* this.checkUnchanged();
    return this.buffer.subarray(0, count);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.file.close();
  }

  private *checkUnchanged(): Generator<unknown, void, unknown> {
    const { size, mtime } = yield* disk(() => this.file.stat());
    if (this.position !== size || size !== this.size || mtime?.getTime() !== this.modified?.getTime()) throw changed();
  }
}

function changed(): FileTransferError {
  return new FileTransferError("Cannot send the file as it has changed meanwhile: send it again");
}
