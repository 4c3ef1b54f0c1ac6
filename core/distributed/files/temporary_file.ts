import { describe } from "../../base/describe.ts";
import { disk, writeAll } from "./disk.ts";
import type { FileDirectory, Place } from "./file_directory.ts";
import { PermissionError } from "../errors.ts";
import type { RelativePath } from "./relative_path.ts";

/**
 * A file that is being received, beside the place that it is for, and the directories that were made for it.
 *
 * However far it has come, `discard()` removes all of it.
 */
export class TemporaryFile {
  private readonly directory: FileDirectory;
  private readonly name: string;
  private readonly made: string[] = [];
  private path: string | null = null;
  private file: Deno.FsFile | null = null;

  constructor(directory: FileDirectory, name: string) {
    this.directory = directory;
    this.name = name;
  }

  /**
   * Creates it.
   *
   * @param path What it is for.
   * @param mode Its mode until it is complete.
   * @returns The place that it is for.
   * @throws {PermissionError} If the place is outside the directory for files.
   */
  *create(path: RelativePath, mode: number): Generator<unknown, Place, unknown> {
    const place = yield* this.directory.enter(path, this.made);
    const own = this.path = this.directory.join(place.directory, this.name);
    this.file = yield* disk(() => Deno.open(own, { write: true, createNew: true, mode }), (file) => {
      file.close();
      Deno.remove(own).catch(() => {});
    });
    // It is empty still, wherever it is.
    if ((yield* disk(() => Deno.realPath(own))) === own) return place;
    throw new PermissionError(`Cannot use ${describe(path.text)} as its directory was replaced by a symbolic link`);
  }

  /** Writes bytes, and does something else at the same time. */
  *write(bytes: Uint8Array, meanwhile: () => void): Generator<unknown, void, unknown> {
    yield* disk(() => {
      const written = writeAll(this.file!, bytes);
      meanwhile();
      return written;
    });
  }

  /** It is complete: sets its time, unless that is `null`, and waits until all is on the disk. */
  *complete(modified: Date | null): Generator<unknown, void, unknown> {
    const file = this.file!;
    if (modified !== null) yield* disk(() => file.utime(modified, modified));
    yield* disk(() => file.sync());
    this.close();
  }

  /**
   * Puts it in place of what is at a path in the same directory, with a mode, unless that is `null`. After that there is
   * nothing to discard.
   */
  *moveTo(path: string, mode: number | null): Generator<unknown, void, unknown> {
    const own = this.path!;
    if (mode !== null && Deno.build.os !== "windows") yield* disk(() => Deno.chmod(own, mode));
    yield* disk(() => Deno.rename(own, path));
    this.path = null;
    this.made.length = 0;
  }

  /**
   * Removes it, and the directories that were made for it and are empty. If the disk fails, it stays: it will be removed
   * as stale.
   */
  *discard(): Generator<unknown, void, unknown> {
    this.close();
    const paths = [...this.made, ...(this.path === null ? [] : [this.path])];
    for (const path of paths.reverse()) yield* disk(() => Deno.remove(path).catch(() => {}));
  }

  private close(): void {
    this.file?.close();
    this.file = null;
  }
}
