/**
 * The typed view of the kernel. `ready_queue.ts` is the only TypeScript that knows the layout of its memory.
 *
 * Importing this module does nothing. The bytes are compiled when the first {@linkcode Kernel} is built, once in a
 * process; every kernel is an instance of its own. No permission is needed.
 *
 * @module
 */

import { UnsupportedError } from "../base/errors.ts";
import { textToBytes } from "./byte_text.ts";
import { KERNEL_TEXT } from "./kernel_bytes.ts";
import { NONE, ReadyQueue } from "./ready_queue.ts";

/** The kernel's functions as WebAssembly exports them: see `assembly/index.ts`. Slots passed to them must be in use. */
export interface KernelExports {
  /** The kernel's memory; growing it detaches every view. */
  readonly memory: WebAssembly.Memory;
  /** Adds free slots and returns 1, or 0 if the host refuses the memory. Call {@linkcode Kernel.allocate} instead. */
  refill(): number;
  /** How many slots the memory has room for. */
  capacity(): number;
  /** Sets the level of a slot: the queue it joins when its timer fires. */
  setLevel(slot: number, level: number): void;
  /**
   * Makes the slots ready whose timers are due, and chooses what to run: level | most << 3, or -1 if nothing is ready.
   * `ran` is how many slots were taken out and run since the last turn.
   */
  turn(now: number, ran: number, limit: number): number;
  /** Makes the slots ready whose timers are due, as many as in one turn. */
  expire(now: number): void;
  /** Sets or replaces the timer of a slot that is not ready; +Infinity is no timer, NaN is ignored. */
  arm(slot: number, deadline: number): void;
  /** Cancels the timer of a slot, if it has one. */
  disarm(slot: number): void;
  /** When the timer of a slot is due, +Infinity if it has none. */
  deadline(slot: number): number;
  /** The earliest deadline, +Infinity if there is none. */
  nextDeadline(): number;
  /** How many timers are set. */
  timerCount(): number;
  /** Resets the kernel, but for its size, and returns 1; or 0 if a slot is in use, and then nothing has changed. */
  recycle(): number;
}

let compiled: WebAssembly.Module | undefined;

// Building an instance takes a hundred microseconds, as much as a whole request takes in a server with a scheduler for
// each request. So a kernel is reused when its scheduler has ended. At most so many are kept: a program may have very many
// schedulers at once and never again.
const enum Most {
  IDLE = 64,
}
const idle: Kernel[] = [];

/**
 * Gives the kernel as a compiled module, for hosts which forbid compiling from bytes. Call it before the first
 * {@linkcode Kernel} is built; existing kernels do not change.
 *
 * @param module The module of this version's `kernel.wasm`
 */
export function setKernelModule(module: WebAssembly.Module): void {
  compiled = module;
}

function kernelModule(): WebAssembly.Module {
  return compiled ??= compileKernel();
}

function compileKernel(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(textToBytes(KERNEL_TEXT));
  } catch (cause) {
    throw new UnsupportedError(
      "Cannot run coroutines as this runtime forbids compiling WebAssembly: give the module kernel.wasm to init() of " +
        "'./edge' first; in a page, add 'wasm-unsafe-eval' to script-src",
      { cause },
    );
  }
}

/** One kernel: the slots, the ready queues and the timers of one scheduler. */
export class Kernel {
  /** The kernel's functions. `refill` is for {@linkcode Kernel.allocate} alone, as it may detach the view. */
  declare readonly exports: KernelExports;
  /** Its slots and ready queues, accessed without calls. */
  declare readonly queue: ReadyQueue;
  #grown = false;

  /** Builds a kernel without slots in use. Compiles the module if this is the first in the process. */
  constructor() {
    this.exports = new WebAssembly.Instance(kernelModule()).exports as unknown as KernelExports;
    this.queue = new ReadyQueue(this.#view());
  }

  #view(): Int32Array<ArrayBuffer> {
    return new Int32Array(this.exports.memory.buffer as ArrayBuffer);
  }

  /** A kernel without slots in use: one that another scheduler has given back, or a new one. */
  static take(): Kernel {
    return idle.pop() ?? new Kernel();
  }

  /**
   * Gives the kernel to the next scheduler, if no slot in it is in use; the caller must not use it any more. One that has
   * grown is dropped, as its memory never shrinks.
   */
  giveBack(): void {
    if (idle.length < Most.IDLE && !this.#grown && this.exports.recycle() === 1) idle.push(this);
  }

  /**
   * A slot that is not ready and has no timer; the memory grows as needed.
   *
   * @param level Priority level, 0 (first) to 7
   * @throws {RangeError} If the host refuses the memory. Nothing has changed then.
   */
  allocate(level: number): number {
    const slot = this.queue.allocate(level);
    if (slot !== NONE) return slot;
    this.#refill();
    return this.queue.allocate(level);
  }

  #refill(): void {
    if (this.exports.refill() === 0) {
      const room = this.exports.capacity();
      throw new RangeError(
        `Cannot create a coroutine as the host refuses memory: current value is ${room} live coroutines, ` +
          "let some finish",
      );
    }
    if (this.queue.words.length > 0) return;
    this.#grown = true;
    this.queue.words = this.#view();
  }

  /** Size of the kernel's memory. */
  get bytes(): number {
    return this.queue.words.byteLength;
  }
}
