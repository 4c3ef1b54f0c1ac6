/** The module of a thread that says when it ends. */
import { Coro, sleep } from "@asyncoro/asyncoro";

new Coro(function* () {
  try {
    yield* sleep(Infinity);
  } finally {
    yield* sleep(0.05);
    console.log("the thread ends");
  }
});
