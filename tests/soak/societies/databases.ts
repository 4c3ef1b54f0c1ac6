/**
 * Database cursors whose work is interrupted at any moment: no row is lost, and a transaction is what was reported of
 * it.
 */
import { all, type Coro, current, type Operation, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { AsyncDBCursor, DatabaseError, type WorkerPool } from "@asyncoro/asyncoro/workers";
import { populate } from "../population.ts";
import type { Resources } from "../resources.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

const ROWS = 2000;
const NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n FROM c";

/** A number of which there are two rows if it was paid, and none if not. */
type Payment = number;

/** The error that is thrown into a coroutine about when it commits. */
class Revoked extends Thrown {}

/** The payments that were reported. Those of coroutines that were terminated are in neither set. */
class Books {
  readonly path: string;
  readonly pool: WorkerPool;
  /** Its connection is shared by all members. */
  readonly shared: AsyncDBCursor;
  readonly paid: Set<Payment> = new Set();
  readonly refused: Set<Payment> = new Set();
  made = 0;

  constructor(path: string, pool: WorkerPool) {
    this.path = path;
    this.pool = pool;
    this.shared = this.connect();
  }

  connect(): AsyncDBCursor {
    return new AsyncDBCursor(this.pool, this.path, { busyTimeout: 1 });
  }
}

function* customer(coro: Coro, world: World, books: Books): Body {
  using cursor = world.random.chance(0.7) ? books.shared.cursor() : books.connect();
  // A worker that starts may take as long as a short epoch.
  for (let rounds = 0; rounds < 3 || !world.over; rounds++) {
    try {
      if (world.random.chance(0.7)) yield* pay(world, books, cursor);
      else yield* read(world, cursor);
    } catch (error) {
      if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
    }
    yield* coro.sleep(world.seconds(1));
  }
}

function* pay(world: World, books: Books, cursor: AsyncDBCursor): Body {
  const payment = ++books.made;
  const mode = world.random.pick(["deferred", "immediate", "exclusive"] as const);
  const revocation = world.random.chance(0.5) ? new Revocation(world, current()) : null;
  const work = cursor.transaction(function* (cursor) {
    yield* payInTwo(world, cursor, payment);
    revocation?.begin();
  }, mode);
  try {
    yield* revocation !== null ? work : withTimeout(world.random.next() ** 2 * 0.05, work);
    books.paid.add(payment);
    world.done("database: paid");
  } catch (error) {
    books.refused.add(payment);
    // Two transactions that have both read want to write: SQLite rejects one.
    const busy = error instanceof DatabaseError && error.code === "SQLITE_BUSY";
    if (!busy && !(error instanceof TimeoutError) && !(error instanceof Revoked)) throw error;
    world.done(busy ? "database: busy" : "database: given up");
  } finally {
    if (revocation !== null) revocation.over = true;
  }
  yield* takeRevocation();
}

/** An error that was thrown during its commit arrives here. */
function* takeRevocation(): Body {
  try {
    yield* sleep(0);
  } catch (error) {
    if (!(error instanceof Revoked)) throw error;
  }
}

/** Throws into a coroutine about when it commits. */
class Revocation {
  over = false;
  readonly #world: World;
  readonly #coro: Coro;

  constructor(world: World, coro: Coro) {
    this.#world = world;
    this.#coro = coro;
  }

  begin(): void {
    // At once is during the commit.
    const seconds = this.#world.random.chance(0.5) ? 0 : this.#world.random.next() * 0.006;
    this.#world.spawn("revocation", (coro) => this.#act(coro, seconds));
  }

  *#act(coro: Coro, seconds: number): Body {
    yield* coro.sleep(seconds);
    if (!this.over) this.#coro.throw(new Revoked("too late"));
  }
}

function* payInTwo(world: World, cursor: AsyncDBCursor, payment: Payment): Body {
  yield* cursor.execute("INSERT INTO t VALUES (?)", [payment]);
  world.done("database: half paid");
  if (world.random.chance(0.3)) yield* sleep(world.seconds(0.2));
  const rest = (cursor: AsyncDBCursor) => payRest(cursor, payment);
  if (world.random.chance(0.5)) yield* cursor.transaction(rest);
  else yield* rest(cursor);
}

function* payRest(cursor: AsyncDBCursor, payment: Payment): Body {
  yield* cursor.execute("INSERT INTO t VALUES (?) RETURNING n", [payment]);
}

function* read(world: World, cursor: AsyncDBCursor): Body {
  const count = world.random.from(1, ROWS);
  yield* cursor.execute(NUMBERS, [count - 1]);
  for (let next = 0; next < count;) {
    let rows: { n: number }[] = [];
    try {
      rows = yield* fetched(world, cursor);
      if (rows.length === 0) return world.violate("A fetch loses no row", `${next} of ${count} came`);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      world.done("database: fetch given up");
    }
    world.done("database: fetched");
    for (const { n } of rows) {
      if (n !== next++) return world.violate("A fetch loses no row", `${n} came for ${next - 1}`);
    }
  }
  world.done("database: read");
}

/** Fetches some of the rows. Those of a fetch that is interrupted are not lost. */
function* fetched(world: World, cursor: AsyncDBCursor): Body<{ n: number }[]> {
  const count = world.random.from(1, 500);
  const seconds = world.random.next() * 0.001;
  const fetch = (): Operation<{ n: number }[]> => cursor.fetchmany(count);
  const dice = world.random.next();
  if (dice < 0.3) return yield* fetch();
  if (dice < 0.6) return yield* withTimeout(seconds, fetch());
  // The rows arrive, and are not handed over.
  const [first, second] = yield* withTimeout(seconds * 2, all(fetch(), fetch(), sleep(seconds)));
  // The fetch of fewer rows may have got them first.
  return [...first, ...second].sort((a, b) => a.n - b.n);
}

/** Checks the contents of the disk. */
function* audit(world: World, books: Books): Body {
  const { paid, refused } = books;
  using cursor = books.connect();
  // No transaction is open any more.
  yield* cursor.transaction(() => payRest(cursor, 0), "immediate");
  yield* cursor.execute("SELECT n, count(*) AS times FROM t WHERE n > 0 GROUP BY n");
  const times = new Map<Payment, number>();
  yield* cursor.forEach(({ n, times: found }) => void times.set(n, found));
  const check = (invariant: string, payments: Iterable<Payment>, right: number) => {
    for (const payment of payments) {
      const found = times.get(payment) ?? 0;
      world.check(found === right, invariant, () => `${found} rows of ${payment}`);
    }
  };
  check("What was committed is there", paid, 2);
  check("A payment that was reported as rolled back is not stored", refused, 0);
  check("A transaction is there whole or not at all", times.keys(), 2);
}

/** See the head of this file. */
export const databases: Society = {
  name: "databases",
  host: true,
  *conduct(coro: Coro, world: World, { databasePool }: Resources): Body {
    const directory = Deno.makeTempDirSync({ prefix: "asyncoro-" });
    const books = new Books(`${directory}/soak.db`, databasePool);
    try {
      yield* books.shared.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER)",
      );
      yield* populate(world, coro, {
        size: 4,
        mortal: true,
        newMember: () => world.spawn("database", (coro) => customer(coro, world, books)),
      });
      yield* audit(world, books);
    } finally {
      yield* books.shared.close();
      Deno.removeSync(directory, { recursive: true });
    }
  },
};
