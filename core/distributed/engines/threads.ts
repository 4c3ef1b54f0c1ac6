/**
 * The engine for threads of one process. A link is a message channel: the thread that dials makes it and sends one of
 * its ports to the other, by way of the thread that has started all others.
 *
 * Addresses are `thread:<group>/<number>`. The group is the id of the joining that has started the threads, which has
 * number 0 itself. Numbers are not used again.
 */
import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { type Port, workerThreads } from "../../host/worker_threads.ts";
import { HostCall } from "../../io/wait/host_call.ts";
import { Immediate } from "../../operations/immediate.ts";
import type { Engine, Link } from "../engine.ts";
import { ThreadLink } from "./thread_link.ts";

/** Which thread an engine is for, and how it reaches the others. */
export interface ThreadEngineOptions {
  /** The id of the joining that has started the threads. */
  readonly group: string;
  /** The number of the thread in which the engine is. */
  readonly number: number;
  /** Sends a port on its way to another thread. If there is none of that number, the port is to be closed. */
  readonly forward: (number: number, port: Port) => void;
  /** Called when the engine is closed. */
  readonly closed: () => void;
}

/** The address of a thread. */
export function threadAddress(group: string, number: number): string {
  return `thread:${group}/${number}`;
}

/** See the head of this file. */
export class ThreadEngine implements Engine {
  readonly scheme = "thread";
  readonly trusted = true;
  readonly #options: ThreadEngineOptions;
  #incoming: ((link: Link) => void) | null = null;

  constructor(options: ThreadEngineOptions) {
    this.#options = options;
  }

  open(incoming: (link: Link) => void): Operation<string> {
    return new Immediate("open", () => {
      this.#incoming = incoming;
      return threadAddress(this.#options.group, this.#options.number);
    });
  }

  dial(address: string, timeout: number): Operation<Link> {
    const { group, number } = parseAddress(address);
    let port: Port | null = null;
    return new HostCall<Link>({
      label: "dial",
      waitsFor: `a link to ${address}`,
      start: async () => {
        if (group !== this.#options.group) throw unreachable(address);
        const { port1, port2 } = new (workerThreads("dial a thread").MessageChannel)();
        port = port1;
        // Later, as the thread may be this one, and calls back.
        queueMicrotask(() => this.take(number, port2));
        const link = await ThreadLink.open(port1);
        if (link === null) throw unreachable(address);
        return link;
      },
      abort: () => port?.close(),
      discard: (link) => link.close(),
    }, timeout);
  }

  close(): Operation<void> {
    return new Immediate("close", () => {
      this.#incoming = null;
      this.#options.closed();
    });
  }

  /** Takes the port with which a thread dials the thread of this number. */
  take(number: number, port: Port): void {
    if (number !== this.#options.number) this.#options.forward(number, port);
    else if (this.#incoming === null) port.close();
    else this.#incoming(ThreadLink.accept(port));
  }
}

function parseAddress(address: string): { group: string; number: number } {
  const [, group, number] = /^thread:([0-9a-f]{32})\/(\d+)$/.exec(address) ?? [];
  if (group !== undefined) return { group, number: Number(number) };
  throw new TypeError(`Cannot dial as the address must be that of a thread: current value is ${describe(address)}`);
}

function unreachable(address: string): Error {
  return new Error(`Cannot dial ${address} as this network has no such thread: it has ended, or is in another process`);
}
