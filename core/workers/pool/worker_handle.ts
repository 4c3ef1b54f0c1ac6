/**
 * A worker, from the pool's side: writes commands to its ring, reads answers, knows what it was sent.
 *
 * Tasks are written as they are offered and become visible with `flush()`, once a turn: one port message for all
 * arguments that need one, one atomic store, one wake-up.
 */
import { WorkerError } from "../errors.ts";
import { macrotask } from "../../host/macrotask.ts";
import { toWorkerError } from "./carried_error.ts";
import { seal, unseal } from "../remote/envelope.ts";
import type { HostWorker, WorkerHost } from "./host_worker.ts";
import { CODE, CONTROL_WORDS, type ErrorNote, RING_WORDS, WORD } from "../remote/protocol.ts";
import { Ring } from "../remote/ring.ts";
import { SENT, type Task } from "./task.ts";
import type { PortLike } from "../remote/worker_loop.ts";
import { workerSource } from "../remote/worker_source.ts";

/** How many tasks stand in a worker's ring at the most. */
export const DEPTH = 128;

// Looks at answers that came while looking, before the host gets a turn.
const MAX_SPINS = 16;

/** What a thread tells its pool. */
export interface WorkerEvents {
  /** A task has ended. */
  finished(task: Task, ok: boolean, value: unknown): void;
  /** Something that a task sent could not be read: it goes on, and is not to. */
  garbled(task: Task, error: WorkerError): void;
  /** A task has not begun, as the arguments of this and those it travelled with could not be sent or read. */
  unread(task: Task, error: WorkerError): void;
  /** Answers have been read: there may be room for more. */
  answered(thread: WorkerHandle): void;
  /** The worker has ended by itself. */
  died(thread: WorkerHandle, error: unknown, code: number): void;
}

/** See the head of this file. */
export class WorkerHandle {
  /** What the worker has and has not answered, in the order in which it runs them. */
  readonly sent: Task[] = [];
  /** It takes no more. */
  dead = false;
  /** When it had nothing to do any more, in milliseconds. */
  idleSince: number = performance.now();
  /** How many want this very worker for what they keep in it. */
  pinnedCount = 0;
  /** Tasks that only this one may run, and that it has no room for. */
  readonly own: Task[] = [];

  readonly #host: WorkerHost;
  readonly #events: WorkerEvents;
  readonly #worker: HostWorker;
  readonly #port: PortLike;
  readonly #control: Int32Array;
  readonly #commands: Int32Array;
  readonly #input: Ring;
  readonly #output: Ring;
  readonly #known: Set<number> = new Set();
  #batch: unknown[] = [];
  #moved: Transferable[] = [];
  #byPort: Task[] = [];
  #started = false;
  #dirty = false;
  #listening = false;
  // How many words are to have room, and whether that is waited for.
  #wanted = 0;
  #awaitingRoom = false;
  #spins = 0;
  #taken = 0;
  // How far the worker had read at the last check-up.
  #readBefore = -1;

  constructor(host: WorkerHost, name: string, events: WorkerEvents) {
    this.#host = host;
    this.#events = events;
    const memory = new SharedArrayBuffer((CONTROL_WORDS + 2 * RING_WORDS) * 4);
    this.#control = new Int32Array(memory, 0, CONTROL_WORDS);
    this.#commands = new Int32Array(memory, CONTROL_WORDS * 4, RING_WORDS);
    const answers = new Int32Array(memory, (CONTROL_WORDS + RING_WORDS) * 4, RING_WORDS);
    this.#input = new Ring(this.#control, this.#commands, WORD.IN_HEAD, WORD.IN_TAIL);
    this.#output = new Ring(this.#control, answers, WORD.OUT_HEAD, WORD.OUT_TAIL);
    const { port1, port2 } = host.channel();
    this.#port = port1;
    this.#worker = host.create(workerSource(), name, { ended: (error, code) => this.#ended(error, code) });
    this.#worker.postMessage({ memory, port: port2 }, [port2 as unknown as Transferable]);
  }

  /** Whether it began to work. */
  get started(): boolean {
    return this.#started ||= Atomics.load(this.#control, WORD.READY) === 1;
  }

  /** Whether the process may end while it is idle. */
  get unreferenced(): boolean {
    return this.#worker.unreferenced;
  }

  /** Says whether it keeps the process alive. */
  hold(alive: boolean): void {
    if (this.dead) return;
    if (alive) this.#worker.ref();
    else this.#worker.unref();
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /** Takes a task, if there is room for it. */
  offer(task: Task): boolean {
    if (this.dead || (this.sent.length > 0 && (task.exclusive || this.sent.length >= DEPTH))) return false;
    if (!this.#input.hasRoom(task.words + 16)) {
      this.#wanted = task.words + 16;
      return false;
    }
    const byPort = task.words === 0;
    if (task.alone) this.#postBatch();
    this.#define(task);
    if (byPort) this.#openBatch();
    const input = this.#input;
    input.put(CODE.RUN);
    task.position = input.at;
    task.slot = input.index();
    Atomics.store(this.#commands, task.slot, CODE.READY);
    input.put(CODE.READY);
    input.put(task.id);
    input.put(task.target.id);
    input.put((Math.min(2 ** 30 - 1, Math.ceil(task.plan.limit * 1000)) << 1) | (task.plan.stream ? CODE.STREAM : 0));
    if (byPort) {
      input.put(CODE.BY_PORT);
      input.put(this.#batch.push(task.args) - 1);
      this.#byPort.push(task);
      this.#moved.push(...task.moved);
    } else {
      input.put(task.args.length);
      for (const arg of task.args) input.putValue(arg);
    }
    if (task.plan.stream) this.#startStream();
    task.state = SENT;
    task.thread = this;
    this.sent.push(task);
    this.#dirty = true;
    if (task.alone) this.#postBatch();
    return true;
  }

  #define({ target }: Task): void {
    if (this.#known.has(target.id)) return;
    this.#known.add(target.id);
    this.#openBatch();
    this.#input.put(CODE.DEFINE);
    this.#input.put(target.id);
    this.#input.put(this.#batch.push(target.note) - 1);
  }

  /** The worker is to fetch the port message of this turn before what comes next. */
  #openBatch(): void {
    if (this.#batch.length === 0) this.#input.put(CODE.FETCH);
  }

  /** The pool has dropped a target. */
  forget(target: number): void {
    if (this.dead || !this.#known.delete(target) || !this.#input.hasRoom(2)) return;
    this.#input.put(CODE.FORGET);
    this.#input.put(target);
    this.#dirty = true;
  }

  /** Makes visible what was written in this turn. */
  flush(): void {
    if (this.dead) return;
    if (this.#dirty) {
      this.#dirty = false;
      this.#postBatch();
      this.#input.publish();
      Atomics.notify(this.#control, WORD.IN_HEAD);
      this.#listen();
    }
    if (this.#wanted > 0) this.#awaitRoom();
  }

  #postBatch(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    const moved = this.#moved;
    const tasks = this.#byPort;
    this.#batch = [];
    this.#moved = [];
    this.#byPort = [];
    try {
      this.#port.postMessage(seal(0, batch, moved), moved);
    } catch (error) {
      // The arguments had been cloned before, so this is rare: there is no memory or no stack left.
      this.#port.postMessage(seal(0, batch.map((entry) => tasks.some((task) => task.args === entry) ? [] : entry), []));
      for (const task of tasks) if (this.revoke(task)) this.#events.unread(task, unreadable(error));
    }
  }

  /** While nothing is to be answered, no answer tells that what was taken back is out of the way. */
  #awaitRoom(): void {
    if (this.#awaitingRoom || this.sent.length > 0) return;
    const tail = Atomics.load(this.#control, WORD.IN_TAIL);
    const room = this.#input.hasRoom(this.#wanted);
    this.#wanted = 0;
    if (room) return macrotask(this.#lookForRoom);
    this.#awaitingRoom = true;
    const wait = Atomics.waitAsync(this.#control, WORD.IN_TAIL, tail);
    if (wait.async) wait.value.then(this.#lookForRoom);
    else macrotask(this.#lookForRoom);
  }

  readonly #lookForRoom = (): void => {
    this.#awaitingRoom = false;
    if (!this.dead) this.#events.answered(this);
  };

  // --- taking back --------------------------------------------------------------------------------------------

  /** Takes a task back, if the worker has not begun it. */
  revoke(task: Task): boolean {
    if (this.#input.passed(task.position)) return false;
    if (Atomics.compareExchange(this.#commands, task.slot, CODE.READY, CODE.REVOKED) !== CODE.READY) return false;
    this.sent.splice(this.sent.lastIndexOf(task), 1);
    task.thread = null;
    return true;
  }

  /** Takes back up to `most` tasks for which `which` holds, from the last on; oldest first. */
  recall(most: number, which: (task: Task) => boolean): Task[] {
    const recalled: Task[] = [];
    for (let i = this.sent.length - 1; i >= 0 && recalled.length < most; i--) {
      const task = this.sent[i];
      if (!which(task)) continue;
      if (!this.revoke(task)) break;
      recalled.push(task);
    }
    return recalled.reverse();
  }

  /** Asks a task that was begun to stop. */
  cancel(task: Task): void {
    const next = this.sent[this.sent.indexOf(task) + 1];
    // It has ended, and its answer is on the way; the word may be what asks the next one to stop.
    if (next !== undefined && this.#hasBegun(next)) return;
    Atomics.store(this.#control, WORD.CANCEL, task.id);
    Atomics.notify(this.#control, WORD.CANCEL);
    Atomics.notify(this.#control, WORD.TAKEN);
  }

  #hasBegun(task: Task): boolean {
    return this.#input.passed(task.position) || Atomics.load(this.#commands, task.slot) === CODE.TAKEN;
  }

  #startStream(): void {
    this.#taken = 0;
    Atomics.store(this.#control, WORD.TAKEN, 0);
  }

  /** The reader of the stream that runs has taken an item. */
  itemTaken(): void {
    Atomics.store(this.#control, WORD.TAKEN, ++this.#taken);
    // The generator waits only when it is far ahead; half of that is soon enough to wake it.
    if (this.#taken % (CODE.AHEAD / 2) === 0) Atomics.notify(this.#control, WORD.TAKEN);
  }

  // --- answers ------------------------------------------------------------------------------------------------

  #listen(): void {
    if (this.#listening || this.dead || this.sent.length === 0) return;
    this.#listening = true;
    Atomics.store(this.#control, WORD.POOL_WAITS, 1);
    const wait = Atomics.waitAsync(this.#control, WORD.OUT_HEAD, this.#output.at);
    if (wait.async) wait.value.then(this.#lookAfterWait);
    else if (++this.#spins < MAX_SPINS) queueMicrotask(this.#look);
    else macrotask(this.#lookAfterWait);
  }

  readonly #lookAfterWait = (): void => {
    this.#spins = 0;
    this.#look();
  };

  readonly #look = (): void => {
    this.#listening = false;
    if (this.dead) return;
    this.drain();
    if (this.dead) return;
    this.#events.answered(this);
    this.#listen();
  };

  /**
   * Looks whether a wake-up was lost, either way. Seen once, in a benchmark on Deno 2.9.6: answers stood
   * in the ring, the worker had taken POOL_WAITS back and notified, and the main thread slept on for minutes in its
   * event loop. Whether Deno or V8 lost it was not found out; with this it costs a tenth of a second, not a hang.
   */
  checkUp(): void {
    if (this.dead || this.sent.length === 0) return;
    if (this.#output.filled()) {
      // The wake-up that was lost never comes; should it come all the same, it does no harm.
      this.#listening = false;
      this.#look();
      return;
    }
    const read = Atomics.load(this.#control, WORD.IN_TAIL);
    const stuck = read === this.#readBefore && read !== this.#input.at && this.started;
    this.#readBefore = read;
    if (stuck) this.#worker.postMessage(null, []);
  }

  /** Reads what the worker has answered. */
  drain(): void {
    const output = this.#output;
    if (!output.filled()) return;
    while (output.filled()) this.#readAnswer();
    output.release();
    Atomics.notify(this.#control, WORD.OUT_TAIL);
    if (this.sent.length === 0) this.idleSince = performance.now();
  }

  #readAnswer(): void {
    const output = this.#output;
    const code = output.take();
    const id = output.take();
    if (code === CODE.CRASH) return this.#ended(this.#readError(), 1);
    const value = code === CODE.FAIL || code === CODE.UNREAD ? this.#readError() : output.takeValue(this.#receive);
    const index = this.sent[0]?.id === id ? 0 : this.sent.findIndex((task) => task.id === id);
    if (index < 0) return;
    const task = this.sent[index];
    const garbled = value instanceof Garbled;
    if (code === CODE.ITEM || code === CODE.PROGRESS) {
      if (garbled) this.#events.garbled(task, value.error);
      else if (code === CODE.ITEM) task.owner.item?.(value);
      else task.owner.progress?.(value);
      return;
    }
    this.sent.splice(index, 1);
    if (code === CODE.UNREAD) {
      this.#known.delete(task.target.id);
      this.#events.unread(task, unreadable(value));
    } else if (garbled) this.#events.finished(task, false, value.error);
    else this.#events.finished(task, code === CODE.DONE, value);
  }

  #readError(): WorkerError {
    const notes = this.#receive(this.#output.take());
    return notes instanceof Garbled ? notes.error : toWorkerError(notes as ErrorNote[]);
  }

  /** What travelled by port under this number. */
  readonly #receive = (number: number): unknown => {
    try {
      for (;;) {
        const content = unseal(this.#host.receive(this.#port)!.message);
        if (content.has(number)) return content.get(number);
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      return new Garbled(
        new WorkerError(`Cannot read what a task sent, as it is too deep or too large: ${why}`, { cause }),
      );
    }
  };

  // --- the end ------------------------------------------------------------------------------------------------

  #ended(error: unknown, code: number): void {
    if (this.dead) return;
    // What it had answered before counts; it may have told here why it ends.
    this.drain();
    if (this.dead) return;
    this.#events.died(this, error, code);
  }

  /** Ends the worker, whatever it does. Answers when it has ended. */
  async stop(): Promise<void> {
    if (this.dead) return;
    this.dead = true;
    // Ends the waits for answers and room, which would stay in memory.
    Atomics.notify(this.#control, WORD.OUT_HEAD);
    Atomics.notify(this.#control, WORD.IN_TAIL);
    const ended = this.#worker.terminate();
    this.#port.close();
    await ended;
  }
}

/** Stands for something that could not be read. */
class Garbled {
  readonly error: WorkerError;

  constructor(error: WorkerError) {
    this.error = error;
  }
}

function unreadable(error: unknown): WorkerError {
  const why = error instanceof Error ? error.message : String(error);
  return new WorkerError(`Cannot run a task as its arguments are too deep or too large: ${why}`, { cause: error });
}
