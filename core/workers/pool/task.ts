import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { type Bytes, bytesTools } from "../remote/bytes.ts";
import { MAX_ARGUMENT_WORDS } from "../remote/protocol.ts";
import { Ring } from "../remote/ring.ts";
import type { Target } from "./targets.ts";

const tools = /* @__PURE__ */ bytesTools();

/** Created, not submitted. */
export const NEW = 0;
/** The queue is full: waits for room in it. */
export const BLOCKED = 1;
/** In the queue; or among the pinned tasks of the only worker that may run it. */
export const QUEUED = 2;
/** In the ring of a worker, which may have begun it. */
export const SENT = 3;
/** Its owner has its outcome, or has cancelled it. */
export const SETTLED = 4;

/** Receives the outcome of a task. */
export interface TaskOwner {
  /** The task has its result or its error. Called once, unless the task is cancelled before. */
  settled(ok: boolean, value: unknown): void;
  /** A generator has yielded; for streams only. */
  item?(value: unknown): void;
  /** The task reports progress. */
  progress?(value: unknown): void;
}

/** The worker that has a task. */
export interface TaskWorker {
  /** Whether it has ended or is ending. */
  readonly stopped: boolean;
  /** The tasks that were sent to it and have no outcome yet. */
  readonly sent: Task[];
  /** Tasks that only this worker may run and that were not sent to it yet. */
  readonly pinnedTasks: Task[];
  /** Takes a task back, if the worker has not begun it. */
  revoke(task: Task): boolean;
  /** Takes back tasks that the worker has not begun. */
  recall(most: number, condition: (task: Task) => boolean): Task[];
  /** Asks a task that has begun to stop. */
  cancel(task: Task): void;
  /** Reads the responses that are there. */
  drain(): void;
  /** The reader of the running stream has taken an item. */
  itemTaken(): void;
  /** Ends the worker. */
  stop(): Promise<void>;
}

/** How a task is to be run. */
export interface TaskPlan {
  readonly priority: number;
  /** Whether the items that a generator yields are wanted. */
  readonly stream: boolean;
  /** Seconds that it may run without giving way; 0 for no limit. */
  readonly limit: number;
  /** The objects in its arguments that are moved. */
  readonly transfer: readonly Transferable[];
  /** The only worker that may run it; `null` if any may. */
  readonly worker: TaskWorker | null;
}

/** One call of a target in a worker. */
export class Task {
  /** Identifies it in the ring. */
  id = 0;
  /** Its place in the order of submission. */
  order = 0;
  state = NEW;
  priority: number;
  readonly target: Target;
  args: readonly unknown[];
  readonly plan: TaskPlan;
  readonly owner: TaskOwner;
  /** Whether it may keep the process alive. */
  keepsAlive = true;
  /** The run loop of the coroutine that waits, which decides whether it keeps the process alive; `null`: it does. */
  loop: CoroLoop | null = null;
  /** How many words its arguments take in the ring; 0 if they travel by port. */
  readonly words: number;
  /** Whether its arguments are primitive values and bytes, which are copied and moved in place of being cloned. */
  readonly ofBytes: boolean;
  /** The worker that has it. */
  worker: TaskWorker | null = null;
  /** Whether no other task is in its port message: it moves something, or a message with others could not be read. */
  alone: boolean;
  /** The objects that were moved to the pool and move on to the worker. */
  moved: readonly Transferable[] = [];
  /** The position of its state word in the stream of words to the worker, and its index in the ring. */
  position = 0;
  slot = 0;
  /** The timer that replaces the worker, once the task has been cancelled after it had begun. */
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
    this.ofBytes = this.words === 0 && plan.transfer.length === 0 && areBytes(args);
    // Copied, so that later changes by the caller do not change the task. Primitive values are copies anyway.
    if (this.ofBytes) this.args = copyArguments(args, []);
    else this.args = this.words > 0 || plan.transfer.length > 0 ? args : structuredClone(args);
  }

  /** The arguments for a port message. Adds what is moved with them. Of bytes copies are moved: it may be sent again. */
  argumentsToSend(moved: Transferable[]): readonly unknown[] {
    if (this.ofBytes) return copyArguments(this.args, moved);
    moved.push(...this.moved);
    return this.args;
  }

  /** Moves the objects to be transferred from the caller to the pool. */
  takeTransfers(): void {
    const { transfer } = this.plan;
    if (transfer.length === 0) return;
    const list = [...transfer];
    [this.args, this.moved] = structuredClone([this.args, list] as const, { transfer: list }) as [
      unknown[],
      Transferable[],
    ];
  }

  /** Whether only a worker without other tasks may get it: it could not be taken back, or it is a stream. */
  get exclusive(): boolean {
    return this.plan.stream || this.plan.transfer.length > 0;
  }
}

/** The size of the arguments in the ring plus 1; 0 if they are too many or cannot be in the ring. */
function wordsOf(args: readonly unknown[]): number {
  let words = 1;
  for (const arg of args) {
    const size = Ring.sizeOf(arg);
    if (size === 0 || (words += size) > MAX_ARGUMENT_WORDS) return 0;
  }
  return words;
}

/** Whether arguments are primitive values and bytes, each with a buffer of its own. */
function areBytes(args: readonly unknown[]): boolean {
  const buffers = args.filter((arg) => !isPrimitive(arg)).map(tools.bufferOf);
  return !buffers.includes(null) && new Set(buffers).size === buffers.length;
}

/** Symbols are left to structured clone, which refuses them. */
function isPrimitive(value: unknown): boolean {
  return value === null || !["object", "function", "symbol"].includes(typeof value);
}

/** Copies such arguments. Adds the buffers of the copies to `buffers`. */
function copyArguments(args: readonly unknown[], buffers: Transferable[]): unknown[] {
  return args.map((arg) => {
    if (isPrimitive(arg)) return arg;
    const { copy, buffer } = tools.copy(arg as Bytes);
    buffers.push(buffer);
    return copy;
  });
}
