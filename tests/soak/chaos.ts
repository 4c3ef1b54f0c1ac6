/** Interrupts members of the societies at any moment: terminates them, or throws an error into them. */
import type { Coro } from "@asyncoro/asyncoro";
import { Thrown } from "./violation.ts";
import type { Body, World } from "./world.ts";

// Seconds that `finally` blocks may take: mostly enough, sometimes none.
const GRACES = [1000, 1000, 1000, 0];

/** Interrupts members until the epoch is over. */
export function* chaos(coro: Coro, world: World): Body {
  while (!world.over) {
    yield* coro.sleep(world.seconds(1));
    if (world.victims.size === 0) continue;
    const victim = world.random.pick([...world.victims]);
    if (world.random.chance(0.5)) terminate(world, victim);
    else throwInto(world, victim);
    // Two interruptions in a row are a case of their own.
    if (world.random.chance(0.1)) terminate(world, victim);
  }
}

function terminate(world: World, victim: Coro): void {
  const alive = victim.isAlive();
  const answer = victim.terminate(world.random.pick(GRACES));
  world.check(answer === alive, "terminate() tells whether there was anyone", () => `${victim} ${alive} ${answer}`);
  world.done("chaos: terminated", victim.id);
}

function throwInto(world: World, victim: Coro): void {
  const alive = victim.isAlive();
  const answer = victim.throw(new Thrown(`thrown into ${victim}`));
  world.check(answer === alive, "throw() tells whether there was anyone", () => `${victim} ${alive} ${answer}`);
  world.done("chaos: thrown", victim.id);
}
