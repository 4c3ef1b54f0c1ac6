/**
 * Supervision: a worker that fails now and then is restarted in place and keeps its mailbox and its registered name.
 * If it fails too often, the supervisor gives up.
 *
 *     deno run examples/supervisor.ts
 */
import { Coro, main, supervise, SupervisionError } from "@asyncoro/asyncoro";

/** Divides the numbers it receives, and fails on a division by zero. */
function* divider(coro: Coro): Generator<unknown, string, unknown> {
  console.log(`divider: starts${coro.register("divider") ? "" : " again, and still has its name"}`);
  for (;;) {
    const job = yield* coro.receive<[number, number] | "enough">();
    if (job === "enough") return "all done";
    const [a, b] = job;
    if (b === 0) throw new RangeError(`${a} cannot be divided by 0`);
    console.log(`divider: ${a} / ${b} = ${a / b}`);
  }
}

/** Fails each time it is started. */
function* hopeless(coro: Coro): Generator<unknown, void, unknown> {
  console.log(`${coro.name}: starts`);
  yield;
  throw new Error("no connection");
}

main(function* (coro) {
  const supervisor = supervise([{ target: divider }], { maxRestarts: 3, within: 5 });
  const worker = yield* Coro.locate("divider");
  for (const job of [[6, 3], [1, 0], [10, 4], [2, 0], [9, 3]]) worker!.send(job);
  worker!.send("enough");
  console.log("result:", yield* supervisor.finish());

  const children = [{ target: divider }, { target: hopeless }];
  try {
    yield* supervise(children, { maxRestarts: 2, backoff: 0.01, strategy: "one-for-one" }).finish();
  } catch (error) {
    if (!(error instanceof SupervisionError)) throw error;
    console.log(`${error.name}: ${error.message}`);
    console.log("failures:", error.failures.length);
  }
  console.log("left:", (yield* Coro.locate("divider", 0))?.name ?? "nobody", coro.scheduler.statistics().live);
});
