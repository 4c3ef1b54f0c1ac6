/**
 * Terminating a coroutine: its `finally` blocks run, innermost first, and may wait.
 *
 *     deno run examples/cleanup.ts
 */
import { call, Coro, main, sleep } from "@asyncoro/asyncoro";

/** A subroutine with cleanup that waits. */
function* transfer(): Generator<unknown, void, unknown> {
  try {
    console.log("transfer: sending");
    yield* sleep(60);
    console.log("transfer: sent");
  } finally {
    yield* sleep(0.05);
    console.log("transfer: cancelled, both sides told");
  }
}

function* session(coro: Coro): Generator<unknown, void, unknown> {
  try {
    console.log("session: open");
    yield* call(transfer());
  } finally {
    console.log(`session: ${coro.name} closed`);
  }
}

main(function* (coro) {
  const client = new Coro(session);
  yield* coro.sleep(0.05);
  console.log("main: no longer interested");
  client.terminate();
  yield* client.finish();
  console.log(`main: done, the session is ${client.isAlive() ? "alive" : "gone"}`);
});
