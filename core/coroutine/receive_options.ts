import { describe } from "../base/describe.ts";
import type { Timeout } from "../base/duration.ts";
import { type LimitOptions, limitSeconds } from "../base/limit.ts";
import { checkOptions } from "../base/options.ts";

/** The limit of a {@linkcode Coro.receive}, and its value after a timeout. */
export interface ReceiveLimit<A = unknown> {
  /** The longest wait: seconds, or a duration; zero or less does not wait. */
  readonly timeout?: Timeout;
  /** Ends the wait when it is aborted: its reason is thrown at the yield. */
  readonly signal?: AbortSignal;
  /** The value of the operation after a timeout; `undefined` by default. */
  readonly alarm?: A;
}

/** Options of {@linkcode Coro.receive}. */
export interface ReceiveOptions<T = unknown, A = unknown> extends ReceiveLimit<A> {
  /**
   * Returns whether the message is wanted; without it any message is. It runs in the name and the context of the
   * coroutine that receives, at most once for each message. If it throws, the error is thrown at the yield, and the
   * message stays.
   */
  readonly where?: (message: T) => boolean;
}

/** Options of {@linkcode Coro.receive} that set no time. */
export interface ReceiveOptionsWithoutTimeout<T = unknown> extends ReceiveOptions<T> {
  /** There is no limit of time. */
  readonly timeout?: null;
  /** May not be given, as it is what a timeout returns. */
  readonly alarm?: undefined;
}

/** Options of {@linkcode Coro.receive} whose `where` tells the type of the message. */
export interface ReceiveGuardOptions<T> {
  /** Returns whether the message is of the type that is wanted. */
  // deno-lint-ignore no-explicit-any -- a function may name the type of the messages that its coroutine gets
  readonly where: (message: any) => message is T;
  /** Ends the wait when it is aborted: its reason is thrown at the yield. */
  readonly signal?: AbortSignal;
}

/** Options with their defaults. */
interface CheckedReceiveOptions {
  // deno-lint-ignore no-explicit-any -- messages may be of any type
  readonly where: ((message: any) => boolean) | undefined;
  readonly limit: LimitOptions;
  readonly seconds: number;
  readonly alarm: unknown;
}

const KEYS = ["where", "timeout", "signal", "alarm"];

/** Whether the first argument of a receive is its options, and not a limit of another kind. */
export function isReceiveOptions(value: unknown): value is ReceiveOptions {
  return typeof value === "object" && value !== null && KEYS.some((key) => Object.hasOwn(value, key));
}

/** Returns the options, if they are valid. `alarmValue` is the second argument of the receive. */
export function checkReceiveOptions(options: ReceiveOptions, alarmValue: unknown): CheckedReceiveOptions {
  checkOptions(options, KEYS, "receive");
  const { where, alarm = alarmValue, timeout, signal } = options;
  if (where !== undefined && typeof where !== "function") {
    throw new TypeError(`Cannot receive as 'where' must be a function: current value is ${describe(where)}`);
  }
  const limit = { timeout, signal };
  return { where, limit, seconds: limitSeconds(limit, "receive"), alarm };
}
