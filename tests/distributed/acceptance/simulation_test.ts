/** The simulated network, as its contract says it. */
import { Coro, DeadlockError, type MonitorException, Scheduler, sleep } from "@asyncoro/asyncoro";
import {
  type Link,
  Network,
  type NetworkOptions,
  PeerLostError,
  type PeerStatus,
} from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { eventually, onMachines, SECRET, type Steps } from "./machines.ts";

Deno.test("scheduler() and engine() return the same object for a name until it crashes, then fresh ones", async () => {
  const simulation = new SimulatedNetwork({ seed: 1 });
  const scheduler = simulation.scheduler("a");
  const engine = simulation.engine("a");
  assertStrictEquals(simulation.scheduler("a"), scheduler);
  assertStrictEquals(simulation.engine("a"), engine);
  assertInstanceOf(scheduler, Scheduler);
  assertEquals([engine.scheme, engine.trusted], ["sim", false]);
  simulation.scheduler("other").spawn(function* () {
    yield* sleep(1);
    simulation.crash("a");
    assertNotStrictEquals(simulation.scheduler("a"), scheduler);
    assertNotStrictEquals(simulation.engine("a"), engine);
    let address = "";
    yield* simulation.scheduler("a").spawn(function* () {
      const network = yield* Network.join({ secret: SECRET, engines: [simulation.engine("a")] });
      address = network.location.address;
    }).finish();
    assertEquals(address, "sim:a");
  });
  await simulation.run();
});

Deno.test("time stands still until run(), is shared, and run() waits for all that are no daemons, also of later schedulers", async () => {
  const simulation = new SimulatedNetwork({ seed: 2 });
  const log: string[] = [];
  simulation.scheduler("a").spawn(function* (coro) {
    log.push(`a begins at ${coro.scheduler.now()}`);
    yield* sleep(10);
    simulation.scheduler("late").spawn(function* (late) {
      assertEquals(late.scheduler.now(), coro.scheduler.now());
      yield* sleep({ hours: 5 });
      log.push(`late ends at ${late.scheduler.now()}`);
    });
    log.push("a ends");
  });
  simulation.scheduler("b").spawnWith({ daemon: true }, function* () {
    try {
      yield* sleep({ hours: 50 });
    } finally {
      log.push("finally of a daemon");
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assertEquals(simulation.scheduler("a").now(), 0);
  assert(!log.includes("a ends"));
  const result = simulation.run();
  assertInstanceOf(result, Promise);
  assertEquals(await result, undefined);
  assertEquals(log, ["a begins at 0", "a ends", "late ends at 18010"]);
});

Deno.test("past its limit run() fails and names the seed", async () => {
  const simulation = new SimulatedNetwork({ seed: 424_242, limit: 100 });
  simulation.scheduler("a").spawn(function* (coro) {
    yield* Network.join({ secret: SECRET, engines: [simulation.engine("a")] });
    yield* coro.receive();
  });
  await assertRejects(() => simulation.run(), Error, "424242");
});

Deno.test("by default the limit is a day, and deadlocks without a network are found", async () => {
  const simulation = new SimulatedNetwork({ seed: 1 });
  simulation.scheduler("a").spawn(function* () {
    yield* sleep({ hours: 23 });
  });
  await simulation.run();
  const longer = new SimulatedNetwork({ seed: 1 });
  longer.scheduler("a").spawn(function* () {
    yield* sleep({ hours: 25 });
  });
  await assertRejects(() => longer.run(), Error, "seed");
  const stuck = new SimulatedNetwork({ seed: 1 });
  stuck.scheduler("a").spawn(function* (coro) {
    yield* coro.receive();
  });
  await assertRejects(() => stuck.run(), DeadlockError);
});

/** A run with faults, by its seed: its trace and what was received. */
async function run(seed: number, loss = 0.02): Promise<{ trace: readonly string[]; got: unknown[]; ids: string[] }> {
  const got: unknown[] = [];
  const ids: string[] = [];
  const simulation = await onMachines(
    {
      *a(_coro, { network, simulation }) {
        ids.push(network.location.id);
        yield* network.peer("sim:b", 100);
        const b = (yield* Coro.locate("b", 100))!;
        for (let i = 0; i < 50; i++) {
          b.send(i);
          yield* sleep(0.01);
          if (i % 10 === 5) simulation.cut("a", "b");
          if (i === 20) simulation.partition(["a"], ["b"]);
          if (i === 30) simulation.heal();
          if (i === 40) simulation.freeze("b", 2);
        }
        assertEquals(yield* b.deliver(50, 100), 1);
      },
      *b(coro, { network }) {
        ids.push(network.location.id);
        coro.register("b");
        for (let i = 0; i <= 50; i++) got.push(yield* coro.receive(100));
      },
    },
    () => ({ peerTimeout: 120 }),
    { seed, loss },
  );
  return { trace: simulation.trace(), got, ids };
}

Deno.test("the same seed leads to the same trace, ids included; another one to another", async () => {
  const [first, again, other] = [await run(7), await run(7), await run(8)];
  assertEquals(again, first);
  assert(other.trace.join() !== first.trace.join());
  assert(other.ids.join() !== first.ids.join());
  assertEquals(first.got, Array.from({ length: 51 }, (_, i) => i));
  assertEquals(other.got, first.got);
  assert(first.trace.length > 30);
  let last = 0;
  for (const line of first.trace) {
    const time = parseFloat(line);
    assert(time >= last, line);
    last = time;
  }
});

/** Has `a` dial `b` with bare engines, with what each end sees. */
async function links(
  program: (ends: { link: Link; seen: string[]; dialed: string[] }, simulation: SimulatedNetwork) => Steps,
): Promise<void> {
  const simulation = new SimulatedNetwork({ seed: 5 });
  const seen: string[] = [];
  const dialed: string[] = [];
  const [a, b] = [simulation.engine("a"), simulation.engine("b")];
  const start = (link: Link, notes: string[], now: () => number) =>
    link.start(
      (bytes) => notes.push(`${bytes}`),
      () => {},
      (reason) => notes.push(`closed at ${now().toFixed(1)}: ${reason?.name ?? null}`),
    );
  let failure: unknown;
  simulation.scheduler("b").spawnWith({ daemon: true }, function* (coro) {
    yield* b.open((link) => start(link, seen, () => coro.scheduler.now()));
    yield* coro.receive();
  });
  simulation.scheduler("a").spawn(function* (coro) {
    try {
      yield* sleep(1);
      const link = yield* a.dial("sim:b", 5);
      start(link, dialed, () => coro.scheduler.now());
      yield* program({ link, seen, dialed }, simulation);
    } catch (error) {
      failure = error;
    }
  });
  await simulation.run();
  if (failure !== undefined) throw failure;
}

Deno.test("a cut closes the links that there are, both ends within 0.2 s, and what is under way is lost", async () => {
  await links(function* ({ link, seen, dialed }, simulation) {
    link.write(Uint8Array.of(1));
    yield* sleep(1);
    link.write(Uint8Array.of(2));
    simulation.cut("a", "b");
    yield* sleep(0.2);
    assertEquals(seen.length, 2);
    assertEquals(seen[0], "1");
    assert(seen[1].startsWith("closed"), seen[1]);
    assertEquals(dialed.length, 1);
    // At once.
    simulation.cut("a", "b");
    const again = yield* simulation.engine("a").dial("sim:b", 5);
    again.write(Uint8Array.of(3));
    yield* sleep(1);
    assertEquals(seen[2], "3");
  });
});

Deno.test("a partition drops what is sent, closes nothing and lets nothing be dialed, until heal()", async () => {
  await links(function* ({ link, seen, dialed }, simulation) {
    simulation.partition(["a", "x"], ["b"]);
    link.write(Uint8Array.of(1));
    yield* sleep(100);
    assertEquals([seen, dialed], [[], []]);
    let failed = false;
    try {
      yield* simulation.engine("a").dial("sim:b", 2);
    } catch {
      failed = true;
    }
    assert(failed);
    simulation.partition(["b"], ["y"]);
    simulation.heal();
    link.write(Uint8Array.of(2));
    yield* sleep(1);
    assertEquals(seen, ["2"]);
  });
});

Deno.test("freeze holds a machine's coroutines and links, a second one prolongs it, and nothing is lost", async () => {
  await links(function* ({ link, seen }, simulation) {
    simulation.freeze("b", 3);
    link.write(Uint8Array.of(1));
    yield* sleep(2);
    simulation.freeze("b", 3);
    yield* sleep(2.9);
    assertEquals(seen, []);
    yield* sleep(0.2);
    assertEquals(seen, ["1"]);
    simulation.freeze("b", 3);
    simulation.freeze("b", 1);
    link.write(Uint8Array.of(2));
    yield* sleep(2);
    assertEquals(seen, ["1"]);
  });
});

Deno.test("frozen for less than peerTimeout loses nothing; for longer it is lost at that time, once, and returns", async () => {
  const seen: string[] = [];
  await onMachines({
    *a(coro, { network, simulation }) {
      yield* network.peer("sim:b");
      const b = (yield* Coro.locate("b", 10))!;
      network.peerStatus(coro);
      yield* coro.receive(1);
      simulation.freeze("b", 8);
      yield* sleep(9);
      assertEquals(yield* coro.receive(0), undefined);
      assertEquals(yield* b.deliver(1, 5), 1);
      simulation.freeze("b", 30);
      const start = coro.scheduler.now();
      for (let i = 0; i < 2; i++) {
        const status = (yield* coro.receive<PeerStatus>(60))!;
        seen.push(`${status.reason} after ${Math.round(coro.scheduler.now() - start)}`);
      }
      assertEquals(yield* b.deliver(2, 20), 1);
    },
    *b(coro) {
      coro.register("b");
      yield* sleep(60);
    },
  });
  assert(/^lost after (9|10)$/.test(seen[0]), `${seen}`);
  assert(/^joined after 3\d$/.test(seen[1]), `${seen}`);
});

Deno.test("a crash runs no finally, is noticed, and the next machine of that name is another joining", async () => {
  const log: string[] = [];
  let restarted = false;
  await onMachines({
    *a(coro, { network, simulation, start }) {
      const old = yield* network.peer("sim:b");
      const b = (yield* Coro.locate("b", 10))!;
      yield* coro.monitor(b);
      simulation.crash("b");
      const notice = (yield* coro.receive<MonitorException>(30))!;
      assertEquals(notice.outcome.kind, "lost");
      assertInstanceOf((notice.outcome as unknown as { error: unknown }).error, PeerLostError);
      start("b", function* (self) {
        self.register("b");
        restarted = true;
        assertEquals(yield* self.receive(60), "to the new one");
      });
      yield* eventually(() => restarted);
      const again = yield* network.peer("sim:b");
      assertEquals(again.address, old.address);
      assert(!again.equals(old));
      assertEquals(b.send("to the old one"), false);
      assertEquals(yield* b.deliver("to the old one", 5), -1);
      const fresh = (yield* Coro.locate("b", 10, again))!;
      assertNotStrictEquals(fresh, b);
      assertEquals(yield* fresh.deliver("to the new one", 5), 1);
    },
    *b(coro) {
      coro.register("b");
      try {
        yield* coro.receive();
      } finally {
        log.push("finally");
      }
    },
  });
  assertEquals(log, []);
});

Deno.test("with losses, handshakes included, everything arrives once and in order", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { got } = await run(seed, 0.3);
    assertEquals(got, Array.from({ length: 51 }, (_, i) => i), `seed ${seed}`);
  }
});

Deno.test("an idle hour loses nobody, and a lost last message is repaired by a heartbeat", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const options: NetworkOptions = seed === 0 ? {} : { heartbeat: 2, peerTimeout: 120 };
    await onMachines(
      {
        *a(coro, { network }) {
          yield* network.peer("sim:b", 60);
          const b = (yield* Coro.locate("b", 60))!;
          network.peerStatus(coro);
          yield* coro.receive(1);
          for (let i = 0; i < 5; i++) {
            b.send(i);
            yield* sleep({ minutes: 12 });
          }
          assertEquals(yield* coro.receive(0), undefined);
          assertEquals(network.stats().queuedBytes, 0);
        },
        *b(coro) {
          coro.register("b");
          let last = 0;
          for (let i = 0; i < 5; i++) {
            assertEquals(yield* coro.receive(3600), i);
            const now = coro.scheduler.now();
            assert(i === 0 || now - last < 12 * 60 + 15, `${now - last}`);
            last = now;
          }
        },
      },
      () => options,
      { seed, loss: seed === 0 ? 0 : 0.2 },
    );
  }
});
