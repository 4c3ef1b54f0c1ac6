/**
 * Sockets against plain async/await on the same Deno, and against Python's asyncio streams where there is one.
 *
 *     deno run -A tests/bench/io/main.ts [ROW ...] [--rounds 21] [--against CHECKOUT]
 *
 * All servers of a row are alive and warm. They are loaded in turns, round by round, and a ratio is the median of the
 * ratios within rounds, with its quartiles. With `--against`, another checkout takes the place of Python. Linux only:
 * the load calls the C library, and the CPU time comes from /proc. With two cores or more, the servers run on one and the
 * load on another.
 */
import { markdownTable, median, percentile } from "../harness.ts";
import { residentBytes, threadSeconds } from "../proc.ts";
import type { Figures } from "./load.ts";

/** A row of the table: a load, and who serves it. */
interface Row {
  readonly form: "bytes" | "line" | "message";
  readonly size: number;
  readonly connections: number;
  readonly ours: readonly string[];
  /** What ours is compared with. */
  readonly native: string;
  /** Seconds of a turn. */
  readonly seconds: number;
}

const SMALL = { form: "bytes", size: 64, connections: 50, ours: ["recv", "recvInto"], native: "async", seconds: 0.25 };
const LARGE = { ...SMALL, size: 65_536, ours: ["recvInto"] };
const ROWS: Readonly<Record<string, Row>> = {
  "64Bx1": { ...SMALL, connections: 1 } as Row,
  "64Bx50": SMALL as Row,
  "64Bx1000": { ...SMALL, connections: 1000, seconds: 1 } as Row,
  "64KiBx50": LARGE as Row,
  "64KiBx1000": { ...LARGE, connections: 1000, seconds: 1 } as Row,
  "64KiBx50-arrays": { ...LARGE, ours: ["recv"], native: "fresh" } as Row,
  "64KiBx1000-arrays": { ...LARGE, ours: ["recv"], native: "fresh", connections: 1000, seconds: 1 } as Row,
  "line": { ...SMALL, form: "line", ours: ["readline"] } as Row,
  "message": { ...SMALL, form: "message", ours: ["recvMsg"] } as Row,
};
// V8 optimizes parts of ours only after some 100,000 answers.
const WARMING = 2.5;
const ACCEPT_SECONDS = 0.5;
const IDLE = 2000;

const HERE = new URL(".", import.meta.url).pathname;
const ROOT = new URL("../../../", import.meta.url).pathname;

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
}

const OTHER = option("--against");
const ROUNDS = Number(option("--rounds") ?? 21);
const NAMED = Deno.args.filter((argument, at) => !argument.startsWith("--") && !Deno.args[at - 1]?.startsWith("--"));

const has = (command: string, ...args: string[]): Promise<boolean> =>
  new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()
    .then(({ success }) => success, () => false);
const HAS_PYTHON = await has("python3", "--version");
const PINNED = navigator.hardwareConcurrency > 1 && await has("taskset", "-c", "1", "true");

/** A process whose output is read line by line. */
class Child {
  readonly process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  constructor(core: number, command: string, args: string[]) {
    const all = PINNED ? ["taskset", "-c", String(core), command, ...args] : [command, ...args];
    this.process = new Deno.Command(all[0], {
      args: all.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.process.stdin.getWriter();
    this.#output = this.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async line(): Promise<string> {
    let text = "";
    while (!text.endsWith("\n")) {
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`A process has ended: ${text}`);
      text += value;
    }
    return text.trim();
  }

  async ask(line: string): Promise<string> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
    return this.line();
  }

  async stop(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#input.abort().catch(() => {});
    await this.#output.cancel();
    await this.process.status;
  }
}

function deno(core: number, script: string, checkout: string, ...args: string[]): Child {
  const run = ["run", "-A", "--no-check", "--quiet", "--config", `${checkout}/deno.json`, `${HERE}${script}`];
  return new Child(core, Deno.execPath(), [...run, ...args]);
}

/** The servers of a row and their load. */
class Contest {
  #load!: Child;

  private constructor(readonly servers: ReadonlyMap<string, Child>) {}

  static async of(names: readonly string[], form: string, size: number, connections: number): Promise<Contest> {
    const servers = new Map(names.map((name) => [name, serverOf(name)]));
    const ports: string[] = [];
    for (const server of servers.values()) ports.push(await server.line());
    const contest = new Contest(servers);
    contest.#load = deno(0, "load.ts", ROOT, form, String(size), String(connections), ...ports);
    await contest.#load.line();
    return contest;
  }

  /** Loads a server. Adds the CPU time of an answer, in microseconds. */
  async turn(name: string, what: string, seconds: number): Promise<Figures & { cpu: number }> {
    const { pid } = this.servers.get(name)!.process;
    const index = [...this.servers.keys()].indexOf(name);
    const before = threadSeconds(pid) ?? NaN;
    const figures: Figures = JSON.parse(await this.#load.ask(`${what} ${index} ${seconds}`));
    if (figures.wrong > 0) throw new Error(`${name} gave ${figures.wrong} wrong answers`);
    return { ...figures, cpu: ((threadSeconds(pid) ?? NaN) - before) / figures.total * 1e6 };
  }

  async stop(): Promise<void> {
    for (const child of [this.#load, ...this.servers.values()]) await child.stop();
  }
}

function serverOf(name: string): Child {
  if (name === "asyncio") return new Child(1, "python3", [`${HERE}asyncio_server.py`]);
  const [kind, other] = name.split(" of ");
  return deno(1, "server.ts", other === undefined ? ROOT : OTHER!, kind);
}

type Round = Record<string, Figures & { cpu: number }>;

async function rounds(contest: Contest, what: string, seconds: number): Promise<Round[]> {
  const names = [...contest.servers.keys()];
  for (const name of names) await contest.turn(name, what, Math.max(WARMING, seconds));
  const results: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const result: Round = {};
    // Each is first in its turn.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      result[name] = await contest.turn(name, what, seconds);
    }
    results.push(result);
  }
  return results;
}

const of = (results: Round[], name: string, figure: keyof Figures | "cpu"): number =>
  median(results.map((result) => result[name][figure]));

/** The median of the ratios within rounds, and its quartiles. */
function ratio(results: Round[], name: string, to: string, figure: keyof Figures | "cpu"): string {
  const ratios = results.map((result) => result[name][figure] / result[to][figure]);
  const [low, middle, high] = [25, 50, 75].map((percent) => percentile(ratios, percent).toFixed(2));
  return `${middle} (${low} to ${high})`;
}

function rowsOf(label: string, results: Round[], native: string): string[][] {
  return Object.keys(results[0]).map((name) => [
    label,
    name,
    of(results, name, "rate").toFixed(0),
    of(results, name, "cpu").toFixed(2),
    of(results, name, "p50").toFixed(2),
    of(results, name, "p99").toFixed(1),
    of(results, name, "unserved").toFixed(0),
    ...["rate", "cpu", "p99"].map((figure) => name === native ? "" : ratio(results, name, native, figure as "cpu")),
  ]);
}

const HEADER = ["load", "server", "req/s", "CPU us", "p50 ms", "p99 ms", "unserved"];

function print(title: string, native: string, rows: string[][]): void {
  const header = [...HEADER, `rate to ${native}`, "CPU", "p99"];
  console.log(`\n### ${title}\n\n${markdownTable(header, rows)}`);
}

const namesOf = (ours: readonly string[], native: string): string[] => [
  ...(HAS_PYTHON && native === "async" && OTHER === undefined ? ["asyncio"] : []),
  native,
  ...ours,
  ...(OTHER === undefined ? [] : ours.map((kind) => `${kind} of the other`)),
];

async function echo(label: string, row: Row): Promise<void> {
  const contest = await Contest.of(namesOf(row.ours, row.native), row.form, row.size, row.connections);
  const results = await rounds(contest, "echo", row.seconds);
  await contest.stop();
  print(`Echo ${label}`, row.native, rowsOf(label, results, row.native));
}

async function accept(): Promise<void> {
  const contest = await Contest.of(namesOf(["recv"], "async"), "bytes", 1, 0);
  const results = await rounds(contest, "accept", ACCEPT_SECONDS);
  await contest.stop();
  print("Accepted, served once and closed", "async", rowsOf("accept", results, "async"));
}

async function idle(): Promise<void> {
  for (const name of namesOf(["recv"], "async")) {
    const server = serverOf(name);
    const port = await server.line();
    const before = residentBytes(server.process.pid) ?? NaN;
    const load = deno(0, "load.ts", ROOT, "bytes", "64", String(IDLE), port);
    await load.line();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const bytes = ((residentBytes(server.process.pid) ?? NaN) - before) / IDLE;
    console.log(`Memory of an idle connection, of ${IDLE}, ${name}: ${bytes.toFixed(0)} bytes`);
    await load.stop();
    await server.stop();
  }
}

const chosen = NAMED.length > 0 ? NAMED : [...Object.keys(ROWS), "accept", "idle"];
for (const name of chosen) {
  if (name === "accept") await accept();
  else if (name === "idle") await idle();
  else await echo(name, ROWS[name]);
}
Deno.exit();
