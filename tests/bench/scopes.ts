/** What a scope costs beside creating coroutines and waiting for each of them. */
import { Coro, Scheduler, scope } from "@asyncoro/asyncoro";
import { compare, type Effort, many, ns, printTable, timed, times } from "./harness.ts";

const CHILDREN = 100;

function* short(): Generator<unknown, number, unknown> {
  return 1;
}

function* joined(_coro: Coro, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i += CHILDREN) {
    const children = many(CHILDREN, () => new Coro(short));
    for (const child of children) yield* child.finish();
  }
}

function* scoped(_coro: Coro, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i += CHILDREN) {
    yield* scope(function* (scope) {
      for (let child = 0; child < CHILDREN; child++) scope.spawn(short);
    });
  }
}

function perChild(body: typeof joined, count: number): Promise<number> {
  const scheduler = new Scheduler();
  return timed(count, async () => {
    scheduler.spawn(body, count);
    await scheduler.join();
  });
}

/** A scope with 100 children, for each child. */
export async function benchScopes({ rounds, scale }: Effort): Promise<void> {
  const count = Math.round(300_000 * scale);
  const { medians, ratio } = await compare(rounds, {
    joined: () => perChild(joined, count),
    scoped: () => perChild(scoped, count),
  });
  printTable("A scope with 100 children, ns for each child", ["how", "ours", "against spawn and join"], [
    ["spawn and join", ns(medians.joined), times(1)],
    ["scope", ns(medians.scoped), times(ratio("scoped", "joined"))],
  ]);
}
