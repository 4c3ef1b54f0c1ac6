/** Workers without threads, which a test controls step by step: the worker's side of the protocol. */
import type { HostWorker, HostWorkerEvents, WorkerHost } from "../../core/workers/pool/host_worker.ts";
import { seal, unseal } from "../../core/workers/remote/envelope.ts";
import { CODE, CONTROL_WORDS, RING_WORDS, WORD } from "../../core/workers/remote/protocol.ts";
import { Ring } from "../../core/workers/remote/ring.ts";
import type { PortLike, WorkerStart } from "../../core/workers/remote/worker_loop.ts";

/** One end of a channel. */
class FakePort implements PortLike {
  readonly inbox: { message: unknown }[] = [];
  peer!: FakePort;

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.peer.inbox.push({ message: structuredClone(message, { transfer }) });
  }

  close(): void {}
}

/** A task that a worker has begun. */
export interface Begun {
  readonly id: number;
  readonly args: unknown[];
}

/** See the head of this file. */
export class FakeWorker implements HostWorker {
  readonly unreferenced = true;
  /** The task that it runs. */
  running: Begun | null = null;
  /** Whether it has ended, by itself or by the pool. */
  ended = false;
  started = false;
  readonly #host: FakeHost;
  readonly #events: HostWorkerEvents;
  #control!: Int32Array;
  #commands!: Int32Array;
  #input!: Ring;
  #output!: Ring;
  #port!: FakePort;
  #batch: unknown[] = [];
  #posted = 0;

  constructor(host: FakeHost, events: HostWorkerEvents) {
    this.#host = host;
    this.#events = events;
  }

  postMessage(message: unknown): void {
    if (message === null) return;
    const { memory, port } = message as WorkerStart;
    this.#port = port as FakePort;
    this.#control = new Int32Array(memory, 0, CONTROL_WORDS);
    this.#commands = new Int32Array(memory, CONTROL_WORDS * 4, RING_WORDS);
    const responses = new Int32Array(memory, (CONTROL_WORDS + RING_WORDS) * 4, RING_WORDS);
    this.#input = new Ring(this.#control, this.#commands, WORD.IN_HEAD, WORD.IN_TAIL);
    this.#output = new Ring(this.#control, responses, WORD.OUT_HEAD, WORD.OUT_TAIL);
  }

  ref(): void {}
  unref(): void {}

  terminate(): Promise<void> {
    this.#host.onTerminate(this);
    this.ended = true;
    return Promise.resolve();
  }

  start(): void {
    this.started = true;
    Atomics.store(this.#control, WORD.STARTED, 1);
  }

  /** Whether the pool asks the running task to stop. */
  get asked(): boolean {
    return this.running !== null && Atomics.load(this.#control, WORD.CANCEL) === this.running.id;
  }

  /** Executes commands until it has begun a task or there are none left. */
  take(): void {
    while (this.running === null && this.#input.filled()) this.#execute();
  }

  #execute(): void {
    const input = this.#input;
    const code = input.take();
    if (code === CODE.FETCH) this.#batch = unseal(this.#port.inbox.shift()!.message).get(0) as unknown[];
    else if (code === CODE.DEFINE) {
      input.take();
      input.take();
    } else if (code === CODE.FORGET) input.take();
    else return this.#runTask();
    input.release();
  }

  #runTask(): void {
    const input = this.#input;
    const index = input.index();
    input.take();
    const id = input.take();
    input.take();
    input.take();
    const count = input.take();
    const args = count === CODE.BY_PORT
      ? this.#batch[input.take()] as unknown[]
      : Array.from({ length: count }, () => input.takeValue(() => undefined));
    const claimed = Atomics.compareExchange(this.#commands, index, CODE.OFFERED, CODE.CLAIMED) === CODE.OFFERED;
    input.release();
    if (claimed) this.running = { id, args };
    else Atomics.notify(this.#control, WORD.IN_TAIL);
  }

  /** Ends the running task with a result. */
  finish(value: unknown): void {
    this.respond(CODE.DONE, value);
    this.running = null;
  }

  /** Writes a response for the running task. */
  respond(code: number, value: unknown): void {
    const output = this.#output;
    output.put(code);
    output.put(this.running!.id);
    if (Ring.sizeOf(value) > 0) output.putValue(value);
    else {
      this.#port.postMessage(seal(++this.#posted, value, []));
      output.putRef(this.#posted);
    }
    output.publish();
    if (Atomics.exchange(this.#control, WORD.POOL_WAITS, 0) === 1) Atomics.notify(this.#control, WORD.OUT_HEAD);
  }

  /** Ends by itself. */
  crash(error?: Error): void {
    this.ended = true;
    this.#events.ended(error, 1);
  }
}

/** A host whose workers are fakes. */
export class FakeHost implements WorkerHost {
  readonly workers: FakeWorker[] = [];
  /** Whether no worker can be created. */
  broken = false;
  /** Called when the pool ends a worker. */
  onTerminate: (worker: FakeWorker) => void = () => {};

  channel(): { port1: FakePort; port2: FakePort } {
    const port1 = new FakePort();
    const port2 = new FakePort();
    port1.peer = port2;
    port2.peer = port1;
    return { port1, port2 };
  }

  receive(port: PortLike): { message: unknown } | undefined {
    return (port as FakePort).inbox.shift();
  }

  create(_source: string, _name: string, events: HostWorkerEvents): HostWorker {
    if (this.broken) throw new Error("no threads left");
    const worker = new FakeWorker(this, events);
    this.workers.push(worker);
    return worker;
  }

  /** Workers that have not ended. */
  get live(): FakeWorker[] {
    return this.workers.filter((worker) => !worker.ended);
  }
}

/** Waits until microtasks, wake-ups and host timers that are due have run. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 0));
}
