/** Parallel map: the same task for each of many items. */
import { describe } from "../../base/describe.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { HostWait } from "../../fiber/host_wait.ts";
import { WAITING } from "../../fiber/operation.ts";
import { MapJob, type MapPlan } from "./map_job.ts";
import { ResultStream } from "./result_stream.ts";

/** Options of {@linkcode WorkerPool.map}. */
export interface MapOptions {
  /** How many items are in work, or done and not taken yet, at the most; 16 for each worker by default. */
  readonly concurrency?: number;
  /** Whether results are in the order of the items, which is the default, or in the order in which they are done. */
  readonly ordered?: boolean;
  /** Called after each item with the number of items done, and of all items (`null` if `items` has no length). */
  readonly onProgress?: (done: number, total: number | null) => void;
  /** 0 (first) to 7 (last); 4 by default. */
  readonly priority?: number;
}

/**
 * A parallel map: `yield*` it for an array of all results, or take them as they arrive from its {@linkcode stream}.
 *
 * The first failure cancels the rest and is thrown.
 */
export class WorkerMap<R> extends HostWait<R[]> {
  /** @internal */
  readonly label: string = "map";
  readonly #plan: MapPlan;
  #job: MapJob | null = null;

  /** @internal */
  constructor(plan: MapPlan) {
    super();
    this.#plan = plan;
  }

  /** The results as they arrive, instead of all at the end. */
  stream(): ResultStream<R> {
    return new MapStream<R>(this.#plan);
  }

  /** @internal */
  override begin(fiber: Fiber): boolean {
    const results: unknown[] = [];
    const { ordered } = this.#plan;
    this.#job = new MapJob(this.#plan, {
      keeps: false,
      result: (value, index) => ordered ? results[index] = value : results.push(value),
      ended: () => this.settle(results),
      failed: (error) => this.settleError(error),
    }, fiber);
    this.#job.fill();
    if (this.state !== WAITING) return true;
    this.count(fiber);
    return false;
  }

  /** @internal */
  override detach(): void {
    this.uncount();
    this.#job!.stop();
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

/** Checks the items and options of a map. `standard` is the concurrency if the options have none. */
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
    throw new RangeError(`Cannot map as 'concurrency' must be a positive integer: current value is ${concurrency}`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`Cannot map as 'onProgress' must be a function: current value is ${describe(onProgress)}`);
  }
  return { concurrency, ordered };
}
