/** The bank: an actor that transfers money between accounts. */
import { type Ask, type Coro, retry, scope, shield } from "@asyncoro/asyncoro";
import { type Booking, RefusedError } from "./account.ts";

const ANSWER_SECONDS = 1;

/** A request to the bank. It has no answer but that it was done; or the error that the account has thrown. */
export interface Transfer {
  /** Whoever asks again for the same transfer gives the same id. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

type TransferAsk = Ask<Transfer, void>;
type Accounts = ReadonlyMap<string, Coro>;

/** Serves transfers, each in a coroutine of its own, until it is sent "close"; then it finishes those under way. */
export function* bank(coro: Coro, accounts: Accounts): Generator<unknown, void, unknown> {
  // Who asked for the transfers that are under way.
  const underWay = new Map<string, TransferAsk[]>();
  yield* scope(function* (scope) {
    for (;;) {
      const request = yield* coro.receive<TransferAsk | "close">();
      if (request === "close") return;
      const { id } = request.message;
      const asks = underWay.get(id);
      if (asks !== undefined) {
        asks.push(request);
        continue;
      }
      underWay.set(id, [request]);
      scope.spawn(function* () {
        // Even if the bank is terminated now, the money must not be left between two accounts.
        yield* shield(serve(request.message, underWay, accounts));
      });
    }
  });
}

/** Makes a transfer, and answers all who have asked for it. */
function* serve(request: Transfer, underWay: Map<string, TransferAsk[]>, accounts: Accounts) {
  let answer = (ask: TransferAsk) => ask.reply();
  try {
    yield* transfer(request, accounts);
  } catch (error) {
    answer = (ask) => ask.fail(error);
  }
  for (const ask of underWay.get(request.id)!) answer(ask);
  underWay.delete(request.id);
}

function* transfer({ id, from, to, amount }: Transfer, accounts: Accounts) {
  const [source, target] = [from, to].map((name) => accounts.get(name));
  if (source === undefined || target === undefined) throw new RefusedError(`No account: ${from} or ${to}`);
  if (!(Number.isInteger(amount) && amount > 0)) throw new RefusedError(`Cannot transfer ${amount}`);
  yield* book(source, { id: `${id} out`, amount: -amount });
  yield* book(target, { id: `${id} in`, amount });
}

/** Asks an account until it answers. One that has failed or is slow may have booked all the same: the id tells it. */
function book(account: Coro, booking: Booking) {
  const ask = function* () {
    return yield* account.ask<number>(booking, ANSWER_SECONDS);
  };
  return retry(ask, {
    times: Infinity,
    delay: 0.01,
    maxDelay: 0.5,
    when: (error) => !(error instanceof RefusedError),
  });
}
