/** The works that are measured, on our event loop. Each does `count` operations. */
import { createTask, gather, getRunningLoop, Queue, sleep } from "@asyncoro/asyncoro/asyncio";
import { many } from "../harness.ts";

type Work = (count: number) => Generator<unknown, void, unknown>;

function* short(): Generator<unknown, number, unknown> {
  return 1;
}

/** Each task is awaited before the next is made. */
function* spawnAndAwait(count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* createTask(short());
}

/** Tasks are made by hundreds and then awaited. */
function* spawnHundreds(count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i += 100) {
    const tasks = many(100, () => createTask(short()));
    for (const task of tasks) yield* task;
  }
}

/** A thousand callbacks at a time. */
function* callSoon(count: number): Generator<unknown, void, unknown> {
  const loop = getRunningLoop();
  let called = 0;
  const callback = () => called++;
  for (let i = 0; i < count; i += 1000) {
    for (let j = 0; j < 1000; j++) loop.callSoon(callback);
    yield* sleep(0);
  }
  if (called !== count) throw new Error(`${called} of ${count} callbacks were called`);
}

/** Each callback schedules the next one. */
function* callSoonChain(count: number): Generator<unknown, void, unknown> {
  const loop = getRunningLoop();
  const done = loop.createFuture<void>();
  let left = count;
  const callback = () => {
    if (--left > 0) loop.callSoon(callback);
    else done.setResult();
  };
  loop.callSoon(callback);
  yield* done;
}

/** Two tasks wake each other with a future each time. */
function* futureHandOff(count: number): Generator<unknown, void, unknown> {
  const loop = getRunningLoop();
  const futures = [loop.createFuture<number>(), loop.createFuture<number>()];
  function* player(me: number) {
    for (let i = 0; i < count / 2; i++) {
      yield* futures[me];
      futures[me] = loop.createFuture();
      futures[1 - me].setResult(i);
    }
  }
  const players = [createTask(player(0)), createTask(player(1))];
  yield* sleep(0);
  futures[0].setResult(0);
  for (const each of players) yield* each;
}

/** Nothing has to wait: each item is put and then got. */
function* queue(count: number): Generator<unknown, void, unknown> {
  const items = new Queue<number>();
  for (let i = 0; i < count; i += 1000) {
    for (let j = 0; j < 1000; j++) yield* items.put(j);
    for (let j = 0; j < 1000; j++) yield* items.get();
  }
}

/** A producer and a consumer with room for one item: both wait each time. */
function* queueOfOne(count: number): Generator<unknown, void, unknown> {
  const items = new Queue<number>(1);
  let sum = 0;
  function* producer() {
    for (let i = 0; i < count; i++) yield* items.put(i);
  }
  function* consumer() {
    for (let i = 0; i < count; i++) sum += yield* items.get();
  }
  yield* gather(producer(), consumer());
  if (sum !== count * (count - 1) / 2) throw new Error(`The sum is ${sum}`);
}

/** Ten thousand coroutines at a time. */
function* gatherTenThousand(count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i += 10_000) {
    const results = yield* gather(many(10_000, short));
    if (results.length !== 10_000) throw new Error("Results are missing");
  }
}

/** The works, by the names that the Python program uses, with the number of operations. */
export const WORKS: readonly {
  readonly name: string;
  readonly title: string;
  readonly work: Work;
  readonly count: number;
}[] = [
  { name: "spawn_and_await", title: "task, spawn and await, one by one", work: spawnAndAwait, count: 40_000 },
  { name: "spawn_hundreds", title: "task, spawn and await, by hundreds", work: spawnHundreds, count: 50_000 },
  { name: "call_soon", title: "`call_soon`, a thousand at a time", work: callSoon, count: 200_000 },
  { name: "call_soon_chain", title: "`call_soon`, each from the one before", work: callSoonChain, count: 100_000 },
  { name: "future_hand_off", title: "future, hand-off between two tasks", work: futureHandOff, count: 40_000 },
  { name: "queue", title: "queue, put and get, nobody waits", work: queue, count: 200_000 },
  { name: "queue_of_one", title: "queue of one, both wait", work: queueOfOne, count: 40_000 },
  { name: "gather", title: "`gather` of 10,000, each", work: gatherTenThousand, count: 50_000 },
];
