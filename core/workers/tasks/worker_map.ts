/** Parallel map: the same task for each of many items. */
import { describe } from "../../base/describe.ts";
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import { Operation, WAITING } from "../../fiber/operation.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import { ResultStream } from "./result_stream.ts";
import { Task, type TaskOwner, type TaskPlan } from "../pool/task.ts";
import type { Target } from "../pool/targets.ts";

/** Options of {@linkcode WorkerPool.map}. */
export interface MapOptions {
  /** Items that are in work, or done and not taken yet, at the most; 16 for each worker by default. */
  readonly concurrency?: number;
  /** Whether results come in the order of the items, which is the default, or as they are done. */
  readonly ordered?: boolean;
  /** Told after each item how many are done, and of how many (`null` if the items have no length). */
  readonly onProgress?: (done: number, total: number | null) => void;
  /** 0 (first) to 7 (last); 4 by default. */
  readonly priority?: number;
}

/** @internal What a map is made of; all checked. */
export interface MapPlan {
  readonly dispatcher: Dispatcher;
  readonly items: Iterable<unknown>;
  readonly target: Target;
  readonly task: TaskPlan;
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly onProgress: ((done: number, total: number | null) => void) | undefined;
}

interface Sink {
  /** Whether results are kept by the sink until they are taken. */
  readonly keeps: boolean;
  result(value: unknown, index: number): void;
  ended(): void;
  failed(error: unknown): void;
}

/** Submits items as there is room, and hands results over in order. */
class MapJob {
  readonly #plan: MapPlan;
  readonly #sink: Sink;
  // What is mapped and who is told of progress are the caller's, whoever brings the news.
  readonly #hostContext: HostContext = captureContext();
  readonly #items: Iterator<unknown>;
  readonly #total: number | null;
  readonly #scheduler: Scheduler | null;
  readonly #active: Set<Task> = new Set();
  readonly #early: Map<number, unknown> = new Map();
  #index = 0;
  #next = 0;
  #done = 0;
  #untaken = 0;
  #exhausted = false;
  #over = false;
  #filling = false;

  constructor(plan: MapPlan, sink: Sink, fiber: Fiber | null) {
    this.#plan = plan;
    this.#sink = sink;
    this.#scheduler = fiber === null ? null : coroOf(fiber).scheduler;
    this.#items = plan.items[Symbol.iterator]();
    this.#total = lengthOf(plan.items);
  }

  /** Submits as many as may be in work. */
  fill(): void {
    withinContext(this.#hostContext, () => this.#fill());
  }

  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    try {
      while (!this.#over && !this.#exhausted && this.#active.size + this.#untaken < this.#plan.concurrency) {
        const step = this.#items.next();
        if (step.done) this.#exhausted = true;
        else this.#submit(step.value, this.#index++);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#filling = false;
    }
    if (this.#exhausted && !this.#over && this.#active.size === 0) {
      this.#over = true;
      this.#sink.ended();
    }
  }

  #submit(item: unknown, index: number): void {
    const { dispatcher, target, task: plan } = this.#plan;
    const owner: TaskOwner = {
      settled: (ok, value) => {
        this.#active.delete(task);
        if (this.#over) return;
        if (ok) this.#came(value, index);
        else this.#fail(value);
      },
    };
    const task = new Task(target, [item, index], plan, owner);
    task.scheduler = this.#scheduler;
    this.#active.add(task);
    try {
      dispatcher.submit(task);
    } catch (error) {
      this.#active.delete(task);
      throw error;
    }
  }

  #came(value: unknown, index: number): void {
    this.#untaken++;
    try {
      const { onProgress } = this.#plan;
      this.#done++;
      if (onProgress !== undefined) withinContext(this.#hostContext, () => onProgress(this.#done, this.#total));
    } catch (error) {
      return this.#fail(error);
    }
    if (!this.#plan.ordered) this.#give(value, index);
    else {
      this.#early.set(index, value);
      while (this.#early.has(this.#next)) {
        const first = this.#early.get(this.#next);
        this.#early.delete(this.#next);
        this.#give(first, this.#next++);
      }
    }
    this.fill();
  }

  #give(value: unknown, index: number): void {
    if (!this.#sink.keeps) this.#untaken--;
    this.#sink.result(value, index);
  }

  /** A result that the sink kept was taken. */
  taken(): void {
    this.#untaken--;
    this.fill();
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.stop();
    this.#sink.failed(error);
  }

  /** Cancels what is in work. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    for (const task of this.#active) this.#plan.dispatcher.cancel(task);
    this.#active.clear();
    this.#early.clear();
    if (this.#exhausted) return;
    this.#exhausted = true;
    withinContext(this.#hostContext, () => this.#items.return?.());
  }
}

function lengthOf(items: Iterable<unknown>): number | null {
  const { length, size } = items as { length?: unknown; size?: unknown };
  return typeof length === "number" ? length : typeof size === "number" ? size : null;
}

/**
 * A parallel map: `yield*` it for an array of all results, or take them as they come from its {@linkcode stream}.
 *
 * The first failure cancels the rest and is thrown.
 */
export class WorkerMap<R> extends Operation<R[]> {
  /** @internal */
  readonly label: string = "map";
  readonly #plan: MapPlan;
  #job: MapJob | null = null;
  #loop: Loop | null = null;

  /** @internal */
  constructor(plan: MapPlan) {
    super();
    this.#plan = plan;
  }

  /** The results as they come, instead of all at the end. */
  stream(): ResultStream<R> {
    return new MapStream<R>(this.#plan);
  }

  /** @internal */
  override begin(fiber: Fiber): boolean {
    const results: unknown[] = [];
    const { ordered } = this.#plan;
    const job = this.#job = new MapJob(this.#plan, {
      keeps: false,
      result: (value, index) => ordered ? results[index] = value : results.push(value),
      ended: () => this.#leave() ? this.resolve(results) : this.give(results),
      failed: (error) => this.#leave() ? this.reject(error) : this.fail(error),
    }, fiber);
    job.fill();
    if (this.state !== WAITING) return true;
    this.#loop = fiber.loop;
    fiber.loop.hostOperations++;
    return false;
  }

  #leave(): boolean {
    if (this.#loop === null) return false;
    this.#loop.hostOperations--;
    this.#loop = null;
    return true;
  }

  /** @internal */
  override detach(): void {
    this.#leave();
    this.#job!.stop();
  }

  /** @internal */
  override swappable(): boolean {
    return false;
  }
}

class MapStream<R> extends ResultStream<R> {
  readonly #plan: MapPlan;
  #job: MapJob | null = null;

  constructor(plan: MapPlan) {
    super();
    this.#plan = plan;
  }

  protected override start(fiber: Fiber | null): void {
    this.#job = new MapJob(this.#plan, {
      keeps: true,
      result: (value) => this.push(value as R),
      ended: () => this.finish({ ok: true, value: undefined }),
      failed: (error) => this.finish({ ok: false, error }),
    }, fiber);
    this.#job.fill();
  }

  protected override taken(): void {
    this.#job!.taken();
  }

  protected override stop(): void {
    this.#job!.stop();
  }
}

/** The options of a map, checked, with the standard concurrency of the pool. */
export function checkMap(
  items: unknown,
  options: MapOptions,
  standard: number,
): { concurrency: number; ordered: boolean } {
  if (typeof (items as Iterable<unknown> | null)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`Cannot map as 'items' must be iterable: current value is ${describe(items)}`);
  }
  const { concurrency = standard, ordered = true, onProgress } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`Cannot map as 'concurrency' must be a whole number from 1: current value is ${concurrency}`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`Cannot map as 'onProgress' must be a function: current value is ${describe(onProgress)}`);
  }
  return { concurrency, ordered };
}
