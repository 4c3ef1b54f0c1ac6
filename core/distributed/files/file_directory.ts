/**
 * The directory for files, and the way from a path that a peer gives to one on the disk.
 *
 * Invariant: a directory that is returned is its own real path, and lies within the directory for files: each name of the
 * path was looked at, and a symbolic link was followed only if it leads to the inside. Another process may replace a
 * directory by a symbolic link a moment later; `file_store.ts` says why nothing is written outside even then.
 */
import { describe } from "../../base/describe.ts";
import { denoWith } from "../../host/capability.ts";
import { FileTransferError, PermissionError } from "../errors.ts";
import type { FilesOptions } from "../network_options.ts";
import { disk, lookAt, makeDirectory, nullIfMissing } from "./disk.ts";
import type { RelativePath } from "./relative_path.ts";

/** Where a file is, or would be. */
export interface Place {
  /** The directory that it is in. */
  readonly directory: string;
  /** The path of the file. */
  readonly path: string;
  /** The path at which it was found: that of the symbolic link if it is one, otherwise the same. */
  readonly entry: string;
  /** What is there. `null`: nothing. */
  readonly info: Deno.FileInfo | null;
}

/** See the head of this file. */
export class FileDirectory {
  /** Its real path. */
  readonly root: string;
  /** The bytes that one file may have. */
  readonly maxBytes: number;
  private readonly separator: string;

  private constructor(root: string, maxBytes: number) {
    this.root = root;
    this.maxBytes = maxBytes;
    this.separator = Deno.build.os === "windows" ? "\\" : "/";
  }

  /**
   * Opens the directory, and makes it if there is none.
   *
   * @throws {FileTransferError} If it cannot be made.
   * @throws {UnsupportedError} If the runtime has no files.
   */
  static *open(options: Required<FilesOptions>): Generator<unknown, FileDirectory, unknown> {
    const { directory, maxBytes } = options;
    denoWith("open", "receive files");
    yield* disk(() => Deno.mkdir(directory, { recursive: true }));
    return new FileDirectory(yield* disk(() => Deno.realPath(directory)), maxBytes);
  }

  /** The path of what is in a directory. */
  join(directory: string, name: string): string {
    return directory.endsWith(this.separator) ? directory + name : directory + this.separator + name;
  }

  /** The directory that a path is in. */
  parentOf(path: string): string {
    return path.slice(0, path.lastIndexOf(this.separator)) || this.separator;
  }

  /**
   * Looks where a file is.
   *
   * @returns `null` if there is no such directory.
   * @throws {PermissionError} If a symbolic link leads out.
   * @throws {FileTransferError} If there is something else than a file.
   */
  find(path: RelativePath): Generator<unknown, Place | null, unknown> {
    return this.walk(path, null);
  }

  /**
   * The same, and makes the directories that are missing.
   *
   * @param made Gets the paths of those that were made, in order.
   */
  *enter(path: RelativePath, made: string[]): Generator<unknown, Place, unknown> {
    const place = yield* this.walk(path, made);
    if (place !== null) return place;
    throw new FileTransferError(`Cannot make the directory of ${describe(path.text)} as something else is there`);
  }

  /** Removes a directory and those above it, as long as they are empty. */
  *removeEmpty(directory: string): Generator<unknown, void, unknown> {
    while (directory !== this.root) {
      const removed = yield* disk(() => Deno.remove(directory).then(() => true, () => false));
      if (!removed) return;
      directory = this.parentOf(directory);
    }
  }

  private *walk(path: RelativePath, made: string[] | null): Generator<unknown, Place | null, unknown> {
    let directory = this.root;
    for (const name of path.directories) {
      const next = yield* this.step(this.join(directory, name), made);
      if (next === null) return null;
      directory = next;
    }
    const real = yield* disk(() => Deno.realPath(directory).catch(nullIfMissing));
    if (real === null) return null;
    if (real !== directory) throw linkOut(path.text);
    return yield* this.look(directory, path);
  }

  /** The real path of the directory at `path`; `null` if there is none and none is to be made. */
  private *step(path: string, made: string[] | null): Generator<unknown, string | null, unknown> {
    const info = yield* lookAt(path);
    if (info === null && made !== null) {
      const isNew = yield* makeDirectory(path);
      // Another process has made it meanwhile.
      if (!isNew) return yield* this.step(path, null);
      made.push(path);
      return path;
    }
    if (info?.isSymlink) return yield* this.follow(path);
    return info?.isDirectory ? path : null;
  }

  private *look(directory: string, { name, text }: RelativePath): Generator<unknown, Place, unknown> {
    const entry = this.join(directory, name);
    let place: Place = { directory, path: entry, entry, info: yield* lookAt(entry) };
    if (place.info?.isSymlink) {
      const path = yield* this.follow(entry);
      place = { directory: this.parentOf(path), path, entry, info: yield* lookAt(path) };
    }
    if (place.info === null || place.info.isFile) return place;
    throw new FileTransferError(`Cannot use ${describe(text)} as there is something else than a file`);
  }

  private *follow(link: string): Generator<unknown, string, unknown> {
    const real = yield* disk(() => Deno.realPath(link).catch(nullIfMissing));
    if (real !== null && this.contains(real)) return real;
    throw linkOut(link.slice(this.root.length + 1));
  }

  private contains(real: string): boolean {
    return real === this.root || real.startsWith(this.join(this.root, ""));
  }
}

function linkOut(path: string): PermissionError {
  return new PermissionError(
    `Cannot use ${describe(path)} as a symbolic link in it leads out of the directory for files`,
  );
}
