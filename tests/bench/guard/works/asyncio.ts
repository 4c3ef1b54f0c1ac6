/** Tasks of an event loop, each awaited before the next one. */
import { createTask, run } from "@asyncoro/asyncoro/asyncio";
import type { Body, Works } from "./work.ts";

const TASKS = 100_000;

function* short(): Body<number> {
  return 1;
}

function* spawner(): Body {
  for (let i = 0; i < TASKS; i++) yield* createTask(short());
}

/** The works, by name. */
export const works: Works = { task: { operations: TASKS, run: () => run(spawner()) } };
