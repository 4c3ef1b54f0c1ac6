import { call, Coro, MonitorException } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { BUSY } from "../helpers/busy.ts";
import { inLab } from "../helpers/lab.ts";

const boom = new Error("boom");

Deno.test("a monitor is notified of how a coroutine ended, whatever state it was terminated in", async () => {
  for (const [doing, target] of Object.entries(BUSY)) {
    await runVirtual(function* (coro) {
      const failing = new Coro(target);
      const ending = new Coro(target);
      assert(yield* coro.monitor(failing));
      assert(ending.notify(coro));
      yield;
      assert(failing.throw(boom), doing);
      const failure = yield* coro.receive<MonitorException>();
      assert(failure instanceof MonitorException);
      assertStrictEquals(failure.coro, failing);
      assertEquals(failure.outcome, { kind: "throw", error: boom }, doing);
      assertEquals([failure.args[0], failure.args[1][0]], [failing, "throw"]);
      assertStrictEquals(failure.args[1][1], boom);
      assert(ending.terminate(), doing);
      const end = yield* coro.receive<MonitorException>();
      assertStrictEquals(end.coro, ending);
      assertEquals([end.outcome, end.args], [{ kind: "terminate" }, [ending, ["terminate", undefined]]], doing);
      assertEquals(yield* coro.receive(0, "no more"), "no more");
    });
  }
});

Deno.test("a monitor is notified of the end of a coroutine that has not started, or waits in its finally", async () => {
  await runVirtual(function* (coro) {
    const unstarted = new Coro(function* () {
      throw new Error("never runs");
    });
    unstarted.notify(coro);
    unstarted.terminate();
    assertEquals((yield* coro.receive<MonitorException>()).outcome, { kind: "terminate" });
    const thrownAt = new Coro(function* () {});
    thrownAt.notify(coro);
    thrownAt.throw(boom);
    assertEquals((yield* coro.receive<MonitorException>()).outcome, { kind: "throw", error: boom });
    const cleaning = new Coro(function* (self) {
      try {
        yield* self.receive();
      } finally {
        yield* self.sleep(3);
      }
    });
    yield;
    cleaning.terminate();
    yield* coro.sleep(1);
    assert(yield* coro.monitor(cleaning));
    assertEquals((yield* coro.receive<MonitorException>()).outcome, { kind: "terminate" });
    assertEquals(coro.scheduler.now(), 3);
  });
});

/** What the methods of a coroutine return in a state: resume, send, throw, terminate, hotSwap, notify, and its end. */
const STATES: Record<string, { target: (coro: Coro) => Generator<unknown, unknown, unknown>; answers: unknown[] }> = {
  "not started": { target: BUSY.receiving, answers: [false, true, true, true, true, true, "TimeoutError"] },
  "ready": { target: BUSY["giving way"], answers: [false, true, true, true, true, true, "TimeoutError"] },
  "sleeping": { target: BUSY.sleeping, answers: [true, true, true, true, true, true, "TimeoutError"] },
  "receiving": { target: BUSY.receiving, answers: [false, true, true, true, true, true, "TimeoutError"] },
  "joining": { target: BUSY["waiting for an end"], answers: [false, true, true, true, true, true, "TimeoutError"] },
  "racing": { target: BUSY["in race"], answers: [true, true, true, true, true, true, "TimeoutError"] },
  "with a deadline": { target: BUSY["in withTimeout"], answers: [false, true, true, true, true, true, "TimeoutError"] },
  "in a subroutine": {
    target: BUSY["in a subroutine"],
    answers: [false, true, true, true, true, true, "TimeoutError"],
  },
  "waiting for a promise": {
    *target() {
      yield new Promise<void>(() => {});
    },
    answers: [false, true, true, true, true, true, "TimeoutError"],
  },
  "cleaning up": {
    *target(coro) {
      try {
        yield* coro.receive();
      } finally {
        yield* coro.receive(3);
      }
    },
    answers: [false, true, true, true, true, true, "TimeoutError"],
  },
  "failed and monitored": {
    *target() {
      throw boom;
    },
    answers: [false, true, false, false, true, true, "boom"],
  },
  "failed": {
    *target() {
      throw boom;
    },
    answers: [false, false, false, false, false, true, "boom"],
  },
  "returned": {
    *target() {
      return "value";
    },
    answers: [false, false, false, false, false, true, "value"],
  },
  "terminated": { target: BUSY.sleeping, answers: [false, false, false, false, false, true, undefined] },
};

Deno.test("what every method returns in every state, and termination ends every state", async () => {
  for (const [state, { target, answers }] of Object.entries(STATES)) {
    await inLab(async (lab) => {
      await lab.scheduler.spawn(function* (coro) {
        const make = function* (): Generator<unknown, Coro, unknown> {
          const made = new Coro(target) as Coro;
          if (state === "failed and monitored") made.notify(coro);
          if (state === "not started") return made;
          for (let i = 0; i < 3; i++) yield;
          if (state === "cleaning up" || state === "terminated") made.terminate();
          if (state === "cleaning up" || state === "terminated") { for (let i = 0; i < 3; i++) yield; }
          return made;
        };
        const calls: ((made: Coro) => unknown)[] = [
          (made) => made.resume(),
          (made) => made.send("message"),
          (made) => made.throw(new Error("thrown")),
          (made) => made.terminate(),
          (made) => made.hotSwap(BUSY.sleeping),
          (made) => made.notify(coro),
        ];
        const answered: unknown[] = [];
        const all: Coro[] = [];
        for (const each of calls) {
          const made = yield* call(make());
          all.push(made);
          answered.push(each(made));
        }
        const made = yield* call(make());
        all.push(made);
        try {
          answered.push(yield* made.finish(0));
        } catch (error) {
          answered.push((error as Error).name === "TimeoutError" ? "TimeoutError" : (error as Error).message);
        }
        assertEquals(answered, answers, state);
        for (const each of all) each.terminate();
        for (const each of all) {
          try {
            yield* each.finish(10);
          } catch (error) {
            assert(/boom|thrown/.test((error as Error).message), state);
          }
          assertEquals(each.isAlive(), false, state);
        }
      }).value();
      lab.takeReported();
    });
  }
});

Deno.test("the running coroutine: resume() and throw() of itself return false, terminate() takes effect at its next yield", async () => {
  await runVirtual(function* (coro) {
    const log: unknown[] = [];
    const self = new Coro(function* (self) {
      log.push([self.resume(), self.send("mine"), self.throw(boom), self.notify(coro), self.isAlive()]);
      log.push(self.terminate());
      log.push("before the yield");
      yield;
      log.push("never");
    });
    yield* self.finish();
    assertEquals(log, [[false, true, false, true, true], true, "before the yield"]);
    assertEquals((yield* coro.receive<MonitorException>()).outcome, { kind: "terminate" });
  });
});
