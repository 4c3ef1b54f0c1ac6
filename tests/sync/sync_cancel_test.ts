/**
 * Every wait of core/sync, cancelled by every means, while it waits and in the very turn in which it is granted: the
 * grant goes to the next in the queue, and nobody is left in one.
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
  /** Takes what there is, so that others have to wait. */
  block(): Steps;
  /** Waits by means of `wait` and calls `entered` if it was granted; then gives back what it got. */
  use(wait: Wait, entered: () => void): Steps;
  /** Lets one in. */
  grant(): Steps;
  /** Everybody has left. */
  check(): void;
}

function gate(make: () => Lock | RLock | Semaphore, how: "acquire" | "hold"): () => Subject {
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
  "Lock.acquire()": gate(() => new Lock(), "acquire"),
  "Lock.hold()": gate(() => new Lock(), "hold"),
  "RLock.acquire()": gate(() => new RLock(), "acquire"),
  "RLock.hold()": gate(() => new RLock(), "hold"),
  "Semaphore.acquire()": gate(() => new Semaphore(), "acquire"),
  "Semaphore.hold()": gate(() => new Semaphore(), "hold"),
  "BoundedSemaphore.acquire()": gate(() => new BoundedSemaphore(), "acquire"),
  "Event.wait()": event,
  "Condition.wait()": condition(() => new Condition(), "wait"),
  "Condition.wait() with a Lock": condition(() => new Condition(new Lock()), "wait"),
  "Condition.waitFor()": condition(() => new Condition(), "waitFor"),
};

/** A way to end a wait early. `wait` is how the victim waits, `at` happens at second 1 unless time does it. */
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

/** Plays one case; answers whether the victim got in. */
function* play(
  _coro: Coro,
  scheduler: Scheduler,
  subject: Subject,
  means: Means,
  moment: string,
): Generator<unknown, boolean, unknown> {
  const entered: string[] = [];
  let failure: unknown = null;
  // Who sleeps first wakes first, so this decides whether a deadline comes before or after the grant.
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
  // What the victim did not get, the next one did; a notification or an event is not given back by who got it.
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
    Deno.test(`${name} ended by ${by} swallows no grant`, () =>
      inLab(async (lab) => {
        for (const moment of MOMENTS) {
          const gotIn = await lab.scheduler.spawn(play, lab.scheduler, make(), means, moment).value();
          // Time that is up in the turn of the grant comes too late; so does what another branch of the race brings.
          const isLate = moment === "right after the grant" ||
            (moment === "right before the grant" && by === "timeout");
          const losesToGrant = by === "timeout" || by === "loss of a race" || by === "win of another branch";
          assertEquals(gotIn, isLate && losesToGrant, moment);
        }
      }));
  }
}
