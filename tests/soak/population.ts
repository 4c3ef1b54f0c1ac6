/**
 * The members of a society. A member that ends is replaced by another until the epoch is over. Then each ends by
 * itself: it is notified through what it waits for and never forced, so that a lost wake-up shows.
 */
import type { Coro, MonitorException } from "@asyncoro/asyncoro";
import { ALARM, type Body, type World } from "./world.ts";

/** The members of a society. */
export interface Population {
  readonly size: number;
  /** Whether they may be interrupted at random. */
  readonly mortal: boolean;
  newMember(): Coro;
  /** Called when a member has ended. */
  ended?(member: Coro): void;
  /** Called when the epoch is over, to notify members that wait without a limit. */
  tellOver?(living: ReadonlySet<Coro>): void;
}

/** Maintains a population until the epoch is over and the last member has ended. `monitor` gets the ends as messages. */
export function* populate(world: World, monitor: Coro, population: Population): Body {
  const living = new Set<Coro>();
  const add = () => {
    const member = population.newMember();
    living.add(member);
    if (population.mortal) world.victims.add(member);
    member.notify(monitor);
  };
  for (let i = 0; i < population.size; i++) add();
  for (let notified = false; living.size > 0;) {
    const message = yield* monitor.receive<MonitorException | typeof ALARM>(
      notified ? null : world.end - world.now(),
      ALARM,
    );
    if (message !== ALARM) {
      memberEnded(world, living, population, message);
      if (!world.over && !notified) add();
    } else if (world.over) {
      notified = true;
      for (const member of living) world.victims.delete(member);
      population.tellOver?.(living);
    }
  }
}

function memberEnded(world: World, living: Set<Coro>, population: Population, message: MonitorException): void {
  const { coro, outcome } = message;
  world.check(living.delete(coro), "A monitor is notified of an end once", () => String(coro));
  world.check(!coro.isAlive(), "A monitor is notified after the end", () => String(coro));
  world.victims.delete(coro);
  world.done(`coroutine: ended by ${outcome.kind}`, coro.id);
  if (outcome.kind === "throw") world.expect(outcome.error, `${coro} failed`);
  population.ended?.(coro);
}
