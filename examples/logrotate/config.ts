/** The configuration. Paths in it are relative to its folder. */
import { dirname, resolve } from "node:path";
import { byType, listOf, objectWith, oneOf, type Reader, value } from "./check.ts";
import { parseJson } from "./json.ts";

/** Rotates at regular intervals. */
export interface IntervalPolicy {
  readonly type: "interval";
  /** Seconds since the last rotation, by whichever policy. */
  readonly every: number;
}

/** Rotates a log that has grown too large. */
export interface SizePolicy {
  readonly type: "size";
  /** Rotates when the log has more bytes than this. */
  readonly maxBytes: number;
  /** Seconds between two checks of the size; 60 by default. */
  readonly checkEvery: number;
  /** Whether the file system's events cause a check as well; `false` by default. */
  readonly watch: boolean;
}

/** Rotates once a day. */
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
   * The first version that is compressed. By default 2, as the program that writes the log may write to the renamed file
   * until it reopens the log; 1 with `copyTruncate`, where nothing writes to the copy.
   */
  readonly gzipFrom: number;
  /** Whether a rotation makes an empty log with the same mode and owner; `false` by default. */
  readonly create: boolean;
  /**
   * Whether the log is copied and then emptied, for programs that never reopen it; `false` by default. They must write in
   * append mode. Lines that they write in the few microseconds between the last copy and the emptying are lost.
   */
  readonly copyTruncate: boolean;
  readonly policies: readonly Policy[];
}

/** The configuration of the program. */
export interface Config {
  /** The file in which it keeps its state between two runs. */
  readonly state: string;
  readonly logs: readonly LogConfig[];
}

/** The configuration has mistakes; the message has a line for each of them. */
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
 * Reads the configuration in a file.
 *
 * @throws {ConfigError} If it cannot be read, is not JSON, or has mistakes.
 */
export function readConfig(file: string): Config {
  try {
    return parseConfig(Deno.readTextFileSync(file), dirname(resolve(file)));
  } catch (error) {
    throw new ConfigError(`Cannot use ${file}:\n${(error as Error).message}`);
  }
}

/**
 * Parses a configuration in JSON, whose paths are relative to `folder`.
 *
 * @throws {SyntaxError} If it is not JSON, with line and column.
 * @throws {ConfigError} If it has mistakes, with all of them and the path to each.
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

/** Values that are valid each, and not together. */
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

/** The rest of a path after another path; "" if it does not begin with that. */
function versionPart(original: string, path: string): string {
  return path.startsWith(original) ? path.slice(original.length) : "";
}
