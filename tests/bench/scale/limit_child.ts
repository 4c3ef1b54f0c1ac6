/** Creates more and more coroutines that wait, and prints their number, until a limit is reached. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";

const STEP = 100_000;

const scheduler = new Scheduler();
let count = 0;

function* receives(coro: Coro): Generator<unknown, void, unknown> {
  yield* coro.receive();
}

scheduler.spawn(function* () {
  try {
    for (;;) {
      for (let i = 0; i < STEP; i++) scheduler.spawn(receives);
      yield;
      count += STEP;
      console.log(count);
    }
  } catch (error) {
    console.log(`${error}`);
    Deno.exit(0);
  }
});
