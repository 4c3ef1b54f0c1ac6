/** Folders for the files of computations, on the disk of the node. */
import { describe } from "../../base/describe.ts";
import { disk, openFile } from "../../distributed/files/disk.ts";
import { denoWith } from "../../host/capability.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import type { JobFolder, JobFolders } from "./job_folder.ts";

/** See the head of this file. */
export class DiskFolders implements JobFolders {
  readonly #directory: string | undefined;

  /** `directory` is where the folders are made; left out, that for temporary files. */
  constructor(directory?: string) {
    this.#directory = directory;
  }

  create(): Operation<JobFolder> {
    return call(this.#create());
  }

  *#create(): Generator<unknown, JobFolder, unknown> {
    const deno = denoWith("makeTempDir", "serve computations");
    const dir = this.#directory;
    if (dir !== undefined) yield* disk(() => deno.mkdir(dir, { recursive: true }));
    return new DiskFolder(
      yield* disk(
        () => deno.makeTempDir({ dir, prefix: "asyncoro-" }),
        // Nobody waits for it any more.
        (path) => void deno.remove(path),
      ),
    );
  }
}

class DiskFolder implements JobFolder {
  readonly path: string;
  readonly #open: Map<string, Deno.FsFile> = new Map();

  constructor(path: string) {
    this.path = path;
  }

  write(name: string, bytes: Uint8Array, last: boolean): Operation<void> {
    return call(this.#write(name, bytes, last));
  }

  *#write(name: string, bytes: Uint8Array, last: boolean): Generator<unknown, void, unknown> {
    checkBaseName(name);
    let file = this.#open.get(name);
    if (file === undefined) {
      file = yield* openFile(`${this.path}/${name}`, { write: true, createNew: true });
      this.#open.set(name, file);
    }
    for (let written = 0; written < bytes.length;) {
      written += yield* disk(() => file.write(bytes.subarray(written)));
    }
    if (!last) return;
    this.#open.delete(name);
    file.close();
  }

  remove(): Operation<void> {
    return call(this.#remove());
  }

  *#remove(): Generator<unknown, void, unknown> {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
    yield* disk(() => Deno.remove(this.path, { recursive: true }));
  }
}

/** A client must not write outside the folder. */
function checkBaseName(name: string): void {
  if (typeof name === "string" && name !== "" && name !== "." && name !== ".." && !/[/\\:\0]/.test(name)) return;
  throw new TypeError(
    `Cannot write a file of a computation as its name must be a base name: current value is ${describe(name)}`,
  );
}
