import { MAX_ARGUMENT_WORDS } from "../remote/protocol.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";
import { Ring } from "../remote/ring.ts";
import type { Target } from "./targets.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Made, not submitted. */
export const NEW = 0;
/** The queue is full: waits for room in it. */
export const BLOCKED = 1;
/** In the queue. */
export const QUEUED = 2;
/** In the ring of a worker, which may have begun it. */
export const SENT = 3;
/** Its owner has been told. */
export const SETTLED = 4;

/** Who wants the result of a task. */
export interface TaskOwner {
  /** The task has its result or its error. Called once, unless it is cancelled before. */
  settled(ok: boolean, value: unknown): void;
  /** A generator has yielded; for streams only. */
  item?(value: unknown): void;
  /** The task reports progress. */
  progress?(value: unknown): void;
}

/** How a task is to be run. */
export interface TaskPlan {
  readonly priority: number;
  /** Whether what a generator yields is wanted. */
  readonly stream: boolean;
  /** Seconds that it may run without giving way. */
  readonly limit: number;
  /** What of its arguments is moved. */
  readonly transfer: readonly Transferable[];
  /** The only worker that may run it. */
  readonly thread: WorkerHandle | null;
}

/** One call of a target in a worker. */
export class Task {
  /** Tells it from others in the ring. */
  id = 0;
  /** First come, first served. */
  order = 0;
  state = NEW;
  priority: number;
  readonly target: Target;
  args: readonly unknown[];
  readonly plan: TaskPlan;
  readonly owner: TaskOwner;
  /** Whether it may keep the process alive at all. */
  holds = true;
  /** The scheduler of the coroutine that asked for it, which knows whether it keeps the process alive; `null`: it does. */
  scheduler: Scheduler | null = null;
  /** How many words its arguments take in the ring; 0: they travel by port. */
  readonly words: number;
  thread: WorkerHandle | null = null;
  /** Whether it travels without others, as it moves something, or as they could not be read together. */
  alone: boolean;
  /** What was moved to the pool and moves on to the worker. */
  moved: readonly Transferable[] = [];
  /** Where its state word is in the ring of the thread. */
  position = 0;
  slot = 0;
  /** Its owner wants it no more, and the worker has begun it: kills the worker when it fires. */
  grace: unknown = null;
  next: Task | null = null;
  prev: Task | null = null;

  /** Throws a `DataCloneError` if the arguments cannot be sent. */
  constructor(target: Target, args: readonly unknown[], plan: TaskPlan, owner: TaskOwner) {
    this.target = target;
    this.plan = plan;
    this.owner = owner;
    this.priority = plan.priority;
    this.alone = plan.transfer.length > 0;
    this.words = plan.transfer.length > 0 ? 0 : wordsOf(args);
    // A copy, so that what the caller changes later does not change the task. Primitive values are copies anyway.
    this.args = this.words > 0 || plan.transfer.length > 0 ? args : structuredClone(args);
  }

  /** Moves what is to be moved out of the caller's hands. */
  takeTransfers(): void {
    const { transfer } = this.plan;
    if (transfer.length === 0) return;
    const list = [...transfer];
    [this.args, this.moved] = structuredClone([this.args, list] as const, { transfer: list }) as [
      unknown[],
      Transferable[],
    ];
  }

  /** Whether it can only be given to a worker that has nothing else: it could not be had back, or it streams. */
  get exclusive(): boolean {
    return this.plan.stream || this.plan.transfer.length > 0;
  }
}

/** The size of the arguments in the ring, with one to tell none from too many. */
function wordsOf(args: readonly unknown[]): number {
  let words = 1;
  for (const arg of args) {
    const size = Ring.sizeOf(arg);
    if (size === 0 || (words += size) > MAX_ARGUMENT_WORDS) return 0;
  }
  return words;
}

/** Tasks, most urgent first and first come, first served among equals. Any of them can leave at any time. */
export class TaskQueue {
  /** How many there are. */
  length = 0;
  readonly #heads: (Task | null)[] = new Array(8).fill(null);
  readonly #tails: (Task | null)[] = new Array(8).fill(null);

  /** The first one. */
  get head(): Task | null {
    if (this.length === 0) return null;
    for (const head of this.#heads) if (head !== null) return head;
    return null;
  }

  /** Adds a task, behind those of its priority that came before. */
  add(task: Task): void {
    let before = this.#tails[task.priority];
    // Nearly always the last one; a task that comes back from a worker is among the first.
    if (before !== null && before.order > task.order) {
      before = null;
      let next = this.#heads[task.priority]!;
      while (next.order < task.order) {
        before = next;
        next = next.next!;
      }
    }
    const after = before === null ? this.#heads[task.priority] : before.next;
    task.prev = before;
    task.next = after;
    if (before === null) this.#heads[task.priority] = task;
    else before.next = task;
    if (after === null) this.#tails[task.priority] = task;
    else after.prev = task;
    this.length++;
  }

  /** Takes a task out. */
  remove(task: Task): void {
    const { prev, next, priority } = task;
    if (prev === null) this.#heads[priority] = next;
    else prev.next = next;
    if (next === null) this.#tails[priority] = prev;
    else next.prev = prev;
    task.prev = task.next = null;
    this.length--;
  }
}
