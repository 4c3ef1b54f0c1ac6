/**
 * Effection: tasks, queues, a channel. It has no operation that just yields: a microtask is the quickest way to do so.
 */
import {
  action,
  createChannel,
  createQueue,
  type Operation,
  type Queue,
  run,
  scoped,
  sleep,
  spawn,
  type Task,
} from "effection";
import { many } from "../harness.ts";
import { runWorks, type Works } from "./contender.ts";
import { CHILDREN, COROUTINES, delayOf, RING, SENDERS, SUBSCRIBERS } from "./works.ts";

const giveWay = action<void>((resolve) => {
  queueMicrotask(resolve);
  return () => {};
});

/** A queue that is never closed. */
type Numbers = Queue<number, never>;

const newQueue = (): Numbers => createQueue<number, never>();

function* take(queue: Numbers): Operation<number> {
  return (yield* queue.next()).value;
}

function* short(index: number): Operation<number> {
  return index;
}

/** Its works, by name. */
export const works: Works = {
  "switch": (amount) =>
    run(function* () {
      const steps = amount / COROUTINES;
      let [begun, sum] = [0, 0];
      const tasks: Task<void>[] = [];
      for (let k = 0; k < COROUTINES; k++) {
        tasks.push(
          yield* spawn(function* () {
            begun++;
            for (let i = 0; i < steps; i++) yield* giveWay;
            if (begun === COROUTINES) sum += steps;
          }),
        );
      }
      for (const task of tasks) yield* task;
      return sum;
    }),

  "spawn": (amount) =>
    run(function* () {
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* yield* spawn(() => short(i));
      return sum;
    }),

  "hundreds": (amount) =>
    run(function* () {
      let [next, sum] = [0, 0];
      while (next < amount) {
        const tasks: Task<number>[] = [];
        for (let i = 0; i < 100; i++) tasks.push(yield* spawn(() => short(next++)));
        for (const task of tasks) sum += yield* task;
      }
      return sum;
    }),

  "ping-pong": (amount) =>
    run(function* () {
      const [there, back] = [newQueue(), newQueue()];
      yield* spawn(function* () {
        for (let i = 0; i < amount; i += 2) back.add((yield* take(there)) + 1);
      });
      let last = 0;
      for (let i = 0; i < amount; i += 2) {
        there.add(last + 1);
        last = yield* take(back);
      }
      return last;
    }),

  "ring": (amount) =>
    run(function* () {
      const queues = many(RING, newQueue);
      const end = newQueue();
      for (let number = 1; number <= RING; number++) {
        yield* spawn(function* () {
          for (;;) {
            const token = yield* take(queues[number - 1]);
            if (token > 0) queues[number % RING].add(token - 1);
            else end.add(number);
          }
        });
      }
      queues[0].add(amount);
      return yield* take(end); // the nodes end with the task that spawned them
    }),

  "fan-in": (amount) =>
    run(function* () {
      const queue = newQueue();
      const each = amount / SENDERS;
      for (let k = 0; k < SENDERS; k++) {
        yield* spawn(function* () {
          for (let i = 0; i < each; i++) {
            queue.add(k * each + i);
            yield* giveWay;
          }
        });
      }
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* take(queue);
      return sum;
    }),

  "broadcast": (amount) =>
    run(function* () {
      const messages = amount / SUBSCRIBERS;
      const channel = createChannel<number, never>();
      const tasks: Task<number>[] = [];
      let subscribed = 0;
      for (let k = 0; k < SUBSCRIBERS; k++) {
        tasks.push(
          yield* spawn(function* () {
            const subscription = yield* channel;
            subscribed++;
            let inOrder = 0;
            for (let i = 0; i < messages; i++) {
              if ((yield* subscription.next()).value === inOrder) inOrder++;
            }
            return inOrder;
          }),
        );
      }
      while (subscribed < SUBSCRIBERS) yield* giveWay;
      for (let i = 0; i < messages; i++) {
        yield* channel.send(i);
        yield* giveWay;
      }
      let sum = 0;
      for (const task of tasks) sum += yield* task;
      return sum;
    }),

  "scope": (amount) =>
    run(function* () {
      let [next, sum] = [0, 0];
      while (next < amount) {
        yield* scoped(function* () {
          const tasks: Task<void>[] = [];
          for (let i = 0; i < CHILDREN; i++) {
            const index = next++;
            tasks.push(
              yield* spawn(function* () {
                sum += index;
              }),
            );
          }
          for (const task of tasks) yield* task;
        });
      }
      return sum;
    }),

  "sleepers": (amount) =>
    run(function* () {
      let woken = 0;
      const tasks: Task<void>[] = [];
      for (let k = 0; k < amount; k++) {
        tasks.push(
          yield* spawn(function* () {
            yield* sleep(delayOf(k) * 1000);
            woken++;
          }),
        );
      }
      for (const task of tasks) yield* task;
      return woken;
    }),
};

if (import.meta.main) await runWorks(works);
