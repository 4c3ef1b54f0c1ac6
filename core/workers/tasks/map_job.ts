/** The work of a parallel map: submits items as far as there is room, and gives the results in order. */
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import type { Target } from "../pool/targets.ts";
import { Task, type TaskOwner, type TaskPlan } from "../pool/task.ts";

/** A checked call of a map. */
export interface MapPlan {
  readonly dispatcher: Dispatcher;
  readonly items: Iterable<unknown>;
  readonly target: Target;
  readonly task: TaskPlan;
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly onProgress: ((done: number, total: number | null) => void) | undefined;
}

/** Receives the results of a parallel map. */
export interface MapSink {
  /** Whether it keeps results until they are taken. */
  readonly keeps: boolean;
  result(value: unknown, index: number): void;
  ended(): void;
  failed(error: unknown): void;
}

/** See the head of this file. */
export class MapJob {
  readonly #plan: MapPlan;
  readonly #sink: MapSink;
  // Items are taken and progress is reported in the caller's context.
  readonly #hostContext: HostContext = captureContext();
  readonly #items: Iterator<unknown>;
  readonly #total: number | null;
  readonly #loop: CoroLoop | null;
  readonly #active: Set<Task> = new Set();
  // Results that arrived before those of earlier items, by the index of the item.
  readonly #early: Map<number, unknown> = new Map();
  // The index of the next item to be submitted, and that of the next result to be given.
  #index = 0;
  #next = 0;
  #done = 0;
  // How many results arrived and were not taken.
  #untaken = 0;
  #exhausted = false;
  #over = false;
  #filling = false;

  constructor(plan: MapPlan, sink: MapSink, fiber: Fiber | null) {
    this.#plan = plan;
    this.#sink = sink;
    this.#loop = fiber === null ? null : coroOf(fiber).loop;
    this.#items = plan.items[Symbol.iterator]();
    this.#total = lengthOf(plan.items);
  }

  /** Submits as many items as there is room for. */
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
        if (ok) this.#arrived(value, index);
        else this.#fail(value);
      },
    };
    const task = new Task(target, [item, index], plan, owner);
    task.loop = this.#loop;
    this.#active.add(task);
    try {
      dispatcher.submit(task);
    } catch (error) {
      this.#active.delete(task);
      throw error;
    }
  }

  #arrived(value: unknown, index: number): void {
    this.#untaken++;
    this.#done++;
    const { onProgress, ordered } = this.#plan;
    try {
      if (onProgress !== undefined) withinContext(this.#hostContext, () => onProgress(this.#done, this.#total));
    } catch (error) {
      return this.#fail(error);
    }
    if (ordered) this.#giveInOrder(value, index);
    else this.#give(value, index);
    this.fill();
  }

  #giveInOrder(value: unknown, index: number): void {
    this.#early.set(index, value);
    while (this.#early.has(this.#next)) {
      const first = this.#early.get(this.#next);
      this.#early.delete(this.#next);
      this.#give(first, this.#next++);
    }
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

  /** Cancels the tasks that were submitted. */
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
