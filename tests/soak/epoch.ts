/**
 * One epoch: societies that the seed chooses run together until their time is over; afterwards nothing may be left. In
 * virtual time the seed determines all of it.
 */
import { cpuUsage } from "node:process";
import { type Coro, type CoroInfo, TimeoutError } from "@asyncoro/asyncoro";
import { chaos } from "./chaos.ts";
import { Random } from "./random.ts";
import type { Resources } from "./resources.ts";
import { SOCIETIES } from "./societies.ts";
import type { Society } from "./society.ts";
import type { Tally } from "./tally.ts";
import type { Trace } from "./trace.ts";
import { text, type Violation } from "./violation.ts";
import { REAL_PATIENCE, startWatchdog, VIRTUAL_PATIENCE } from "./watchdog.ts";
import { type Plan, World } from "./world.ts";

/** The result of an epoch. */
export interface EpochResult {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  /** The coroutines that were alive when the first violation was found. */
  readonly dump: readonly CoroInfo[];
  readonly tally: Tally;
  readonly trace: Trace;
  /** The names of the societies that took part. */
  readonly societies: readonly string[];
  /** Seconds of CPU time, of the whole process. */
  readonly cpu: number;
  /** Seconds of its own clock. */
  readonly lived: number;
  readonly switches: number;
  /** Bytes of the kernel's memory. */
  readonly memory: number;
}

/** Runs an epoch. */
export async function runEpoch(plan: Plan, resources: Resources): Promise<EpochResult> {
  const world = new World(plan);
  const societies = chooseSocieties(plan);
  const before = cpuUsage();
  const beginning = world.now();
  const watchdog = startWatchdog(world);
  const killer = world.spawn("chaos", (coro) => chaos(coro, world));
  const ends = [
    killer,
    ...societies.map((society) => begin(society, world, resources)),
  ].map((end) => ended(end, world));
  await Promise.race([Promise.all(ends), world.failure]);
  watchdog.stop();
  const lived = world.now() - beginning;
  const dump = world.violations.length > 0 ? world.scheduler.dump({ limit: 200 }) : [];
  const { memory } = world.scheduler.stats();
  if (world.violations.length === 0) await checkEmpty(world);
  await terminate(world);
  return {
    plan,
    violations: world.violations,
    dump,
    tally: world.tally,
    trace: world.trace,
    societies: societies.map(({ name }) => name),
    cpu: cpuSecondsSince(before),
    lived,
    switches: world.scheduler.stats().switches,
    memory,
  };
}

function cpuSecondsSince(before: { user: number; system: number }): number {
  const { user, system } = cpuUsage(before);
  return (user + system) / 1e6;
}

/** The societies that the plan names, or more than half of the possible ones. */
function chooseSocieties({ seed, only, virtual }: Plan): Society[] {
  // With random numbers of its own, so that neither naming some societies nor adding one changes what else the seed
  // decides.
  const random = new Random(seed);
  const chosen = SOCIETIES.map(() => random.chance(0.7));
  const wanted = (society: Society, index: number) => only === undefined ? chosen[index] : only.includes(society.name);
  return SOCIETIES.filter((society, index) => wanted(society, index) && !(virtual && society.host));
}

function begin(society: Society, world: World, resources: Resources): Coro<void> | Promise<void> {
  if (society.run !== undefined) return society.run(world);
  return world.spawn(society.name, (coro) => society.conduct!(coro, world, resources));
}

async function ended(end: Coro<void> | Promise<void>, world: World): Promise<void> {
  try {
    await ("value" in end ? end.value() : end);
  } catch (error) {
    world.violate("A society ends", `${end} failed: ${text(error)}`);
  }
}

/** Checks that an epoch leaves nothing behind. */
async function checkEmpty(world: World): Promise<void> {
  const { scheduler } = world;
  try {
    await within(10, scheduler.join());
  } catch (error) {
    world.violate("Nothing is left in the end", `${text(error)}\n${JSON.stringify(scheduler.dump())}`);
    return;
  }
  const late = world.now() - world.end;
  const limit = world.plan.virtual ? VIRTUAL_PATIENCE : REAL_PATIENCE;
  world.check(late < limit, "Nothing is left in the end", () => `something went on for ${late} seconds`);
  const { live, daemons, ready, timers, hostOperations } = scheduler.stats();
  const left = JSON.stringify({
    live,
    daemons,
    ready,
    timers,
    hostOperations,
    dump: scheduler.dump().length,
  });
  const nothing = JSON.stringify({ live: 0, daemons: 0, ready: 0, timers: 0, hostOperations: 0, dump: 0 });
  world.check(left === nothing, "Nothing is left in the end", () => left);
}

/** A scheduler in which a fault was found may not end either. */
async function terminate(world: World): Promise<void> {
  try {
    await within(10, world.scheduler.terminate());
  } catch (error) {
    world.violate("A scheduler can be terminated", text(error));
  }
}

/** Waits for a promise, for some seconds of real time. */
async function within(seconds: number, promise: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimeoutError(`it took more than ${seconds} seconds`)), seconds * 1000);
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
