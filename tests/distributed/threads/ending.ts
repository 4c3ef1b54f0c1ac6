/** The module of a thread that says when it ends. */
import { Coro, sleep } from "@asyncoro/asyncoro";

const { promise, resolve } = Promise.withResolvers<void>();
new Coro(function* () {
  try {
    resolve();
    yield* sleep(Infinity);
  } finally {
    yield* sleep(0.05);
    console.log("the thread ends");
  }
});
await promise;
