/**
 * A reference model of CPython's event loop, as naive as can be: a list of what is ready, a list of what is due later,
 * futures with a list of callbacks, tasks that are stepped by callbacks. It is written from what CPython 3.13 does
 * (`BaseEventLoop._run_once`, `Future`, `Task`), in virtual time: when nothing is ready, time jumps to the next deadline.
 */

/** What the model throws into a task that is cancelled. */
export class Cancelled extends Error {}

/** A callback in the model. */
export interface ReferenceHandle {
  callback: (() => void) | null;
  readonly when: number;
}

/** The event loop of the model. */
export class ReferenceLoop {
  now = 0;
  #ready: ReferenceHandle[] = [];
  #scheduled: ReferenceHandle[] = [];
  #stopping = false;

  callSoon(callback: () => void): ReferenceHandle {
    const handle = { callback, when: this.now };
    this.#ready.push(handle);
    return handle;
  }

  callLater(delay: number, callback: () => void): ReferenceHandle {
    const handle = { callback, when: this.now + delay };
    this.#scheduled.push(handle);
    // Stable, so that equal deadlines are served first come, first served.
    this.#scheduled.sort((a, b) => a.when - b.when);
    return handle;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Runs until it is stopped, or nothing can happen any more. Returns whether it was stopped. */
  runForever(): boolean {
    do if (!this.#runOnce()) return false; while (!this.#stopping);
    this.#stopping = false;
    return true;
  }

  #runOnce(): boolean {
    this.#scheduled = this.#scheduled.filter(({ callback }) => callback !== null);
    if (this.#ready.length === 0 && !this.#stopping) {
      if (this.#scheduled.length === 0) return false;
      this.now = Math.max(this.now, this.#scheduled[0].when);
    }
    while (this.#scheduled.length > 0 && this.#scheduled[0].when <= this.now) {
      this.#ready.push(this.#scheduled.shift()!);
    }
    for (const handle of this.#ready.splice(0)) handle.callback?.();
    return true;
  }
}

/** A future of the model. */
export class ReferenceFuture {
  readonly loop: ReferenceLoop;
  state: "pending" | "finished" | "failed" | "cancelled" = "pending";
  error: Error | null = null;
  #callbacks: (() => void)[] = [];

  constructor(loop: ReferenceLoop) {
    this.loop = loop;
  }

  settle(state: "finished" | "failed" | "cancelled", error: Error | null = null): void {
    this.state = state;
    this.error = error;
    for (const callback of this.#callbacks.splice(0)) this.loop.callSoon(callback);
  }

  cancel(): boolean {
    if (this.state !== "pending") return false;
    this.settle("cancelled", new Cancelled());
    return true;
  }

  addDoneCallback(callback: () => void): void {
    if (this.state === "pending") this.#callbacks.push(callback);
    else this.loop.callSoon(callback);
  }

  removeDoneCallback(callback: () => void): void {
    this.#callbacks = this.#callbacks.filter((each) => each !== callback);
  }

  *wait(): Generator<ReferenceFuture | undefined, void, void> {
    if (this.state === "pending") yield this;
    if (this.error !== null) throw this.error;
  }
}

/** What a coroutine of the model yields: what it waits for, or nothing to give others a turn. */
export type ReferenceCoroutine = Generator<ReferenceFuture | undefined, void, void>;

/** A task of the model. */
export class ReferenceTask extends ReferenceFuture {
  readonly #coroutine: ReferenceCoroutine;
  #mustCancel = false;
  #waitsFor: ReferenceFuture | null = null;

  constructor(loop: ReferenceLoop, coroutine: ReferenceCoroutine) {
    super(loop);
    this.#coroutine = coroutine;
    loop.callSoon(() => this.#step(null));
  }

  override cancel(): boolean {
    if (this.state !== "pending") return false;
    if (this.#waitsFor?.cancel()) return true;
    this.#mustCancel = true;
    return true;
  }

  #step(error: Error | null): void {
    this.#waitsFor = null;
    if (this.#mustCancel) {
      this.#mustCancel = false;
      if (!(error instanceof Cancelled)) error = new Cancelled();
    }
    let result: IteratorResult<ReferenceFuture | undefined, void>;
    try {
      result = error === null ? this.#coroutine.next() : this.#coroutine.throw(error);
    } catch (failure) {
      if (failure instanceof Cancelled) super.cancel();
      else this.settle("failed", failure as Error);
      return;
    }
    if (!result.done) this.#wait(result.value);
    else if (this.#mustCancel) super.cancel();
    else this.settle("finished");
  }

  #wait(future: ReferenceFuture | undefined): void {
    if (future === undefined) {
      this.loop.callSoon(() => this.#step(null));
      return;
    }
    future.addDoneCallback(() => this.#step(future.error));
    this.#waitsFor = future;
    if (this.#mustCancel && future.cancel()) this.#mustCancel = false;
  }
}

/** Sleeps in the model. */
export function* referenceSleep(loop: ReferenceLoop, delay: number): ReferenceCoroutine {
  if (delay <= 0) return yield;
  const future = new ReferenceFuture(loop);
  const handle = loop.callLater(delay, () => {
    if (future.state === "pending") future.settle("finished");
  });
  try {
    yield* future.wait();
  } finally {
    handle.callback = null;
  }
}
