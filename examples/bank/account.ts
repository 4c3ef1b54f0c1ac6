/** An account: an actor that books one request after the other, each of them once. */
import type { Ask, Coro } from "@asyncoro/asyncoro";

/** What an account must not forget when it fails. In a real bank it is in a database. */
export interface Ledger {
  balance: number;
  /** The bookings that were made, by their ids. */
  readonly booked: Set<string>;
}

/** A request to an account. Its answer is the new balance. */
export interface Booking {
  /** Who gets no answer asks again with the same id. */
  readonly id: string;
  /** Less than 0 to withdraw. */
  readonly amount: number;
}

/** An account does not cover what is to be withdrawn. */
export class RefusedError extends Error {
  override name = "RefusedError";
}

/** What may happen to an account before a booking, and between a booking and its answer: it may wait, and it may throw. */
export type Trouble = () => Generator<unknown, void, unknown>;

/** Makes an empty account. */
export function ledger(balance: number): Ledger {
  return { balance, booked: new Set() };
}

/** The account. When it fails, the one that follows goes on with the same ledger and the same mailbox. */
export function* account(coro: Coro, ledger: Ledger, trouble: Trouble): Generator<unknown, void, unknown> {
  for (;;) {
    const request = yield* coro.receive<Ask<Booking, number>>();
    // Whoever gave up has asked again: such requests must not keep the others waiting.
    if (!request.open) continue;
    const { id, amount } = request.message;
    yield* trouble();
    if (!ledger.booked.has(id)) {
      if (ledger.balance + amount < 0) {
        request.fail(new RefusedError(`Cannot withdraw ${-amount}: current balance is ${ledger.balance}`));
        continue;
      }
      // No other coroutine runs between these two.
      ledger.balance += amount;
      ledger.booked.add(id);
    }
    yield* trouble();
    request.reply(ledger.balance);
  }
}
