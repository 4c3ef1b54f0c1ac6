/**
 * contender.ts <kind> <seconds> <echo port> <http port>
 *
 * Runs one kind of load alone, then as long again beside waits of its own and of others; prints what came of it.
 */
import { AsyncSocket, Scheduler } from "@asyncoro/asyncoro";
import { runCoroutines, sleeper, talker } from "./coroutines.ts";
import { Load } from "./load.ts";
import { NATIVES, runNatives } from "./natives.ts";
import { type Late, request, talk, tick } from "./waits.ts";

/** What is waited for. */
export type Wait = "own timer" | "own socket" | "timer" | "socket" | "fetch";

/** What a contender found in one run. */
export interface Run {
  /** Steps a second of the load alone. */
  readonly alone: number;
  /** The same beside what waited. */
  readonly beside: number;
  /** Milliseconds. */
  readonly late: Readonly<Record<Wait, Late>>;
}

type Start = (going: () => boolean, late: Record<Wait, Late>) => Promise<unknown>;

const kind = Deno.args[0];
const [seconds, echo, http] = Deno.args.slice(1).map(Number);
const scheduler = new Scheduler();

/** Connects what waits; what is answered starts the waits. */
async function connected(): Promise<Start> {
  const url = `http://127.0.0.1:${http}/`;
  const others = await connection();
  const startOwn = kind === "ours" ? await ownCoroutines() : await ownFunctions();
  return (going, late) =>
    Promise.all([
      startOwn(going, late),
      tick(going, late.timer),
      talk(going, late.socket, others),
      request(going, late.fetch, url),
    ]);
}

async function connection(): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: echo });
  connection.setNoDelay(true);
  return connection;
}

async function ownCoroutines(): Promise<Start> {
  const socket = AsyncSocket.from(await connection());
  return (going, late) => {
    scheduler.spawn(sleeper, going, late["own timer"]);
    scheduler.spawn(talker, going, late["own socket"], socket);
    return scheduler.join();
  };
}

async function ownFunctions(): Promise<Start> {
  const own = await connection();
  return (going, late) => Promise.all([tick(going, late["own timer"]), talk(going, late["own socket"], own)]);
}

function run(load: Load): Promise<void> {
  if (kind === "ours") return runCoroutines(scheduler, load);
  if (kind === "idle") return new Promise((resolve) => setTimeout(resolve, seconds * 1000)).then(() => { load.going = false; });
  return runNatives(load, NATIVES[kind]);
}

function nothingLate(): Record<Wait, Late> {
  return { "own timer": [], "own socket": [], timer: [], socket: [], fetch: [] };
}

async function warmUp(start: Start): Promise<void> {
  const until = performance.now() + 200;
  await start(() => performance.now() < until, nothingLate());
  await run(new Load(0.3));
}

const start = await connected();
await warmUp(start);
const alone = new Load(seconds / 2);
await run(alone);
const aloneRate = alone.rate();
const late = nothingLate();
const load = new Load(seconds);
const waiting = start(() => load.going, late);
await run(load);
const beside = load.rate();
await waiting;
console.log(JSON.stringify({ alone: aloneRate, beside, late } satisfies Run));
Deno.exit(0);
