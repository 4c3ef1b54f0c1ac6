/** The cost of a switch deep inside subroutines: on the coroutine's own stack, and with native `yield*`. */
import { call, type Coro, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Effort, ns, printTable, timed, times } from "./harness.ts";

type Body = Generator<unknown, void, unknown>;

/** The innermost function of every stack: waits until all are there, then switches. */
function* bottom(gate: Acquirable): Body {
  gate.arrived++;
  while (!gate.open) yield;
  for (let i = 0; i < gate.steps; i++) yield;
}

interface Acquirable {
  readonly steps: number;
  arrived: number;
  open: boolean;
}

function* switchAt(depth: number, gate: Acquirable): Body {
  yield* call(depth > 1 ? switchAt(depth - 1, gate) : bottom(gate));
}

function* switchAtNatively(depth: number, gate: Acquirable): Body {
  yield* depth > 1 ? switchAtNatively(depth - 1, gate) : bottom(gate);
}

function* enterAndLeave(_coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) yield* call(nothing());
}

function* nothing(): Body {}

const TASKS = 10;

async function run(body: (depth: number, gate: Acquirable) => Body, depth: number, steps: number): Promise<number> {
  const scheduler = new Scheduler();
  const gate: Acquirable = { steps, arrived: 0, open: false };
  let start = 0;
  for (let i = 0; i < TASKS; i++) {
    scheduler.spawn(function* () {
      yield* body(depth, gate);
    });
  }
  scheduler.spawn(function* () {
    while (gate.arrived < TASKS) yield;
    gate.open = true;
    start = performance.now();
  });
  await scheduler.join();
  return ((performance.now() - start) * 1e6) / (TASKS * steps);
}

/** Switches at a depth, and calls. */
export async function benchCalls({ rounds, scale }: Effort): Promise<void> {
  const steps = Math.round(200_000 * scale);
  const contenders: Record<string, () => Promise<number>> = {};
  for (const depth of [1, 10, 1000]) contenders[`call ${depth}`] = () => run(switchAt, depth, steps);
  const slow = Math.max(1, Math.round(steps / 1000));
  for (const depth of [1, 10, 1000]) {
    contenders[`native ${depth}`] = () => run(switchAtNatively, depth, depth === 1000 ? slow : steps);
  }
  const { medians, ratio } = await compare(rounds, contenders);
  const row = (depth: number) => [
    String(depth),
    ns(medians[`call ${depth}`]),
    times(ratio(`call ${depth}`, "call 1")),
    ns(medians[`native ${depth}`]),
    times(ratio(`native ${depth}`, "native 1")),
  ];
  const header = ["depth", "`call`", "to depth 1", "native `yield*`", "to depth 1"];
  printTable("Switch inside subroutines, ns", header, [1, 10, 1000].map(row));

  const count = Math.round(500_000 * scale);
  const calls = await compare(rounds, {
    call: () => {
      const scheduler = new Scheduler();
      return timed(count, () => scheduler.spawn(enterAndLeave, count).value());
    },
  });
  printTable("Enter and leave a subroutine, ns", ["what", "ns"], [[
    "`yield* call(generator)`",
    ns(calls.medians.call),
  ]]);
}
