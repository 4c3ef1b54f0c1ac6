/** A worker, from the pool's side: the tasks that it has, and when the pool and the worker wake each other. */
import { macrotask } from "../../host/macrotask.ts";
import type { WorkerError } from "../errors.ts";
import { CODE, CONTROL_WORDS, RING_WORDS, WORD } from "../remote/protocol.ts";
import type { PortLike } from "../remote/worker_loop.ts";
import { workerSource } from "../remote/worker_source.ts";
import { commandWords, CommandWriter } from "./command_writer.ts";
import type { HostWorker, WorkerHost } from "./host_worker.ts";
import { argumentsError } from "./pool_errors.ts";
import { ResponseReader, Unreadable } from "./response_reader.ts";
import { SENT, type Task, type TaskWorker } from "./task.ts";

/** How many tasks are in the ring of a worker at the most. */
export const DEPTH = 128;

// How often responses that arrive while others are read are read at once, before a macrotask.
const MAX_SPINS = 16;

/** The events of a worker. */
export interface WorkerEvents {
  /** A task has ended. */
  finished(task: Task, ok: boolean, value: unknown): void;
  /** A value that a task sent could not be read. The task goes on, and is to be stopped. */
  outputUnreadable(task: Task, error: WorkerError): void;
  /** A task has not begun, as its arguments, or those in the same message, could not be sent or read. */
  notBegun(task: Task, error: WorkerError): void;
  /** Responses have been read: there may be room for more tasks. */
  responded(worker: WorkerHandle): void;
  /** The worker has ended by itself. */
  ended(worker: WorkerHandle, error: unknown, code: number): void;
}

/** See the head of this file. */
export class WorkerHandle implements TaskWorker {
  /** The tasks that were sent and have no outcome yet, in the order in which the worker runs them. */
  readonly sent: Task[] = [];
  /** Whether it has ended or is ending. */
  stopped = false;
  /** Since when it has had no task, in milliseconds. */
  idleSince: number = performance.now();
  /** How many callers have pinned their state to this worker. */
  pinCount = 0;
  /** Tasks that only this worker may run and that were not sent to it yet. */
  readonly pinnedTasks: Task[] = [];

  readonly #events: WorkerEvents;
  readonly #worker: HostWorker;
  readonly #port: PortLike;
  readonly #control: Int32Array;
  readonly #commands: CommandWriter;
  readonly #responses: ResponseReader;
  #started = false;
  #listening = false;
  // How many words a refused task needs in the ring, and whether the pool waits for room.
  #wantedWords = 0;
  #awaitingRoom = false;
  #spins = 0;
  // How many items of the running stream were taken.
  #taken = 0;
  // How far the worker had read at the last check-up.
  #readBefore = -1;

  constructor(host: WorkerHost, name: string, events: WorkerEvents) {
    this.#events = events;
    const memory = new SharedArrayBuffer((CONTROL_WORDS + 2 * RING_WORDS) * 4);
    const control = this.#control = new Int32Array(memory, 0, CONTROL_WORDS);
    const commands = new Int32Array(memory, CONTROL_WORDS * 4, RING_WORDS);
    const responses = new Int32Array(memory, (CONTROL_WORDS + RING_WORDS) * 4, RING_WORDS);
    const { port1, port2 } = host.channel();
    this.#port = port1;
    this.#commands = new CommandWriter(control, commands, port1, (task, error) => this.#unsent(task, error));
    this.#responses = new ResponseReader(control, responses, () => host.receive(port1));
    this.#worker = host.create(workerSource(), name, { ended: (error, code) => this.#ended(error, code) });
    this.#worker.postMessage({ memory, port: port2 }, [port2 as unknown as Transferable]);
  }

  /** Whether it is ready to run tasks. */
  get started(): boolean {
    return this.#started ||= Atomics.load(this.#control, WORD.STARTED) === 1;
  }

  /** Whether the process may end while it is idle. */
  get unreferenced(): boolean {
    return this.#worker.unreferenced;
  }

  /** Sets whether it keeps the process alive. */
  keepAlive(alive: boolean): void {
    if (this.stopped) return;
    if (alive) this.#worker.ref();
    else this.#worker.unref();
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /** Takes a task, if there is room for it. The worker gets it with the next `flush()`. */
  offer(task: Task): boolean {
    if (this.stopped || (this.sent.length > 0 && (task.exclusive || this.sent.length >= DEPTH))) return false;
    const words = commandWords(task);
    if (!this.#commands.hasRoom(words)) {
      this.#wantedWords = words;
      return false;
    }
    if (task.plan.stream) this.#startStream();
    task.state = SENT;
    task.worker = this;
    this.sent.push(task);
    this.#commands.writeTask(task);
    return true;
  }

  #unsent(task: Task, error: unknown): void {
    if (this.revoke(task)) this.#events.notBegun(task, argumentsError(error));
  }

  /** The pool has dropped a target. */
  forget(target: number): void {
    if (!this.stopped) this.#commands.forget(target);
  }

  /** Makes the tasks that were offered visible to the worker. */
  flush(): void {
    if (this.stopped) return;
    if (this.#commands.dirty) {
      this.#commands.publish();
      this.#listen();
    }
    if (this.#wantedWords > 0) this.#awaitRoom();
  }

  /** Waits until revoked tasks have left the ring, when there is no task whose response would show that. */
  #awaitRoom(): void {
    if (this.#awaitingRoom || this.sent.length > 0) return;
    const tail = Atomics.load(this.#control, WORD.IN_TAIL);
    const room = this.#commands.hasRoom(this.#wantedWords);
    this.#wantedWords = 0;
    if (room) return macrotask(this.#lookForRoom);
    this.#awaitingRoom = true;
    const wait = Atomics.waitAsync(this.#control, WORD.IN_TAIL, tail);
    if (wait.async) wait.value.then(this.#lookForRoom);
    else macrotask(this.#lookForRoom);
  }

  readonly #lookForRoom = (): void => {
    this.#awaitingRoom = false;
    if (!this.stopped) this.#events.responded(this);
  };

  // --- taking back --------------------------------------------------------------------------------------------

  /** Takes a task back. Returns whether that was possible: the worker has not begun it. */
  revoke(task: Task): boolean {
    if (!this.#commands.revoke(task)) return false;
    this.sent.splice(this.sent.lastIndexOf(task), 1);
    task.worker = null;
    return true;
  }

  /** Takes back up to `most` tasks that fulfil a condition, from the last one on. Returns them, oldest first. */
  recall(most: number, condition: (task: Task) => boolean): Task[] {
    const recalled: Task[] = [];
    for (let i = this.sent.length - 1; i >= 0 && recalled.length < most; i--) {
      const task = this.sent[i];
      if (!condition(task)) continue;
      if (!this.revoke(task)) break;
      recalled.push(task);
    }
    return recalled.reverse();
  }

  /** Asks a task that has begun to stop. */
  cancel(task: Task): void {
    const next = this.sent[this.sent.indexOf(task) + 1];
    // If the next task has begun, this one has ended and its response is on the way. The control word must then not be
    // changed, as it may already ask the next task to stop.
    if (next !== undefined && this.#commands.hasBegun(next)) return;
    Atomics.store(this.#control, WORD.CANCEL, task.id);
    Atomics.notify(this.#control, WORD.CANCEL);
    Atomics.notify(this.#control, WORD.ITEMS_TAKEN);
  }

  #startStream(): void {
    this.#taken = 0;
    Atomics.store(this.#control, WORD.ITEMS_TAKEN, 0);
  }

  /** The reader of the running stream has taken an item. */
  itemTaken(): void {
    Atomics.store(this.#control, WORD.ITEMS_TAKEN, ++this.#taken);
    // The generator waits only when it is far ahead; half of that is soon enough to wake it.
    if (this.#taken % (CODE.AHEAD / 2) === 0) Atomics.notify(this.#control, WORD.ITEMS_TAKEN);
  }

  // --- responses ----------------------------------------------------------------------------------------------

  #listen(): void {
    if (this.#listening || this.stopped || this.sent.length === 0) return;
    this.#listening = true;
    Atomics.store(this.#control, WORD.POOL_WAITS, 1);
    const wait = Atomics.waitAsync(this.#control, WORD.OUT_HEAD, this.#responses.position);
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
    if (this.stopped) return;
    this.drain();
    if (this.stopped) return;
    this.#events.responded(this);
    this.#listen();
  };

  /** Looks whether a wake-up was lost, in either direction. See `watchdog.ts`. */
  checkUp(): void {
    if (this.stopped || this.sent.length === 0) return;
    if (this.#responses.filled()) {
      // If the wake-up that seemed lost comes after all, it has no effect.
      this.#listening = false;
      this.#look();
      return;
    }
    const read = Atomics.load(this.#control, WORD.IN_TAIL);
    const stuck = read === this.#readBefore && this.#commands.isUnread(read) && this.started;
    this.#readBefore = read;
    if (stuck) this.#worker.postMessage(null, []);
  }

  /** Reads the responses that are there. */
  drain(): void {
    const responses = this.#responses;
    if (!responses.filled()) return;
    while (responses.filled()) this.#readResponse();
    responses.release();
    if (this.sent.length === 0) this.idleSince = performance.now();
  }

  #readResponse(): void {
    const responses = this.#responses;
    responses.read();
    const { code, id, value } = responses;
    if (code === CODE.CRASH) return this.#ended(value, 1);
    const index = this.sent[0]?.id === id ? 0 : this.sent.findIndex((task) => task.id === id);
    if (index < 0) return;
    const task = this.sent[index];
    if (code === CODE.ITEM || code === CODE.PROGRESS) return this.#deliver(task, code, value);
    this.sent.splice(index, 1);
    if (code === CODE.UNREAD) {
      this.#commands.redefine(task.target.id);
      this.#events.notBegun(task, argumentsError(value));
    } else if (value instanceof Unreadable) this.#events.finished(task, false, value.error);
    else this.#events.finished(task, code === CODE.DONE, value);
  }

  #deliver(task: Task, code: number, value: unknown): void {
    if (value instanceof Unreadable) this.#events.outputUnreadable(task, value.error);
    else if (code === CODE.ITEM) task.owner.item?.(value);
    else task.owner.progress?.(value);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  #ended(error: unknown, code: number): void {
    if (this.stopped) return;
    // Earlier responses count; one of them may hold the reason of the end.
    this.drain();
    if (this.stopped) return;
    this.#events.ended(this, error, code);
  }

  /** Ends the worker, even in the middle of a task. Resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    // Ends the waits for responses and for room, which would stay in memory.
    Atomics.notify(this.#control, WORD.OUT_HEAD);
    Atomics.notify(this.#control, WORD.IN_TAIL);
    const ended = this.#worker.terminate();
    this.#port.close();
    await ended;
  }
}
