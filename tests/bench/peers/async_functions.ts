/**
 * Works by async functions, with the usual helpers on promises (a queue, a mutex, a limiter), for every host that has
 * promises.
 */
import { many } from "../harness.ts";
import type { Works } from "./contender.ts";
import { BURST, CHILDREN, COROUTINES, delayOf, RATE, RING, SENDERS, SOURCES, SUBSCRIBERS, TAKERS } from "./works.ts";

/**
 * An unbounded queue; a get from an empty one waits. Items that were taken are cut off in bulk, as `shift` costs more.
 */
class Queue<T> {
  #items: T[] = [];
  #taken = 0;
  #waiters: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#items.push(item);
    else waiter(item);
  }

  take(): Promise<T> {
    if (this.#taken === this.#items.length) return new Promise((resolve) => this.#waiters.push(resolve));
    const item = this.#items[this.#taken++];
    if (this.#taken > 1_000 && this.#taken * 2 > this.#items.length) this.#cut();
    return Promise.resolve(item);
  }

  #cut(): void {
    this.#items = this.#items.slice(this.#taken);
    this.#taken = 0;
  }
}

/** A queue with room for one item; a put waits while it is full, a get while it is empty. */
class QueueOfOne<T> {
  #item: { item: T } | null = null;
  #putters: { item: T; resolve: () => void }[] = [];
  #getters: ((item: T) => void)[] = [];

  put(item: T): Promise<void> {
    const getter = this.#getters.shift();
    if (getter !== undefined) getter(item);
    else if (this.#item !== null) return new Promise((resolve) => this.#putters.push({ item, resolve }));
    else this.#item = { item };
    return Promise.resolve();
  }

  take(): Promise<T> {
    if (this.#item === null) return new Promise((resolve) => this.#getters.push(resolve));
    const { item } = this.#item;
    const putter = this.#putters.shift();
    this.#item = putter ?? null;
    putter?.resolve();
    return Promise.resolve(item);
  }
}

/** First come, first served. */
class Mutex {
  #locked = false;
  #waiters: (() => void)[] = [];

  acquire(): Promise<void> {
    if (this.#locked) return new Promise((resolve) => this.#waiters.push(resolve));
    this.#locked = true;
    return Promise.resolve();
  }

  release(): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#locked = false;
    else waiter();
  }
}

/** A bucket of tokens: who takes one that is not there yet sleeps until it is. */
class RateLimiter {
  #tokens: number;
  #filled = performance.now();
  readonly #rate: number;
  readonly #burst: number;
  readonly #sleep: (milliseconds: number) => Promise<unknown>;

  constructor(rate: number, burst: number, sleep: (milliseconds: number) => Promise<unknown>) {
    this.#rate = rate / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#sleep = sleep;
  }

  async take(): Promise<void> {
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filled) * this.#rate);
    this.#filled = now;
    this.#tokens--;
    if (this.#tokens < 0) await this.#sleep(-this.#tokens / this.#rate);
  }
}

// deno-lint-ignore require-await -- an async function is what is measured
async function short(index: number): Promise<number> {
  return index;
}

/** The works, by name, on a host whose `sleep` waits so many milliseconds. */
export function worksWith(sleep: (milliseconds: number) => Promise<unknown>): Works {
  return {
    "switch": async (amount) => {
      const steps = amount / COROUTINES;
      let [begun, sum] = [0, 0];
      await Promise.all(many(COROUTINES, async () => {
        begun++;
        for (let i = 0; i < steps; i++) await null;
        if (begun === COROUTINES) sum += steps;
      }));
      return sum;
    },

    // An async function always starts at once, without a scheduler.
    "spawn": async (amount) => {
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += await short(i);
      return sum;
    },

    "hundreds": async (amount) => {
      let [next, sum] = [0, 0];
      while (next < amount) {
        for (const result of await Promise.all(many(100, () => short(next++)))) sum += result;
      }
      return sum;
    },

    "ping-pong": async (amount) => {
      const [there, back] = [new Queue<number>(), new Queue<number>()];
      const pong = async () => {
        for (let i = 0; i < amount; i += 2) back.put(await there.take() + 1);
      };
      const partner = pong();
      let last = 0;
      for (let i = 0; i < amount; i += 2) {
        there.put(last + 1);
        last = await back.take();
      }
      await partner;
      return last;
    },

    "ring": async (amount) => {
      const queues = many(RING, () => new Queue<number>());
      const end = new Queue<number>();
      const node = async (number: number) => {
        for (let token = await queues[number - 1].take(); token >= 0; token = await queues[number - 1].take()) {
          if (token > 0) queues[number % RING].put(token - 1);
          else end.put(number);
        }
      };
      let number = 1;
      const nodes = many(RING, () => node(number++));
      queues[0].put(amount);
      const last = await end.take();
      for (const queue of queues) queue.put(-1);
      await Promise.all(nodes);
      return last;
    },

    "fan-in": async (amount) => {
      const queue = new Queue<number>();
      const each = amount / SENDERS;
      let index = 0;
      const senders = many(SENDERS, async () => {
        const first = each * index++;
        for (let i = 0; i < each; i++) {
          queue.put(first + i);
          await null;
        }
      });
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += await queue.take();
      await Promise.all(senders);
      return sum;
    },

    "lock": async (amount) => {
      const mutex = new Mutex();
      let counter = 0;
      const holder = async () => {
        for (let i = 0; i < amount; i += 2) {
          await mutex.acquire();
          const seen = counter;
          await null;
          counter = seen + 1;
          mutex.release();
        }
      };
      await Promise.all([holder(), holder()]);
      return counter;
    },

    "queue": async (amount) => {
      const queue = new QueueOfOne<number>();
      const producer = async () => {
        for (let i = 0; i < amount; i++) await queue.put(i);
      };
      const produced = producer();
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += await queue.take();
      await produced;
      return sum;
    },

    "broadcast": async (amount) => {
      const messages = amount / SUBSCRIBERS;
      const queues = many(SUBSCRIBERS, () => new Queue<number>());
      const listeners = queues.map(async (queue) => {
        let inOrder = 0;
        for (let i = 0; i < messages; i++) {
          if (await queue.take() === inOrder) inOrder++;
        }
        return inOrder;
      });
      for (let i = 0; i < messages; i++) {
        for (const queue of queues) queue.put(i);
        await null;
      }
      return (await Promise.all(listeners)).reduce((sum, inOrder) => sum + inOrder, 0);
    },

    /** What fails aborts the others, which look at the signal. */
    "scope": async (amount) => {
      let [next, sum] = [0, 0];
      // deno-lint-ignore require-await -- as above
      const child = async (index: number, signal: AbortSignal) => {
        signal.throwIfAborted();
        sum += index;
      };
      while (next < amount) {
        const controller = new AbortController();
        const children = many(CHILDREN, () => child(next++, controller.signal));
        try {
          await Promise.all(children);
        } catch (error) {
          controller.abort(error);
          await Promise.allSettled(children);
          throw error;
        }
      }
      return sum;
    },

    /** A take that has lost stays, for the next race. */
    "select": async (amount) => {
      const queues = many(SOURCES, () => new QueueOfOne<number>());
      const each = amount / SOURCES;
      const producers = queues.map(async (queue, index) => {
        for (let i = 0; i < each; i++) await queue.put(each * index + i);
      });
      const take = async (index: number) => ({ index, item: await queues[index].take() });
      const takes = queues.map((_, index) => take(index));
      let sum = 0;
      for (let i = 0; i < amount; i++) {
        const { index, item } = await Promise.race(takes);
        sum += item;
        takes[index] = take(index);
      }
      await Promise.all(producers);
      return sum;
    },

    "limiter": async (amount) => {
      const limiter = new RateLimiter(RATE, BURST, sleep);
      let taken = 0;
      await Promise.all(many(TAKERS, async () => {
        for (let i = 0; i < amount / TAKERS; i++) {
          await limiter.take();
          taken++;
        }
      }));
      return taken;
    },

    "sleepers": async (amount) => {
      let [index, woken] = [0, 0];
      await Promise.all(many(amount, async () => {
        const delay = delayOf(index++);
        await sleep(delay * 1000);
        woken++;
      }));
      return woken;
    },
  };
}
