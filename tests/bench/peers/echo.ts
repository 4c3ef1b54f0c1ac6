/** Servers that are put under the same load. */
import { Load } from "./load.ts";
import { type Command, Process } from "./process.ts";
import type { Acquisition, Figures } from "./turns.ts";

const BYTES = 64;

/** Prepares a server: each repetition puts it under load for so many seconds. The first one warms it up. */
export async function enterEcho(peer: string, command: Command, seconds: number): Promise<Acquisition> {
  const server = new Process(command);
  let load: Load | null = null;
  const stop = async () => {
    await load?.stop();
    await server.stop();
  };
  try {
    const { port } = await server.hear<{ port: number }>(30);
    load = new Load(`${port}`, BYTES);
    const take = () => served(server, load!, seconds);
    await take();
    return { peer, take, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function served(server: Process, load: Load, seconds: number): Promise<Figures> {
  const before = server.cpuSeconds();
  const { rate, total } = await load.echo(seconds);
  const after = server.cpuSeconds();
  return before === null || after === null ? { rate } : { rate, cpu: (after - before) / total * 1e6 };
}
