/** A task, a limit or a group takes over the operations it is given, whether or not they begin. */
import { type Operation, race, sleep as coroSleep, until, withTimeout } from "@asyncoro/asyncoro";
import {
  createTask,
  ensureFuture,
  type EventLoop,
  gather,
  getRunningLoop,
  newEventLoop,
  Queue,
  run,
  shield,
  sleep,
  taskGroup,
  timeout,
  wait,
  waitFor,
  wrapFuture,
} from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { unhandled, wrapped } from "../helpers/rejections.ts";

type Waits = Generator<unknown, void, unknown>;
type Later = (message: string) => Promise<never>;

/** Swallows the error of what was cut short. */
function* cut(operation: Operation<unknown>): Waits {
  try {
    yield* operation;
  } catch {
    // A TimeoutError or a CancelledError.
  }
}

const ABANDONED: Readonly<Record<string, (later: Later) => Waits>> = {
  *"waitFor that does not wait"(later) {
    yield* cut(waitFor(until(later("until")), 0));
    yield* cut(waitFor(later("a promise"), 0));
    yield* cut(waitFor(wrapped(later("a thenable")), -1));
    yield* cut(waitFor(race(until(later("race")), later("a promise in a race")), 0));
  },
  *"a task that is cancelled before its first step"(later) {
    createTask(until(later("until"))).cancel();
    createTask(withTimeout(5, race(later("race")))).cancel();
    ensureFuture(later("a promise")).cancel();
    wrapFuture(wrapped(later("a thenable"))).cancel();
    yield* sleep(0);
  },
  *"gather, shield and wait that are cancelled"(later) {
    gather(until(later("gather")), later("a promise")).cancel();
    gather([race(later("race"))], { returnExceptions: true }).cancel();
    const shielded = ensureFuture(until(later("shield")));
    shield(shielded).cancel();
    shielded.cancel();
    const waiting = createTask(wait([ensureFuture(until(later("wait")))]));
    yield* sleep(0);
    waiting.cancel();
    yield* sleep(0);
  },
  *"a limit in a race that was decided before"(later) {
    yield* race(coroSleep(0), waitFor(until(later("waitFor")), 5), waitFor(later("a promise"), 0));
    yield* race(coroSleep(0), timeout(5, until(later("timeout"))), timeout(5, wrapped(later("a thenable"))));
  },
  *"a task group that fails"(later) {
    yield* cut(taskGroup(function* (group) {
      group.createTask(until(later("a task of the group")));
      throw new Error("the block fails");
    }));
  },
};

for (const [name, body] of Object.entries(ABANDONED)) {
  Deno.test(`the promise of what never began is taken care of: ${name}`, async () => {
    const messages = await unhandled((later) => run(body(later)));
    assertEquals(messages, []);
  });
}

Deno.test("in debug mode operations that were taken over and never began are not reported", async () => {
  const blamed: string[] = [];
  const loopFactory = (): EventLoop => {
    const loop = newEventLoop({ clock: new VirtualClock() });
    loop.setExceptionHandler((_loop, { exception }) => {
      if (/never yielded/.test(String(exception))) blamed.push(String(exception));
    });
    return loop;
  };
  await run(
    function* (coro) {
      const queue = new Queue();
      createTask(sleep(1)).cancel();
      createTask(queue.get()).cancel();
      ensureFuture(coro.sleep(1)).cancel();
      gather(sleep(1), queue.get()).cancel();
      yield* cut(waitFor(sleep(1), 0));
      yield* cut(waitFor(queue.get(), -1));
      yield* race(coroSleep(0), waitFor(sleep(1), 5), timeout(5, queue.get()));
      // Under plain `yield` another operation waits in its place.
      coro.scheduler.spawn(function* (self) {
        self.terminate();
        yield queue.get();
      });
      yield* sleep(0.1);
    },
    { debug: true, loopFactory },
  );
  assertEquals(blamed, []);
});

Deno.test("setDebug and the scheduler's debug are one", async () => {
  const blamed: string[] = [];
  await run(function* () {
    const loop = getRunningLoop();
    loop.setExceptionHandler((_loop, { exception }) => blamed.push(/'(\w+)'/.exec(String(exception))![1]));
    assertEquals([loop.getDebug(), loop.scheduler.debug], [false, false]);
    loop.setDebug(true);
    assertEquals([loop.getDebug(), loop.scheduler.debug], [true, true]);
    yield* createTask(function* () {
      sleep(1);
      yield;
    });
    loop.scheduler.debug = false;
    assertEquals(loop.getDebug(), false);
    yield* createTask(function* () {
      sleep(1);
      yield;
    });
  });
  assertEquals(blamed, ["sleep"]);
});
