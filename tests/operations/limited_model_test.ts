/**
 * Random programs in which waits with signals, timeouts, interrupts and races compete: no message, permit or lock is lost
 * or made, no coroutine waits for ever after an abort, and no listener stays.
 */
import { type Coro, Event, type Limit, Lock, race, Scheduler, Semaphore, withTimeout } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { CountedSignal } from "../helpers/counted_signal.ts";

type Body = Generator<unknown, void, unknown>;

const WORKERS = 8;
const STEPS = 40;

/** A generator of numbers that a seed determines (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

class Program {
  readonly #random: (below: number) => number;
  readonly #lock = new Lock();
  readonly #permits = new Semaphore(2);
  readonly #news = new Event();
  readonly #workers: Coro[] = [];
  readonly scheduler: Scheduler;
  /** All signals that were used, the current one last. */
  readonly signals: CountedSignal[] = [new CountedSignal()];
  sent = 0;
  received = 0;
  aborted = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
  }

  async run(): Promise<void> {
    for (let i = 0; i < WORKERS; i++) this.#workers.push(this.scheduler.spawn(work, this));
    const chaos = this.scheduler.spawn(disturb, this);
    for (const worker of this.#workers) await worker.value();
    chaos.terminate();
    await chaos.value();
    await this.scheduler.join();
    for (const { listeners } of this.signals) assertEquals(listeners, 0);
    assertEquals([this.#lock.locked(), this.#lock.statistics().waiters], [false, 0]);
    assertEquals(this.#permits.statistics(), { value: 2, waiters: 0 });
    assertEquals(this.#news.statistics().waiters, 0);
    assertEquals(this.scheduler.stats().timers, 0);
    await this.scheduler.terminate();
  }

  /** A limit that always ends the wait: the current signal is aborted some time. */
  #limit(): Limit {
    const { signal } = this.signals[this.signals.length - 1];
    const timeout = this.#random(5) - 1;
    return [signal, { signal }, { signal, timeout }, timeout][this.#random(4)];
  }

  *work(coro: Coro): Body {
    for (let step = 0; step < STEPS; step++) {
      try {
        yield* this.#step(coro);
        if (this.#random(3) === 0) yield* coro.sleep(this.#random(3));
      } catch (error) {
        if (error !== "abort" && error !== thrown && (error as Error).name !== "TimeoutError") throw error;
        if (error === "abort") this.aborted++;
      }
    }
    // Not one message may have disappeared. A second error of two may be thrown only now.
    for (;;) {
      try {
        if ((yield* coro.receive(0)) === undefined) return;
        this.received++;
      } catch (error) {
        if (error !== thrown) throw error;
      }
    }
  }

  *#step(coro: Coro): Body {
    const plain = this.#random(2) === 0;
    switch (this.#random(8)) {
      case 0:
      case 1: {
        const message = plain ? yield coro.receive(this.#limit()) : yield* coro.receive(this.#limit());
        if (message !== undefined) this.received++;
        return;
      }
      case 2:
        if (!(plain ? yield this.#lock.acquire(true, this.#limit()) : yield* this.#lock.acquire(true, this.#limit()))) {
          return;
        }
        return yield* this.#holding(coro, this.#lock);
      case 3:
        if (!(yield* this.#permits.acquire(true, this.#limit()))) return;
        return yield* this.#holding(coro, this.#permits);
      case 4:
        return void (yield* this.#news.wait(this.#limit()));
      case 5:
        return void (yield* coro.sleep(this.#limit()));
      case 6: {
        const won = yield* race(coro.receive(this.#limit()), this.#news.wait(this.#limit()));
        if (won === MESSAGE) this.received++;
        return;
      }
      default: {
        const message = yield* withTimeout(this.#limit(), coro.receive());
        if (message !== undefined) this.received++;
      }
    }
  }

  *#holding(coro: Coro, gate: Lock | Semaphore): Body {
    try {
      yield* coro.sleep(this.#random(3));
    } finally {
      gate.release();
    }
  }

  *disturb(coro: Coro): Body {
    // A coroutine that has not started would fail.
    yield* coro.sleep(0.1);
    for (;;) {
      const worker = this.#workers[this.#random(WORKERS)];
      switch (this.#random(6)) {
        case 0:
          // Before or after a message in the same step.
          if (this.#random(2) === 0) this.#send(worker);
          this.signals[this.signals.length - 1].abort("abort");
          this.signals.push(new CountedSignal());
          this.#send(worker);
          break;
        case 1:
        case 2:
          this.#send(worker);
          break;
        case 3:
          this.#news.set();
          this.#news.clear();
          break;
        case 4:
          if (this.#random(3) === 0) worker.throw(thrown);
          break;
        default:
          worker.resume("resumed");
      }
      if (this.#random(2) === 0) yield;
      else yield* coro.sleep(this.#random(3) / 2);
    }
  }

  #send(worker: Coro): void {
    if (worker.send(MESSAGE)) this.sent++;
  }
}

function* work(coro: Coro, program: Program): Body {
  yield* program.work(coro);
}

function* disturb(coro: Coro, program: Program): Body {
  yield* program.disturb(coro);
}

const MESSAGE = "message";
const thrown = new Error("thrown");

Deno.test("waits with signals lose nothing and leave nothing behind, in 300 random programs", async () => {
  let aborted = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const program = new Program(seed);
    try {
      await program.run();
      // What was sent after the last look of a worker went to one that has ended.
      assertEquals(program.received, program.sent);
    } catch (error) {
      throw new Error(`Seed ${seed}`, { cause: error });
    }
    aborted += program.aborted;
  }
  assertEquals(aborted > 1000, true, `Only ${aborted} waits were aborted`);
});
