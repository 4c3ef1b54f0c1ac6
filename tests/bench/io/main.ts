/**
 * Sockets against plain async/await on the same Deno, and against Python's asyncio streams where there is one.
 *
 *     deno run -A tests/bench/io/main.ts [--quick]
 *
 * Servers take turns, round by round; the figures are medians, and ratios are medians of the ratios within a round.
 */
import { cpuSeconds, residentBytes } from "../proc.ts";

const QUICK = Deno.args.includes("--quick");
const ROUNDS = QUICK ? 1 : 3;
const SECONDS = QUICK ? 1.1 : 1.5;
const IDLE = QUICK ? 1000 : 10_000;

const HERE = new URL(".", import.meta.url).pathname;
const RUN = ["run", "-A", "--no-check", "--quiet"];

/** Ours, ours with a buffer for each connection, plain async/await, Python. */
type Kind = "coro" | "into" | "async" | "asyncio";

const hasPython = await new Deno.Command("python3", { args: ["--version"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);
const KINDS: Kind[] = hasPython ? ["coro", "into", "async", "asyncio"] : ["coro", "into", "async"];

interface Server {
  readonly child: Deno.ChildProcess;
  readonly port: string;
}

interface Figures {
  rate: number;
  total: number;
  wrong: number;
  cpu: number;
  unserved: number;
  p50: number;
  p99: number;
}

async function startServer(kind: Kind): Promise<Server> {
  const command = kind === "asyncio" ? "python3" : Deno.execPath();
  const args = kind === "asyncio" ? [`${HERE}asyncio_server.py`] : [...RUN, `${HERE}server.ts`, kind];
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "null" }).spawn();
  return { child, port: (await firstLine(child)).trim() };
}

async function firstLine(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`A process ended early: ${text}`);
    text += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return text;
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.stdout.cancel();
  await child.status;
}

function load(...args: (string | number)[]): Deno.ChildProcess {
  const all = [...RUN, `${HERE}load.ts`, ...args.map(String)];
  return new Deno.Command(Deno.execPath(), { args: all, stdout: "piped", stderr: "inherit" }).spawn();
}

async function measured(kind: Kind, ...args: (string | number)[]): Promise<Figures> {
  const server = await startServer(kind);
  const before = cpuSeconds(server.child.pid) ?? NaN;
  const [what, ...others] = args;
  const child = load(what, server.port, ...others);
  const figures = JSON.parse(await firstLine(child)) as Figures;
  if (figures.wrong > 0) throw new Error(`${kind} gave ${figures.wrong} wrong answers`);
  figures.cpu = ((cpuSeconds(server.child.pid) ?? NaN) - before) / figures.total * 1e6;
  await child.stdout.cancel();
  await child.status;
  await stop(server.child);
  return figures;
}

async function idleBytes(kind: Kind, connections: number): Promise<number> {
  const server = await startServer(kind);
  const before = residentBytes(server.child.pid) ?? NaN;
  const child = load("idle", server.port, connections);
  await firstLine(child);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const bytes = ((residentBytes(server.child.pid) ?? NaN) - before) / connections;
  await stop(child);
  await stop(server.child);
  return bytes;
}

async function rounds(...args: (string | number)[]): Promise<Record<Kind, Figures>[]> {
  const results: Record<Kind, Figures>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const result = {} as Record<Kind, Figures>;
    // Each is first in its turn.
    for (let i = 0; i < KINDS.length; i++) {
      const kind = KINDS[(i + round) % KINDS.length];
      result[kind] = await measured(kind, ...args);
    }
    results.push(result);
  }
  return results;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const of = (results: Record<Kind, Figures>[], kind: Kind, name: keyof Figures): number =>
  kind in results[0] ? median(results.map((result) => result[kind][name])) : NaN;
const ratio = (results: Record<Kind, Figures>[], name: keyof Figures, to: Kind, ours: Kind = "coro"): number =>
  to in results[0] ? median(results.map((result) => result[ours][name] / result[to][name])) : NaN;
const show = (value: number, digits = 0): string => Number.isNaN(value) ? "-" : value.toFixed(digits);

console.log(`Rounds: ${ROUNDS}, seconds each: ${SECONDS}, descriptors: ${await descriptors()}\n`);
const HEAD = [
  "echo",
  "req/s async",
  "ours",
  "recvInto",
  "CPU us async",
  "ours",
  "recvInto",
  "ours to asyncio",
  "p99 ms async",
  "ours",
  "unserved async",
  "ours",
];
console.log(`| ${HEAD.join(" | ")} |\n|${"---|".repeat(HEAD.length)}`);
for (const size of [64, 65_536]) {
  for (const connections of [1, 50, 1000]) {
    const r = await rounds("echo", connections, size, SECONDS);
    const cells = [
      `${size === 64 ? "64 B" : "64 KiB"} x ${connections}`,
      show(of(r, "async", "rate")),
      `${show(ratio(r, "rate", "async"), 2)} x`,
      `${show(ratio(r, "rate", "async", "into"), 2)} x`,
      show(of(r, "async", "cpu"), 1),
      `${show(ratio(r, "cpu", "async"), 2)} x`,
      `${show(ratio(r, "cpu", "async", "into"), 2)} x`,
      `${show(ratio(r, "cpu", "asyncio"), 2)} x`,
      show(of(r, "async", "p99"), 1),
      show(of(r, "coro", "p99"), 1),
      show(of(r, "async", "unserved")),
      show(of(r, "coro", "unserved")),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

const accepts = await rounds("accept", SECONDS);
console.log(
  `\nAccepted, served once and closed, per second: ours ${show(of(accepts, "coro", "rate"))}, ` +
    `async ${show(of(accepts, "async", "rate"))}, ratio ${show(ratio(accepts, "rate", "async"), 2)}`,
);

const idle = { coro: await idleBytes("coro", IDLE), async: await idleBytes("async", IDLE) };
console.log(`Memory of an idle connection, of ${IDLE}: ours ${show(idle.coro)} bytes, async ${show(idle.async)} bytes`);

async function descriptors(): Promise<string> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  return /Max open files\s+(\d+)/.exec(limits)?.[1] ?? "unknown";
}
