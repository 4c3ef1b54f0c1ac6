/**
 * race, all, withTimeout and call take over their operations at the yield, whether or not these begin.
 */
import {
  all,
  call,
  type Coro,
  type Operation,
  race,
  Scheduler,
  type SchedulerOptions,
  sleep,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";
import { unhandled, wrapped } from "../helpers/rejections.ts";

type YieldedValue = (promise: PromiseLike<unknown>) => Operation<unknown> | PromiseLike<unknown>;

/** A promise as it may be given to a race. */
const FORMS: Readonly<Record<string, YieldedValue>> = {
  "a promise": (promise) => promise,
  "a thenable around it": (promise) => wrapped(promise as Promise<unknown>),
  "until": (promise) => until(promise),
  "until of a thenable": (promise) => until(wrapped(promise as Promise<unknown>)),
  "until with a limit": (promise) => until(promise, 5),
  "until that does not wait": (promise) => until(promise, 0),
  "withTimeout": (promise) => withTimeout(5, promise),
  "withTimeout of until": (promise) => withTimeout(5, until(promise)),
  "withTimeout that does not wait": (promise) => withTimeout(0, until(promise)),
  "race": (promise) => race(until(promise)),
  "race of a promise": (promise) => race(promise, sleep(5)),
  "all": (promise) => all(sleep(5), until(promise)),
  "a record": (promise) => all({ one: promise, two: until(promise) }),
  "many levels": (promise) => race(withTimeout(5, all(sleep(1), race(withTimeout(6, race(promise)))))),
};

for (const [form, given] of Object.entries(FORMS)) {
  Deno.test(`a race that is decided before handles the rejection of the promise: ${form}`, async () => {
    const messages = await unhandled((later) =>
      inLab(async ({ scheduler }) => {
        await scheduler.spawn(function* (coro) {
          coro.send("here");
          assertEquals(yield* race(coro.receive(), given(later("lost"))), "here");
        }).value();
        await settle();
      })
    );
    assertEquals(messages, []);
  });

  Deno.test(`work that fails or is terminated before its turn handles the rejection of the promise: ${form}`, async () => {
    const messages = await unhandled((later) =>
      inLab(async (lab) => {
        const { scheduler } = lab;
        await scheduler.spawn(function* (coro) {
          try {
            yield* all(fail(), given(later("of an all")));
          } catch (error) {
            assertEquals((error as Error).message, "failed");
          }
          // Due at the yield: neither the subroutine nor the branches run a step.
          coro.terminate();
          yield* withTimeout(5, race(given(later("of a terminated coroutine"))));
        }).value();
      })
    );
    assertEquals(messages, []);
  });
}

// deno-lint-ignore require-yield
function* fail(): Generator<unknown, never, unknown> {
  throw new Error("failed");
}

Deno.test("a rejection between the yield of a race and the first step of its branches is handled", async () => {
  const messages = await unhandled((later) =>
    inLab(async ({ scheduler }) => {
      const gate = Promise.withResolvers<never>();
      const end = scheduler.spawn(function* () {
        const many = Array.from({ length: 1000 }, () => until(gate.promise));
        gate.reject(new Error("at once"));
        return yield* race(race(later("kept")), all(many));
      }).value();
      assertEquals(await end.catch((error: Error) => error.message), "at once");
    })
  );
  assertEquals(messages, []);
});

Deno.test("the then of a thenable is called once for each wait, and its value is kept until the wait begins", () =>
  inLab(async ({ scheduler }) => {
    let calls = 0;
    const query: PromiseLike<number> = {
      then(onValue) {
        calls++;
        return Promise.resolve(onValue!(calls) as never);
      },
    };
    await scheduler.spawn(function* (coro) {
      assertEquals(yield* until(query), 1);
      assertEquals(yield* all(query, until(query)), [2, 3]);
      assertEquals(yield* withTimeout(5, race(query)), 4);
      coro.send("here");
      assertEquals(yield* race(coro.receive(), query), "here");
    }).value();
    await settle();
    assertEquals(calls, 5);
  }));

Deno.test("the rejection of a promise that was in no yielded operation is left to the host", async () => {
  const messages = await unhandled((later) =>
    inLab(async ({ scheduler }) => {
      await scheduler.spawn(function* () {
        until(later("until"));
        race(until(later("race")), sleep(1));
        withTimeout(5, until(later("withTimeout")));
        yield;
      }).value();
    })
  );
  assertEquals(messages, ["until", "race", "withTimeout"]);
});

Deno.test("a value granted to a part is given back if the whole does not use it, through a deadline too", () =>
  inLab(async ({ scheduler }) => {
    await scheduler.spawn(function* (coro) {
      for (let i = 1; i <= 6; i++) coro.send(i);
      try {
        yield* all(
          withTimeout(5, coro.receive()),
          all(coro.receive(), withTimeout(5, race(coro.receive(), sleep(1)))),
          coro.receive(),
          failSoon(),
        );
      } catch (error) {
        assertEquals((error as Error).message, "soon");
      }
      const left: unknown[] = [];
      for (let i = 0; i < 6; i++) left.push(yield* coro.receive(0));
      assertEquals(left.toSorted(), [1, 2, 3, 4, 5, 6]);
      assertEquals(left.slice(4), [5, 6]);
    }).value();
  }));

function* failSoon(): Generator<unknown, never, unknown> {
  for (let i = 0; i < 10; i++) yield;
  throw new Error("soon");
}

// --- debug --------------------------------------------------------------------------------------------------

/** The errors that a scheduler with debug reports for a coroutine. */
async function complaints(
  body: (coro: Coro) => Generator<unknown, unknown, unknown>,
  options: SchedulerOptions = { debug: true },
): Promise<string[]> {
  const scheduler = new Scheduler({ clock: new VirtualClock(), ...options });
  const labels: string[] = [];
  scheduler.onError = (error) => labels.push(/'(\w+)'/.exec((error as Error).message)?.[1] ?? String(error));
  const coro = scheduler.spawn(body);
  await coro.value().catch(() => {});
  await scheduler.terminate();
  return labels;
}

const INNOCENT: Readonly<Record<string, (coro: Coro) => Generator<unknown, unknown, unknown>>> = {
  *"a race that is decided at once"(coro) {
    coro.send(1);
    yield* race(coro.receive(), coro.sleep(5));
  },
  *"in an array, with plain yield"(coro) {
    coro.send(1);
    yield race([coro.receive(), coro.sleep(5), until(new Promise(() => {}))]);
  },
  *"an all that fails at once"(coro) {
    try {
      yield* all(fail(), coro.sleep(5), withTimeout(5, coro.receive()));
    } catch {
      // As expected.
    }
  },
  *"in several levels"(coro) {
    coro.send(1);
    yield* race(coro.receive(), all({ one: race(coro.sleep(5), withTimeout(5, all(coro.sleep(6)))) }));
  },
  *"a promise, a coroutine and a subroutine"(coro) {
    coro.send(1);
    const other = coro.scheduler.spawn(function* () {});
    yield* race(coro.receive(), new Promise(() => {}), other, call(fail()));
  },
  *"in the coroutine that is terminated at the yield"(coro) {
    coro.terminate();
    yield* withTimeout(5, race(coro.receive(), coro.sleep(5)));
  },
};

for (const [name, body] of Object.entries(INNOCENT)) {
  Deno.test(`with debug operations that were taken over and never began are not reported: ${name}`, async () => {
    assertEquals(await complaints(body), []);
  });
}

Deno.test("with debug dropped operations are reported, and for a dropped race the race", async () => {
  const found = await complaints(function* (coro) {
    coro.sleep(1);
    race(coro.receive(), all(sleep(1), withTimeout(5, coro.receive())));
    withTimeout(5, sleep(1));
    until(Promise.resolve());
    yield* race(
      coro.sleep(1),
      (function* () {
        coro.receive();
        yield* sleep(2);
      })(),
    );
  });
  assertEquals(found, ["sleep", "race", "withTimeout", "until", "receive"]);
});

Deno.test("debug may be switched on and off at any time", async () => {
  const found = await complaints(function* (coro) {
    const { scheduler } = coro;
    coro.sleep(1);
    assertEquals(scheduler.debug, false);
    scheduler.debug = true;
    coro.receive();
    const child = scheduler.spawn(function* child(self) {
      self.sleep(1);
      yield* self.sleep(1);
    });
    assert(scheduler.dump().find(({ id }) => id === child.id)!.spawnSite!.includes("taken_over_test"));
    yield* child.finish();
    scheduler.debug = false;
    coro.suspend(1);
    yield* scheduler.spawn(function* (self) {
      self.sleep(1);
      yield;
    }).finish();
    scheduler.debug = true;
  }, {});
  assertEquals(found, ["sleep", "receive"]);
});
