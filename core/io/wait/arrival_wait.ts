import type { Coro } from "../../coroutine/coro.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { IoLimit } from "./io_options.ts";
import { IoWait } from "./io_wait.ts";

/** A source of whole items: a listener of connections, a socket of datagrams. */
export interface ArrivalSource<T> {
  /** Takes the wait of a coroutine into the queue, or settles it at once. */
  enqueue(wait: ArrivalWait<T>, coro: Coro): void;
  /** Takes it out of the queue. */
  dequeue(wait: ArrivalWait<T>): void;
  /** Updates whether the host operation keeps the process alive, for a coroutine that waits. */
  updateKeepAlive(coro: Coro): void;
  /** Takes back an item that was granted to a wait but not handed over. */
  putBack(item: T): void;
  /** Its address, in words. */
  toString(): string;
}

/** How an {@linkcode ArrivalWait} is called. */
export interface ArrivalLabels {
  /** The operation's name. */
  readonly label: string;
  /** What cannot be done if the limit is wrong. */
  readonly action: string;
  /** What arrives, with its article. */
  readonly item: string;
}

/** Waits for the next item that arrives at a source. */
export class ArrivalWait<T> extends IoWait<T> {
  readonly #source: ArrivalSource<T>;
  readonly #labels: ArrivalLabels;

  constructor(source: ArrivalSource<T>, limit: IoLimit, labels: ArrivalLabels) {
    super(limit, Infinity, labels.action);
    this.#source = source;
    this.#labels = labels;
  }

  override get label(): string {
    return this.#labels.label;
  }

  override get waitsFor(): string {
    return `${this.#labels.item} to ${this.#source}`;
  }

  protected override register(fiber: Fiber): void {
    this.#source.enqueue(this, fiber.owner);
  }

  protected override unregister(): void {
    this.#source.dequeue(this);
  }

  protected override updateKeepAlive(coro: Coro): void {
    this.#source.updateKeepAlive(coro);
  }

  override reclaim(): void {
    this.#source.putBack(this.outcome as T);
  }
}
