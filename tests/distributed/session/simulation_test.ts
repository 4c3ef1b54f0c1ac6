/**
 * Random schedules of several peers, with every fault that links and peers have, and faults of the session layer that
 * they must find. `RUNS=100000 deno test -A tests/distributed/session/simulation_test.ts` runs more of them, and
 * `SEED=107` one again.
 */
import { assert, assertEquals, AssertionError, assertStringIncludes } from "@std/assert";
import { runs } from "../../helpers/runs.ts";
import { planOf, runSchedule } from "./schedules.ts";
import { Violation } from "./ledger.ts";
import { MUTANTS } from "./mutants.ts";
import { Simulation } from "./simulation.ts";

/** Seeds within which each fault must be found. */
const PATIENCE = 2000;

Deno.test("order, no duplicate, no loss in silence, one end on both sides, in every schedule", () => {
  const seed = Deno.env.get("SEED");
  if (seed !== undefined) return void runSchedule(Number(seed));
  let arrivals = 0;
  for (let i = 1; i <= runs(5000); i++) arrivals += runSchedule(i).ledger.arrivals;
  assert(arrivals > 0);
});

Deno.test("a schedule runs again from its seed, and with real HMAC too", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const [first, second] = [runSchedule(seed), runSchedule(seed)];
    assertEquals([first.ledger.arrivals, first.dials], [second.ledger.arrivals, second.dials]);
    const real = new Simulation(seed, { ...planOf(seed), realHmac: true });
    real.run();
    assertEquals([first.ledger.arrivals, first.dials], [real.ledger.arrivals, real.dials]);
  }
});

for (const mutant of MUTANTS) {
  Deno.test(`the simulation finds that ${mutant.name}`, () => {
    const undo = mutant.apply();
    try {
      assertStringIncludes(firstViolation(), mutant.invariant);
    } finally {
      undo();
    }
  });
}

function firstViolation(): string {
  for (let seed = 1; seed <= PATIENCE; seed++) {
    try {
      runSchedule(seed);
    } catch (error) {
      if (error instanceof Violation) return error.message;
      throw error;
    }
  }
  throw new AssertionError(`Not found within ${PATIENCE} seeds`);
}
