/**
 * The load, in a process of its own: `load.ts FORM BYTES CONNECTIONS PORT...` opens as many connections to each port and
 * prints a line. Then each line of its input loads one of the servers for a while, and is answered with a line of JSON:
 *
 * - `echo INDEX SECONDS`: one message at a time on each connection. `wrong` counts data that did not come back as it was
 *   sent.
 * - `accept INDEX SECONDS`: 50 connections at a time, each for one message.
 */
import { close, open, Poll, receive, send } from "./libc.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What it has measured. */
export interface Figures {
  /** Answers a second. */
  rate: number;
  /** Answers, those after the end included. */
  total: number;
  wrong: number;
  /** Connections without an answer. */
  unserved: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

const CLIENTS = 50;

const [form, bytes, connections, ...ports] = Deno.args;
const message = messageOf(form, Number(bytes));
const buffer = new Uint8Array(Math.max(message.length, 1024));

/** Bytes of any kind, a line, or a message with its length. */
function messageOf(form: string, size: number): Bytes {
  if (form === "line") return Uint8Array.from({ length: size }, (_, at) => at === size - 1 ? 10 : 97 + at % 26);
  const message = Uint8Array.from({ length: size }, (_, at) => at % 251);
  if (form === "message") new DataView(message.buffer).setUint32(0, size - 4);
  return message;
}

/** The connections to one server. */
class Target {
  readonly #poll = new Poll();
  readonly #descriptors: number[] = [];
  // By descriptor: the bytes of the answer that are missing, and when the message was sent.
  readonly #missing: number[] = [];
  readonly #sent: number[] = [];
  #times: number[] = [];
  #wrong = 0;

  constructor(readonly port: number, count: number) {
    for (let i = 0; i < count; i++) {
      const descriptor = open(port);
      this.#descriptors.push(descriptor);
      this.#poll.add(descriptor);
    }
  }

  echo(seconds: number): Figures {
    this.#begin();
    const start = performance.now();
    const end = start + seconds * 1000;
    const served = new Set<number>();
    let inTime = 0;
    for (const descriptor of this.#descriptors) this.#ask(descriptor, start);
    // Those that are asked last are waited for, so that the slowest answers are measured too.
    for (let asked = this.#descriptors.length; asked > 0;) {
      const count = this.#poll.wait();
      for (let i = 0; i < count; i++) {
        const descriptor = this.#poll.ready(i);
        if (!this.#answered(descriptor)) continue;
        const now = performance.now();
        this.#times.push(now - this.#sent[descriptor]);
        if (now < end) {
          inTime++;
          served.add(descriptor);
          this.#ask(descriptor, now);
        } else {
          asked--;
        }
      }
    }
    return this.#figures(inTime / seconds, this.#descriptors.length - served.size);
  }

  accept(seconds: number): Figures {
    this.#begin();
    const end = performance.now() + seconds * 1000;
    let inTime = 0;
    for (let i = 0; i < CLIENTS; i++) this.#connect();
    for (let asked = CLIENTS; asked > 0;) {
      const count = this.#poll.wait();
      for (let i = 0; i < count; i++) {
        const descriptor = this.#poll.ready(i);
        if (!this.#answered(descriptor)) continue;
        const now = performance.now();
        this.#times.push(now - this.#sent[descriptor]);
        this.#poll.remove(descriptor);
        close(descriptor);
        if (now < end) {
          inTime++;
          this.#connect();
        } else {
          asked--;
        }
      }
    }
    return this.#figures(inTime / seconds, 0);
  }

  #begin(): void {
    this.#times = [];
    this.#wrong = 0;
  }

  #connect(): void {
    const now = performance.now();
    const descriptor = open(this.port);
    this.#poll.add(descriptor);
    this.#ask(descriptor, now);
  }

  #ask(descriptor: number, now: number): void {
    this.#sent[descriptor] = now;
    this.#missing[descriptor] = message.length;
    send(descriptor, message);
  }

  #answered(descriptor: number): boolean {
    const count = receive(descriptor, buffer);
    const missing = this.#missing[descriptor];
    const at = message.length - missing;
    // All of it would be dear for long messages.
    if (buffer[0] !== message[at] || buffer[count - 1] !== message[at + count - 1]) this.#wrong++;
    return (this.#missing[descriptor] = missing - count) === 0;
  }

  #figures(rate: number, unserved: number): Figures {
    const times = this.#times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.floor(times.length * share)];
    return { rate, total: times.length, wrong: this.#wrong, unserved, p50: at(0.5), p99: at(0.99) };
  }
}

if (import.meta.main) {
  const targets = ports.map((port) => new Target(Number(port), Number(connections)));
  console.log("ready");
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const line of lines) {
    const [what, index, seconds] = line.trim().split(" ");
    const target = targets[Number(index)];
    console.log(JSON.stringify(what === "echo" ? target.echo(Number(seconds)) : target.accept(Number(seconds))));
  }
}
