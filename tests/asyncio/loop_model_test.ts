/** Random programs against the reference model. */
import { DeadlockError } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { LoopLab } from "./loop_lab.ts";
import { runs } from "../helpers/runs.ts";
import { Interpreter, loopEngine, type LoopProgram, programs, referenceEngine, type Step } from "./loop_program.ts";
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

/** Virtual time with slices that are as short as they can be: they end in the middle of iterations. */
class ChoppyClock extends VirtualClock {
  override driver(loop: Drivable): Driver {
    return super.driver(
      new Proxy(loop, {
        get: (target, key) => {
          if (key === "slice") return (_budget: number, start: number) => target.slice(0, start);
          const value = Reflect.get(target, key);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
    );
  }
}

type Drivable = Parameters<VirtualClock["driver"]>[0];
type Driver = ReturnType<VirtualClock["driver"]>;

/** The same on an event loop. */
async function actual(program: LoopProgram, { clock = new VirtualClock(), debug = false } = {}): Promise<unknown[]> {
  const { loop } = new LoopLab({ clock, debug });
  loop.slowCallbackDuration = Infinity;
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

const seed = Number(Deno.env.get("MODEL_SEED") ?? 20250);
const numRuns = runs(500);

Deno.test("what happens in which iteration is what happens in CPython's loop, for any program", async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => assertEquals(await actual(program), expected(program))),
    { numRuns, seed },
  );
});

/**
 * The program without sleeps: a sleeper that is cancelled when its time is up, but before it has had its turn, keeps the
 * place of its timer if a slice ends in between, where CPython would put it at the end.
 */
function withoutSleeps({ scripts, runs }: LoopProgram): LoopProgram {
  const awake = (step: Step): Step => step.do === "sleep" ? { do: "sleep", delay: 0 } : step;
  return { scripts: scripts.map((script) => script.map(awake)), runs };
}

Deno.test("the same holds when the host gets its turn in the middle of iterations", async () => {
  await fc.assert(
    fc.asyncProperty(programs.map(withoutSleeps), async (program) => {
      assertEquals(await actual(program, { clock: new ChoppyClock() }), expected(program));
    }),
    { numRuns, seed: seed + 1 },
  );
});

Deno.test("the same holds in debug mode", async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      assertEquals(await actual(program, { debug: true }), expected(program));
    }),
    { numRuns: Math.ceil(numRuns / 5), seed: seed + 2 },
  );
});
