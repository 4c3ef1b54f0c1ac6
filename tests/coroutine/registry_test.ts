import { Coro, race, Scheduler } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { countNames, Registry } from "../../core/coroutine/names.ts";
import { inLab } from "../helpers/lab.ts";

function* idle(coro: Coro): Generator<unknown, void, unknown> {
  yield* coro.receive();
}

Deno.test("register() and locate() by the coroutine's name, and by any other", async () => {
  await runVirtual(function* () {
    const server = new Coro(idle);
    assert(server.register());
    assert(server.register("other"));
    assertEquals(yield* Coro.locate("idle"), server);
    assertEquals(yield* Coro.locate("other", 0), server);
    assert(server.unregister("other"));
    assertEquals(yield* Coro.locate("other", 0), null);
    server.name = "renamed";
    assertEquals(yield* Coro.locate("idle", 0), server);
  });
});

Deno.test("register() returns false when a living coroutine has the name", async () => {
  await runVirtual(function* () {
    const [first, second] = [new Coro(idle), new Coro(idle)];
    assertEquals([first.register("name"), second.register("name"), first.register("name")], [true, false, false]);
    assertEquals(second.unregister("name"), false);
    assertEquals(yield* Coro.locate("name"), first);
    assertEquals([first.unregister("name"), first.unregister("name")], [true, false]);
    assert(second.register("name"));
  });
});

Deno.test("a name is removed when its coroutine ends, however it ends", async () => {
  await inLab(async (lab) => {
    const ends: Record<string, (coro: Coro) => Generator<unknown, void, unknown>> = {
      *returned() {},
      *failed() {
        throw new Error("boom");
      },
      terminated: idle,
    };
    for (const [name, target] of Object.entries(ends)) {
      await lab.scheduler.spawn(function* (coro) {
        const named = new Coro(target);
        assert(named.register("a") && named.register("b"));
        yield* coro.sleep(1);
        if (name === "terminated") named.terminate();
        yield* coro.sleep(1);
        assertEquals([yield* Coro.locate("a", 0), yield* Coro.locate("b", 0)], [null, null], name);
        assertEquals([named.register("a"), named.unregister("a")], [false, false], name);
      }).value();
    }
    assertEquals(lab.takeReported(), ["boom"]);
  });
});

Deno.test("a failed coroutine keeps its name as long as a monitor may restart it", async () => {
  await runVirtual(function* (coro) {
    const worker = new Coro(function* worker(): Generator<unknown, void, unknown> {
      throw new Error("boom");
    });
    yield* coro.monitor(worker);
    worker.register("worker");
    yield* coro.receive();
    assertEquals(yield* Coro.locate("worker", 0), worker);
    assert(worker.hotSwap(idle));
    assertEquals(yield* Coro.locate("worker", 0), worker);
    assertEquals(worker.unregister("worker"), true);
  });
});

Deno.test("a failed coroutine loses its name to a living one, and with its last monitor", async () => {
  await runVirtual(function* (coro) {
    const fail = function* (): Generator<unknown, void, unknown> {
      throw new Error("boom");
    };
    const [first, second] = [new Coro(fail), new Coro(fail)];
    const monitor = new Coro(function* (self) {
      yield* self.sleep(10);
    });
    first.notify(monitor);
    second.notify(monitor);
    assert(first.register("first") && second.register("second"));
    yield* coro.sleep(1);
    const successor = new Coro(idle);
    assert(successor.register("first"));
    assertEquals(yield* Coro.locate("first", 0), successor);
    assertEquals(yield* Coro.locate("second", 0), second);
    yield* coro.sleep(10);
    assertEquals(yield* Coro.locate("second", 0), null);
    assertEquals(yield* Coro.locate("first", 0), successor);
  });
});

Deno.test("locate() waits for a registration until it times out", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    for (const [who, timeout] of [["short", 1], ["long", 9], ["ever", null]] as const) {
      scheduler.spawn(function* () {
        const found = yield* Coro.locate("late", timeout);
        lab.at(`${who}: ${found === null ? "nothing" : found.name}`);
      });
    }
    scheduler.spawn(function* server(coro) {
      yield* coro.sleep(5);
      coro.register("late");
      yield;
    });
    await scheduler.join();
    assertEquals(lab.takeLog(), ["1 short: nothing", "5 long: server", "5 ever: server"]);
  });
});

Deno.test("locate() that loses a race or is terminated no longer waits", async () => {
  await runVirtual(function* (coro) {
    assertEquals(yield* race(Coro.locate("nobody"), coro.sleep(1, "slept")), "slept");
    const waiting = new Coro(function* () {
      yield* Coro.locate("nobody");
    });
    yield* coro.sleep(1);
    assertEquals(coro.scheduler.dump().find(({ id }) => id === waiting.id)!.waitsFor, "the name 'nobody'");
    waiting.terminate();
    yield* coro.sleep(1);
    assert(coro.register("nobody"));
  });
});

Deno.test("locate() that is cancelled in the turn of its outcome leaves nothing behind", async () => {
  await runVirtual(function* (coro) {
    const registry = new Registry<Coro>("coroutine", () => true);
    const finders = [1, 2].map(() =>
      new Coro(function* (self) {
        try {
          return yield* registry.locate("name");
        } catch {
          return yield* self.receive(1, "cancelled");
        }
      })
    );
    yield;
    assertEquals(countNames(registry), { names: 0, waiting: 2 });
    registry.register("name", coro);
    finders[0].throw(new Error("stop"));
    assertEquals(countNames(registry), { names: 1, waiting: 0 });
    assertEquals([yield* finders[0].finish(), yield* finders[1].finish()], ["cancelled", coro]);
  });
});

Deno.test("names are shared by all schedulers of the process", async () => {
  const [here, there] = [1, 2].map(() => new Scheduler({ clock: new VirtualClock() }));
  const found = there.spawn(function* () {
    return yield* Coro.locate("across");
  });
  const server = here.spawn(function* (coro) {
    coro.register("across");
    return yield* coro.receive();
  });
  const located = await found.value();
  assertEquals(located, server);
  located!.send("hello");
  assertEquals(await server.value(), "hello");
  await here.terminate();
  await there.terminate();
});

Deno.test("a name must be a string that is not empty", async () => {
  await runVirtual(function* (coro) {
    const message = "as 'name' must be a string that is not empty: current value is";
    for (const name of ["", 7, null] as string[]) {
      assertThrows(() => coro.register(name), TypeError, `Cannot register a coroutine ${message}`);
      assertThrows(() => coro.unregister(name), TypeError, `Cannot unregister a coroutine ${message}`);
      assertThrows(() => Coro.locate(name), TypeError, `Cannot locate a coroutine ${message}`);
    }
    assertThrows(() => Coro.locate("a", NaN), TypeError, "Cannot locate a coroutine as 'timeout'");
    yield;
  });
});

Deno.test("a registry keeps nothing of entries that were removed", async () => {
  const registry = new Registry<{ alive: boolean }>("thing", (thing) => thing.alive);
  for (let i = 0; i < 1000; i++) {
    const thing = { alive: true };
    registry.register(`name ${i % 7}`, thing);
    registry.register("other", thing);
    thing.alive = false;
    if (i % 2) registry.forget(thing);
  }
  assertEquals(countNames(registry), { names: 3, waiting: 0 });
  await runVirtual(function* (coro) {
    const waiting = new Coro(function* () {
      return yield* registry.locate("awaited", 1);
    });
    yield;
    assertEquals(countNames(registry).waiting, 1);
    yield* waiting.finish();
    assertEquals(countNames(registry).waiting, 0);
    void coro;
  });
});
