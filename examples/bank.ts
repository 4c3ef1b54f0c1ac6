/**
 * A bank of actors: accounts book one request after the other, the bank asks two of them for each transfer, and a
 * supervisor restarts those that fail. No money is lost or made: an account that was asked twice books once.
 *
 *     deno run examples/bank.ts
 *
 * `tests/examples/bank_test.ts` runs it in virtual time, with many seeds, failures and clients that leave, and checks
 * the total.
 */
import { type Coro, main, supervise } from "@asyncoro/asyncoro";
import { account, type Ledger, ledger, RefusedError, type Trouble } from "./bank/account.ts";
import { bank, type Transfer } from "./bank/bank.ts";

const ledgers: Record<string, Ledger> = { Ann: ledger(100), Ben: ledger(50), Cai: ledger(0) };

/** Fails at certain bookings. */
function failingAt(...numbers: readonly number[]): Trouble {
  let count = 0;
  return function* () {
    if (numbers.includes(++count)) throw new Error("power cut");
  };
}

function show(): void {
  const balances = Object.entries(ledgers).map(([name, { balance }]) => `${name} ${balance}`);
  const total = Object.values(ledgers).reduce((sum, { balance }) => sum + balance, 0);
  console.log(`${balances.join(", ")}; total ${total}`);
}

function* client(_coro: Coro, clerk: Coro, transfers: readonly Transfer[]): Generator<unknown, void, unknown> {
  for (const transfer of transfers) {
    const { id, from, to, amount } = transfer;
    try {
      yield* clerk.ask(transfer, 30);
      console.log(`${id}: ${from} has paid ${amount} to ${to}`);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      console.log(`${id}: ${error.message}`);
    }
  }
}

main(function* (coro) {
  show();
  // Ben fails when it has booked the first transfer and has not answered yet, and before it books the second one.
  const troubles: Record<string, Trouble> = { Ann: failingAt(), Ben: failingAt(2, 5), Cai: failingAt() };
  const accounts = supervise(
    Object.keys(ledgers).map((name) => ({ name, target: account, args: [ledgers[name], troubles[name]] })),
    { onRestart: (child, error) => console.log(`${child.name} was restarted: ${(error as Error).message}`) },
  );
  // An account that is restarted is the same coroutine.
  const coros = new Map(accounts.children().map(({ name, coro }) => [name, coro]));
  const clerk = coro.scheduler.spawnWith({ name: "bank" }, bank, coros);
  yield* client(coro, clerk, [
    { id: "t1", from: "Ann", to: "Ben", amount: 30 },
    { id: "t2", from: "Ben", to: "Cai", amount: 70 },
    { id: "t3", from: "Cai", to: "Ann", amount: 500 },
    // The same as before: whoever gets no answer may ask again.
    { id: "t2", from: "Ben", to: "Cai", amount: 70 },
  ]);
  clerk.send("close");
  yield* clerk.finish();
  accounts.terminate();
  yield* accounts.finish();
  show();
});
