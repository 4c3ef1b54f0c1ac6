import { describe } from "../../base/describe.ts";
import type { Limit, LimitOptions } from "../../base/limit.ts";
import { checkOptions } from "../../base/options.ts";
import { MAX_PATH } from "./relative_path.ts";
import { denoWith } from "../../host/capability.ts";

/** Options of {@linkcode Network.sendFile}. */
export interface SendFileOptions extends LimitOptions {
  /**
   * The directory at the peer, relative to its directory for files, with `/` between names; that directory itself by
   * default. It is made if it is not there.
   */
  readonly dir?: string;
  /** The name of the file at the peer; that of the source by default. */
  readonly name?: string;
  /** Whether to replace another file of that name; `false` by default. */
  readonly overwrite?: boolean;
}

/** What {@linkcode Network.sendFile} returns. */
export interface SentFile {
  /**
   * Where the file is: its path relative to the peer's directory for files, with `/` between names. `delFile` takes it.
   */
  readonly path: string;
  /** The bytes of the file, whether or not they were sent. */
  readonly bytes: number;
  /** Whether the peer had the same file under that name, so that nothing was sent. */
  readonly unchanged: boolean;
}

/** The same, checked. */
export interface FileToSend {
  readonly source: string | URL;
  readonly dir: string;
  readonly name: string;
  readonly overwrite: boolean;
  readonly limit: Limit;
}

/**
 * Checks what is to be sent.
 *
 * @throws {TypeError} If an argument is of another type, or an option is unknown.
 * @throws {RangeError} If the path at the peer is too long.
 * @throws {UnsupportedError} If the runtime has no files.
 */
export function checkFileToSend(source: string | URL, options: SendFileOptions): FileToSend {
  denoWith("open", "send a file");
  const isFileUrl = source instanceof URL && source.protocol === "file:";
  if (!isFileUrl && (typeof source !== "string" || source === "")) {
    throw new TypeError(
      `Cannot send a file as 'path' must be a path or a file URL: current value is ${describe(source)}`,
    );
  }
  checkOptions(options, ["dir", "name", "overwrite", "timeout", "signal"], "send a file");
  const { dir = "", name = nameOf(source), overwrite = false, timeout, signal } = options;
  if (typeof dir !== "string") throw wrong("dir", "a string", dir);
  if (typeof name !== "string") throw wrong("name", "a string", name);
  if (typeof overwrite !== "boolean") throw wrong("overwrite", "a boolean", overwrite);
  checkLength(dir + name, "send a file");
  return { source, dir, name, overwrite, limit: { timeout, signal } };
}

/**
 * Checks the path of a file to delete.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is too long.
 */
export function checkFileToDelete(path: string): void {
  if (typeof path !== "string") {
    throw new TypeError(`Cannot delete a file as 'path' must be a string: current value is ${describe(path)}`);
  }
  checkLength(path, "delete a file");
}

function checkLength(path: string, action: string): void {
  if (path.length <= MAX_PATH) return;
  throw new RangeError(`Cannot ${action} as its path has more than ${MAX_PATH} characters: it has ${path.length}`);
}

/** The name of a file of this machine. */
function nameOf(source: string | URL): string {
  if (source instanceof URL) return decodeURIComponent(source.pathname.slice(source.pathname.lastIndexOf("/") + 1));
  const separator = Deno.build.os === "windows" ? /[/\\]/ : "/";
  return source.split(separator).at(-1)!;
}

function wrong(option: string, type: string, value: unknown): TypeError {
  return new TypeError(`Cannot send a file as '${option}' must be ${type}: current value is ${describe(value)}`);
}
