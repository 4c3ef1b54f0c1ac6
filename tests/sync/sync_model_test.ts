/**
 * core/sync compared with a naive model, and in random programs under seeded orders whose coroutines are interrupted at
 * any time: no coroutine overtakes another, no grant is lost or given twice, and no waiter is left behind.
 */
import {
  BoundedSemaphore,
  Condition,
  type Coro,
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
import * as fc from "fast-check";
import { inLab, Lab } from "../helpers/lab.ts";
import { runs } from "../helpers/runs.ts";

/** The model of a semaphore: a number and a queue. */
class Model {
  free: number;
  queue: { id: number; deadline: number }[] = [];
  /** Waiters that were granted and have not run yet. */
  fresh: number[] = [];
  inside: number[] = [];

  /** Granted waiters whose lock was released by others before they ran. */
  readonly disowned: number[] = [];
  /** Whether it is a lock, whose owner loses it when any code releases it. */
  readonly exclusive: boolean;

  constructor(free: number, exclusive: boolean) {
    this.free = free;
    this.exclusive = exclusive;
  }

  acquire(id: number, deadline: number, now: number): void {
    if (this.free > 0) {
      this.free--;
      this.inside.push(id);
    } else if (deadline > now) {
      this.queue.push({ id, deadline });
    }
  }

  release(): void {
    // Any code may release a lock: a waiter that was granted and has not run loses it. A permit has no owner.
    if (this.exclusive) this.disowned.push(...this.fresh);
    const next = this.queue.shift();
    if (next === undefined) this.free++;
    else this.fresh.push(next.id);
  }

  /** Interrupts a waiter, or one that was granted and has not run. */
  interrupt(id: number): boolean {
    const waiting = this.queue.findIndex((each) => each.id === id);
    if (waiting >= 0) this.queue.splice(waiting, 1);
    const granted = this.fresh.indexOf(id);
    if (granted >= 0) {
      this.fresh.splice(granted, 1);
      if (!this.disowned.includes(id)) this.release();
    }
    return waiting >= 0 || granted >= 0;
  }

  settle(now: number): void {
    this.inside.push(...this.fresh.splice(0));
    this.queue = this.queue.filter((each) => each.deadline > now);
  }
}

type Command =
  | { do: "acquire"; timeout: number | null }
  | { do: "release" | "settle" }
  | { do: "throw" | "terminate"; who: number }
  | { do: "pass"; seconds: number };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    // Deadlines fall between the whole seconds at which commands run.
    fc.record({ do: fc.constant("acquire" as const), timeout: fc.constantFrom(null, null, 0, 0.5, 1.5, 2.5) }),
    fc.record({ do: fc.constantFrom("release" as const, "release" as const, "settle" as const) }),
    fc.record({ do: fc.constantFrom("throw" as const, "terminate" as const), who: fc.nat(30) }),
    fc.record({ do: fc.constant("pass" as const), seconds: fc.constantFrom(1, 2) }),
  ),
  { maxLength: 40 },
);

/** Executes the commands, and compares with the model after each. */
function* follow(_coro: Coro, scheduler: Scheduler, acquirable: Semaphore | Lock, model: Model, list: Command[]) {
  const inside: number[] = [];
  const coros: Coro[] = [];
  const permits = model.free;
  const waiter = function* (coro: Coro, timeout: number | null): Generator<unknown, void, unknown> {
    const id = coros.indexOf(coro);
    if (!(yield* acquirable.acquire(true, timeout))) return;
    inside.push(id);
    // The driver may release its permit; the waiter then only stays alive.
    yield* coro.receive();
  };
  for (const command of list) {
    const now = scheduler.now();
    if (command.do === "acquire") {
      model.settle(now);
      const id = coros.length;
      coros.push(scheduler.spawn(waiter, command.timeout) as Coro);
      yield;
      yield;
      model.acquire(id, now + (command.timeout ?? Infinity), now);
    } else if (command.do === "release") {
      if (model.free === permits) continue;
      acquirable.release();
      model.release();
    } else if (command.do === "throw" || command.do === "terminate") {
      const victim = coros[command.who];
      if (victim === undefined || !model.interrupt(command.who)) continue;
      if (command.do === "throw") victim.throw(new Error("stop"));
      else victim.terminate();
    } else {
      if (command.do === "pass") yield* sleep(command.seconds);
      yield;
      model.settle(scheduler.now());
      assertEquals(inside.toSorted(), model.inside.toSorted());
    }
    assertEquals(acquirable.statistics().waiters, model.queue.length);
    if (acquirable instanceof Semaphore) assertEquals(acquirable.statistics().value, model.free);
    else assertEquals(acquirable.locked(), model.free === 0);
  }
  while (acquirable.statistics().waiters > 0) acquirable.release();
  yield* sleep(10);
}

const ACQUIRABLES: [string, number, () => Semaphore | Lock][] = [
  ["Lock", 1, () => new Lock()],
  ["Semaphore", 1, () => new Semaphore(1)],
  ["Semaphore of 3", 3, () => new Semaphore(3)],
  ["BoundedSemaphore of 2", 2, () => new BoundedSemaphore(2)],
];

for (const [name, permits, make] of ACQUIRABLES) {
  Deno.test(`${name} behaves like a number and a queue`, () =>
    fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const lab = new Lab();
        lab.scheduler.onError = () => {};
        await lab.scheduler.spawn(follow, lab.scheduler, make(), new Model(permits, name === "Lock"), list).value();
        await lab.scheduler.terminate();
      }),
      { numRuns: runs(1000) },
    ));
}

/** Random numbers for a program, from its seed. */
function dice(seed: number): (sides: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995;
  return (sides) => {
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5 | 0;
    return ((state ^ (state >>> 13)) >>> 0) % sides;
  };
}

/** The shared objects of a random program, and their invariants. */
class World {
  readonly lock = new Lock("lock");
  readonly rlock = new RLock("rlock");
  readonly seats = new BoundedSemaphore(2, "seats");
  readonly stocked = new Condition(null, "stocked");
  readonly roll: (sides: number) => number;
  stock = 0;
  inLock = 0;
  inSeats = 0;
  /** The coroutines that wait for the lock in a plain acquire(), in order. */
  queue: Coro[] = [];

  constructor(seed: number) {
    this.roll = dice(seed);
  }

  /** Waits in a random way. Returns `true` if it was granted. */
  *attempt(make: (timeout?: number) => Operation<boolean>): Generator<unknown, boolean, unknown> {
    const seconds = this.roll(4) / 2;
    switch (this.roll(5)) {
      case 0:
        return yield* make(seconds);
      case 1:
        return (yield* race(make(), sleep(seconds))) === true;
      case 2:
        try {
          return yield* withTimeout(seconds, make());
        } catch (error) {
          if (error instanceof TimeoutError) return false;
          throw error;
        }
      default:
        return yield* make();
    }
  }

  /** Gives others a turn, sometimes for a while. */
  *pause(): Generator<unknown, void, unknown> {
    if (this.roll(3) === 0) yield* sleep(this.roll(3) / 2);
    else yield;
  }

  *useLock(coro: Coro): Generator<unknown, void, unknown> {
    const straight = this.roll(2) === 0;
    if (straight) this.queue.push(coro);
    try {
      if (!(straight ? yield* this.lock.acquire() : yield* this.attempt((time) => this.lock.acquire(true, time)))) {
        return;
      }
      if (straight) assertEquals(this.queue[0], coro, "overtaken");
    } finally {
      if (straight) this.leaveQueue(coro);
    }
    try {
      assertEquals(this.lock.statistics().owner, coro);
      assertEquals(++this.inLock, 1);
      yield* this.pause();
    } finally {
      this.inLock--;
      this.lock.release();
    }
  }

  leaveQueue(coro: Coro): void {
    this.queue = this.queue.filter((other) => other !== coro);
  }

  *useSeats(): Generator<unknown, void, unknown> {
    if (!(yield* this.attempt((time) => this.seats.acquire(true, time)))) return;
    try {
      assert(++this.inSeats <= 2);
      yield* this.pause();
    } finally {
      this.inSeats--;
      this.seats.release();
    }
  }

  *nest(coro: Coro, depth: number): Generator<unknown, void, unknown> {
    using _ = yield* this.rlock.hold();
    assertEquals(this.rlock.statistics(), {
      locked: true,
      owner: coro,
      depth,
      waiters: this.rlock.statistics().waiters,
    });
    yield* this.pause();
    if (depth < 3 && this.roll(2) === 0) yield* this.nest(coro, depth + 1);
  }

  *produce(): Generator<unknown, void, unknown> {
    using _ = yield* this.stocked.hold();
    yield* this.pause();
    this.stock++;
    if (this.roll(4) === 0) this.stocked.notifyAll();
    else this.stocked.notify();
    if (this.roll(2) === 0) yield* this.pause();
  }

  *consume(coro: Coro): Generator<unknown, void, unknown> {
    const depth = 1 + this.roll(2);
    for (let i = 0; i < depth; i++) yield* this.stocked.acquire();
    try {
      for (let tries = 0; this.stock === 0; tries++) {
        // The last wait has no timeout; coroutines that still wait in the end are terminated.
        if (tries > 3) yield* this.stocked.wait();
        else yield* this.attempt((time) => this.stocked.wait(time));
        assertEquals(this.stocked.statistics().lock.owner, coro);
      }
      this.stock--;
    } finally {
      for (let i = 0; i < depth; i++) this.stocked.release();
    }
  }

  *work(coro: Coro, steps: number): Generator<unknown, void, unknown> {
    for (let i = 0; i < steps; i++) {
      const what = this.roll(6);
      if (what === 0) yield* this.useLock(coro);
      else if (what === 1) yield* this.useSeats();
      else if (what === 2) yield* this.nest(coro, 1);
      else if (what === 3) yield* this.produce();
      else yield* this.consume(coro);
    }
  }

  check(): void {
    assertEquals(this.lock.statistics(), { locked: false, owner: null, waiters: 0 });
    assertEquals(this.rlock.statistics(), { locked: false, owner: null, depth: 0, waiters: 0 });
    assertEquals(this.seats.statistics(), { value: 2, waiters: 0 });
    const { waiters, lock } = this.stocked.statistics();
    assertEquals([waiters, lock.locked, lock.waiters], [0, false, 0]);
  }
}

function* worker(coro: Coro, world: World, steps: number): Generator<unknown, void, unknown> {
  try {
    yield* world.work(coro, steps);
  } catch (error) {
    if ((error as Error).message !== "stop") throw error;
  }
}

/** Runs a program and interrupts its coroutines at random, sometimes two of them in one turn. */
function* program(_coro: Coro, scheduler: Scheduler, world: World): Generator<unknown, void, unknown> {
  const workers = Array.from(
    { length: 3 + world.roll(4) },
    () => scheduler.spawn(worker, world, 2 + world.roll(5)) as Coro,
  );
  // A worker that has not started would fail outside its try block.
  yield* sleep(0.001);
  for (let i = world.roll(12); i > 0; i--) {
    const victim = workers[world.roll(workers.length)];
    if (world.roll(3) > 0) yield* world.pause();
    world.leaveQueue(victim);
    if (world.roll(2) === 0) victim.throw(new Error("stop"));
    else victim.terminate();
  }
  // By now nothing more can happen.
  yield* sleep(1000);
  const { waiters } = world.stocked.statistics();
  assert(world.stock === 0 || waiters === 0, `a lost wake-up: ${world.stock} in stock, ${waiters} wait`);
  const left = workers.filter((each) => each.isAlive());
  assertEquals(left.length, waiters, "a waiter is left behind");
  for (const each of left) each.terminate();
  for (const each of workers) yield* each.finish();
  world.check();
}

Deno.test("random programs on locks, semaphores and conditions keep their invariants in seeded orders", async () => {
  for (let seed = 1; seed <= runs(3000); seed++) {
    try {
      await inLab(async (lab) => {
        await lab.scheduler.spawn(program, lab.scheduler, new World(seed)).value();
        // Of two interruptions in one turn, the second may find that its victim has ended.
        assertEquals(lab.takeReported().filter((message) => message !== "stop"), []);
      }, { shuffle: seed });
    } catch (error) {
      throw new Error(`Seed ${seed} fails`, { cause: error });
    }
  }
});
