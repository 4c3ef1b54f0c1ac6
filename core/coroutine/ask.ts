/**
 * Requests: messages that wait for an answer.
 *
 * `ask_operation.ts` waits for the answer, and says what happens if the recipient ends.
 */
import type { Coro } from "./coro.ts";
import { DROPPED, SHOWN } from "./message_hooks.ts";

/** What waits for the answer to a request. */
export interface Asker {
  /** The answer. */
  replied(value: unknown): void;
  /** There will be no answer, but this error. */
  failed(error: unknown): void;
  /** The message was dropped, as the mailbox of the recipient is full. */
  askDropped(): void;
}

/**
 * The message that {@linkcode Coro.ask} sends: a request that waits for an answer.
 *
 * The recipient replies once, at any time, with {@linkcode Ask.reply} or {@linkcode Ask.fail}. It may pass the request
 * on to another coroutine, which may reply as long as the recipient has not ended.
 *
 * @typeParam Q The type of the request.
 * @typeParam R The type of the answer.
 *
 * @example
 * ```ts
 * import { type Ask, Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const server = new Coro(function* (coro) {
 *     const request = yield* coro.receive<Ask<string, number>>();
 *     request.reply(request.message.length);
 *   });
 *   assertEquals(yield* server.ask<number>("four"), 4);
 * });
 * ```
 */
export class Ask<Q = unknown, R = unknown> {
  /** What is asked. */
  declare readonly message: Q;
  /** The coroutine that asks; `null` if it is not known here. */
  declare readonly from: Coro | null;
  /** @internal Code of the program may have it: then it is not certain who will answer. */
  seen = false;
  #asker: Asker | null;

  /** @internal */
  constructor(message: Q, from: Coro | null, asker: Asker) {
    this.message = message;
    this.from = from;
    this.#asker = asker;
  }

  /** Whether the asker still waits for the answer. */
  get open(): boolean {
    return this.#asker !== null;
  }

  /**
   * Sends the answer.
   *
   * @param value The value of the asker's `ask`.
   * @returns Whether the asker still waited. A late or second answer has no effect.
   */
  reply(value: R): boolean {
    const asker = this.close();
    asker?.replied(value);
    return asker !== null;
  }

  /**
   * Sends an error as the answer: it is thrown where the asker waits.
   *
   * @param error Thrown at the asker's `yield`.
   * @returns Whether the asker still waited. A late or second answer has no effect.
   */
  fail(error: unknown): boolean {
    const asker = this.close();
    asker?.failed(error);
    return asker !== null;
  }

  /** @internal */
  [DROPPED](): void {
    this.close()?.askDropped();
  }

  /** @internal */
  [SHOWN](): void {
    this.seen = true;
  }

  /** @internal Nobody waits any more. Returns who did. */
  close(): Asker | null {
    const asker = this.#asker;
    this.#asker = null;
    return asker;
  }
}
