/** The peers, and how each is started. */
import config from "../../../deno.json" with { type: "json" };
import type { Command } from "./process.ts";

/** A peer that can be started. */
export interface Ready {
  readonly version: string;
  /** How its process for a work is started. */
  start(work: string): Command;
}

/** A peer that is installed. */
export interface PeerHere {
  readonly name: string;
  readonly ready: Ready;
}

/** A peer. */
export interface Peer {
  readonly name: string;
  /** Its name in the table. */
  readonly title: string;
  /** Works for which it lacks what is needed. */
  readonly lacks: readonly string[];
  /** Builds what must be built, in the given folder. Returns `null` if it is not installed. */
  prepare(folder: string): Promise<Ready | null>;
}

const HERE = new URL(".", import.meta.url).pathname;

// V8 ends a process whose heap reaches its default limit, and a million sleepers of some peers need more.
const DENO = ["run", "-A", "--quiet", "--v8-flags=--max-old-space-size=12000"];

function onDeno(name: string, title: string, version: string, lacks: readonly string[] = []): Peer {
  const start = (work: string) => ({ command: Deno.execPath(), args: [...DENO, `${HERE}${name}.ts`, work] });
  return { name, title, lacks, prepare: () => Promise.resolve({ version, start }) };
}

function ofNpm(name: string, module: keyof typeof config.imports, lacks: readonly string[]): Peer {
  return onDeno(name, module, `${module} ${config.imports[module].split("@").at(-1)}`, lacks);
}

const asyncio: Peer = {
  name: "asyncio",
  title: "asyncio",
  lacks: [],
  async prepare() {
    const version = await output("python3", ["--version"]);
    if (version === null) return null;
    const start = (work: string) => ({ command: "python3", args: [`${HERE}asyncio/contender.py`, work] });
    return { version: `C${version}`, start };
  },
};

/** On one core. */
const go: Peer = {
  name: "go",
  title: "Go",
  lacks: [],
  async prepare(folder) {
    const version = await output("go", ["version"]);
    if (version === null) return null;
    const program = `${folder}/go_contender`;
    const files = ["contender", "works", "echo"].map((name) => `${HERE}go/${name}.go`);
    await output("go", ["build", "-o", program, ...files]);
    const start = (work: string) => ({ command: program, args: [work], env: { GOMAXPROCS: "1" } });
    return { version: version.replace(/^go version go(\S+).*$/, "Go $1"), start };
  },
};

const RELEASE = ["-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt()."];

/** With one scheduler, and room for a million processes. */
const erlang: Peer = {
  name: "erlang",
  title: "Erlang",
  // A mailbox has no bound.
  lacks: ["queue"],
  async prepare(folder) {
    const release = await output("erl", RELEASE);
    if (release === null) return null;
    const files = ["contender", "works", "echo"].map((name) => `${HERE}erlang/${name}.erl`);
    if (await output("erlc", ["-o", folder, ...files]) === null) return null;
    const flags = ["+S", "1:1", "+P", "2000000", "-noshell", "-pa", folder];
    const env = { ERL_CRASH_DUMP_SECONDS: "0" }; // no file is left of one that is ended
    const start = (work: string) => ({ command: "erl", args: [...flags, "-run", "contender", "main", work], env });
    return { version: `Erlang/OTP ${release}`, start };
  },
};

/** All peers; ours is the first, with which the others are compared. */
export const PEERS: readonly Peer[] = [
  onDeno("ours", "ours", `${config.name} ${config.version}`),
  // Bare generators do not wait, so there are no locks, timers and sockets for them.
  onDeno("floor", "floor", "bare generators", ["lock", "queue", "sleepers", "echo"]),
  onDeno("native", "async/await", "async functions"),
  // Its sockets are in packages of their own, for each platform, on top of node:net.
  ofNpm("effect", "effect", ["echo"]),
  // It has neither locks nor bounded queues nor sockets.
  ofNpm("effection", "effection", ["lock", "queue", "echo"]),
  // It consists of channels; works without them would measure async functions again.
  ofNpm("csp", "@thi.ng/csp", ["switch", "spawn", "hundreds", "sleepers", "echo"]),
  asyncio,
  go,
  erlang,
];

/** The output of a command; `null` if there is no such command. Throws if it fails. */
async function output(command: string, args: readonly string[]): Promise<string | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
    const text = (bytes: Uint8Array<ArrayBuffer>) => new TextDecoder().decode(bytes).trim();
    if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}: ${text(stderr)}`);
    return text(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
