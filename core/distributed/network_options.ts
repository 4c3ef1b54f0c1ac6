/** The options of a network, checked. */
import { checkCount } from "../base/count.ts";
import { describe } from "../base/describe.ts";
import { type Timeout, toIntervalSeconds } from "../base/duration.ts";
import { checkOptions } from "../base/options.ts";
import type { Engine } from "./engine.ts";
import type { Allow } from "./permissions.ts";

/** Where files of peers go. */
export interface FilesOptions {
  /**
   * The directory, which is made if it is not there. Nothing outside it is read, written or deleted for peers. If a
   * process is killed while it receives a file, what it has written is removed when it is an hour old and a process has
   * joined with this directory.
   */
  readonly directory: string;
  /** The bytes that one file may have; 1 GiB by default. There is no limit for all files. */
  readonly maxBytes?: number;
}

/** Options of {@linkcode Network.join}. */
export interface NetworkOptions {
  /** The name of this peer. Others may have the same. By default it is made of the id of the joining. */
  readonly name?: string;
  /**
   * What all peers of the network know, 16 characters or more. `null`: none, which engines allow that only this machine
   * can reach.
   */
  readonly secret?: string | null;
  /** What carries the messages: TCP on this machine, `[tcp()]`, by default. */
  readonly engines?: readonly Engine[];
  /** The name of the network: peers of another one are refused. `"asyncoro"` by default. */
  readonly network?: string;
  /** Seconds of silence after which a peer is sent a sign of life; 2 by default. */
  readonly heartbeat?: Timeout;
  /** Seconds without a sign of life after which a peer is lost; 10 by default. */
  readonly peerTimeout?: Timeout;
  /** The bytes that a message from a peer may have; 8 MiB by default. */
  readonly maxMessageSize?: number;
  /** The bytes that may wait to be acknowledged by one peer; 64 MiB by default. */
  readonly maxQueue?: number;
  /** How many peers there may be; 1024 by default. */
  readonly maxPeers?: number;
  /** Whether to tell others that this peer is there, and to connect to those that do so; `false` by default. */
  readonly discover?: boolean;
  /**
   * Decides what peers may do. By default they may locate names, send, monitor, subscribe and publish, run the RCIs that
   * are registered, and control the coroutines that their RCIs have created. What it throws is reported, and refuses.
   */
  readonly allow?: Allow;
  /** Lets peers send files to this one, and delete them; refused by default. `allow` decides about each of them. */
  readonly files?: FilesOptions;
}

/** The same with all defaults. */
export interface CheckedNetworkOptions {
  readonly name: string | null;
  readonly secret: string | null;
  readonly engines: readonly Engine[];
  readonly network: string;
  readonly heartbeat: number;
  readonly peerTimeout: number;
  readonly maxMessageSize: number;
  readonly maxQueue: number;
  readonly maxPeers: number;
  readonly discover: boolean;
  readonly allow: Allow | undefined;
  readonly files: Required<FilesOptions> | null;
}

const KNOWN = [
  "name",
  "secret",
  "engines",
  "network",
  "heartbeat",
  "peerTimeout",
  "maxMessageSize",
  "maxQueue",
  "maxPeers",
  "discover",
  "allow",
  "files",
] as const;

const MIN_SECRET = 16;
const MIB = 2 ** 20;

/**
 * Checks the options.
 *
 * @param defaultEngines Makes the engines if there are none in the options.
 * @throws {TypeError} If an option is of another type, unknown or missing.
 * @throws {RangeError} If an option is out of range.
 */
export function checkNetworkOptions(
  options: NetworkOptions,
  defaultEngines: () => readonly Engine[],
): CheckedNetworkOptions {
  checkOptions(options, KNOWN, "join");
  const { name, secret, network = "asyncoro", discover = false, allow, files } = options;
  if (name !== undefined) checkText(name, "name");
  checkText(network, "network");
  if (typeof discover !== "boolean") throw wrong("'discover' must be a boolean", discover);
  if (allow !== undefined && typeof allow !== "function") throw wrong("'allow' must be a function", allow);
  const engines = checkEngines(options.engines ?? defaultEngines());
  return {
    name: name ?? null,
    secret: checkSecret(secret, engines),
    engines,
    network,
    heartbeat: toIntervalSeconds(options.heartbeat ?? 2, "join", "heartbeat"),
    peerTimeout: toIntervalSeconds(options.peerTimeout ?? 10, "join", "peerTimeout"),
    maxMessageSize: checkCount(options.maxMessageSize ?? 8 * MIB, 1, "join as 'maxMessageSize'"),
    maxQueue: checkCount(options.maxQueue ?? 64 * MIB, 1, "join as 'maxQueue'"),
    maxPeers: checkCount(options.maxPeers ?? 1024, 1, "join as 'maxPeers'"),
    discover,
    allow,
    files: files === undefined ? null : checkFiles(files),
  };
}

/**
 * The options with which a thread or a process joins that this peer starts: the network and its limits. What concerns
 * engines and the rights of peers is left out, and so is the secret.
 */
export function sharedOptions(options: CheckedNetworkOptions): NetworkOptions {
  const { network, heartbeat, peerTimeout, maxMessageSize, maxQueue, maxPeers } = options;
  return { network, heartbeat, peerTimeout, maxMessageSize, maxQueue, maxPeers };
}

function checkEngines(engines: unknown): readonly Engine[] {
  if (!Array.isArray(engines) || engines.length === 0) {
    throw wrong("'engines' must be an array of engines that is not empty", engines);
  }
  for (const engine of engines) {
    if (typeof engine === "object" && engine !== null && typeof engine.dial === "function") continue;
    throw wrong("'engines' must hold engines only, such as tcp()", engine);
  }
  return [...engines];
}

/** Never shows the secret. */
function checkSecret(secret: unknown, engines: readonly Engine[]): string | null {
  const open = engines.find(({ trusted }) => !trusted);
  if (secret === undefined || secret === null) {
    if (open === undefined) return null;
    if (secret === undefined) {
      throw new TypeError(
        `Cannot join as engine '${open.scheme}' needs a secret: set 'secret', the same at all peers, ` +
          "or null if only this machine can reach it",
      );
    }
    const exposed = engines.find((engine) => !engine.trusted && engine.loopback !== true);
    if (exposed === undefined) return null;
    throw new TypeError(
      `Cannot join without a secret as engine '${exposed.scheme}' can be reached from other machines: set 'secret'`,
    );
  }
  if (typeof secret !== "string") {
    throw new TypeError(`Cannot join as 'secret' must be a string: it is a ${typeof secret}`);
  }
  if (secret.length >= MIN_SECRET) return secret;
  throw new RangeError(
    `Cannot join as 'secret' needs ${MIN_SECRET} characters or more: it has ${secret.length}, use a random one`,
  );
}

function checkFiles(files: FilesOptions): Required<FilesOptions> {
  checkOptions(files, ["directory", "maxBytes"], "join");
  checkText(files.directory, "files.directory");
  return {
    directory: files.directory,
    maxBytes: checkCount(files.maxBytes ?? 1024 * MIB, 0, "join as 'files.maxBytes'"),
  };
}

function checkText(value: unknown, name: string): void {
  if (typeof value !== "string" || value === "") throw wrong(`'${name}' must be a string that is not empty`, value);
}

function wrong(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot join as ${reason}: current value is ${describe(value)}`);
}
