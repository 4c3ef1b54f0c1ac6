/** Child processes: input comes out as output, and a child whose user is interrupted ends. */
import { AsyncPipe, type Coro } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

function* children(coro: Coro, world: World): Body {
  while (!world.over) {
    try {
      yield* world.random.chance(0.5) ? wholeInput(world) : lineByLine(world);
    } catch (error) {
      if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
    }
    yield* coro.sleep(world.seconds(10));
  }
}

function* wholeInput(world: World): Body {
  const input = "x".repeat(world.random.below(100_000));
  using pipe = new AsyncPipe("cat");
  const { stdout, status } = yield* pipe.communicate(input, 60);
  world.check(stdout.length === input.length, "Input comes out unchanged", () => `${stdout.length} of ${input.length}`);
  world.check(status.success, "A child ends well", () => JSON.stringify(status));
  world.done("pipe: communicated");
}

function* lineByLine(world: World): Body {
  using pipe = new AsyncPipe("cat");
  for (let left = world.random.from(1, 20); left > 0; left--) {
    yield* pipe.write(`line ${left}\n`, 60);
    const line = yield* pipe.readline(60);
    world.check(line === `line ${left}`, "Input comes out unchanged", () => `${line} for ${left}`);
    world.done("pipe: line");
  }
  // The end of the block does the rest.
  if (world.random.chance(0.3)) return world.done("pipe: given up");
  yield* pipe.closeStdin();
  const { success } = yield* pipe.wait(60);
  world.check(success, "A child ends well", () => String(success));
  world.done("pipe: ended");
}

/** See the head of this file. */
export const pipes: Society = {
  name: "pipes",
  host: true,
  *conduct(coro: Coro, world: World): Body {
    if (Deno.build.os === "windows") return;
    yield* populate(world, coro, {
      size: 2,
      mortal: true,
      newMember: () => world.spawn("pipes", (coro) => children(coro, world)),
    });
  },
};
