/** deno run -A ours.ts [--quick]: measures our pool, from coroutines. */
import { run, Scheduler } from "@asyncoro/asyncoro";
import { WorkerPool, type WorkerTask } from "../../../core/workers/mod.ts";
import { measure } from "./contender.ts";

function empty(): void {}

function compute(): void {
  for (const end = performance.now() + 1; performance.now() < end;);
}

function bounce(this: WorkerTask, buffer: ArrayBuffer): ArrayBuffer {
  return this.transfer(buffer, [buffer]);
}

function make() {
  const pool = new WorkerPool(2);
  return {
    empty: () => pool.run(empty),
    compute: () => pool.run(compute),
    bounce: (buffer: ArrayBuffer) => pool.runWith({ transfer: [buffer] }, bounce, buffer),
    many: (count: number, inFlight: number) =>
      run(function* () {
        let left = count;
        const lanes = Array.from({ length: inFlight }, () =>
          Scheduler.instance().spawn(function* () {
            while (left-- > 0) yield* pool.asyncTask(empty);
          }));
        for (const lane of lanes) yield* lane.finish();
      }),
    end: () => pool.terminate(),
  };
}

console.log(JSON.stringify(await measure(make, Deno.args.includes("--quick"))));
