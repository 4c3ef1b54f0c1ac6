/**
 * Receives files into the directory for files, and deletes them there.
 *
 * # Old or new
 *
 * A file is written under another name beside its place, and renamed when it is complete and its hash is right. Until then
 * the old file is untouched; when anything goes wrong, the new one is removed.
 *
 * # Never outside
 *
 * Before it is renamed, its place is looked up again. If another process replaces the directory by a symbolic link after
 * that, the rename fails, as both names are in that directory and only one place has the new file. If that happens just
 * before the file is created, an empty file is created outside, which is seen and removed.
 *
 * # One at a time
 *
 * What changes the tree of directories holds `tree`: looking where a file is and making its directories, renaming it there
 * if nothing is there, removing empty directories. So no directory is removed while another file is about to be created in
 * it. What takes long, reading and writing, does not hold it.
 */
import { Lock } from "../../sync/lock.ts";
import { FileTransferError } from "../errors.ts";
import { disk, openFile, removePath } from "./disk.ts";
import type { FileDirectory, Place } from "./file_directory.ts";
import type { FileRequest } from "./file_request.ts";
import type { RelativePath } from "./relative_path.ts";
import { sameHash, sha256 } from "./sha256.ts";
import { TemporaryFile } from "./temporary_file.ts";
import { temporaryName } from "./temporary_name.ts";

/** The contents of a file that is received, as it comes. */
export interface Chunks {
  /** So many bytes are wanted. */
  begin(size: number): void;
  /** The next bytes, one at least. They are valid until the next call. Throws if no more will come. */
  next(): Generator<unknown, Uint8Array, unknown>;
  /** So many bytes have been written, from the beginning. */
  written(total: number): void;
  /** Throws if nobody wants the file any more. */
  check(): void;
}

/** The bytes that are read at once to compare files. */
const READ_BYTES = 256 * 1024;
/** The mode of a file that has no mode where it comes from, before the mask of this process. */
const DEFAULT_MODE = 0o666;
/** The mode of a file that is not complete. */
const PRIVATE_MODE = 0o600;
/** What of a mode is taken over: nothing that gives rights of another user. */
const MODE_MASK = 0o777;

/** See the head of this file. */
export class FileStore {
  private readonly directory: FileDirectory;
  private readonly joining: string;
  private readonly tree = new Lock("files");
  private count = 0;

  /** `joining` is the id of this joining, by which it tells its temporary files from those of others. */
  constructor(directory: FileDirectory, joining: string) {
    this.directory = directory;
    this.joining = joining;
  }

  /** An error message without the path of the directory. */
  withoutRoot(message: string): string {
    return message.replaceAll(this.directory.join(this.directory.root, ""), "");
  }

  /**
   * Receives a file.
   *
   * @returns Whether the same file was there.
   * @throws {PermissionError} If it would be outside the directory.
   * @throws {FileTransferError} If there is another one and it may not be overwritten, if it is too large or not what it
   * should be, or if the disk fails.
   * @throws what `chunks` throw.
   */
  *receive(file: FileRequest, path: RelativePath, chunks: Chunks): Generator<unknown, boolean, unknown> {
    const { maxBytes } = this.directory;
    if (file.size > maxBytes) {
      throw new FileTransferError(
        `Cannot send a file of ${file.size} bytes as the peer takes ${maxBytes}: raise 'files.maxBytes' there`,
      );
    }
    const before = yield* this.find(path);
    if (before !== null && (yield* this.isSame(before, file, chunks))) return true;
    const temporary = new TemporaryFile(this.directory, temporaryName(this.joining, ++this.count));
    let other: Place | null;
    try {
      const place = yield* this.create(temporary, path, file.mode);
      yield* fill(temporary, file, chunks);
      yield* temporary.complete(file.modified);
      chunks.check();
      other = yield* this.put(temporary, path, place.path, file);
    } finally {
      yield* this.discard(temporary);
    }
    // Another one came first.
    return other !== null && (yield* this.isSame(other, file, chunks));
  }

  /**
   * Deletes a file, and the directories that are empty then.
   *
   * @returns Whether it was there.
   * @throws {PermissionError} If it would be outside the directory.
   * @throws {FileTransferError} If it is something else than a file, or the disk fails.
   */
  *delete(path: RelativePath): Generator<unknown, boolean, unknown> {
    using _ = yield* this.tree.hold();
    const place = yield* this.directory.find(path);
    if (place === null || place.info === null) return false;
    const removed = yield* removePath(place.entry);
    if (removed) yield* this.directory.removeEmpty(this.directory.parentOf(place.entry));
    return removed;
  }

  private *find(path: RelativePath): Generator<unknown, Place | null, unknown> {
    using _ = yield* this.tree.hold();
    return yield* this.directory.find(path);
  }

  /** Whether the file is there. Throws if there is another one that may not be overwritten. */
  private *isSame({ path, info }: Place, file: FileRequest, chunks: Chunks): Generator<unknown, boolean, unknown> {
    if (info === null) return false;
    if (info.size === file.size && sameHash(yield* hashOf(path, info, chunks), file.hash)) return true;
    if (file.overwrite) return false;
    throw new FileTransferError(
      "Cannot send the file as another one of its name is there: set 'overwrite' to replace it",
    );
  }

  private *create(
    temporary: TemporaryFile,
    path: RelativePath,
    mode: number | null,
  ): Generator<unknown, Place, unknown> {
    using _ = yield* this.tree.hold();
    return yield* temporary.create(path, mode === null ? DEFAULT_MODE : PRIVATE_MODE);
  }

  /** Puts a complete file in its place. If another is there that may not be overwritten, returns where. */
  private *put(
    temporary: TemporaryFile,
    path: RelativePath,
    target: string,
    { overwrite, mode }: FileRequest,
  ): Generator<unknown, Place | null, unknown> {
    using _ = yield* this.tree.hold();
    const place = yield* this.directory.find(path);
    if (place?.path !== target) {
      throw new FileTransferError("Cannot send the file as its directory was moved meanwhile");
    }
    if (place.info !== null && !overwrite) return place;
    yield* temporary.moveTo(target, mode === null ? null : mode & MODE_MASK);
    return null;
  }

  private *discard(temporary: TemporaryFile): Generator<unknown, void, unknown> {
    using _ = yield* this.tree.hold();
    yield* temporary.discard();
  }
}

/** Writes what comes. Throws if it is not what was announced. */
function* fill(
  temporary: TemporaryFile,
  { size, hash }: FileRequest,
  chunks: Chunks,
): Generator<unknown, void, unknown> {
  const actual = sha256();
  chunks.begin(size);
  for (let total = 0; total < size;) {
    const bytes = yield* chunks.next();
    yield* temporary.write(bytes, () => actual.update(bytes));
    chunks.written(total += bytes.length);
  }
  if (!sameHash(actual.digest(), hash)) {
    throw new FileTransferError("Cannot send the file as it has changed meanwhile: send it again");
  }
}

/** The hash of a file that was looked at. */
function* hashOf(path: string, seen: Deno.FileInfo, chunks: Chunks): Generator<unknown, Uint8Array, unknown> {
  const file = yield* openFile(path, { read: true });
  try {
    const { dev, ino } = yield* disk(() => file.stat());
    // It has been replaced meanwhile, perhaps by a symbolic link to what must not be read.
    if (dev !== seen.dev || ino !== seen.ino) return new Uint8Array(0);
    const hash = sha256();
    const buffer = new Uint8Array(READ_BYTES);
    for (let count; (count = yield* disk(() => file.read(buffer))) !== null;) {
      hash.update(buffer.subarray(0, count));
      chunks.check();
    }
    return hash.digest();
  } finally {
    file.close();
  }
}
