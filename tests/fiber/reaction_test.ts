/**
 * Waits for promises that are given up leave nothing behind, and the others keep their order.
 */
import {
  all,
  AsyncPipe,
  call,
  Coro,
  type Operation,
  race,
  run,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { ensureFuture, run as runLoop, shield, timeout, waitFor, wrapFuture } from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { inLab, settle } from "../helpers/lab.ts";
import { wrapped } from "../helpers/rejections.ts";

type Waits = Generator<unknown, unknown, unknown>;
type Steps = Generator<unknown, void, unknown>;

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

function* soon(): Steps {
  yield;
}

/** Bytes that each wait leaves behind, measured over many, one after the other. */
function* bytesKept(wait: () => Waits): Generator<unknown, number, unknown> {
  const gc = collector();
  function* waits(times: number): Steps {
    for (let i = 0; i < times; i++) yield* call(wait());
  }
  const size = (): number => {
    gc();
    return Deno.memoryUsage().heapUsed;
  };
  yield* call(waits(1000));
  yield* until(settle());
  // The engine's own caches grow in some rounds; a leak grows in all, except where an earlier one was collected.
  const rounds: number[] = [];
  for (let before = size(); rounds.length < 5;) {
    yield* call(waits(300));
    yield* until(settle());
    const after = size();
    rounds.push((after - before) / 300);
    before = after;
  }
  return rounds.sort((a, b) => a - b)[1];
}

class Patient extends Promise<unknown> {}

const never = new Promise<unknown>(() => {});
const subclassed = new Patient(() => {});
const thenable = wrapped(never);

const WAITS: Readonly<Record<string, () => Waits>> = {
  *"until in a race"() {
    yield* race(until(never), soon());
  },
  *"a promise in a race"() {
    yield* race(never, soon());
  },
  *"a promise in a race that was decided before"() {
    yield* race(sleep(0), never);
  },
  *"until in a race that was decided before"() {
    yield* race(sleep(0), withTimeout(5, race(until(never), never)));
  },
  *"an all that fails"() {
    yield* caught(all(until(never), never, race(never, sleep(1)), fails()));
  },
  *"a promise of a subclass"() {
    yield* race(until(subclassed), subclassed, soon());
  },
  *"a thenable"() {
    yield* race(until(thenable), thenable, soon());
  },
  *"until with a limit"() {
    yield* caught(until(never, 0.00001));
  },
  *"until that does not wait"() {
    yield* caught(until(never, 0));
  },
  *"withTimeout"() {
    yield* caught(withTimeout(0, never));
    yield* caught(withTimeout(-1, race(until(never))));
  },
  *"withTimeout that is terminated before its first step"() {
    const coro = new Coro(function* (self) {
      self.terminate();
      yield* withTimeout(5, until(never));
    });
    yield* coro.finish();
  },
  *"a coroutine that is terminated"() {
    const coro = new Coro(function* () {
      yield never;
    });
    yield;
    coro.terminate();
    yield* coro.finish();
  },
};

function* fails(): Waits {
  yield;
  throw new Error("failed");
}

function* caught(operation: Operation<unknown>): Steps {
  try {
    yield* operation;
  } catch (error) {
    if (!(error instanceof TimeoutError) && (error as Error).message !== "failed") throw error;
  }
}

for (const [name, wait] of Object.entries(WAITS)) {
  Deno.test(`waits that are given up leave nothing with a long-lived promise: ${name}`, async () => {
    const bytes = await run(function* () {
      return yield* call(bytesKept(wait));
    });
    assert(bytes < 100, `${bytes} bytes`);
  });
}

const LOOP_WAITS: Readonly<Record<string, () => Waits>> = {
  *"wrapFuture"() {
    wrapFuture(never).cancel();
  },
  *"waitFor of a promise"() {
    yield* caught(timeout(0, never));
    yield* caught(waitFor(never, 0));
    yield* caught(waitFor(until(never), 0));
  },
  *"a task that is cancelled"() {
    const begun = ensureFuture(until(never));
    yield;
    yield;
    ensureFuture(until(never)).cancel();
    begun.cancel();
    yield;
    yield;
  },
  *"shield"() {
    const shielded = ensureFuture(never);
    shield(shielded).cancel();
    shielded.cancel();
    yield;
  },
};

for (const [name, wait] of Object.entries(LOOP_WAITS)) {
  Deno.test(`in an event loop, waits that are given up leave nothing with a long-lived promise: ${name}`, async () => {
    const bytes = await runLoop(function* () {
      return yield* call(bytesKept(wait));
    });
    assert(bytes < 100, `${bytes} bytes`);
  });
}

Deno.test("waits for the end of a process that are given up leave nothing behind", async () => {
  const bytes = await run(function* () {
    const pipe = new AsyncPipe(Deno.execPath(), { args: ["eval", "await Deno.stdin.read(new Uint8Array(1))"] });
    const kept = yield* call(bytesKept(function* () {
      yield* race(pipe.wait(), soon());
    }));
    yield* pipe.closeStdin();
    assertEquals((yield* pipe.wait()).code, 0);
    pipe.close();
    return kept;
  });
  assert(bytes < 100, `${bytes} bytes`);
});

Deno.test("waits for one promise end in the order in which they began, whichever were given up before", () =>
  inLab(async ({ scheduler, log }) => {
    const gate = Promise.withResolvers<void>();
    const waiter = (name: string): Coro =>
      scheduler.spawn(function* () {
        yield* until(gate.promise);
        log.push(name);
      }) as Coro;
    const first = waiter("first");
    waiter("second");
    await settle();
    first.terminate();
    await settle();
    waiter("third");
    await settle();
    const fourth = waiter("fourth");
    waiter("fifth");
    await settle();
    fourth.terminate();
    await settle();
    waiter("sixth");
    await settle();
    gate.resolve();
    await settle();
    assertEquals(log, ["second", "third", "fifth", "sixth"]);
    assertEquals(scheduler.stats().hostOperations, 0);
  }));

Deno.test("a promise that was given up can be waited for again: before it is settled, in the same moment, and after", () =>
  inLab(async ({ scheduler }) => {
    for (const reject of [false, true]) {
      const gate = Promise.withResolvers<string>();
      const outcomes = await scheduler.spawn(function* () {
        yield* caught(until(gate.promise, 0));
        yield* race(until(gate.promise), soon());
        const early = new Coro(function* () {
          return yield* outcome(gate.promise);
        });
        yield;
        if (reject) gate.reject(new Error("rejected"));
        else gate.resolve("resolved");
        const outcomes = [yield* outcome(gate.promise), yield* early.finish(), yield* outcome(gate.promise)];
        return [...outcomes, yield* outcome(gate.promise)];
      }).value();
      assertEquals(outcomes, Array(4).fill(reject ? "rejected" : "resolved"));
    }
  }));

function* outcome(promise: Promise<unknown>): Waits {
  try {
    return yield* until(promise);
  } catch (error) {
    return (error as Error).message;
  }
}
