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

let nodes = 0;

/** Two nodes of Erlang, with the module `sink` compiled into `folder`. */
export function erlang(folder: string): Senders {
  const number = `${Deno.pid}_${++nodes}`;
  const erl = (name: string, ...args: string[]): Command => {
    const common = [
      "-noshell",
      "-pa",
      folder,
      "-sname",
      `${name}_${number}@localhost`,
      "-setcookie",
      "bench",
      "-kernel",
    ];
    return { command: "erl", args: [...common, "inet_dist_use_interface", "{127,0,0,1}", ...args] };
  };
  return {
    server: erl("server", "-s", "sink", "server"),
    client: (address, amount) => erl("client", "-run", "sink", "client", address, `${amount}`),
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
