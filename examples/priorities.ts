/**
 * Priorities: urgent coroutines run first, and none starves.
 *
 *     deno run examples/priorities.ts
 */
import { type Coro, main, Scheduler } from "@asyncoro/asyncoro";

const order: string[] = [];

function* worker(_coro: Coro, name: string, steps: number): Generator<unknown, void, unknown> {
  for (let step = 1; step <= steps; step++) {
    order.push(`${name}${step}`);
    yield;
  }
}

main(function* () {
  const scheduler = Scheduler.instance();
  const low = scheduler.spawnWith({ priority: 7 }, worker, "low", 2);
  const normal = scheduler.spawnWith({ priority: 4 }, worker, "normal", 2);
  const urgent = scheduler.spawnWith({ priority: 0 }, worker, "urgent", 2);
  yield* low.finish();
  console.log(order.join(" "));
  console.log(`priorities: ${[urgent, normal, low].map((coro) => coro.priority).join(", ")}`);

  // A coroutine of the first priority that never waits leaves some turns to those of the last.
  const greedy = scheduler.spawnWith({ priority: 0 }, function* () {
    for (;;) yield;
  });
  const patient = scheduler.spawnWith({ priority: 7 }, worker, "patient", 3);
  yield* patient.finish();
  greedy.terminate();
  console.log("the patient one has finished beside the greedy one");
});
