/** Random programs, see `program.ts`. */
import { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION } from "@asyncoro/asyncoro/asyncio";
import * as fc from "fast-check";
import type { Body, Program, Statement } from "./program.ts";

const TASKS = 6;

const seconds = fc.integer({ min: 0, max: 3 });
const limit = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 4 }) }, fc.constant(null));
// Of timers that are due at once asyncio says no more than that they run in the next iteration.
const stepBudget = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(null));
const future = fc.integer({ min: 0, max: 2 });
const task = fc.integer({ min: 0, max: TASKS - 1 });
const several = fc.array(task, { maxLength: 4 });
const until = fc.constantFrom(ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION);

const simple: fc.Arbitrary<unknown>[] = [
  fc.tuple(fc.constant("sleep"), seconds),
  fc.tuple(fc.constant("sleep"), seconds),
  fc.tuple(fc.constantFrom("future", "set", "set", "fail"), future),
  fc.tuple(fc.constantFrom("raise", "return", "put", "get", "event", "waitEvent")),
  fc.tuple(fc.constant("reschedule"), limit),
];

// What callbacks do.
const atOnce = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("set", "fail", "cancelFuture"), future),
    fc.tuple(fc.constant("cancel"), task),
    fc.tuple(fc.constantFrom("put", "event")),
  ),
  { minLength: 1, maxLength: 2 },
);

const interfering: fc.Arbitrary<unknown>[] = [
  fc.tuple(fc.constant("cancelFuture"), future),
  fc.tuple(fc.constantFrom("spawn", "task", "task", "shield"), task),
  fc.tuple(fc.constant("cancel"), task),
  fc.tuple(fc.constant("cancel"), task),
  fc.tuple(fc.constant("uncancel")),
  fc.tuple(fc.constant("gather"), several, fc.boolean()),
  fc.tuple(fc.constant("wait"), several, stepBudget, until),
  fc.tuple(fc.constant("waitForTask"), task, seconds),
  fc.tuple(fc.constant("waitForFuture"), future, seconds),
  fc.tuple(fc.constant("soon"), atOnce),
  fc.tuple(fc.constant("later"), fc.integer({ min: 1, max: 3 }), atOnce),
  fc.tuple(fc.constant("whenDone"), task, atOnce),
];

function structured(body: fc.Arbitrary<Body>): fc.Arbitrary<unknown>[] {
  return [
    fc.tuple(fc.constant("waitForBody"), seconds, body),
    fc.tuple(fc.constant("catch"), body, fc.boolean()),
    fc.tuple(fc.constant("catch"), body, fc.boolean()),
    fc.tuple(fc.constant("finally"), body, body),
    fc.tuple(fc.constant("timeout"), limit, body),
    fc.tuple(fc.constant("timeout"), limit, body),
    fc.tuple(fc.constant("group"), several, body),
    fc.tuple(fc.constant("lock"), fc.integer({ min: 0, max: 1 }), body),
  ];
}

/** Programs of six tasks, of which some exist at first. */
function programs(leaves: fc.Arbitrary<unknown>[]): fc.Arbitrary<Program> {
  const { statement } = fc.letrec<{ statement: Statement; body: Body }>((tie) => ({
    body: fc.array(tie("statement"), { maxLength: 4, depthIdentifier: "body" }),
    statement: fc.oneof(
      { maxDepth: 3, depthIdentifier: "body" },
      ...leaves,
      ...structured(tie("body")),
    ) as fc.Arbitrary<Statement>,
  }));
  return fc.record({
    tasks: fc.array(fc.array(statement, { maxLength: 6 }), { minLength: TASKS, maxLength: TASKS }),
    start: fc.uniqueArray(task, { minLength: 1, maxLength: 5 }),
  });
}

/** Programs in which everything may happen. */
export const anyProgram: fc.Arbitrary<Program> = programs([...simple, ...interfering]);

/** Programs in which only time limits and groups cancel. */
export const calmProgram: fc.Arbitrary<Program> = programs(simple);
