/** Servers that are put under the same load. */
import { type Command, Process } from "./process.ts";
import type { Acquisition, Figures } from "./turns.ts";

const CONNECTIONS = 50;
const BYTES = 64;
const LOAD = new URL("../io/load.ts", import.meta.url).pathname;

/** The output of the load. */
interface Loaded {
  /** Requests a second. */
  readonly rate: number;
  readonly total: number;
  readonly wrong: number;
}

/** Prepares a server: each repetition puts it under load for so many seconds. The first one warms it up. */
export async function enterEcho(peer: string, command: Command, seconds: number): Promise<Acquisition> {
  const server = new Process(command);
  try {
    const { port } = await server.hear<{ port: number }>(30);
    const take = () => served(server, port, seconds);
    await take();
    return { peer, take, stop: () => server.stop() };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function served(server: Process, port: number, seconds: number): Promise<Figures> {
  const before = server.cpuSeconds();
  const { rate, total, wrong } = await load(port, seconds);
  const after = server.cpuSeconds();
  if (wrong > 0 || total === 0) throw new Error(`wrong answers: ${wrong}, of ${total} in all`);
  return before === null || after === null ? { rate } : { rate, cpu: (after - before) / total * 1e6 };
}

async function load(port: number, seconds: number): Promise<Loaded> {
  const numbers = [port, CONNECTIONS, BYTES, seconds].map(String);
  const args = ["run", "-A", "--quiet", LOAD, "echo", ...numbers];
  const process = new Process({ command: Deno.execPath(), args });
  try {
    return await process.hear<Loaded>(seconds + 30);
  } finally {
    await process.stop();
  }
}
