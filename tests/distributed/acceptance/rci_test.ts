/** Coroutines that peers run. */
import { Coro, sleep } from "@asyncoro/asyncoro";
import { PeerLostError, PermissionError, RCI, RemoteError, SerializationError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { eventually, onMachines, type Program, type Steps, thrownBy } from "./machines.ts";

function* square(_coro: Coro, n: number): Steps<number> {
  yield;
  return n * n;
}

/** Registers functions and stays until `done` holds. */
function serving(done: () => boolean, register: () => void): Program {
  return function* () {
    register();
    yield* eventually(done);
  };
}

Deno.test("run creates a coroutine there and returns its handle, call returns its result, typed", async () => {
  let done = false;
  await onMachines({
    *a(_coro, { network }) {
      const b = yield* network.peer("sim:b");
      const rci = (yield* RCI.locate<typeof square>("square", 10))!;
      assertInstanceOf(rci, RCI);
      assert(rci.location!.equals(b));
      const coro: Coro<number> = yield* rci.run(8);
      assertInstanceOf(coro, Coro);
      assertEquals(coro.location, b);
      const result: number = yield* coro.finish();
      assertEquals(result, 64);
      const called: number = yield* rci.call(7);
      assertEquals(called, 49);
      assertEquals(yield* (yield* RCI.locate<typeof square>("square", 5, b))!.call(3), 9);
      assertEquals(yield* RCI.locate("square", 2, network.location), null);
      assertEquals(yield* RCI.locate("square", 0), null);
      assertEquals(network.stats().pending, 0);
      done = true;
    },
    b: serving(() => done, () => {
      const rci = new RCI(square);
      assertEquals(rci.name, "square");
      assertEquals(rci.register(), true);
      assertEquals(rci.register(), false);
      assertEquals(new RCI(square).register(), false);
      assertEquals(new RCI(square, "other").register(), true);
    }),
  });
});

Deno.test("what is thrown there is thrown here; another class is a RemoteError", async () => {
  class Odd extends Error {
    override name = "Odd";
    code = 7;
  }
  let done = false;
  await onMachines({
    *a(_coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("fails", 10))!;
      assertEquals((yield* thrownBy(TypeError, rci.call(0))).message, "typed");
      const error = yield* thrownBy(RemoteError, rci.call(1));
      assertEquals([error.name, error.message, error.data.code], ["Odd", "odd", 7]);
      assert(error.stack!.includes("rci_test"));
      yield* thrownBy(SerializationError, rci.call(2));
      done = true;
    },
    b: serving(() => done, () => {
      new RCI(function* (_coro: Coro, n: number): Steps {
        yield;
        if (n === 0) throw new TypeError("typed");
        if (n === 1) throw new Odd("odd");
        return () => {};
      }, "fails").register();
    }),
  });
});

Deno.test("an RCI that is not registered any more is a PermissionError, counted there", async () => {
  let found = false;
  let gone = false;
  let done = false;
  await onMachines({
    *a(_coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate<typeof square>("square", 10))!;
      found = true;
      yield* eventually(() => gone);
      yield* thrownBy(PermissionError, rci.run(1));
      yield* thrownBy(PermissionError, rci.call(1));
      assertEquals(network.stats().pending, 0);
      done = true;
    },
    *b(_coro, { network }) {
      const rci = new RCI(square);
      rci.register();
      yield* eventually(() => found);
      assertEquals(rci.unregister(), true);
      assertEquals(rci.unregister(), false);
      gone = true;
      yield* eventually(() => done);
      assertEquals(network.stats().refused, 2);
    },
  });
});

Deno.test("limit counts those of all creators that live, and is a RemoteError; so are defaults that throw", async () => {
  let done = 0;
  let full = false;
  let ended = false;
  await onMachines({
    *a(_coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("waits", 10))!;
      const coros = [yield* rci.run(), yield* rci.run()];
      full = true;
      yield* eventually(() => ended);
      coros[0].terminate();
      yield* sleep(1);
      yield* rci.run();
      yield* thrownBy(RemoteError, rci.run());
      const thrower = (yield* RCI.locate("thrower", 10))!;
      const error = yield* thrownBy(RemoteError, thrower.run());
      assert(error.message.includes("no default"), error.message);
      done++;
    },
    *c(_coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("waits", 10))!;
      yield* eventually(() => full);
      yield* thrownBy(RemoteError, rci.run());
      ended = true;
      done++;
    },
    b: serving(() => done === 2, () => {
      new RCI(function* (coro: Coro): Steps<void> {
        yield* coro.sleep(600);
      }, "waits").register({ limit: 2 });
      new RCI(function* (
        _coro: Coro,
        _x: unknown = (() => {
          throw new Error("no default");
        })(),
      ): Steps<void> {
        yield;
      }, "thrower").register();
    }),
  });
});

Deno.test("a cancelled call terminates the coroutine, whose finally runs; a run that is cancelled early as well", async () => {
  let done = false;
  const ran: string[] = [];
  await onMachines({
    *a(_coro, { network, simulation }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate<(coro: Coro, who: string) => Steps>("waits", 10))!;
      const caller = new Coro(function* () {
        yield* rci.call("call");
      });
      yield* sleep(1);
      caller.terminate();
      yield* eventually(() => ran.length === 2);
      const limited = new Coro(function* () {
        yield* rci.call("early");
      });
      yield* sleep(0.0001);
      limited.terminate();
      yield* sleep(5);
      simulation.freeze("b", 3);
      const runner = new Coro(function* () {
        yield* rci.run("run");
      });
      yield* sleep(1);
      runner.terminate();
      yield* sleep(10);
      assertEquals(network.stats().pending, 0);
      done = true;
    },
    b: serving(() => done, () => {
      new RCI(function* (coro: Coro, who: string): Steps<void> {
        ran.push(`${who} begins`);
        try {
          yield* coro.sleep();
        } finally {
          ran.push(`${who} ends`);
        }
      }, "waits").register();
    }),
  });
  for (const who of ["call", "early", "run"]) {
    assertEquals(ran.includes(`${who} begins`), ran.includes(`${who} ends`), who);
  }
});

for (const orphans of ["terminate", "keep"] as const) {
  for (const how of ["crash", "leave"] as const) {
    Deno.test(`creator gone (${how}), orphans: "${orphans}"`, async () => {
      let created = false;
      let ended = false;
      await onMachines({
        *a(_coro, { network, simulation }) {
          yield* network.peer("sim:b");
          const rci = (yield* RCI.locate("waits", 10))!;
          yield* rci.run();
          created = true;
          if (how === "crash") simulation.crash("a");
          else yield* network.leave();
        },
        *b() {
          new RCI(function* (coro: Coro): Steps<void> {
            try {
              yield* coro.sleep(60);
            } finally {
              ended = true;
            }
          }, "waits").register({ orphans });
          yield* eventually(() => created);
          yield* sleep(40);
          assertEquals(ended, orphans === "terminate");
          yield* sleep(40);
          assertEquals(ended, true);
        },
      });
    });
  }
}

Deno.test("creation happens once per run, whatever links are cut", async () => {
  let done = false;
  let created = 0;
  await onMachines({
    *a(_coro, { network, simulation }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("counts", 10))!;
      const cutter = new Coro(function* () {
        for (let i = 0; i < 20; i++) {
          yield* sleep(0.09);
          simulation.cut("a", "b");
        }
      });
      for (let i = 0; i < 50; i++) {
        const coro = yield* rci.run();
        assertEquals(yield* coro.finish(), "done");
      }
      yield* cutter.finish();
      done = true;
    },
    b: serving(() => done, () => {
      new RCI(function* (_coro: Coro): Steps {
        created++;
        yield;
        return "done";
      }, "counts").register();
    }),
  });
  assertEquals(created, 50);
});

Deno.test("a peer lost while it runs: run and call throw PeerLostError", async () => {
  let ready = false;
  await onMachines({
    *a(_coro, { network, simulation }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("waits", 10))!;
      ready = true;
      const call = new Coro(function* () {
        return yield* thrownBy(PeerLostError, rci.call());
      });
      const coro = yield* rci.run();
      yield* sleep(1);
      simulation.crash("b");
      assertEquals((yield* thrownBy(PeerLostError, coro.finish())).reason, "lost");
      yield* call.finish();
      yield* thrownBy(PeerLostError, rci.run());
      assertEquals(network.stats().pending, 0);
    },
    *b() {
      new RCI(function* (coro: Coro): Steps<void> {
        yield* coro.sleep();
      }, "waits").register();
      yield* eventually(() => ready);
      yield* sleep(1000);
    },
  });
});

Deno.test("an RCI of this scheduler is found and run here", async () => {
  await onMachines({
    *a(_coro, { network }) {
      const rci = new RCI(square);
      rci.register();
      const found = (yield* RCI.locate<typeof square>("square"))!;
      assert(found.location!.equals(network.location));
      const coro = yield* found.run(4);
      assertEquals(coro.location, null);
      assertEquals(yield* coro.finish(), 16);
      assertEquals(yield* found.call(5), 25);
    },
  });
});

Deno.test("register outside a joined scheduler is an Error, and bad arguments are refused", () => {
  assertThrows(() => new RCI(square).register(), Error);
  assertThrows(() => new RCI((() => 1) as never), TypeError);
  assertThrows(() => new RCI(square, ""), TypeError);
  assertThrows(() => new RCI(square).register({ orphans: "x" } as never), TypeError);
});

Deno.test("its creator controls what an RCI has created, and another peer does not", async () => {
  let coro: Coro | null = null;
  let done = false;
  let refused = false;
  await onMachines({
    *a(self, { network }) {
      yield* network.peer("sim:b");
      yield* network.peer("sim:c");
      const rci = (yield* RCI.locate("waits", 10))!;
      const mine = yield* rci.run();
      coro = mine as Coro;
      const other = (yield* Coro.locate("other", 10))!;
      other.send({ coro: mine, from: self });
      yield* eventually(() => refused);
      assertEquals(yield* self.receive(1), undefined);
      assertEquals(mine.resume("woken"), true);
      assertEquals(yield* mine.finish(10), "woken");
      const second = yield* rci.run();
      assertEquals(second.throw(new RangeError("thrown")), true);
      yield* thrownBy(RangeError, second.finish(10));
      const third = yield* rci.run();
      assertEquals(third.terminate(), true);
      assertEquals(yield* third.finish(10), undefined);
      done = true;
    },
    *b(_coro, { network }) {
      new RCI(function* (self: Coro): Steps {
        return yield* self.sleep();
      }, "waits").register();
      yield* eventually(() => refused);
      assertEquals(network.stats().refused, 3);
      yield* eventually(() => done);
      assertEquals(network.stats().refused, 3);
    },
    *c(self) {
      self.register("other");
      const message = (yield* self.receive<{ coro: Coro }>(60))!;
      assertEquals(message.coro.terminate(), true);
      assertEquals(message.coro.resume(1), true);
      assertEquals(message.coro.throw(new Error("no")), true);
      yield* sleep(5);
      refused = true;
      yield* eventually(() => done);
    },
  });
  assert(coro !== null);
});

Deno.test("an RCI travels in a message, and runs from there", async () => {
  let done = false;
  await onMachines({
    *a(self, { network }) {
      yield* network.peer("sim:b");
      const other = (yield* Coro.locate("other", 10))!;
      const rci = new RCI(square, "mine");
      rci.register();
      other.send({ rci, from: self });
      assertEquals(yield* self.receive(10), { result: 81, rci });
      done = true;
    },
    *b(self) {
      self.register("other");
      const { rci, from } = (yield* self.receive<{ rci: RCI<[number], number>; from: Coro }>(60))!;
      from.send({ result: yield* rci.call(9), rci });
      yield* eventually(() => done);
    },
  });
});
