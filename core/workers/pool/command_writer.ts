/**
 * The pool's side of the commands to a worker: writes them into the ring, and takes tasks back that have not begun.
 *
 * Commands become visible with `publish()`, many at once: one port message for all arguments that need one, one
 * atomic store, one wake-up.
 */
import { seal } from "../remote/envelope.ts";
import { CODE, WORD } from "../remote/protocol.ts";
import { Ring } from "../remote/ring.ts";
import type { PortLike } from "../remote/worker_loop.ts";
import type { Task } from "./task.ts";

// Words that the commands around the arguments of a task take at the most.
const OVERHEAD_WORDS = 16;

/** How many words the commands for a task take at the most. */
export function commandWords(task: Task): number {
  return task.words + OVERHEAD_WORDS;
}

/** Called with a task whose arguments could not be sent. */
export type UnsentListener = (task: Task, error: unknown) => void;

/** See the head of this file. */
export class CommandWriter {
  /** Whether anything was written since the last `publish()`. */
  dirty = false;
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #ring: Ring;
  readonly #port: PortLike;
  readonly #unsent: UnsentListener;
  // The targets that were defined in the worker.
  readonly #known: Set<number> = new Set();
  // The next port message: its entries, the objects moved with it, the tasks that have arguments in it by their entries.
  #batch: unknown[] = [];
  #moved: Transferable[] = [];
  #tasks: Map<number, Task> = new Map();

  constructor(control: Int32Array, words: Int32Array, port: PortLike, unsent: UnsentListener) {
    this.#control = control;
    this.#words = words;
    this.#ring = new Ring(control, words, WORD.IN_HEAD, WORD.IN_TAIL);
    this.#port = port;
    this.#unsent = unsent;
  }

  /** Whether so many words can be written. */
  hasRoom(words: number): boolean {
    return this.#ring.hasRoom(words);
  }

  /** Writes the command that runs a task. There must be room. */
  writeTask(task: Task): void {
    const byPort = task.words === 0;
    if (task.alone) this.#postBatch();
    this.#define(task);
    if (byPort) this.#openBatch();
    const ring = this.#ring;
    ring.put(CODE.RUN);
    task.position = ring.at;
    task.slot = ring.index();
    Atomics.store(this.#words, task.slot, CODE.OFFERED);
    ring.put(CODE.OFFERED);
    ring.put(task.id);
    ring.put(task.target.id);
    ring.put((Math.min(2 ** 30 - 1, Math.ceil(task.plan.limit * 1000)) << 1) | (task.plan.stream ? CODE.STREAM : 0));
    if (byPort) {
      ring.put(CODE.BY_PORT);
      const entry = this.#batch.push(task.argumentsToSend(this.#moved)) - 1;
      this.#tasks.set(entry, task);
      ring.put(entry);
    } else {
      ring.put(task.args.length);
      for (const arg of task.args) ring.putValue(arg);
    }
    this.dirty = true;
    if (task.alone) this.#postBatch();
  }

  #define({ target }: Task): void {
    if (this.#known.has(target.id)) return;
    this.#known.add(target.id);
    this.#openBatch();
    this.#ring.put(CODE.DEFINE);
    this.#ring.put(target.id);
    this.#ring.put(this.#batch.push(target.note) - 1);
  }

  /** Tells the worker to fetch the next port message before the commands that follow. */
  #openBatch(): void {
    if (this.#batch.length === 0) this.#ring.put(CODE.FETCH);
  }

  /** Tells the worker to forget a target, if it knows it. */
  forget(target: number): void {
    if (!this.#known.delete(target) || !this.#ring.hasRoom(2)) return;
    this.#ring.put(CODE.FORGET);
    this.#ring.put(target);
    this.dirty = true;
  }

  /** The worker may not have received the definition of a target: it is sent again with the next task. */
  redefine(target: number): void {
    this.#known.delete(target);
  }

  /** Makes the commands visible, and wakes the worker. */
  publish(): void {
    this.dirty = false;
    this.#postBatch();
    this.#ring.publish();
    Atomics.notify(this.#control, WORD.IN_HEAD);
  }

  #postBatch(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    const moved = this.#moved;
    const tasks = this.#tasks;
    this.#batch = [];
    this.#moved = [];
    this.#tasks = new Map();
    try {
      this.#port.postMessage(seal(0, batch, moved), moved);
    } catch (error) {
      // The arguments were cloned before, so this is rare: memory or stack is exhausted.
      this.#port.postMessage(seal(0, batch.map((entry, index) => tasks.has(index) ? [] : entry), []));
      for (const task of tasks.values()) this.#unsent(task, error);
    }
  }

  /** Takes a task back. Returns whether that was possible: the worker has not begun it. */
  revoke(task: Task): boolean {
    if (this.#ring.passed(task.position)) return false;
    return Atomics.compareExchange(this.#words, task.slot, CODE.OFFERED, CODE.REVOKED) === CODE.OFFERED;
  }

  /** Whether the worker has begun a task. */
  hasBegun(task: Task): boolean {
    return this.#ring.passed(task.position) || Atomics.load(this.#words, task.slot) === CODE.CLAIMED;
  }

  /** Whether there are commands after `position`, up to which the worker has read. */
  isUnread(position: number): boolean {
    return position !== this.#ring.at;
  }
}
