/**
 * Random programs of callbacks, futures and tasks, run on an event loop and on the reference model: what happens, and in
 * which order, must be the same.
 */
import { CancelledError, type EventLoop, type Future, type Handle, sleep } from "@asyncoro/asyncoro/asyncio";
import fc from "fast-check";
import {
  Cancelled,
  ReferenceFuture,
  type ReferenceHandle,
  type ReferenceLoop,
  referenceSleep,
  ReferenceTask,
} from "./reference_loop.ts";

/** What a callback or coroutine does: `number` is an index, of a script, a future, a handle or a task. */
export type Step =
  | { readonly do: "soon" | "task" | "done callback" | "burst"; readonly script: number; readonly index: number }
  | { readonly do: "later"; readonly script: number; readonly delay: number }
  | {
    readonly do: "settle" | "fail" | "cancel future" | "remove" | "cancel handle" | "cancel task";
    readonly index: number;
  }
  | { readonly do: "stop" }
  // For coroutines only; callbacks pass them over.
  | { readonly do: "turn" }
  | { readonly do: "sleep"; readonly delay: number }
  | { readonly do: "wait" | "wait for task"; readonly index: number };

/** Scripts that start each other; the first is the one that is begun with. */
export interface LoopProgram {
  readonly scripts: readonly (readonly Step[])[];
  /** How it is run: for one iteration, or until it is stopped or nothing is left to do. */
  readonly runs: readonly ("iterate" | "run")[];
}

const FUTURES = 3;
const SCRIPTS = 5;
const index = fc.nat(5);
const script = fc.nat(SCRIPTS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("soon" as const, "task" as const, "done callback" as const), script, index }),
  fc.record({ do: fc.constant("burst" as const), script, index }),
  fc.record({ do: fc.constant("later" as const), script, delay: fc.nat(2) }),
  fc.record({
    do: fc.constantFrom(
      ...["settle", "fail", "cancel future", "remove", "cancel handle", "cancel task"] as const,
    ),
    index,
  }),
  fc.record({ do: fc.constant("turn" as const) }),
  fc.record({ do: fc.constant("stop" as const) }),
  fc.record({ do: fc.constant("sleep" as const), delay: fc.nat(2) }),
  fc.record({ do: fc.constantFrom("wait" as const, "wait for task" as const), index }),
);

/** Any program. */
export const programs: fc.Arbitrary<LoopProgram> = fc.record({
  scripts: fc.array(fc.array(step, { maxLength: 6 }), { minLength: SCRIPTS, maxLength: SCRIPTS }),
  runs: fc.array(fc.constantFrom("iterate" as const, "run" as const), { minLength: 1, maxLength: 12 }),
});

/** What a program works with, on either loop. */
interface Engine<F, H> {
  callSoon(callback: () => void): H;
  callLater(delay: number, callback: () => void): H;
  cancelHandle(handle: H): void;
  createFuture(): F;
  createTask(coroutine: () => Generator<unknown, void, void>): F;
  isPending(future: F): boolean;
  settle(future: F, failure: Error | null): void;
  cancel(future: F): boolean;
  addDoneCallback(future: F, callback: () => void): void;
  removeDoneCallback(future: F, callback: () => void): void;
  stop(): void;
  turn(): Generator<unknown, void, void>;
  sleep(delay: number): Generator<unknown, void, void>;
  wait(future: F): Generator<unknown, void, void>;
  isCancellation(error: unknown): boolean;
}

/** How many scripts may be begun: programs that start themselves again and again must end. */
const FUEL = 300;

/** Runs a program step by step and notes what happens. */
export class Interpreter<F, H> {
  readonly log: string[] = [];
  readonly #engine: Engine<F, H>;
  readonly #scripts: readonly (readonly Step[])[];
  readonly #futures: F[];
  readonly #handles: H[] = [];
  readonly #tasks: F[] = [];
  readonly #callbacks: { readonly future: F; readonly callback: () => void }[] = [];
  /** Of each task, how many are older. */
  readonly #age = new Map<number, number>();
  #begun = 0;

  constructor(engine: Engine<F, H>, { scripts }: LoopProgram) {
    this.#engine = engine;
    this.#scripts = scripts;
    this.#futures = Array.from({ length: FUTURES }, () => engine.createFuture());
  }

  /** A callback that runs a script. */
  callback(script: number): () => void {
    const id = this.#begun++;
    return () => {
      this.log.push(`callback ${id}`);
      for (const step of this.#scripts[script]) this.#act(step);
    };
  }

  *#coroutine(script: number, id: number): Generator<unknown, void, void> {
    this.log.push(`task ${id}`);
    for (const step of this.#scripts[script]) {
      try {
        yield* this.#wait(step, id);
      } catch (error) {
        this.log.push(`task ${id} ${this.#engine.isCancellation(error) ? "cancelled" : error}`);
        // Every other one goes on.
        if (id % 2 === 0) throw error;
      }
      this.#act(step);
      this.log.push(`task ${id} after ${step.do}`);
    }
  }

  *#wait(step: Step, id: number): Generator<unknown, void, void> {
    const engine = this.#engine;
    if (step.do === "turn") yield* engine.turn();
    else if (step.do === "sleep") yield* engine.sleep(step.delay);
    else if (step.do === "wait") yield* engine.wait(pick(this.#futures, step.index)!);
    else if (step.do === "wait for task") {
      // Only for one that is older: cancelling a task of a ring of tasks never ends, in CPython too.
      const task = pick(this.#tasks.slice(0, this.#age.get(id)), step.index);
      if (task !== undefined) yield* engine.wait(task);
    }
  }

  #act(step: Step): void {
    const engine = this.#engine;
    switch (step.do) {
      case "soon":
      case "later":
      case "task":
      case "done callback":
      case "burst":
        if (this.#begun < FUEL) this.#begin(step);
        break;
      case "settle":
      case "fail": {
        const future = pick(this.#futures, step.index)!;
        const failure = step.do === "fail" ? new Error("failed") : null;
        if (engine.isPending(future)) engine.settle(future, failure);
        // Another takes its place now and then, so that there is always something to wait for.
        else this.#futures[step.index % FUTURES] = engine.createFuture();
        break;
      }
      case "cancel future":
        this.log.push(`${engine.cancel(pick(this.#futures, step.index)!)}`);
        break;
      case "cancel handle": {
        const handle = pick(this.#handles, step.index);
        if (handle !== undefined) engine.cancelHandle(handle);
        break;
      }
      case "cancel task": {
        const task = pick(this.#tasks, step.index);
        if (task !== undefined) this.log.push(`${engine.cancel(task)}`);
        break;
      }
      case "remove": {
        const added = pick(this.#callbacks, step.index);
        if (added !== undefined) engine.removeDoneCallback(added.future, added.callback);
        break;
      }
      case "stop":
        engine.stop();
        break;
    }
  }

  #begin(step: Step): void {
    const engine = this.#engine;
    if (step.do === "soon") this.#handles.push(engine.callSoon(this.callback(step.script)));
    else if (step.do === "later") this.#handles.push(engine.callLater(step.delay, this.callback(step.script)));
    else if (step.do === "task") {
      const id = this.#begun++;
      this.#age.set(id, this.#tasks.length);
      this.#tasks.push(engine.createTask(() => this.#coroutine(step.script, id)));
    } else if (step.do === "done callback") {
      const future = pick(step.index % 2 === 0 ? this.#futures : this.#tasks, step.index) ?? this.#futures[0];
      const callback = this.callback(step.script);
      this.#callbacks.push({ future, callback });
      engine.addDoneCallback(future, callback);
    } else if (step.do === "burst") {
      // More than a batch.
      for (let i = 0; i < 70; i++) {
        const id = `${this.#begun}.${i}`;
        const handle = engine.callSoon(() => void this.log.push(`burst ${id}`));
        if (i % 16 === 3) this.#handles.push(handle);
      }
      this.#begun += 20;
    }
  }
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length];
}

/** The model as an engine. */
export function referenceEngine(loop: ReferenceLoop): Engine<ReferenceFuture, ReferenceHandle> {
  return {
    callSoon: (callback) => loop.callSoon(callback),
    callLater: (delay, callback) => loop.callLater(delay, callback),
    cancelHandle: (handle) => void (handle.callback = null),
    createFuture: () => new ReferenceFuture(loop),
    createTask: (coroutine) =>
      new ReferenceTask(loop, coroutine() as Generator<ReferenceFuture | undefined, void, void>),
    isPending: (future) => future.state === "pending",
    settle: (future, failure) => future.settle(failure === null ? "finished" : "failed", failure),
    cancel: (future) => future.cancel(),
    addDoneCallback: (future, callback) => future.addDoneCallback(callback),
    removeDoneCallback: (future, callback) => future.removeDoneCallback(callback),
    stop: () => loop.stop(),
    *turn() {
      yield;
    },
    sleep: (delay) => referenceSleep(loop, delay),
    wait: (future) => future.wait(),
    isCancellation: (error) => error instanceof Cancelled,
  };
}

/** An event loop as an engine. */
export function loopEngine(loop: EventLoop): Engine<Future<void>, Handle> {
  return {
    callSoon: (callback) => loop.callSoon(callback),
    callLater: (delay, callback) => loop.callLater(delay, callback),
    cancelHandle: (handle) => handle.cancel(),
    createFuture: () => loop.createFuture<void>(),
    createTask: (coroutine) => loop.createTask(coroutine()),
    isPending: (future) => !future.done(),
    settle: (future, failure) => failure === null ? future.setResult() : future.setException(failure),
    cancel: (future) => future.cancel(),
    addDoneCallback: (future, callback) => future.addDoneCallback(callback),
    removeDoneCallback: (future, callback) => void future.removeDoneCallback(callback),
    stop: () => loop.stop(),
    *turn() {
      yield;
    },
    *sleep(delay) {
      yield* sleep(delay);
    },
    *wait(future) {
      yield* future;
    },
    isCancellation: (error) => error instanceof CancelledError,
  };
}
