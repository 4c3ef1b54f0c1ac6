/** Where the files of a computation lie at a node. */
import type { Operation } from "../../fiber/operation.ts";

/** The folder of one computation. */
export interface JobFolder {
  /** Its path. */
  readonly path: string;
  /** Writes the next piece of the file of this base name, `last` if it is complete with that. */
  write(name: string, bytes: Uint8Array, last: boolean): Operation<void>;
  /** Removes it, with all that is in it. */
  remove(): Operation<void>;
}

/** Makes folders: on the disk, or in tests anywhere. */
export interface JobFolders {
  /** Makes an empty one. */
  create(): Operation<JobFolder>;
}
