/**
 * Every wait of core/sync, interrupted in every way, while it waits and in the turn in which it is granted: the grant
 * passes to the next in the queue, and no waiter is left behind.
 */
import {
  BoundedSemaphore,
  Condition,
  type Coro,
  Event,
  Lock,
  type Operation,
  race,
  RLock,
  type Scheduler,
  Semaphore,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { inLab } from "../helpers/lab.ts";

type Wait = (make: (timeout?: number) => Operation<unknown>) => Operation<unknown>;
type Steps = Generator<unknown, void, unknown>;

/** Something to wait for. */
interface Subject {
  /** Takes what is available, so that others have to wait. */
  block(): Steps;
  /** Waits through `wait`, calls `entered` if it was granted, and then releases what it got. */
  use(wait: Wait, entered: () => void): Steps;
  /** Grants it to one waiter. */
  grant(): Steps;
  /** Checks that nothing is held and no operation waits. */
  check(): void;
}

function acquirable(make: () => Lock | RLock | Semaphore, how: "acquire" | "hold"): () => Subject {
  return () => {
    const it = make();
    return {
      *block() {
        yield* it.acquire();
      },
      *use(wait, entered) {
        const got = yield* wait((timeout) => how === "hold" ? it.hold() : it.acquire(true, timeout));
        if (got === true || (typeof got === "object" && got !== null)) {
          entered();
          yield* sleep(0.1);
          if (got === true) it.release();
          else (got as Disposable)[Symbol.dispose]();
        }
      },
      *grant() {
        it.release();
      },
      check() {
        assertEquals(it.statistics().waiters, 0);
        assertEquals(it.locked(), false);
      },
    };
  };
}

function condition(make: () => Condition, how: "wait" | "waitFor"): () => Subject {
  return () => {
    const it = make();
    let ready = false;
    return {
      *block() {},
      *use(wait, entered) {
        yield* it.acquire();
        try {
          const operation = (timeout?: number) => how === "wait" ? it.wait(timeout) : it.waitFor(() => ready, timeout);
          if ((yield* wait(operation)) === true) entered();
        } finally {
          it.release();
        }
      },
      *grant() {
        yield* it.acquire();
        ready = true;
        it.notify();
        it.release();
      },
      check() {
        const { waiters, lock } = it.statistics();
        assertEquals([waiters, lock.waiters, lock.locked], [0, 0, false]);
      },
    };
  };
}

function event(): Subject {
  const it = new Event();
  return {
    *block() {},
    *use(wait, entered) {
      if ((yield* wait((timeout) => it.wait(timeout))) === true) entered();
    },
    *grant() {
      it.set();
    },
    check: () => assertEquals(it.statistics().waiters, 0),
  };
}

const SUBJECTS: Record<string, () => Subject> = {
  "Lock.acquire()": acquirable(() => new Lock(), "acquire"),
  "Lock.hold()": acquirable(() => new Lock(), "hold"),
  "RLock.acquire()": acquirable(() => new RLock(), "acquire"),
  "RLock.hold()": acquirable(() => new RLock(), "hold"),
  "Semaphore.acquire()": acquirable(() => new Semaphore(), "acquire"),
  "Semaphore.hold()": acquirable(() => new Semaphore(), "hold"),
  "BoundedSemaphore.acquire()": acquirable(() => new BoundedSemaphore(), "acquire"),
  "Event.wait()": event,
  "Condition.wait()": condition(() => new Condition(), "wait"),
  "Condition.wait() with a Lock": condition(() => new Condition(new Lock()), "wait"),
  "Condition.waitFor()": condition(() => new Condition(), "waitFor"),
};

/**
 * A way to end a wait early. `wait` makes the wait of the victim; `act` runs at second 1, unless a timeout ends the
 * wait.
 */
interface Means {
  wait(coro: Coro): Wait;
  act(coro: Coro): void;
}

const MEANS: Record<string, Means> = {
  "throw": { wait: () => (make) => make(), act: (coro) => coro.throw(new Error("stop")) },
  "terminate": { wait: () => (make) => make(), act: (coro) => coro.terminate() },
  "loss of a race": { wait: (coro) => (make) => race(make(), coro.receive()), act: (coro) => coro.send("enough") },
  "win of another branch": {
    wait: (coro) => (make) => race(coro.receive(), make()),
    act: (coro) => coro.send("enough"),
  },
  "withTimeout": { wait: () => (make) => withTimeout(1, make()), act() {} },
  "timeout": { wait: () => (make) => make(1), act() {} },
};

const MOMENTS = [
  "while it waits",
  "a turn before the grant",
  "right before the grant",
  "right after the grant",
] as const;

/** Runs one case. Returns whether the victim was granted what it waited for. */
function* play(
  _coro: Coro,
  scheduler: Scheduler,
  subject: Subject,
  means: Means,
  moment: string,
): Generator<unknown, boolean, unknown> {
  const entered: string[] = [];
  let failure: unknown = null;
  // Sleepers wake in the order in which they began, so this decides whether the deadline or the grant comes first.
  const early = scheduler.spawn(function* () {
    yield* subject.block();
    yield* sleep(1);
    if (moment === "right after the grant") yield* subject.grant();
    means.act(victim as Coro);
    if (moment === "a turn before the grant") yield;
    if (moment === "while it waits") yield* sleep(1);
    if (moment !== "right after the grant") yield* subject.grant();
  });
  const victim = scheduler.spawn(function* (coro) {
    try {
      yield* subject.use(means.wait(coro), () => entered.push("victim"));
    } catch (error) {
      failure = error;
    }
  });
  const next = scheduler.spawn(function* () {
    yield* sleep(0.1);
    yield* subject.use((make) => make(), () => entered.push("next"));
  });
  yield* early.finish();
  yield* victim.finish();
  yield* sleep(1);
  assert(failure === null || failure instanceof TimeoutError || (failure as Error).message === "stop", `${failure}`);
  // What the victim did not get, the next waiter got. A notification or an event is not passed on by a victim that got
  // it.
  const gotIn = entered.includes("victim");
  if (!gotIn) assertEquals(entered, ["next"]);
  if (next.isAlive()) {
    assertEquals(gotIn, true);
    yield* subject.grant();
  }
  yield* next.finish();
  subject.check();
  return gotIn;
}

for (const [name, make] of Object.entries(SUBJECTS)) {
  for (const [by, means] of Object.entries(MEANS)) {
    if (by === "timeout" && name.includes("hold")) continue;
    Deno.test(`${name} ended by ${by} loses no grant`, () =>
      inLab(async (lab) => {
        for (const moment of MOMENTS) {
          const gotIn = await lab.scheduler.spawn(play, lab.scheduler, make(), means, moment).value();
          // A deadline in the turn of the grant comes too late, and so does the win of another branch.
          const isLate = moment === "right after the grant" ||
            (moment === "right before the grant" && by === "timeout");
          const losesToGrant = by === "timeout" || by === "loss of a race" || by === "win of another branch";
          assertEquals(gotIn, isLate && losesToGrant, moment);
        }
      }));
  }
}
