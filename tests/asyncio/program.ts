/**
 * Small programs of tasks that sleep, wait for each other, cancel each other and limit each other's time, as data: what
 * `model_test.ts` makes at random and runs, and `program.py` runs on CPython's asyncio.
 */
import { call } from "@asyncoro/asyncoro";
import {
  CancelledError,
  createTask,
  currentTask,
  Event,
  type Future,
  gather,
  Lock,
  Queue,
  type ReturnWhen,
  shield,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
  type Timeout,
  timeout,
  TimeoutError,
  wait,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import type { LoopLab } from "./loop_lab.ts";

/** What a task does, one thing after the other. Tasks and futures have numbers; times are in seconds. */
export type Body = readonly Statement[];

/** What a task can do, and with what. */
export interface Actions {
  sleep: [seconds: number];
  future: [future: number];
  set: [future: number];
  fail: [future: number];
  cancelFuture: [future: number];
  spawn: [task: number];
  task: [task: number];
  shield: [task: number];
  waitForTask: [task: number, seconds: number];
  waitForFuture: [future: number, seconds: number];
  waitForBody: [seconds: number, body: Body];
  cancel: [task: number];
  uncancel: [];
  raise: [];
  return: [];
  put: [];
  get: [];
  event: [];
  waitEvent: [];
  catch: [body: Body, rethrow: boolean];
  finally: [body: Body, cleanup: Body];
  timeout: [seconds: number | null, body: Body];
  reschedule: [seconds: number | null];
  group: [children: readonly number[], body: Body];
  gather: [tasks: readonly number[], returnExceptions: boolean];
  wait: [tasks: readonly number[], seconds: number | null, until: ReturnWhen];
  lock: [lock: number, body: Body];
  soon: [done: Body];
  later: [seconds: number, done: Body];
  whenDone: [task: number, done: Body];
}

/** One thing that a task does. */
export type Statement = { [K in keyof Actions]: readonly [K, ...Actions[K]] }[keyof Actions];

/** The tasks that there may be, by number, and those that exist at first. */
export interface Program {
  readonly tasks: readonly Body[];
  readonly start: readonly number[];
}

/** The result of a command, for the log; "return" ends the task. */
type ActionResult = string | undefined | void;
type Steps<T> = Generator<unknown, T, unknown>;

/** The task that runs, and where. */
interface Position {
  readonly task: number;
  readonly at: string;
  /** The innermost limit of time. */
  readonly limit: Timeout | null;
}

/** One run of a program. */
export class ProgramRun {
  readonly tasks = new Map<number, Task<string>>();
  readonly futures: Future<string>[];
  readonly locks = [new Lock(), new Lock()];
  readonly queue = new Queue<string>();
  readonly event = new Event();
  readonly #program: Program;
  readonly #lab: LoopLab;

  constructor(program: Program, lab: LoopLab) {
    this.#program = program;
    this.#lab = lab;
    this.futures = [0, 1, 2].map(() => lab.loop.createFuture<string>());
  }

  /** Runs it, and cancels what does not end, until it has ended. */
  *main(): Steps<void> {
    for (const key of this.#program.start) this.#start(key, createTask);
    yield* sleep(40);
    for (let round = 0; round < 60; round++) {
      const left = this.unfinished();
      if (left.length === 0) break;
      this.#lab.at(`main cancels ${left.length}`);
      for (const task of left) task.cancel();
      yield* sleep(20);
    }
    for (const task of this.tasks.values()) if (task.done() && !task.cancelled()) task.exception();
    for (const future of this.futures) future.cancel();
  }

  /** The tasks that have not ended. */
  unfinished(): Task[] {
    return [...this.tasks.values()].filter((task) => !task.done());
  }

  #note({ task, at }: Position, event: string): void {
    this.#lab.at(`t${task} ${at}${event}`);
  }

  #start(key: number, create: (body: Steps<string>) => Task<string>): void {
    if (this.tasks.has(key)) return;
    const task = create(this.#task(key));
    this.tasks.set(key, task);
    task.addDoneCallback(() => this.#lab.at(`task${key} ended ${outcomeOf(task)} cancelling ${task.cancelling()}`));
  }

  *#task(key: number): Steps<string> {
    const place = { task: key, at: "", limit: null };
    this.#note(place, "begins");
    const returned = yield* this.#body(place, this.#program.tasks[key]);
    return returned === "return" ? `early${key}` : `value${key}`;
  }

  *#body(place: Position, body: Body): Steps<ActionResult> {
    for (const [index, statement] of body.entries()) {
      const here = { ...place, at: `${place.at}${index}` };
      if ((yield* this.#step(here, statement)) === "return") return "return";
    }
  }

  /** A subroutine by `yield*` or by `call()`. */
  *#block(place: Position, body: Body): Steps<ActionResult> {
    const inner = { ...place, at: `${place.at}.` };
    return body.length % 2 === 0 ? yield* this.#body(inner, body) : yield* call(this.#body(inner, body));
  }

  *#step(place: Position, [what, ...args]: Statement): Steps<ActionResult> {
    const act = this.#acts[what] as (place: Position, ...args: unknown[]) => Steps<ActionResult> | ActionResult;
    const returned = act.call(this, place, ...args);
    const result = typeof returned === "object" ? yield* returned : returned;
    if (result !== "return") this.#note(place, ` ${what}${result === undefined ? "" : ` ${result}`}`);
    return result;
  }

  readonly #acts: {
    [K in keyof Actions]: (
      this: ProgramRun,
      place: Position,
      ...args: Actions[K]
    ) => Steps<ActionResult> | ActionResult;
  } = {
    *sleep(_place, seconds) {
      yield* sleep(seconds);
    },
    *future(_place, future) {
      return yield* this.futures[future];
    },
    set(_place, key) {
      const future = this.futures[key];
      if (!future.done()) future.setResult(`f${key}`);
    },
    fail(_place, key) {
      const future = this.futures[key];
      if (future.done()) return;
      future.setException(new Error(`f${key}`));
      future.exception();
    },
    cancelFuture(_place, future) {
      return String(this.futures[future].cancel());
    },
    spawn(_place, task) {
      this.#start(task, createTask);
    },
    *task(place, key) {
      for (const task of this.#later(place, [key])) return yield* task;
    },
    *shield(place, key) {
      for (const task of this.#later(place, [key])) return yield* shield(task);
    },
    *waitForTask(place, key, seconds) {
      for (const task of this.#later(place, [key])) return yield* waitFor(task, seconds);
    },
    *waitForFuture(_place, future, seconds) {
      return yield* waitFor(this.futures[future], seconds);
    },
    *waitForBody(place, seconds, body) {
      return yield* waitFor(this.#block({ ...place, limit: null }, body), seconds);
    },
    cancel(_place, key) {
      const task = this.tasks.get(key);
      return task === undefined ? undefined : String(task.cancel());
    },
    uncancel() {
      return String(currentTask()!.uncancel());
    },
    raise({ task, at }) {
      throw new Error(`t${task}${at}`);
    },
    return() {
      return "return";
    },
    put() {
      this.queue.putNowait("item");
    },
    *get() {
      return yield* this.queue.get();
    },
    event() {
      this.event.set();
    },
    *waitEvent() {
      yield* this.event.wait();
    },
    *catch(place, body, rethrow) {
      try {
        return yield* this.#block(place, body);
      } catch (error) {
        this.#note(place, ` caught ${show(error)} cancelling ${currentTask()!.cancelling()}`);
        if (rethrow) throw error;
      }
    },
    *finally(place, body, cleanup) {
      try {
        return yield* this.#block(place, body);
      } finally {
        this.#note(place, " finally");
        yield* this.#block({ ...place, at: `${place.at}f` }, cleanup);
      }
    },
    *timeout(place, seconds, body) {
      const limited = (limit: Timeout) => this.#block({ ...place, limit }, body);
      let expired: () => boolean;
      try {
        return yield* timeout(seconds as number, function* (limit): Steps<ActionResult> {
          expired = () => limit.expired();
          return yield* limited(limit);
        });
      } finally {
        this.#note(place, ` expired ${expired!()}`);
      }
    },
    reschedule({ limit }, seconds) {
      try {
        limit?.reschedule(seconds === null ? null : this.#lab.loop.time() + seconds);
      } catch {
        return "misuse";
      }
    },
    *group(place, children, body) {
      const begin = (group: TaskGroup) => {
        for (const key of children) if (key > place.task) this.#start(key, (task) => group.createTask(task));
        return this.#block(place, body);
      };
      return yield* taskGroup(function* (group): Steps<ActionResult> {
        return yield* begin(group);
      });
    },
    *gather(place, tasks, returnExceptions) {
      return show(yield* gather(this.#later(place, tasks), { returnExceptions: returnExceptions as true }));
    },
    *wait(place, tasks, timeout, returnWhen) {
      const several = this.#later(place, tasks);
      if (several.length === 0) return;
      const [done, pending] = yield* wait(several, { timeout, returnWhen });
      return `${done.size} ${pending.size}`;
    },
    *lock(place, lock, body) {
      using _ = yield* this.locks[lock].hold();
      return yield* this.#block(place, body);
    },
    soon(place, done) {
      this.#lab.loop.callSoon(this.#callback(place, done));
    },
    later(place, seconds, done) {
      this.#lab.loop.callLater(seconds, this.#callback(place, done));
    },
    whenDone(place, key, done) {
      this.tasks.get(key)?.addDoneCallback(this.#callback(place, done));
    },
  };

  /** A callback that does what needs no wait. */
  #callback(place: Position, done: Body): () => void {
    return () => {
      for (const statement of done) this.#step(place, statement).next();
    };
  }

  /** Tasks that exist and have higher numbers: of tasks that wait for each other in a circle none could be cancelled. */
  #later({ task }: Position, keys: readonly number[]): Task<string>[] {
    return keys.filter((key) => key > task && this.tasks.has(key)).map((key) => this.tasks.get(key)!);
  }
}

function outcomeOf(task: Task<string>): string {
  try {
    return `returned ${task.result()}`;
  } catch (error) {
    return show(error);
  }
}

/** A result or an error, in a word. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show)}]`;
  if (value instanceof CancelledError) return "cancelled";
  if (value instanceof AggregateError) return `group[${value.errors.map(show)}]`;
  if (value instanceof TimeoutError) return "timeout";
  return value instanceof Error ? `failure(${value.message})` : String(value);
}
