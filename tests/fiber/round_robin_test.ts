/**
 * The order among coroutines that only give way: always the same round, whatever others do in between.
 */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";

type Body = Generator<unknown, void, unknown>;

/** The actions of which a disturber takes one in each of its steps. */
const DISTURBANCES: Record<string, (coro: Coro, others: Coro[]) => Body> = {
  *"give way"() {
    yield;
  },
  *sleep(coro) {
    yield* coro.sleep(1);
  },
  *"sleep shortly, in a branch of its own"(coro, others) {
    others.push(
      coro.scheduler.spawn(function* (child: Coro) {
        yield* child.sleep(0.5);
      }) as Coro,
    );
    yield;
  },
  *receive(coro) {
    yield* coro.receive(0.25);
  },
  *wake(_coro, others) {
    others.forEach((other) => other.send("wake up"));
    yield;
  },
  *"look inside"(coro) {
    coro.scheduler.stats();
    coro.scheduler.dump();
    yield;
  },
  *"change the priority"(coro) {
    coro.priority = coro.priority === 4 ? 2 : 4;
    yield;
  },
  *"sleep at another priority"(coro) {
    coro.priority = 6;
    yield* coro.sleep(1);
    coro.priority = 4;
  },
  *"let children of all priorities sleep"(coro, others) {
    for (const priority of [2, 4, 4, 6]) {
      others.push(
        coro.scheduler.spawnWith({ priority }, function* (child: Coro) {
          yield* child.sleep(0.25);
          yield;
        }) as Coro,
      );
    }
    yield;
  },
  *"terminate one"(_coro, others) {
    others.pop()?.terminate();
    yield;
  },
  *"terminate one that sleeps, and spawn another"(coro, others) {
    const child = coro.scheduler.spawn(function* (child: Coro) {
      yield* child.sleep(0.5);
    }) as Coro;
    yield;
    child.terminate();
    others.push(
      coro.scheduler.spawn(function* (child: Coro) {
        yield* child.receive(1);
      }) as Coro,
    );
    yield* child.finish();
  },
};

const ROUNDS = 40;

async function rounds(yielders: number, plans: readonly (readonly string[])[]): Promise<number[]> {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const log: number[] = [];
  const others: Coro[] = [];
  const disturber = function* (coro: Coro, plan: readonly string[]): Body {
    for (const name of plan) yield* DISTURBANCES[name](coro, others);
  };
  for (let id = 0; id < yielders; id++) {
    scheduler.spawn(function* () {
      for (let round = 0; round < ROUNDS; round++) {
        log.push(id);
        yield;
      }
    });
    if (id < plans.length) others.push(scheduler.spawn(disturber, plans[id]) as Coro);
  }
  await scheduler.join();
  return log;
}

Deno.test("coroutines that give way take turns in one round, whatever others do", async () => {
  const plan = fc.array(fc.constantFrom(...Object.keys(DISTURBANCES)), { maxLength: ROUNDS });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.array(plan, { maxLength: 6 }), async (yielders, plans) => {
      const expected = Array.from({ length: yielders * ROUNDS }, (_, step) => step % yielders);
      assertEquals(await rounds(yielders, plans), expected);
    }),
    { numRuns: 400 },
  );
});

Deno.test("coroutines that give way take turns in one round, more of them than run in one turn", async () => {
  const yielders = 2500;
  const log = await rounds(yielders, [["sleep", "look inside", "receive"], ["give way", "wake"]]);
  assertEquals(log.length, yielders * ROUNDS);
  assertEquals(log.findIndex((id, step) => id !== step % yielders), -1);
});

/** Gives way a number of times, and then begins others. */
interface Plan {
  readonly yields: number;
  readonly children: readonly Plan[];
}

/** The order of a plain queue: the numbers of the plans, step by step. */
function queued(plans: readonly Plan[]): number[] {
  const log: number[] = [];
  const queue = plans.map((plan, id) => ({ id, left: plan.yields, plan }));
  for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
    log.push(each.id);
    if (each.left-- > 0) queue.push(each);
    else for (const plan of each.plan.children) queue.push({ id: each.id, left: plan.yields, plan });
  }
  return log;
}

async function stepped(plans: readonly Plan[]): Promise<number[]> {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const log: number[] = [];
  const follow = function* (_coro: Coro, id: number, plan: Plan): Body {
    for (let i = 0; i < plan.yields; i++) {
      log.push(id);
      yield;
    }
    log.push(id);
    for (const child of plan.children) scheduler.spawn(follow, id, child);
  };
  plans.forEach((plan, id) => scheduler.spawn(follow, id, plan));
  await scheduler.join();
  return log;
}

Deno.test("a callback after a long idle time does not change the order", async () => {
  const yields = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 300 }));
  const withChildren = (child: fc.Arbitrary<Plan>): fc.Arbitrary<Plan> =>
    fc.record({ yields, children: fc.array(child, { maxLength: 2 }) });
  const plan = withChildren(withChildren(fc.record({ yields, children: fc.constant([]) })));
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 12 }), async (plans) => {
      assertEquals(await stepped(plans), queued(plans));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a timer that is due runs in the middle of rounds in which nothing else happens", async () => {
  const scheduler = new Scheduler();
  let woken = false;
  for (let i = 0; i < 100; i++) {
    scheduler.spawn(function* () {
      while (!woken) yield;
    });
  }
  scheduler.spawn(function* (coro: Coro) {
    yield* coro.sleep(0.005);
    woken = true;
  });
  await scheduler.join();
  assertEquals(woken, true);
});

Deno.test("the clock is read every few hundred steps, with any number of coroutines, in case steps become long", async () => {
  for (const count of [1, 2, 100, 1000]) {
    let time = 0;
    let unread = 0;
    let most = 0;
    const clock = {
      now() {
        unread = 0;
        return time;
      },
    };
    const scheduler = new Scheduler({ clock });
    for (let i = 0; i < count; i++) {
      scheduler.spawn(function* () {
        for (let step = 0; step < 20_000 / count; step++) {
          // Short steps at first, so that the run loop reads the clock as rarely as it ever does.
          const long = step * count > 10_000;
          time += long ? 0.001 : 1e-9;
          unread++;
          if (long) most = Math.max(most, unread);
          yield;
        }
      });
    }
    await scheduler.join();
    // A reading is due after 255 steps, and a turn with fewer ready coroutines is run to its end.
    assert(most > 0 && most <= 510, `${most} long steps of ${count} coroutines without a look at the clock`);
  }
});
