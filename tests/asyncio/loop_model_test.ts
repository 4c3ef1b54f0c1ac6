/** Random programs against the reference model. */
import { DeadlockError } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LoopLab } from "./loop_lab.ts";
import { Interpreter, loopEngine, type LoopProgram, programs, referenceEngine } from "./loop_program.ts";
import { ReferenceLoop } from "./reference_loop.ts";

/** What happens in each run of the model, and the time after it. */
function expected(program: LoopProgram): unknown[] {
  const loop = new ReferenceLoop();
  const interpreter = new Interpreter(referenceEngine(loop), program);
  loop.callSoon(interpreter.callback(0));
  return program.runs.map((how) => {
    if (how === "iterate") loop.stop();
    return [loop.runForever(), loop.now, interpreter.log.splice(0)];
  });
}

/** The same on an event loop. */
async function actual(program: LoopProgram): Promise<unknown[]> {
  const { loop, clock } = new LoopLab();
  const interpreter = new Interpreter(loopEngine(loop), program);
  loop.callSoon(interpreter.callback(0));
  const seen: unknown[] = [];
  for (const how of program.runs) {
    if (how === "iterate") loop.stop();
    const stopped = await loop.runForever().then(() => true, (error) => {
      if (error instanceof DeadlockError) return false;
      throw error;
    });
    seen.push([stopped, clock.now(), interpreter.log.splice(0)]);
  }
  loop.close();
  return seen;
}

const numRuns = Number(Deno.env.get("MODEL_RUNS") ?? 500);

Deno.test("what happens in which iteration is what happens in CPython's loop, for any program", async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => assertEquals(await actual(program), expected(program))),
    { numRuns, seed: Number(Deno.env.get("MODEL_SEED") ?? 20250) },
  );
});
