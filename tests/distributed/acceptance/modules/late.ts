/** Its top level takes a while, and names nothing before. */
import { Coro } from "@asyncoro/asyncoro";

await new Promise((resolve) => setTimeout(resolve, 300));
new Coro(function* (coro: Coro) {
  coro.register("late");
  yield* coro.receive();
});
