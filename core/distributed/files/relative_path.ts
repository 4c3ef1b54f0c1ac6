/**
 * The path of a file below the directory for files, as a peer gives it: names that are separated by `/`.
 *
 * Which paths are refused does not depend on the system of either side, so that what works with one peer works with all.
 * Whether a path leads out by a symbolic link is seen on the disk only (`file_directory.ts`).
 */
import { describe } from "../../base/describe.ts";
import { PermissionError } from "../errors.ts";
import { makerOf } from "./temporary_name.ts";

/** The characters that a path may have: no file system takes more. */
export const MAX_PATH = 4096;

/** A path that leads nowhere but down. */
export interface RelativePath {
  /** The names of the directories. */
  readonly directories: readonly string[];
  /** The name of the file. */
  readonly name: string;
  /** All of it, with `/`. */
  readonly text: string;
}

/**
 * Checks a path. `.` and repeated separators are left out.
 *
 * @param dir The directory, may be empty.
 * @param name The name of the file.
 * @throws {PermissionError} If it is absolute, too long, has `..`, or a name that is not allowed.
 */
export function relativePath(dir: string, name: string): RelativePath {
  if (dir.length + name.length > MAX_PATH) throw refused(name, "it is too long");
  if (dir.startsWith("/")) throw refused(dir, "it is absolute: give one relative to the directory for files");
  const directories = dir.split("/").filter((part) => part !== "" && part !== ".");
  for (const directory of directories) checkName(directory);
  if (name === "" || name === "." || name.includes("/")) throw refused(name, "it is not the name of a file");
  checkName(name);
  return { directories, name, text: [...directories, name].join("/") };
}

/** Takes apart a path with both, without checking it. */
export function splitPath(path: string): { dir: string; name: string } {
  const end = path.lastIndexOf("/") + 1;
  return { dir: path.slice(0, end), name: path.slice(end) };
}

function checkName(name: string): void {
  if (name === "..") throw refused(name, "it leads out of the directory for files");
  if (name.includes("\\")) throw refused(name, "it has a backslash: separate names with '/'");
  if (name.includes("\0")) throw refused(name, "it has a NUL");
  if (/^[a-z]:/i.test(name)) throw refused(name, "it begins with a drive letter");
  if (makerOf(name) !== null) throw refused(name, "it is the name of a file that is being received");
}

function refused(part: string, reason: string): PermissionError {
  return new PermissionError(`Cannot use ${describe(part)} in the path of a file as ${reason}`);
}
