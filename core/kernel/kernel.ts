/**
 * The typed view of the kernel: the only TypeScript that knows the layout of its memory.
 *
 * Importing this module does nothing. The bytes are compiled when the first {@linkcode Kernel} is built, once in a
 * process; every kernel is an instance of its own. No permission is needed.
 *
 * @module
 */

import { UnsupportedError } from "../base/errors.ts";
import { KERNEL_BASE64 } from "./kernel_bytes.ts";

/** The kernel's functions as WebAssembly exports them. An id is (slot, generation); a stale one is always ignored. */
export interface KernelExports {
  /** The kernel's memory; growing it detaches every view, see {@linkcode Kernel.grow}. */
  readonly memory: WebAssembly.Memory;
  /** Byte offset of the submission ring. */
  submissions(): number;
  /** Pairs the submission ring holds. */
  submissionCapacity(): number;
  /** Byte offset of the run window. */
  window(): number;
  /** Entries the run window holds. */
  windowCapacity(): number;
  /** A new slot, idle and without a timer, or -1 when there is none: use {@linkcode Kernel.allocate}. */
  allocate(level: number): number;
  /** Doubles the table of slots: 1, or 0 when the host refuses: use {@linkcode Kernel.grow}. */
  grow(): number;
  /** The generation of a slot's coroutine, or of the next one it will be given to. */
  generation(slot: number): number;
  /** 1 when the id is that of a live coroutine, else 0. */
  isCurrent(slot: number, generation: number): number;
  /** Takes in the first `count` submissions now; for when the ring is full. */
  drain(count: number): void;
  /**
   * Puts back what was not run of the last window (entries from `consumed` on), takes in the first `submitted`
   * submissions, expires timers with a deadline up to `now`, and fills the window with at most `limit` entries.
   * Returns their number.
   */
  turn(now: number, submitted: number, consumed: number, limit: number): number;
  /**
   * Makes the kernel as good as new for another scheduler, but for its size and its generations: 1; or 0 when a slot is
   * live, and then nothing has changed.
   */
  recycle(): number;
  /** Sets or replaces the timer of a slot that is not queued; +Infinity is no timer, NaN is ignored. */
  arm(slot: number, generation: number, deadline: number): void;
  /** When the timer of a slot is due, +Infinity if it has none. */
  deadline(slot: number, generation: number): number;
  /** Cancels the timer of a slot, if it has one. */
  disarm(slot: number, generation: number): void;
  /** Moves a coroutine to a level of 0 to 7 at once: if queued, to the tail of its new queue. */
  setLevel(slot: number, generation: number, level: number): void;
  /** The earliest deadline armed, +Infinity when there is none. */
  nextDeadline(): number;
  /** Slots in the ready queues. */
  readyCount(): number;
  /** Slots allocated and not released. */
  liveCount(): number;
  /** Timers armed. */
  timerCount(): number;
  /** Slots in the table, free, live or retired. */
  capacity(): number;
}

let compiled: WebAssembly.Module | undefined;

// Building an instance costs a hundred microseconds, which is as much as a whole request costs a server that has a
// scheduler for each. So those whose schedulers have ended serve others. A bound, as a crowd of schedulers comes once.
const MAX_IDLE = 64;
const idle: Kernel[] = [];

/**
 * Gives the kernel as a compiled module, for hosts which forbid compiling from bytes. Call it before the first
 * {@linkcode Kernel} is built; kernels that exist already are not touched.
 *
 * @param module The module of this version's `kernel.wasm`
 */
export function setKernelModule(module: WebAssembly.Module): void {
  compiled = module;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = Uint8Array as unknown as {
    fromBase64?(text: string): Uint8Array<ArrayBuffer>;
  };
  if (native.fromBase64 !== undefined) return native.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function kernelModule(): WebAssembly.Module {
  return compiled ??= compileKernel();
}

function compileKernel(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(decodeBase64(KERNEL_BASE64));
  } catch (cause) {
    throw new UnsupportedError(
      "Cannot run coroutines as this runtime forbids compiling WebAssembly: import the package's kernel.wasm as a " +
        "module, and give that to init() of the entry point './edge' before the first coroutine; " +
        "in a page, add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy",
      { cause },
    );
  }
}

/**
 * One kernel: the slots, ready queues and timers of one scheduler.
 *
 * The two rings are views of the kernel's memory. They are replaced when it grows, so read them from here after every
 * {@linkcode Kernel.allocate} and {@linkcode Kernel.grow}; nothing else grows it.
 */
export class Kernel {
  /** The raw functions, for hot paths. Of these, do not call `grow` yourself: it would detach the views. */
  readonly exports: KernelExports;
  /** Pairs of [slot to make ready, or ~slot to release; generation], written by the scheduler. */
  submissions: Int32Array<ArrayBuffer>;
  /** Entries of `slot << 1 | byTimer`, in the order to be run, written by the kernel. */
  window: Int32Array<ArrayBuffer>;
  #grown = false;

  /** Builds a kernel without slots in use. Compiles the module if this is the first in the process. */
  constructor() {
    this.exports = new WebAssembly.Instance(kernelModule())
      .exports as unknown as KernelExports;
    this.submissions = this.#submissionsView();
    this.window = this.#windowView();
  }

  /** A kernel without slots in use: one that another scheduler has left, or a new one. */
  static take(): Kernel {
    return idle.pop() ?? new Kernel();
  }

  /**
   * Leaves it to whoever takes one next, if nothing in it is in use: do not touch it any more. One that has grown is
   * dropped, as its memory never shrinks.
   */
  leave(): void {
    if (idle.length < MAX_IDLE && !this.#grown && this.exports.recycle() === 1) idle.push(this);
  }

  /**
   * A new slot, idle and without a timer; the table grows as needed.
   *
   * @param level Priority level, 0 (first) to 7
   * @returns The slot; its generation is `exports.generation(slot)`
   * @throws {RangeError} If the host refuses the memory. Nothing is lost, and released slots can be allocated again.
   */
  allocate(level: number): number {
    const slot = this.exports.allocate(level);
    if (slot >= 0) return slot;
    if (this.grow()) return this.exports.allocate(level);
    throw new RangeError(
      `Cannot create a coroutine as the host refuses the scheduler memory for more than ${this.exports.capacity()}, ` +
        `let some finish first: current value is ${this.exports.liveCount()} live coroutines`,
    );
  }

  /** Size of the kernel's memory. */
  get bytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  /**
   * Doubles the table of slots and replaces the views.
   *
   * @returns False when the host refuses the memory; then nothing has changed
   */
  grow(): boolean {
    if (this.exports.grow() === 0) return false;
    this.#grown = true;
    this.submissions = this.#submissionsView();
    this.window = this.#windowView();
    return true;
  }

  #submissionsView(): Int32Array<ArrayBuffer> {
    const { memory, submissions, submissionCapacity } = this.exports;
    return new Int32Array(
      memory.buffer as ArrayBuffer,
      submissions(),
      2 * submissionCapacity(),
    );
  }

  #windowView(): Int32Array<ArrayBuffer> {
    const { memory, window, windowCapacity } = this.exports;
    return new Int32Array(
      memory.buffer as ArrayBuffer,
      window(),
      windowCapacity(),
    );
  }
}
