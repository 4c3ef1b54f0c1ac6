import { describe } from "../base/describe.ts";
import { QueueFullError } from "../base/errors.ts";
import { checkOptions } from "../base/options.ts";
import { checkCapacity, checkOverflow, type Overflow } from "../base/overflow.ts";
import { Items } from "../coroutine/items.ts";
import { HostItems } from "./host_items.ts";
import { whileOwned } from "./while_owned.ts";

/** What happens to an event for which there is no room. */
export type EventOverflow = Exclude<Overflow, "wait">;

/** Options of {@linkcode events}. */
export interface EventsOptions {
  /** How many events are kept that no coroutine has taken; any number by default. */
  readonly capacity?: number;
  /**
   * What happens when that many are kept and another one comes: the oldest is dropped (the default), the new one is
   * dropped, or it ends with `QueueFullError`.
   */
  readonly overflow?: EventOverflow;
}

const ACTION = "listen to events";
const OPTIONS: readonly string[] = ["capacity", "overflow"];

/** Listens to one type of event and keeps the events that no coroutine waits for. */
class Events<E> extends HostItems<E> {
  readonly #target: EventTarget;
  readonly #type: string;
  readonly #capacity: number;
  readonly #overflow: EventOverflow;
  readonly #release: () => void;

  constructor(target: EventTarget, type: string, { capacity = Infinity, overflow = "drop-oldest" }: EventsOptions) {
    super();
    this.#target = target;
    this.#type = type;
    this.#capacity = capacity;
    this.#overflow = overflow;
    target.addEventListener(type, this.#came);
    this.#release = whileOwned(() => this.finish());
  }

  get awaits(): string {
    return `the next event ${describe(this.#type)}`;
  }

  readonly #came = (event: unknown): void => {
    if (!this.awaited && this.kept.length >= this.#capacity && !this.#makeRoom()) return;
    this.offer(event as E);
  };

  /** Whether the event that has come is to be kept. */
  #makeRoom(): boolean {
    if (this.#overflow === "throw") {
      const reason = `${this.#capacity} events ${describe(this.#type)} are kept that no coroutine has taken`;
      const error = new QueueFullError(`Cannot keep another event as ${reason}: take them faster or raise 'capacity'`);
      this.finish({ error });
      return false;
    }
    if (this.#overflow === "drop-newest" || this.#capacity === 0) return false;
    while (this.kept.length >= this.#capacity) this.dropOldest();
    return true;
  }

  protected override finish(failure: { readonly error: unknown } | null = null): void {
    if (this.finished) return;
    super.finish(failure);
    this.#target.removeEventListener(this.#type, this.#came);
    this.#release();
  }

  // Events come without being asked for.
  protected override demand(): void {}

  protected override stop(): void {}
}

/**
 * The events of one type that an `EventTarget` dispatches, such as a `WebSocket`, a `MessagePort` or an `AbortSignal`.
 *
 * It listens from the call on, and keeps the events for which no coroutine waits. It stops when its `forEach` or loop
 * ends, when the items are disposed of, and when the coroutine that called `events` ends. In the last case other
 * coroutines can still take the events that are kept. Then `next` gives `null`. If no coroutine called it, use a loop
 * or `using`.
 *
 * @typeParam E The type of the events, which the compiler does not check.
 * @param target What dispatches the events.
 * @param type Their type, such as `"message"`.
 * @param options See {@linkcode EventsOptions}.
 * @throws {TypeError} If `target` is not an `EventTarget`, `type` is not a string, or `overflow` is not one of its
 * values.
 * @throws {RangeError} If `capacity` is neither a whole number from 0 nor `Infinity`.
 * @throws {QueueFullError} At the yield, if `overflow` is `"throw"` and there was no room for an event.
 *
 * @example
 * ```ts
 * import { Coro, events, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* (coro) {
 *   const { port1, port2 } = new MessageChannel();
 *   using messages = events<MessageEvent>(port1, "message");
 *   port1.start();
 *   port2.postMessage("hello");
 *   const message = yield* messages.next();
 *   assertEquals(message?.data, "hello");
 *   port1.close();
 *   port2.close();
 * });
 * ```
 */
export function events<E = Event>(
  target: EventTarget,
  type: string,
  options: EventsOptions = {},
): Items<E> {
  checkTarget(target);
  if (typeof type !== "string") throw cannot(`'type' must be a string`, type);
  checkEventsOptions(options);
  return new Items(new Events<E>(target, type, options));
}

function checkTarget(target: unknown): void {
  const candidate = target as Partial<EventTarget> | null | undefined;
  if (typeof candidate?.addEventListener === "function" && typeof candidate.removeEventListener === "function") return;
  throw cannot("'target' must be an EventTarget", target);
}

function checkEventsOptions(options: EventsOptions): void {
  checkOptions(options, OPTIONS, ACTION);
  const { capacity = Infinity, overflow = "drop-oldest" } = options;
  if (checkOverflow(overflow, ACTION) === "wait") {
    throw cannot("events do not wait for room, 'overflow' must be drop-oldest, drop-newest or throw", overflow);
  }
  checkCapacity(capacity, 0, ACTION);
}

function cannot(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot ${ACTION} as ${reason}: current value is ${describe(value)}`);
}
