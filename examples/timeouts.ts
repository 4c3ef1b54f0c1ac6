/**
 * Timeouts that lose nothing: for one wait, for a whole piece of work, and for the first of several waits.
 *
 *     deno run examples/timeouts.ts
 */
import { Coro, main, race, sleep, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro";

/** Work that takes long, with cleanup. */
function* slowWork(): Generator<unknown, string, unknown> {
  try {
    yield* sleep(10);
    return "finished";
  } finally {
    console.log("slow work: cleaned up");
  }
}

main(function* (coro) {
  // One wait: an alarm value instead of a message.
  console.log("receive:", yield* coro.receive({ milliseconds: 20 }, "nothing came"));

  // A whole piece of work, with all its waits.
  try {
    yield* withTimeout(0.02, slowWork());
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("work:", error.name);
  }

  // The first of several waits. The others are cancelled; a late message stays for the next receive.
  const sender = new Coro(function* (sender) {
    yield* sender.sleep(0.05);
    coro.send("late message");
  });
  console.log("race:", yield* race(coro.receive(), coro.sleep(0.02, "nobody wrote")));
  yield* sender.finish();
  console.log("receive:", yield* coro.receive());

  // A promise with a deadline.
  console.log("promise:", yield* until(Promise.resolve("in time"), 1));
});
