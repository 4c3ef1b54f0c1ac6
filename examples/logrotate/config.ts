/** What can be configured, and what it means. Paths in a configuration are relative to the folder it is in. */
import { dirname, resolve } from "node:path";
import { byType, listOf, objectWith, oneOf, type Reader, value } from "./check.ts";
import { parseJson } from "./json.ts";

/** Rotate so often. */
export interface IntervalPolicy {
  readonly type: "interval";
  /** Seconds since the last rotation, whoever asked for that one. */
  readonly every: number;
}

/** Rotate what has grown too large. */
export interface SizePolicy {
  readonly type: "size";
  /** Rotate when the log is larger than this. */
  readonly maxBytes: number;
  /** Seconds between two looks at it; 60 by default. */
  readonly checkEvery: number;
  /** Look as well whenever the file system says that it has changed; `false` by default. */
  readonly watch: boolean;
}

/** Rotate once a date. */
export interface DailyPolicy {
  readonly type: "daily";
  /** Time of day, as "hh:mm" or "hh:mm:ss"; midnight by default. */
  readonly at: string;
  /** The IANA name of a time zone; the system's own by default. */
  readonly timeZone: string;
}

/** When to rotate. */
export type Policy = IntervalPolicy | SizePolicy | DailyPolicy;

/** A log, and how to rotate it. */
export interface LogConfig {
  readonly path: string;
  /** How many old versions are kept; 5 by default. */
  readonly keep: number;
  /** Whether old versions are compressed; `false` by default. */
  readonly gzip: boolean;
  /**
   * From which version on they are. By default 2, as whoever writes the log may still write to the renamed file until
   * it opens the log anew; 1 with `copyTruncate`, where nobody does.
   */
  readonly gzipFrom: number;
  /** Whether an empty log with the same mode and owner takes the place of the renamed one at once; `false` by default. */
  readonly create: boolean;
  /**
   * Whether the log is copied and then emptied, for programs that never open it anew; `false` by default. They must
   * write in append mode. What they write between the last look at it and the emptying, some microseconds, is lost.
   */
  readonly copyTruncate: boolean;
  readonly policies: readonly Policy[];
}

/** What the rotator works from. */
export interface Config {
  /** Where it keeps what it has to remember between two runs. */
  readonly state: string;
  readonly logs: readonly LogConfig[];
}

/** A configuration that cannot be used; the message has a line for each mistake. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const flag = value<boolean>("true or false", (value) => typeof value === "boolean");
const text = value<string>("a text that is not empty", (value) => typeof value === "string" && value !== "");
const seconds = value<number>(
  "a positive number of seconds, at most a billion",
  (value) => typeof value === "number" && 0 < value && value <= 1e9,
);
const positive = value<number>("a positive integer", (value) => Number.isSafeInteger(value) && Number(value) > 0);
const count = value<number>(
  "an integer from 0 to 999",
  (value) => Number.isInteger(value) && 0 <= Number(value) && Number(value) <= 999,
);
const timeOfDay = value<string>(
  'a time of day such as "00:00"',
  (value) => typeof value === "string" && /^([01]\d|2[0-3])(:[0-5]\d){1,2}$/.test(value),
);
const timeZone = oneOf<string>(
  Intl.supportedValuesOf("timeZone"),
  'a time zone such as "Europe/London"',
  (value) => typeof value === "string" && isTimeZone(value),
);

function isTimeZone(name: string): boolean {
  try {
    return Temporal.Now.zonedDateTimeISO(name) !== null;
  } catch {
    return false;
  }
}

const readPolicy = byType<Policy>({
  interval: objectWith<IntervalPolicy>({ type: text as Reader<"interval">, every: seconds }),
  size: objectWith<SizePolicy>(
    { type: text as Reader<"size">, maxBytes: positive, checkEvery: seconds, watch: flag },
    { checkEvery: 60, watch: false },
  ),
  daily: objectWith<DailyPolicy>(
    { type: text as Reader<"daily">, at: timeOfDay, timeZone },
    { at: "00:00", timeZone: Temporal.Now.timeZoneId() },
  ),
});

const readFile = objectWith<Config>({
  state: text,
  logs: listOf(objectWith<LogConfig>(
    {
      path: text,
      keep: count,
      gzip: flag,
      gzipFrom: positive,
      create: flag,
      copyTruncate: flag,
      policies: listOf(readPolicy),
    },
    { keep: 5, gzip: false, gzipFrom: undefined, create: false, copyTruncate: false },
  )),
}, { state: "logrotate.state.json" });

/**
 * The configuration in a file.
 *
 * @throws {ConfigError} If it cannot be read, is no JSON, or has mistakes in it.
 */
export function readConfig(file: string): Config {
  try {
    return parseConfig(Deno.readTextFileSync(file), dirname(resolve(file)));
  } catch (error) {
    throw new ConfigError(`Cannot use ${file}:\n${(error as Error).message}`);
  }
}

/**
 * The configuration in a JSON text; `folder` is what its paths are relative to.
 *
 * @throws {SyntaxError} If it is not JSON, with line and column.
 * @throws {ConfigError} If there are mistakes in it: all of them, each with the path to its key.
 */
export function parseConfig(json: string, folder: string): Config {
  const mistakes: string[] = [];
  const config = readFile(parseJson(json), "", mistakes);
  if (mistakes.length === 0) mistakes.push(...contradictions(config, folder));
  if (mistakes.length > 0) throw new ConfigError(mistakes.join("\n"));
  return { state: resolve(folder, config.state), logs: config.logs.map((log) => complete(log, folder)) };
}

function complete(log: LogConfig, folder: string): LogConfig {
  return { ...log, path: resolve(folder, log.path), gzipFrom: log.gzipFrom ?? (log.copyTruncate ? 1 : 2) };
}

/** What is right by itself and wrong together. */
function* contradictions({ logs }: Config, folder: string): Generator<string> {
  const paths = logs.map(({ path }) => resolve(folder, path));
  for (const [index, { path, create, copyTruncate }] of logs.entries()) {
    const first = paths.indexOf(paths[index]);
    if (first < index) {
      yield `logs[${index}].path: must be there once, and is at logs[${first}].path too: current value is "${path}"`;
    }
    const original = paths.findIndex((other) => /^\.\d+(\.gz)?$/.test(versionPart(other, paths[index])));
    if (original >= 0) {
      yield `logs[${index}].path: must not be an old version of logs[${original}].path: current value is "${path}"`;
    }
    if (create && copyTruncate) {
      yield `logs[${index}].create: must not be set with copyTruncate, which leaves the log in its place`;
    }
  }
}

/** What a path has after that of another; "" if it does not begin with it. */
function versionPart(original: string, path: string): string {
  return path.startsWith(original) ? path.slice(original.length) : "";
}
