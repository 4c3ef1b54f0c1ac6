/**
 * Random programs of tasks that wait for each other, cancel each other, and nest limits of time and groups: whatever
 * they do, everything ends, nothing is left behind or reported, and a program does the same each time.
 */
import { allTasks } from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { logOf } from "./cpython_duel.ts";
import { inLoop } from "./loop_lab.ts";
import { type Program, ProgramRun } from "./program.ts";
import { anyProgram, calmProgram } from "./random_program.ts";

const SEED = 20_260;

function holds<A extends unknown[]>(property: fc.IAsyncPropertyWithHooks<A>, numRuns: number): Promise<void> {
  return fc.assert(property, { numRuns, seed: SEED });
}

/** Runs a program to its end and looks for what is left. */
async function runAndLook(program: Program, shuffle?: number): Promise<void> {
  await inLoop(async (lab) => {
    const run = new ProgramRun(program, lab);
    await lab.run(run.main());
    assertEquals(run.unfinished().map(String), []);
    assertEquals(run.locks.map((lock) => lock.statistics()), Array(2).fill({ locked: false, owner: null, waiters: 0 }));
    // Nobody waits any more: the last signals wake nobody.
    for (const future of run.futures) future.cancel();
    run.event.set();
    run.queue.putNowait("nobody wants this");
    const { live, ready } = lab.loop.scheduler.stats();
    assertEquals({ live, ready, tasks: allTasks(lab.loop).size }, { live: 0, ready: 0, tasks: 0 });
  }, shuffle === undefined ? {} : { shuffle });
}

Deno.test("every program ends, and leaves no task, waiter, timer or report behind", () =>
  holds(fc.asyncProperty(anyProgram, (program) => runAndLook(program)), 200));

Deno.test("so it does in whatever order those run that are ready together", () =>
  holds(fc.asyncProperty(anyProgram, fc.nat(), (program, seed) => runAndLook(program, seed)), 200));

Deno.test("a program does the same each time", () =>
  holds(
    fc.asyncProperty(anyProgram, async (program) => assertEquals(await logOf(program), await logOf(program))),
    60,
  ));

Deno.test("what limits and groups ask of the task that they are in, they take back", () =>
  holds(
    fc.asyncProperty(calmProgram, (program) =>
      inLoop(async (lab) => {
        const run = new ProgramRun(program, lab);
        await lab.run(run.main());
        const forced = lab.takeLog().some((event) => String(event).includes("main cancels"));
        if (forced) return;
        // Nobody else cancels those that exist at first.
        for (const key of program.start) assertEquals(run.tasks.get(key)!.cancelling(), 0);
      })),
    200,
  ));
