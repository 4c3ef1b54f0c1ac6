/**
 * The example bank in virtual time: with each seed, other accounts fail or are slow, and coroutines run in another order.
 * Whatever happens, the total stays, no balance is below zero, and what a client was told is true.
 */
import { assert, assertEquals } from "@std/assert";
import { type Coro, NoReplyError, retry, sleep, supervise, TimeoutError } from "@asyncoro/asyncoro";
import { runVirtualWith } from "@asyncoro/asyncoro/testing";
import { account, type Ledger, ledger, RefusedError } from "../../examples/bank/account.ts";
import { bank, type Transfer } from "../../examples/bank/bank.ts";

const SEEDS = 60;
const NAMES = ["Ann", "Ben", "Cai", "Dan", "Eve"];
const CLIENTS = 6;
const TRANSFERS = 4;
const INITIAL = 100;

/** Random numbers from 0 to 1 by a seed. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A day of the bank. */
class Day {
  readonly ledgers: Record<string, Ledger> = Object.fromEntries(NAMES.map((name) => [name, ledger(INITIAL)]));
  readonly log: string[] = [];
  readonly done: Transfer[] = [];
  readonly refused: Transfer[] = [];
  restarts = 0;
  readonly random: () => number;
  #transfers = 0;

  constructor(seed: number) {
    this.random = randomBy(seed);
  }

  #oneOf<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)];
  }

  /** Opens the bank. */
  open(coro: Coro): { accounts: Coro; clerk: Coro } {
    const accounts = supervise(
      NAMES.map((name) => ({ name, target: account, args: [this.ledgers[name], () => trouble(this)] })),
      { maxRestarts: Infinity, backoff: 0.1, onRestart: () => void this.restarts++ },
    );
    const coros = new Map(accounts.children().map(({ name, coro }) => [name, coro]));
    return { accounts, clerk: coro.scheduler.spawnWith({ name: "bank" }, bank, coros) };
  }

  clients(clerk: Coro): Coro[] {
    const { scheduler } = clerk;
    return Array.from({ length: CLIENTS }, (_, i) => scheduler.spawnWith({ name: `client ${i}` }, client, this, clerk));
  }

  newTransfer(): Transfer {
    const from = this.#oneOf(NAMES);
    const to = this.#oneOf(NAMES);
    return { id: `t${this.#transfers++}`, from, to, amount: 1 + Math.floor(this.random() * 60) };
  }

  check(): void {
    const balances = Object.values(this.ledgers).map(({ balance }) => balance);
    assertEquals(balances.reduce((sum, balance) => sum + balance), INITIAL * NAMES.length);
    assert(balances.every((balance) => balance >= 0), String(balances));
    const out = new Set<string>();
    for (const { booked } of Object.values(this.ledgers)) for (const id of booked) out.add(id);
    for (const { id } of this.done) assert(out.has(`${id} out`) && out.has(`${id} in`), `${id} was not done`);
    // All that left an account came to another one.
    for (const id of out) assert(out.has(id.replace("out", "in")) && out.has(id.replace("in", "out")), id);
  }
}

/** What happens to accounts: sometimes one is slow, even slower than the bank waits, or fails. */
function* trouble({ random }: Day): Generator<unknown, void, unknown> {
  if (random() < 0.3) yield* sleep(random() * 2);
  if (random() < 0.1) throw new Error("power cut");
}

/** A client that is impatient: it asks again for the same transfer. It leaves when the bank is closed. */
function* client(coro: Coro, day: Day, clerk: Coro): Generator<unknown, void, unknown> {
  for (let i = 0; i < TRANSFERS; i++) {
    yield* sleep(day.random());
    const transfer = day.newTransfer();
    const ask = function* () {
      yield* clerk.ask(transfer, day.random() * 5);
    };
    try {
      yield* retry(ask, { times: Infinity, when: (error) => error instanceof TimeoutError });
      day.done.push(transfer);
    } catch (error) {
      if (error instanceof NoReplyError) return;
      if (!(error instanceof RefusedError)) throw error;
      day.refused.push(transfer);
    }
    day.log.push(`${coro.name} ${transfer.id}`);
  }
}

/** Runs a body with each seed, and names the seed that fails. */
async function withSeeds(body: (coro: Coro, day: Day) => Generator<unknown, void, unknown>): Promise<Day[]> {
  const days: Day[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const day = new Day(seed);
    try {
      await runVirtualWith({ shuffle: seed }, body, day);
      day.check();
    } catch (error) {
      throw new Error(`With seed ${seed}`, { cause: error });
    }
    days.push(day);
  }
  return days;
}

Deno.test("no money is lost or made while accounts fail and clients ask again", async () => {
  const days = await withSeeds(function* (coro, day) {
    const { accounts, clerk } = day.open(coro);
    const clients = day.clients(clerk);
    for (const each of clients) yield* each.finish();
    clerk.send("close");
    yield* clerk.finish();
    accounts.terminate();
    assertEquals(day.done.length + day.refused.length, CLIENTS * TRANSFERS);
  });
  for (const list of ["done", "refused"] as const) assert(days.some((day) => day[list].length > 0));
  assert(days.every((day) => day.restarts > 0), "Expected that accounts fail with each seed");
});

Deno.test("no money is lost or made when clients leave in the middle", async () => {
  await withSeeds(function* (coro, day) {
    const { accounts, clerk } = day.open(coro);
    const clients = day.clients(clerk);
    yield* sleep(1 + (day.newTransfer().amount / 10));
    for (const each of clients) each.terminate();
    clerk.send("close");
    yield* clerk.finish();
    accounts.terminate();
  });
});

Deno.test("a bank that is terminated finishes its transfers, but makes no new ones", async () => {
  await withSeeds(function* (coro, day) {
    const { accounts, clerk } = day.open(coro);
    const clients = day.clients(clerk);
    yield* sleep(1 + (day.newTransfer().amount / 10));
    // Accounts may be slow, and fail, for some time.
    clerk.terminate(1000);
    yield* clerk.finish();
    for (const each of clients) yield* each.finish();
    accounts.terminate();
  });
});

Deno.test("the same seed gives the same day", async () => {
  const logs: string[][] = [];
  for (const seed of [7, 7, 8]) {
    const day = new Day(seed);
    await runVirtualWith({ shuffle: seed }, function* (coro: Coro) {
      const { accounts, clerk } = day.open(coro);
      const clients = day.clients(clerk);
      for (const each of clients) yield* each.finish();
      accounts.terminate();
    });
    logs.push(day.log);
  }
  assertEquals(logs[0], logs[1]);
  assert(String(logs[0]) !== String(logs[2]));
});

Deno.test("a transfer between accounts that are not there, or of no money, is refused", () =>
  runVirtualWith({}, function* (coro: Coro) {
    const day = new Day(1);
    const { accounts, clerk } = day.open(coro);
    for (
      const [from, to, amount] of [["Ann", "Nobody", 1], ["Ann", "Ben", 0], ["Ann", "Ben", -5], ["Ann", "Ben", 0.5]]
    ) {
      try {
        yield* clerk.ask({ id: "t", from, to, amount } as Transfer);
        throw new Error("Expected it to be refused");
      } catch (error) {
        assert(error instanceof RefusedError, String(error));
      }
    }
    day.check();
    clerk.terminate();
    accounts.terminate();
  }));
