/** The Deno permissions of servers. */
import { describe } from "../../base/describe.ts";
import { checkOptions } from "../../base/options.ts";

const KINDS = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;

/**
 * What the servers of a node may do, as Deno's permissions: `true` is everything, a list is what `deno run` takes after
 * `--allow-net=` and so on. A server has no permission that is not named here, but to read the files of its computation.
 *
 * A job that may `run` programs or use `ffi` can do all that the user who has started the node can do.
 */
export interface ServerPermissions {
  /** Environment variables. */
  readonly env?: boolean | readonly string[];
  /** Native libraries. */
  readonly ffi?: boolean | readonly string[];
  /** Hosts from which modules may be imported. Without it there are only modules that Deno has in its cache. */
  readonly import?: boolean | readonly string[];
  /** Hosts, with or without a port. */
  readonly net?: boolean | readonly string[];
  /** Files and folders that may be read. */
  readonly read?: boolean | readonly string[];
  /** Programs. */
  readonly run?: boolean | readonly string[];
  /** What there is to know of the system, such as `"hostname"`. */
  readonly sys?: boolean | readonly string[];
  /** Files and folders that may be written. */
  readonly write?: boolean | readonly string[];
}

/**
 * Checks permissions, and returns a copy.
 *
 * @throws {TypeError} If one is unknown, or neither a boolean nor a list of strings.
 */
export function checkPermissions(permissions: unknown): ServerPermissions {
  checkOptions(permissions, KINDS, "start a node");
  const checked: Record<string, boolean | readonly string[]> = {};
  for (const [kind, value] of Object.entries(permissions as object)) {
    if (value === undefined) continue;
    if (typeof value === "boolean") checked[kind] = value;
    else checked[kind] = checkList(kind, value);
  }
  return checked;
}

function checkList(kind: string, list: unknown): readonly string[] {
  const wrong = Array.isArray(list) ? list.find((entry) => !isEntry(entry)) : list;
  if (wrong === undefined && Array.isArray(list)) return [...list];
  throw new TypeError(
    `Cannot start a node as permission '${kind}' must be a boolean or a list of strings that are not empty and have no ` +
      `comma: current value is ${describe(wrong)}`,
  );
}

/** Deno takes a list as one argument, separated by commas that cannot be escaped. */
function isEntry(entry: unknown): boolean {
  return typeof entry === "string" && entry !== "" && !entry.includes(",");
}

/** The arguments of `deno run` for a server that may read a folder. */
export function permissionFlags(permissions: ServerPermissions, folder: string): string[] {
  const flags = ["--no-prompt"];
  // Deno allows imports of some hosts by default. What is in the cache may be imported with no permission.
  if (!isGranted(permissions.import)) flags.push("--cached-only");
  for (const kind of KINDS) {
    const granted = kind === "read" ? withFolder(permissions.read, folder) : permissions[kind];
    if (granted === true) flags.push(`--allow-${kind}`);
    else if (isGranted(granted)) flags.push(`--allow-${kind}=${(granted as readonly string[]).join(",")}`);
  }
  return flags;
}

function isGranted(granted: boolean | readonly string[] | undefined): boolean {
  return granted === true || (Array.isArray(granted) && granted.length > 0);
}

function withFolder(read: boolean | readonly string[] | undefined, folder: string): true | readonly string[] {
  return read === true ? true : [folder, ...(read || [])];
}
