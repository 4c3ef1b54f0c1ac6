/** The load of coroutines, and how coroutines among them wait. */
import type { AsyncSocket, Coro, Scheduler } from "@asyncoro/asyncoro";
import { FUNCTIONS, type Load } from "./load.ts";
import { ANSWER_BYTES, delay, type Late, lateBy, REQUEST, since } from "./waits.ts";

/** Runs a load of coroutines. */
export async function runCoroutines(scheduler: Scheduler, load: Load): Promise<void> {
  for (let i = 0; i < FUNCTIONS; i++) scheduler.spawn(go, load);
  await scheduler.join();
}

function* go(_coro: Coro, load: Load): Generator<undefined, void, unknown> {
  while (load.going) {
    load.work();
    yield;
  }
}

/** A coroutine that sleeps over and over. */
export function* sleeper(coro: Coro, going: () => boolean, late: Late): Generator<unknown, void, unknown> {
  while (going()) {
    const wait = delay();
    const start = performance.now();
    yield* coro.sleep(wait / 1000);
    late.push(lateBy(start, wait));
  }
}

/** A coroutine that sends requests, whose replies come a little later. */
export function* talker(
  _coro: Coro,
  going: () => boolean,
  late: Late,
  socket: AsyncSocket,
): Generator<unknown, void, unknown> {
  while (going()) {
    yield* socket.sendall(REQUEST);
    late.push(since(yield* socket.recvall(ANSWER_BYTES)));
  }
}
