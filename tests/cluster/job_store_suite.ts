/** What every store of jobs does. The suite is registered for each store, with a function that runs a test. */
import { all, Coro, type Operation, race, sleep, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import type { JobStore, Lease } from "../../core/cluster/durable/job_store.ts";

/** The code of a test. */
export type Body = Generator<unknown, void, unknown>;

/** A store under test. */
export interface StoreSubject {
  readonly name: string;
  /** Whether the test needs programs that are missing here. */
  readonly ignore?: boolean;
  /** Runs a test with two stores that keep the same jobs, as two processes have them. Leases last for a second or less. */
  run(test: (store: JobStore, other: JobStore) => Body): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const read = ({ id, job, attempt }: Lease) => [id, text(job), attempt];

/** Takes one job. */
function* takeOne(store: JobStore, queue = "q"): Generator<unknown, Lease, unknown> {
  const leases = yield* withTimeout(10, store.take(queue, 1));
  assertEquals(leases.length, 1);
  return leases[0];
}

/** Whether an operation does not end within a tenth of a second. */
function* waits(operation: Operation<unknown>): Generator<unknown, boolean, unknown> {
  const late = function* (): Generator<unknown, "late", unknown> {
    yield* sleep(0.1);
    return "late";
  };
  return (yield* race(operation, late())) === "late";
}

/** Registers the suite for a store. */
export function jobStoreSuite(subject: StoreSubject): void {
  const check = (what: string, test: (store: JobStore, other: JobStore) => Body): void =>
    Deno.test({ name: `${subject.name}: ${what}`, ignore: subject.ignore ?? false, fn: () => subject.run(test) });
  submitSuite(check);
  leaseSuite(check);
  settleSuite(check);
  resultSuite(check);
}

type Check = (what: string, test: (store: JobStore, other: JobStore) => Body) => void;

function submitSuite(check: Check): void {
  check("an id is one job, pending, done and dead", function* (store, other) {
    assertEquals(yield* store.submit("q", "a", bytes("1")), true);
    assertEquals(yield* other.submit("q", "a", bytes("2")), false);
    assertEquals(yield* store.submit("other", "a", bytes("3")), true);
    const lease = yield* takeOne(store);
    assertEquals([lease.queue, ...read(lease)], ["q", "a", "1", 1]);
    assertEquals(yield* store.submit("q", "a", bytes("4")), false);
    assertEquals(yield* store.done(lease, bytes("result")), true);
    assertEquals(yield* other.submit("q", "a", bytes("5")), false);
    assertEquals(yield* other.result("q", "a"), { kind: "done", result: bytes("result") });
    assert(yield* waits(other.take("q", 1)), "nothing is to be taken");
    yield* other.bury(yield* takeOne(other, "other"), "no");
    assertEquals(yield* store.submit("other", "a", bytes("6")), false);
    assert(yield* waits(store.take("other", 1)), "nothing is to be taken");
  });

  check("of many that submit an id at once, one does", function* (store, other) {
    const submits = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).submit("q", "a", bytes(`${i}`)));
    const outcomes = yield* all(...submits);
    assertEquals(outcomes.filter((isFirst) => isFirst).length, 1);
    assertEquals(text((yield* takeOne(store)).job), `${outcomes.indexOf(true)}`);
  });

  check("queues, ids, jobs and results may be any text and any bytes", function* (store, other) {
    const queue = "a queue.*.> \u20ac/\\";
    const ids = ["1", "a.b", "*", ">", "a b", "_5F", "_", "\u{1F600}", "%41", "A", "a"];
    const all256 = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const id of ids) assertEquals(yield* store.submit(queue, id, all256), true);
    const leases: Lease[] = [];
    while (leases.length < ids.length) leases.push(...yield* withTimeout(10, other.take(queue, 3)));
    assertEquals(leases.map(({ id }) => id).toSorted(), ids.toSorted());
    for (const lease of leases) {
      assertEquals([lease.queue, lease.job], [queue, all256]);
      assertEquals(yield* other.done(lease, lease.id === "*" ? new Uint8Array(0) : bytes(lease.id)), true);
    }
    for (const id of ids) {
      assertEquals(yield* store.result(queue, id), { kind: "done", result: bytes(id === "*" ? "" : id) });
    }
  });

  check("the caller may change the bytes after the call", function* (store) {
    const job = bytes("before");
    const submitting = store.submit("q", "a", job);
    assertEquals(yield* submitting, true);
    job.fill(0);
    const lease = yield* takeOne(store);
    assertEquals(text(lease.job), "before");
    const result = bytes("result");
    assertEquals(yield* store.done(lease, result), true);
    result.fill(0);
    assertEquals(yield* store.result("q", "a"), { kind: "done", result: bytes("result") });
  });
}

function leaseSuite(check: Check): void {
  check("take waits for the first job, and returns at most n", function* (store, other) {
    const taking = new Coro(function* () {
      return yield* store.take("q", 2);
    });
    assert(yield* waits(taking.finish()));
    for (const id of ["a", "b", "c", "d"]) yield* other.submit("q", id, bytes(id));
    const taken = (yield* taking.finish(10)).map(({ id }) => id);
    while (taken.length < 4) {
      const leases = yield* withTimeout(10, other.take("q", 2));
      assert(leases.length >= 1 && leases.length <= 2);
      taken.push(...leases.map(({ id }) => id));
    }
    assertEquals(taken, ["a", "b", "c", "d"]);
    assert(yield* waits(store.take("q", 1)), "all are taken");
  });

  check("jobs that many take at once are taken once", function* (store, other) {
    for (let i = 0; i < 40; i++) yield* store.submit("q", `${i}`, bytes(""));
    const takers = Array.from({ length: 8 }, (_, i) =>
      new Coro(function* () {
        const ids: string[] = [];
        const own = i % 2 === 0 ? store : other;
        for (;;) {
          const leases = yield* race(own.take("q", 3), sleep(0.5));
          if (leases === undefined) return ids;
          for (const lease of leases) {
            ids.push(lease.id);
            assertEquals(yield* own.done(lease, bytes("")), true);
          }
        }
      }));
    const ids: string[] = [];
    for (const taker of takers) ids.push(...yield* taker.finish(10));
    assertEquals(ids.toSorted((a, b) => Number(a) - Number(b)), Array.from({ length: 40 }, (_, i) => `${i}`));
  });

  check(
    "a job whose lease has ended is handed out again, and one whose lease is prolonged is not",
    function* (store, other) {
      yield* store.submit("q", "held", bytes(""));
      yield* store.submit("q", "left", bytes(""));
      const [held] = yield* store.take("q", 1);
      assertEquals(held.id, "held");
      yield* takeOne(store);
      const until = store.leaseSeconds * 2.5;
      const holder = new Coro(function* () {
        for (let i = 0; i < 7; i++) {
          yield* sleep(until / 7);
          yield* store.working(held);
        }
      });
      assertEquals(read(yield* takeOne(other)), ["left", "", 2]);
      yield* holder.finish();
      assertEquals(read(yield* takeOne(other)).slice(0, 1), ["left"]);
      assertEquals(yield* store.done(held, bytes("")), true);
    },
  );

  check("a job that is given back is handed out again after the delay", function* (store, other) {
    yield* store.submit("q", "a", bytes(""));
    yield* store.retry(yield* takeOne(store), 0);
    const again = yield* takeOne(other);
    assertEquals(again.attempt, 2);
    yield* other.retry(again, store.leaseSeconds / 2);
    assert(yield* waits(store.take("q", 1)));
    assertEquals((yield* takeOne(store)).attempt, 3);
  });

  check("a take that is cut short takes nothing", function* (store, other) {
    for (let i = 0; i < 5; i++) {
      const taking = new Coro(function* () {
        yield* store.take("q", 1);
      });
      if (i % 2 === 0) yield* sleep(0.02);
      else yield;
      const submitting = new Coro(function* () {
        yield* other.submit("q", `${i}`, bytes(""));
      });
      for (let turns = 0; turns < i; turns++) yield;
      taking.terminate();
      yield* submitting.finish();
      yield* taking.finish();
      // If the take was faster, the job is handed out again when its lease has ended.
      const lease = yield* takeOne(other);
      assertEquals(lease.id, `${i}`);
      yield* other.done(lease, bytes(""));
    }
  });
}

function settleSuite(check: Check): void {
  check("the first result is the result", function* (store, other) {
    yield* store.submit("q", "a", bytes(""));
    const slow = yield* takeOne(store);
    const quick = yield* takeOne(other);
    assertEquals([slow.attempt, quick.attempt], [1, 2]);
    const outcomes = yield* all(store.done(slow, bytes("slow")), other.done(quick, bytes("quick")));
    assertEquals(outcomes.toSorted(), [false, true]);
    const result = bytes(outcomes[0] ? "slow" : "quick");
    assertEquals(yield* store.result("q", "a"), { kind: "done", result });
    assertEquals(yield* other.done(quick, bytes("late")), false);
    assertEquals(yield* other.bury(quick, "late"), false);
    yield* other.retry(quick, 0);
    assert(yield* waits(store.take("q", 1)), "a settled job is not handed out");
    assertEquals(yield* store.result("q", "a"), { kind: "done", result });
    assertEquals(yield* store.dead("q"), []);
  });

  check("a dead job is kept with its reason, until it is revived", function* (store, other) {
    for (const id of ["a", "b", "c"]) yield* store.submit("q", id, bytes(`job ${id}`));
    const [a, b, c] = [yield* takeOne(store), yield* takeOne(store), yield* takeOne(store)];
    const reason = "it has failed: \u20ac\n\u0000";
    assertEquals(yield* store.bury(a, reason), true);
    assertEquals(yield* store.done(a, bytes("")), false);
    assertEquals(yield* store.bury(b, ""), true);
    assertEquals(yield* other.result("q", "a"), { kind: "dead", reason });
    assertEquals((yield* other.dead("q")).toSorted((a, b) => a.id < b.id ? -1 : 1), [
      { id: "a", reason },
      { id: "b", reason: "" },
    ]);
    assertEquals(yield* other.dead("another"), []);
    assertEquals(yield* other.revive("q", "c"), false);
    assertEquals(yield* other.revive("q", "nothing"), false);
    assertEquals(yield* store.done(c, bytes("")), true);
    assertEquals((yield* all(store.revive("q", "a"), other.revive("q", "a"))).toSorted(), [false, true]);
    assertEquals(yield* store.result("q", "a"), { kind: "pending" });
    assertEquals(yield* store.submit("q", "a", bytes("")), false);
    assertEquals(yield* store.done(a, bytes("by who has given it up")), false);
    const again = yield* takeOne(other);
    assertEquals(read(again), ["a", "job a", 1]);
    assertEquals(yield* other.bury(again, "again"), true);
    assertEquals(yield* store.revive("q", "a"), true);
    assertEquals(yield* other.done(yield* takeOne(other), bytes("at last")), true);
    assertEquals(yield* store.result("q", "a"), { kind: "done", result: bytes("at last") });
    assertEquals(yield* store.dead("q"), [{ id: "b", reason: "" }]);
  });
}

function resultSuite(check: Check): void {
  check("a result is unknown, pending and done", function* (store, other) {
    assertEquals(yield* store.result("q", "a"), { kind: "unknown" });
    yield* store.submit("q", "a", bytes(""));
    assertEquals(yield* other.result("q", "a"), { kind: "pending" });
    const lease = yield* takeOne(other);
    assertEquals(yield* store.result("q", "a"), { kind: "pending" });
    yield* other.done(lease, bytes("!"));
    assertEquals(yield* store.result("q", "a"), { kind: "done", result: bytes("!") });
  });

  check("wait waits for a job that is not yet submitted, and for each of many", function* (store, other) {
    const ids = Array.from({ length: 10 }, (_, i) => `${i}`);
    const waiters = ids.map((id) =>
      new Coro(function* () {
        return yield* store.wait("q", id);
      })
    );
    assert(yield* waits(waiters[0].finish()));
    for (const id of ids) yield* other.submit("q", id, bytes(id));
    for (let settled = 0; settled < ids.length;) {
      for (const lease of yield* withTimeout(10, other.take("q", 4))) {
        settled++;
        if (lease.id === "3") yield* other.bury(lease, "three");
        else yield* other.done(lease, lease.job);
      }
    }
    for (const [i, waiter] of waiters.entries()) {
      const expected = i === 3 ? { kind: "dead", reason: "three" } : { kind: "done", result: bytes(ids[i]) };
      assertEquals(yield* waiter.finish(10), expected);
      assertEquals(yield* store.wait("q", ids[i]), expected);
    }
  });

  check("pending counts what is not settled", function* (store, other) {
    assertEquals(yield* store.pending("q"), 0);
    for (const id of ["a", "b", "c"]) yield* store.submit("q", id, bytes(""));
    yield* store.submit("other", "a", bytes(""));
    assertEquals(yield* other.pending("q"), 3);
    const [a, b] = [yield* takeOne(store), yield* takeOne(store)];
    assertEquals(yield* other.pending("q"), 3);
    yield* store.done(a, bytes(""));
    yield* store.bury(b, "");
    for (let i = 0; i < 100 && (yield* other.pending("q")) !== 1; i++) yield* sleep(0.01);
    assertEquals(yield* other.pending("q"), 1);
  });
}
