/** The flags of the program of a node: on the command line, or by the same names in a file of JSON. */
import { parseArgs } from "node:util";
import { describe } from "../../base/describe.ts";

/** A flag: what it takes, and what it is for. */
interface Flag {
  /**
   * `switch`: nothing. `text`, `integer`, `seconds`: one value. `texts`: one value each time that it is given. `list`: nothing, or
   * after `=` a list, as the permissions of `deno run`.
   */
  readonly kind: "switch" | "text" | "integer" | "seconds" | "texts" | "list";
  /** What its value is called. */
  readonly value?: string;
  readonly help: string;
}

const FLAGS = {
  "host": { kind: "text", value: "NAME", help: "listen at this host name or address; 127.0.0.1 by default" },
  "port": { kind: "integer", value: "N", help: "listen at this port; any free one by default" },
  "name": { kind: "text", value: "NAME", help: "the name of the node, and the beginning of those of its servers" },
  "network": { kind: "text", value: "NAME", help: "the name of the network; asyncoro by default" },
  "secret-file": { kind: "text", value: "FILE", help: "read the secret from a file; else it is in ASYNCORO_SECRET" },
  "peer": { kind: "texts", value: "HOST:PORT", help: "connect to a peer, and again when it is gone; any number" },
  "discover": { kind: "switch", help: "find peers of the local network, and be found" },
  "tls-cert": { kind: "text", value: "FILE", help: "encrypt links, with this certificate chain" },
  "tls-key": { kind: "text", value: "FILE", help: "its private key" },
  "ca": { kind: "texts", value: "FILE", help: "trust this authority, too; any number" },
  "heartbeat": { kind: "seconds", value: "S", help: "give a sign of life after so many seconds of silence; 2" },
  "peer-timeout": { kind: "seconds", value: "S", help: "lose a peer after so many seconds of silence; 10 by default" },
  "cpus": {
    kind: "integer",
    value: "N",
    help: "run so many servers at the most, or leave -N cores free; all by default",
  },
  "serve": { kind: "integer", value: "N", help: "end after so many computations" },
  "directory": { kind: "text", value: "PATH", help: "where files of computations are kept meanwhile" },
  "allow-env": { kind: "list", help: "what jobs may do: permissions of deno run" },
  "allow-ffi": { kind: "list", help: "" },
  "allow-import": { kind: "list", help: "" },
  "allow-net": { kind: "list", help: "" },
  "allow-read": { kind: "list", help: "" },
  "allow-run": { kind: "list", help: "" },
  "allow-sys": { kind: "list", help: "" },
  "allow-write": { kind: "list", help: "" },
  "config": { kind: "text", value: "FILE", help: "read flags from a JSON file; those of the command line come first" },
  "help": { kind: "switch", help: "show this" },
} as const satisfies Record<string, Flag>;

/** The name of a flag. */
export type FlagName = keyof typeof FLAGS;

type ValueOf<K extends Flag["kind"]> = {
  switch: boolean;
  text: string;
  integer: number;
  seconds: number;
  texts: readonly string[];
  list: boolean | readonly string[];
}[K];

/** The values of the flags that were given. */
export type FlagValues = { readonly [N in FlagName]?: ValueOf<(typeof FLAGS)[N]["kind"]> };

/** A flag is unknown or has a wrong value. */
export class FlagError extends Error {
  /** Always `"FlagError"`. */
  override name = "FlagError";
}

/** What `--help` shows of the flags. */
export function describeFlags(): string {
  const lines = Object.entries(FLAGS as Record<string, Flag>).map(([name, { kind, value, help }]) => {
    const left = value !== undefined ? `--${name} ${value}` : kind === "list" ? `--${name}[=LIST]` : `--${name}`;
    return `  ${left.padEnd(24)}${help}`.trimEnd();
  });
  return lines.join("\n");
}

/**
 * Reads the arguments of the command line.
 *
 * @throws {FlagError} If one is unknown or has a wrong value.
 */
export function parseFlags(args: readonly string[]): FlagValues {
  const options: Record<string, { type: "string" | "boolean"; multiple: boolean }> = {};
  for (const [name, { kind }] of Object.entries(FLAGS as Record<string, Flag>)) {
    options[name] = { type: kind === "switch" || kind === "list" ? "boolean" : "string", multiple: true };
  }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowNegative: false, tokens: true });
  const given: Record<string, unknown[]> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    flagOf(token.name, token.rawName);
    (given[token.name] ??= []).push(token.value ?? true);
  }
  const values: Record<string, unknown> = {};
  for (const [name, all] of Object.entries(given)) {
    const { kind } = flagOf(name, `--${name}`);
    values[name] = kind === "texts" ? all : kind === "list" ? mergedList(all) : all.at(-1);
  }
  const checked = checkFlags(values, (name) => `--${name}`);
  const rest = tokens.find(({ kind }) => kind === "positional");
  if (rest?.kind === "positional") throw new FlagError(`There is no argument '${rest.value}': see --help`);
  return checked;
}

/** Reads flags from the text of a JSON file. */
export function parseConfig(text: string, path: string): FlagValues {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new FlagError(`${path} is not valid JSON: ${(error as Error).message}`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new FlagError(`${path} must hold an object, such as {"cpus": -1}`);
  }
  return checkFlags(config as Record<string, unknown>, (name) => `'${name}' in ${path}`);
}

function checkFlags(given: Record<string, unknown>, label: (name: string) => string): FlagValues {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    values[name] = checkValue(flagOf(name, label(name)), value, label(name));
  }
  return values as FlagValues;
}

function flagOf(name: string, label: string): Flag {
  if (Object.hasOwn(FLAGS, name)) return FLAGS[name as FlagName];
  throw new FlagError(`There is no flag ${label}: see --help`);
}

function checkValue({ kind, value: what }: Flag, value: unknown, label: string): unknown {
  const wrong = (needs: string) => new FlagError(`${label} needs ${needs}: current value is ${describe(value)}`);
  switch (kind) {
    case "switch":
      if (typeof value === "boolean") return value;
      throw wrong("no value");
    case "integer":
    case "seconds": {
      const number = typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
      if (kind === "integer" ? Number.isInteger(number) : typeof number === "number") return number;
      throw wrong(kind === "integer" ? "an integer" : "a number of seconds");
    }
    case "text":
      if (isText(value)) return value;
      throw wrong(`a value, ${what}`);
    case "texts":
      if (Array.isArray(value) && value.every(isText)) return value;
      throw wrong(`a value, ${what}`);
    case "list":
      if (typeof value === "boolean" || (Array.isArray(value) && value.every(isText))) return value;
      throw wrong("no value or a list");
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.startsWith("--");
}

/** `--allow-net=a --allow-net=b,c` is a list of three. */
function mergedList(all: readonly unknown[]): unknown {
  return all.includes(true) ? true : all.flatMap((list) => String(list).split(","));
}
