/** How contenders that send messages to another process, or to another thread, are started. */
import { Process } from "../peers/process.ts";
import type { Command } from "../peers/process.ts";
import type { Measurement } from "./message.ts";

/** A contender that is ready to be measured. */
export interface Sender {
  /** Sends so many messages, twice, and returns what the second time took. */
  measure(amount: number): Promise<Measurement>;
  stop(): Promise<void>;
}

/** How a contender is started. */
export interface Senders {
  /** The process that receives, if the one that sends does not start it. It prints its address. */
  readonly server?: Command;
  /** The process that sends, and prints a measurement. */
  client(address: string, amount: number): Command;
}

const HERE = new URL(".", import.meta.url).pathname;

/** What a script of this folder needs as a command on Deno. */
export function onDeno(script: string, ...args: string[]): Command {
  return { command: Deno.execPath(), args: ["run", "-A", "--no-check", "--quiet", HERE + script, ...args] };
}

/** A script of this folder whose server and client are two processes on Deno. */
export function serverAndClient(script: string, work: string): Senders {
  return {
    server: onDeno(script, "server"),
    client: (address, amount) => onDeno(script, "client", address, work, `${amount}`),
  };
}

/** A script of this folder that sends bursts of so many, on Deno or on another host that is `command`. */
export function alone(script: string, burst: number, command?: string, ...more: string[]): Senders {
  const args = (amount: number) => [`${amount}`, `${burst}`, ...more];
  return {
    client: (_, amount) =>
      command === undefined ? onDeno(script, ...args(amount)) : { command, args: [HERE + script, ...args(amount)] },
  };
}

/**
 * Two nodes of Erlang (25 or later), with the module `sink` compiled into `folder`. They find each other by a fixed port: the
 * daemon that they would start to find each other by name goes on when they end.
 */
export function erlang(folder: string): Senders {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const common = [
    "-noshell",
    "-pa",
    folder,
    "-setcookie",
    "bench",
    "-start_epmd",
    "false",
    "-erl_epmd_port",
    `${port}`,
  ];
  const local = ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"];
  const erl = (name: string, ...args: string[]): Command => {
    return { command: "erl", args: [...common, "-sname", `${name}@localhost`, ...args, ...local] };
  };
  return {
    server: erl("server", "-s", "sink", "server"),
    client: (address, amount) => erl("client", "-dist_listen", "false", "-run", "sink", "client", address, `${amount}`),
  };
}

/** The source of the module that {@linkcode erlang} needs. */
export const SINK = `${HERE}sink.erl`;

/** Starts a contender. What takes more seconds than `limit` fails. */
export async function startSender({ server, client }: Senders, limit: number): Promise<Sender> {
  const receiver = server === undefined ? null : new Process(server);
  const stop = async () => await receiver?.stop();
  try {
    const address = await receiver?.line(limit) ?? "";
    return { measure: (amount) => measured(client(address, amount), limit), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function measured(command: Command, limit: number): Promise<Measurement> {
  const sender = new Process(command);
  try {
    return await sender.hear<Measurement>(limit);
  } finally {
    await sender.stop();
  }
}
