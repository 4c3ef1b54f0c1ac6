/** The peers, and how each is started. */
import config from "../../../deno.json" with { type: "json" };
import { bundle } from "../../package/bundle.ts";
import { findRuntime } from "../../runtimes/find.ts";
import { alone, erlang as erlangNodes, type Senders, serverAndClient, SINK } from "../distributed/contenders.ts";
import type { Command } from "./process.ts";
import { IN_A_BURST } from "./works.ts";

/** A peer that can be started. */
export interface Ready {
  readonly version: string;
  /** How its process for a work is started. */
  start(work: string): Command;
  /** How the programs are started that send messages to another process or thread, by the names of works. */
  readonly senders?: Readonly<Record<string, Senders>>;
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

// Of most peers messages stay in a thread.
const BETWEEN = ["processes", "threads"];

type SendersOf = Ready["senders"];

function onDeno(name: string, title: string, version: string, lacks: readonly string[], senders?: SendersOf): Peer {
  const start = (work: string) => ({ command: Deno.execPath(), args: [...DENO, `${HERE}${name}.ts`, work] });
  return { name, title, lacks, prepare: () => Promise.resolve({ version, start, senders }) };
}

function ofNpm(name: string, module: keyof typeof config.imports, lacks: readonly string[]): Peer {
  return onDeno(name, module, `${module} ${config.imports[module].split("@").at(-1)}`, [...lacks, ...BETWEEN]);
}

/** The channels of `node:child_process` and `node:worker_threads`, on Deno or on the host that is `command`. */
function nodeSenders(command?: string): SendersOf {
  return {
    processes: alone("processes_raw.mjs", IN_A_BURST, command),
    threads: alone("threads_raw.mjs", IN_A_BURST, command, "single"),
  };
}

const node: Peer = {
  name: "node",
  title: "Node.js",
  lacks: [],
  async prepare(folder) {
    const command = await findRuntime("node");
    if (command === null) return null;
    const version = await output(command, ["--version"]);
    // Where there is no Node.js, Deno may be what `node` starts.
    if (!version?.startsWith("v")) return null;
    // It runs no TypeScript.
    const { code } = await bundle(new URL("node.ts", import.meta.url), "esm", ["node:*"]);
    const program = `${folder}/node_contender.mjs`;
    await Deno.writeFile(program, code);
    const start = (work: string) => ({ command, args: ["--max-old-space-size=12000", program, work] });
    return { version: `Node.js ${version.slice(1)}`, start, senders: nodeSenders(command) };
  },
};

const bun: Peer = {
  name: "bun",
  title: "Bun",
  lacks: [],
  async prepare() {
    const command = await findRuntime("bun");
    if (command === null) return null;
    const version = `Bun ${await output(command, ["--version"])}`;
    const start = (work: string) => ({ command, args: ["run", `${HERE}bun.ts`, work] });
    return { version, start, senders: nodeSenders(command) };
  },
};

const asyncio: Peer = {
  name: "asyncio",
  title: "asyncio",
  lacks: BETWEEN,
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
  lacks: BETWEEN,
  async prepare(folder) {
    const version = await output("go", ["version"]);
    if (version === null) return null;
    const program = `${folder}/go_contender`;
    const files = ["contender", "works", "kit", "echo"].map((name) => `${HERE}go/${name}.go`);
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
  // A mailbox has no bound, and its processes are in whichever thread is free.
  lacks: ["queue", "threads"],
  async prepare(folder) {
    const release = await output("erl", RELEASE);
    if (release === null) return null;
    const files = [...["contender", "works", "echo"].map((name) => `${HERE}erlang/${name}.erl`), SINK];
    if (await output("erlc", ["-o", folder, ...files]) === null) return null;
    const flags = ["+S", "1:1", "+P", "2000000", "-noshell", "-pa", folder];
    const env = { ERL_CRASH_DUMP_SECONDS: "0" }; // no file is left of one that is ended
    const start = (work: string) => ({ command: "erl", args: [...flags, "-run", "contender", "main", work], env });
    return { version: `Erlang/OTP ${release}`, start, senders: { processes: erlangNodes(folder) } };
  },
};

/** All peers; ours is the first, with which the others are compared. */
export const PEERS: readonly Peer[] = [
  onDeno("ours", "ours", `${config.name} ${config.version}`, [], {
    processes: serverAndClient("ours.ts", `send ${IN_A_BURST}`),
    threads: alone("threads_ours.ts", IN_A_BURST),
  }),
  // Bare generators do not wait, so there are no locks, timers and sockets for them. Between processes, it is a bare socket.
  onDeno(
    "floor",
    "floor",
    "bare generators",
    ["lock", "queue", "scope", "select", "limiter", "sleepers", "echo", "threads"],
    { processes: serverAndClient("raw.ts", `send ${IN_A_BURST}`) },
  ),
  onDeno("native", "async/await", "async functions", [], nodeSenders()),
  node,
  bun,
  // Its sockets are in packages of their own, for each platform, on top of node:net.
  ofNpm("effect", "effect", ["echo"]),
  // It has neither locks nor bounded queues, rate limiters nor sockets. Of several takes in a race, each may take an item.
  ofNpm("effection", "effection", ["lock", "queue", "select", "limiter", "echo"]),
  // It consists of channels; works without them would measure async functions again.
  ofNpm("csp", "@thi.ng/csp", ["switch", "spawn", "hundreds", "scope", "limiter", "sleepers", "echo"]),
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
