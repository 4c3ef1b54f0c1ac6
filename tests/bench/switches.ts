/** The cost of a switch: the floor is a bare round robin over generators, with no scheduler at all. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Comparison, type Effort, many, ns, printTable, timed, times } from "./harness.ts";

function* bare(steps: number): Generator<undefined, void, unknown> {
  for (let i = 0; i < steps; i++) yield;
}

function floor(count: number, steps: number): Promise<number> {
  const generators = many(count, () => bare(steps));
  return timed(count * steps, () => {
    for (let live = count; live > 0;) {
      live = 0;
      for (let i = 0; i < count; i++) if (!generators[i].next().done) live++;
    }
  });
}

function* yielder(_coro: Coro, steps: number): Generator<undefined, void, unknown> {
  for (let i = 0; i < steps; i++) yield;
}

async function ours(count: number, steps: number): Promise<number> {
  const scheduler = new Scheduler();
  for (let i = 0; i < count; i++) scheduler.spawn(yielder, steps);
  const perSwitch = await timed(count * steps, () => scheduler.join());
  await scheduler.terminate();
  return perSwitch;
}

async function awaiter(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) await null;
}

function native(count: number, steps: number): Promise<number> {
  return timed(count * steps, () => Promise.all(many(count, () => awaiter(steps))));
}

const COUNTS = [1, 100, 1_000, 10_000, 1_000_000];

/** Switches at different numbers of coroutines. */
export async function benchSwitches({ rounds, scale }: Effort): Promise<void> {
  const results = new Map<number, Comparison>();
  for (const count of COUNTS) {
    const steps = Math.max(3, Math.round((3e6 * scale) / count));
    const contenders = {
      floor: () => floor(count, steps),
      ours: () => ours(count, steps),
      native: () => native(count, steps),
    };
    results.set(count, await compare(count >= 1e6 ? Math.min(rounds, 3) : rounds, contenders));
  }
  const atThousand = results.get(1_000)!.medians.ours;
  const rows = [...results].map(([count, { medians, ratio }]) => [
    count.toLocaleString("en"),
    ns(medians.floor),
    ns(medians.ours),
    ns(medians.native),
    times(ratio("ours", "floor")),
    times(ratio("ours", "native")),
    times(medians.ours / atThousand),
  ]);
  const header = [
    "coroutines",
    "floor",
    "ours",
    "`await null`",
    "ours / floor",
    "ours / native",
    "ours / ours at 1,000",
  ];
  printTable("Switch, ns", header, rows);
}
