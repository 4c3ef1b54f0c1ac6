/**
 * The floor: bare generators that a loop resumes, with no scheduler, no mailbox and no waiting. A message is the value
 * that a generator is resumed with.
 */
import { many } from "../harness.ts";
import { runWorks, type Works } from "./contender.ts";
import { COROUTINES, RING, SENDERS, SUBSCRIBERS } from "./works.ts";

/** A generator that is given numbers and yields numbers, without end. */
type Talker = Generator<number, never, number>;

/** Its works, by name. */
export const works: Works = {
  "switch": (amount) => {
    const steps = amount / COROUTINES;
    let [begun, sum] = [0, 0];
    const yielder = function* (): Generator<undefined, void, unknown> {
      begun++;
      for (let i = 0; i < steps; i++) yield;
      if (begun === COROUTINES) sum += steps;
    };
    const generators = many(COROUTINES, yielder);
    for (let live = COROUTINES; live > 0;) {
      live = 0;
      for (let i = 0; i < COROUTINES; i++) if (!generators[i].next().done) live++;
    }
    return sum;
  },

  "spawn": (amount) => {
    let sum = 0;
    for (let i = 0; i < amount; i++) sum += short(i).next().value;
    return sum;
  },

  "hundreds": (amount) => {
    let [next, sum] = [0, 0];
    while (next < amount) {
      for (const each of many(100, () => short(next++))) sum += each.next().value;
    }
    return sum;
  },

  "ping-pong": (amount) => {
    const [ping, pong] = [adder(), adder()];
    ping.next(0);
    pong.next(0);
    let last = 0;
    for (let i = 0; i < amount; i += 2) last = pong.next(ping.next(last).value).value;
    return last;
  },

  "ring": (amount) => {
    const ring = many(RING, decrementer);
    for (const each of ring) each.next(0);
    let token = amount;
    let index = 0;
    for (; token > 0; index = (index + 1) % RING) token = ring[index].next(token).value;
    return index + 1;
  },

  "fan-in": (amount) => {
    const each = amount / SENDERS;
    let [index, sum] = [0, 0];
    roundRobin(many(SENDERS, () => sender(each * index++, each)), (message) => sum += message);
    return sum;
  },

  "broadcast": (amount) => {
    const messages = amount / SUBSCRIBERS;
    const listeners = many(SUBSCRIBERS, listener);
    for (const each of listeners) each.next(-1);
    for (let message = 0; message < messages; message++) {
      for (const each of listeners) each.next(message);
    }
    let sum = 0;
    for (const each of listeners) sum += each.next(-1).value;
    return sum;
  },
};

function roundRobin(generators: readonly Generator<number, void, unknown>[], take: (message: number) => void): void {
  for (let live = generators.length; live > 0;) {
    live = 0;
    for (let i = 0; i < generators.length; i++) {
      const { done, value } = generators[i].next();
      if (done) continue;
      live++;
      take(value);
    }
  }
}

function* short(index: number): Generator<never, number, unknown> {
  return index;
}

function* adder(): Talker {
  for (let value = yield 0;;) value = yield value + 1;
}

function* decrementer(): Talker {
  for (let token = yield 0;;) token = yield token - 1;
}

function* sender(first: number, count: number): Generator<number, void, unknown> {
  for (let i = 0; i < count; i++) yield first + i;
}

/** Returns how many came in order. */
function* listener(): Talker {
  let inOrder = 0;
  for (let message = yield 0;; message = yield inOrder) {
    if (message === inOrder) inOrder++;
  }
}

if (import.meta.main) await runWorks(works);
