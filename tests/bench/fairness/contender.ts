/**
 * contender.ts <kind> <seconds> <TCP port> <HTTP port>
 *
 * Runs one kind of load alone, then beside waits of its own kind and of others. Prints the results.
 */
import { AsyncSocket, Scheduler } from "@asyncoro/asyncoro";
import { runCoroutines, sleeper, talker } from "./coroutines.ts";
import { Load } from "./load.ts";
import { NATIVES, runNatives } from "./natives.ts";
import type { Wait } from "./page.ts";
import { type Late, request, talk, tick, timer } from "./waits.ts";

/** The results of one run. */
export interface Run {
  /** Steps a second of the load alone. */
  readonly alone: number;
  /** The same beside the waits. */
  readonly beside: number;
  readonly late: Readonly<Record<Wait, Late>>;
}

/** Starts waits, which go on until the time is over. */
type Start = (going: () => boolean, late: Record<Wait, Late>) => Promise<unknown>;

const kind = Deno.args[0];
const [seconds, tcp, http] = Deno.args.slice(1).map(Number);
const idle = kind.endsWith("idle");
const scheduler = new Scheduler();

async function connect(): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: tcp });
  connection.setNoDelay(true);
  return connection;
}

async function ownCoroutines(): Promise<Start> {
  const socket = AsyncSocket.from(await connect());
  return (going, late) => {
    scheduler.spawn(sleeper, going, late["own timer"]);
    scheduler.spawn(talker, going, late["own socket"], socket);
    return scheduler.join();
  };
}

async function ownFunctions(): Promise<Start> {
  const connection = await connect();
  return (going, late) => Promise.all([tick(going, late["own timer"]), talk(going, late["own socket"], connection)]);
}

/** Connects all waits: in the manner of this kind, and as others do. */
async function connectAll(): Promise<Start> {
  const own = await (kind.startsWith("ours") ? ownCoroutines() : ownFunctions());
  const connection = await connect();
  return (going, late) =>
    Promise.all([
      own(going, late),
      tick(going, late.timer),
      talk(going, late.socket, connection),
      request(going, late.fetch, `http://127.0.0.1:${http}/`),
    ]);
}

function run(load: Load): Promise<void> {
  if (idle) return timer(seconds * 1000).then(() => load.stop());
  return kind === "ours" ? runCoroutines(scheduler, load) : runNatives(load, NATIVES[kind]());
}

function notLate(): Record<Wait, Late> {
  return { "own timer": [], "own socket": [], timer: [], socket: [], fetch: [] };
}

async function runAlone(duration: number): Promise<number> {
  if (idle) return 0;
  const load = new Load(duration);
  await run(load);
  return load.rate();
}

async function runBeside(start: Start): Promise<Omit<Run, "alone">> {
  const late = notLate();
  const load = new Load(seconds);
  const waiting = start(() => load.going, late);
  await run(load);
  const beside = load.rate();
  await waiting;
  return { beside, late };
}

async function warmUp(start: Start): Promise<void> {
  const end = performance.now() + 200;
  await start(() => performance.now() < end, notLate());
  await runAlone(0.3);
}

const start = await connectAll();
await warmUp(start);
const alone = await runAlone(seconds / 2);
console.log(JSON.stringify({ alone, ...await runBeside(start) } satisfies Run));
// Connections to the servers are kept open.
Deno.exit(0);
