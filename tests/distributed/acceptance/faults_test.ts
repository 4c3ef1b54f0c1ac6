/** DISTRIBUTED.md, section 7, tests 16 to 27, and "Simulation" in section 9. */
import { Coro, type MonitorException, sleep } from "@asyncoro/asyncoro";
import { type Network, PeerLostError, PeerStatus, RCI } from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { collector, found, type Program, simulate, stays, World } from "./world.ts";

function inbox(into: unknown[]): Program {
  return function* (coro, here) {
    here.world.shared.network = here.network;
    yield* here.network.peer("sim:a", 60);
    yield* collector("inbox", into)(coro, here);
  };
}

Deno.test("a cut mid-burst loses nothing, doubles nothing, keeps the order", async () => {
  for (let seed = 0; seed < 30; seed++) {
    const got: unknown[] = [];
    await simulate(
      {
        *a(coro, { world }) {
          const handle = yield* found("inbox");
          coro.scheduler.spawn(function* () {
            for (let i = 0; i < 5; i++) {
              yield* sleep(0.05);
              world.net.cut("a", "b");
            }
          });
          for (let i = 0; i < 500; i++) {
            handle.send(i);
            if (i % 20 === 0) yield* sleep(0.02);
          }
          assertEquals(yield* handle.deliver("end", 60), 1);
          assertEquals(got, [...Array(500).keys(), "end"]);
        },
        b: inbox(got),
      },
      () => ({}),
      { seed },
    );
  }
});

Deno.test("a cut before the acknowledgement: delivered once, 1", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const got: unknown[] = [];
    await simulate(
      {
        *a(coro, { world }) {
          const handle = yield* found("inbox");
          coro.scheduler.spawn(function* () {
            yield* sleep(0.01 + 0.001 * seed);
            world.net.cut("a", "b");
          });
          assertEquals(yield* handle.deliver("once"), 1);
          yield* sleep(5);
          assertEquals(got, ["once"]);
        },
        b: inbox(got),
      },
      () => ({}),
      { seed },
    );
  }
});

Deno.test("a partition below peerTimeout loses nothing, and no status is told", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const got: unknown[] = [];
    await simulate(
      {
        *a(coro, { network, world }) {
          const handle = yield* found("inbox");
          network.peerStatus(coro);
          assertInstanceOf(yield* coro.receive(), PeerStatus);
          for (let i = 0; i < 200; i++) {
            if (i === 50) world.net.partition(["a"], ["b"]);
            if (i === 100) world.net.cut("a", "b");
            if (i === 150) world.net.heal();
            handle.send(i);
            yield* sleep(0.05);
          }
          assertEquals(yield* handle.deliver("end", 60), 1);
          assertEquals(got, [...Array(200).keys(), "end"]);
          assertEquals(yield* coro.receive(0), undefined);
        },
        b: inbox(got),
      },
      () => ({}),
      { seed },
    );
  }
});

Deno.test("a last message that was lost is repaired by the next heartbeat", async () => {
  for (let seed = 0; seed < 100; seed++) {
    const got: unknown[] = [];
    await simulate(
      {
        *a(_coro, { network }) {
          const handle = yield* found("inbox");
          for (let i = 0; i < 20; i++) {
            yield* sleep(0.3);
            handle.send(i);
          }
          yield* sleep(30);
          assertEquals(got, [...Array(20).keys()]);
          assertEquals(network.stats().queuedBytes, 0);
        },
        b: inbox(got),
      },
      () => ({}),
      { seed, loss: 0.2 },
    );
  }
});

Deno.test("an idle hour: no loss", async () => {
  await simulate({
    *a(coro, { network }) {
      network.peerStatus(coro);
      yield* network.peer("sim:b");
      yield* coro.receive();
      assertEquals(yield* coro.receive({ hours: 1 } as never), undefined);
      assertEquals(network.peers().length, 1);
    },
    b: stays,
  });
});

Deno.test("a frozen peer is lost after peerTimeout, not before", async () => {
  await simulate({
    *a(coro, { network, world }) {
      network.peerStatus(coro);
      yield* network.peer("sim:b");
      yield* coro.receive();
      yield* sleep(5);
      world.net.freeze("b", 7);
      assertEquals(yield* coro.receive(20), undefined);
      assertEquals(network.peers().length, 1);
      const before = coro.scheduler.now();
      world.net.freeze("b", 30);
      const status = yield* coro.receive<PeerStatus>();
      assertEquals(status.reason, "lost");
      const took = coro.scheduler.now() - before;
      assert(took > 10 - 2.2 && took <= 10.1, `${took}`);
    },
    b: stays,
  });
});

Deno.test("a crashed peer runs no finally", async () => {
  let cleaned = false;
  await simulate({
    *a(coro, { network, world }) {
      yield* network.peer("sim:b");
      world.net.crash("b");
      network.peerStatus(coro);
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "joined");
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "lost");
      yield* sleep(100);
      assertEquals(cleaned, false);
    },
    *b(_coro, { network }) {
      try {
        yield* network.closed();
      } finally {
        cleaned = true;
      }
    },
  });
  assertEquals(cleaned, false);
});

async function traced(seed: number): Promise<readonly string[]> {
  const got: unknown[] = [];
  const world = await simulate(
    {
      *a(coro, { world }) {
        const handle = yield* found("inbox");
        const rci = (yield* RCI.locate("job", 5))!;
        for (let i = 0; i < 20; i++) {
          handle.send({ i, coro });
          yield* rci.call(i);
          if (i === 7) world.net.cut("a", "b");
          if (i === 9) world.net.freeze("b", 2);
        }
        world.net.crash("b");
        yield* thrownBy(() => handle.finish());
      },
      *b(coro, here) {
        new RCI(function* job(_coro: Coro, n: number) {
          yield* sleep(0.1 * (n % 3));
          return Math.random() < 2 ? n : 0;
        }).register();
        yield* inbox(got)(coro, here);
      },
    },
    () => ({}),
    { seed, loss: 0.02 },
  );
  return world.net.trace();
}

function* thrownBy(body: () => Iterable<unknown>): Generator<unknown, void, unknown> {
  try {
    yield* body() as Generator;
  } catch {
    // Expected.
  }
}

Deno.test("the same seed gives the same trace, another seed another", async () => {
  const first = await traced(5);
  assert(first.length > 50);
  assertMatch(first[0], /^\d/);
  assertEquals(await traced(5), first);
  assert((await traced(6)).join("\n") !== first.join("\n"));
});

Deno.test("200 seeds of cuts, partitions, crashes and freezes: order, no duplicate, all settles", async () => {
  for (let seed = 0; seed < 200; seed++) await chaos(seed);
});

async function chaos(seed: number): Promise<void> {
  const got: Record<string, number[]> = { b: [], c: [] };
  const world = new World({ seed, loss: seed % 3 === 0 ? 0.05 : 0 });
  const names = ["a", "b", "c"];
  const random = seeded(seed);
  for (const name of ["b", "c"]) {
    world.start(name, function* (coro, { network }) {
      coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
        coro.register(`inbox of ${name}`);
        while (true) got[name].push(yield* coro.receive<number>());
      });
      yield* network.closed();
    });
  }
  world.start("a", function* (coro, { network }) {
    const workers: Coro[] = [];
    for (const name of ["b", "c"]) {
      const handle = yield* foundAt(network, name);
      workers.push(coro.scheduler.spawn(function* (coro: Coro) {
        yield* coro.monitor(handle);
        for (let i = 0; i < 30; i++) {
          if (i % 3 === 0) {
            const result = yield* handle.deliver(i, i % 2 ? 3 : undefined);
            assert([1, 0, -1].includes(result), `${result}`);
          } else handle.send(i);
          yield* sleep(0.3 * random());
        }
        try {
          yield* handle.finish(20);
        } catch {
          // Lost or late.
        }
        const lost: MonitorException[] = [];
        while (true) {
          const message = yield* coro.receive(0);
          if (message === undefined) break;
          lost.push(message as MonitorException);
        }
        assert(lost.length <= 1, `${lost}`);
      }));
    }
    for (let i = 0; i < 6; i++) {
      yield* sleep(2 * random());
      const [one, two] = [names[Math.floor(3 * random())], names[1 + Math.floor(2 * random())]];
      const fault = Math.floor(5 * random());
      if (fault === 0) world.net.cut(one, two);
      else if (fault === 1 && one !== two) world.net.partition([one], [two]);
      else if (fault === 2) world.net.heal();
      else if (fault === 3) world.net.freeze(two, 15 * random());
      else if (i === 5) world.net.crash(two);
    }
    world.net.heal();
    for (const worker of workers) yield* worker.finish();
    assertEquals(network.stats().pending, 0, `seed ${seed}`);
  });
  await world.run();
  for (const list of Object.values(got)) {
    for (let i = 1; i < list.length; i++) assert(list[i] > list[i - 1], `seed ${seed}: ${list}`);
  }
}

function* foundAt(network: Network, name: string): Generator<unknown, Coro, unknown> {
  const location = yield* network.peer(`sim:${name}`, 60);
  const coro = yield* Coro.locate(`inbox of ${name}`, 60, location);
  assert(coro !== null);
  return coro!;
}

function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

Deno.test("run() stands at virtual time zero until called, and resolves when all but daemons have ended", async () => {
  const net = new SimulatedNetwork({ seed: 1 });
  const log: string[] = [];
  net.scheduler("x").spawn(function* () {
    yield* sleep(3600);
    log.push("x");
    net.scheduler("y").spawn(function* () {
      yield* sleep(3600);
      log.push("y");
    });
  });
  net.scheduler("x").spawnWith({ daemon: true }, function* () {
    try {
      while (true) yield* sleep(1);
    } finally {
      log.push("finally of a daemon");
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(net.scheduler("x").now(), 0);
  assertEquals(await net.run(), undefined);
  assertEquals(log, ["x", "y"]);
  assertStrictEquals(net.run(), net.run());
});

Deno.test("run() rejects past the limit, naming the seed", async () => {
  const net = new SimulatedNetwork({ seed: 4711, limit: 100 });
  net.scheduler("x").spawn(function* endless() {
    while (true) yield* sleep(10);
  });
  const error = await assertRejects(() => net.run(), Error);
  assertMatch((error as Error).message, /4711/);
});

Deno.test("scheduler(name) and engine(name) are the same until crash(name)", async () => {
  const net = new SimulatedNetwork({ seed: 1 });
  const scheduler = net.scheduler("x");
  const engine = net.engine("x");
  assertStrictEquals(net.scheduler("x"), scheduler);
  assertStrictEquals(net.engine("x"), engine);
  net.scheduler("x").spawn(function* () {
    yield* sleep(1);
  });
  net.scheduler("f").spawn(function* () {
    yield* sleep(0.5);
    net.crash("x");
    assert(net.scheduler("x") !== scheduler);
    assert(net.engine("x") !== engine);
  });
  await net.run();
});

Deno.test("a deadlock is reported by run()", async () => {
  const net = new SimulatedNetwork({ seed: 1 });
  net.scheduler("x").spawn(function* (coro) {
    yield* coro.receive();
  });
  const error = await assertRejects(() => net.run(), Error);
  assertEquals((error as Error).name, "DeadlockError");
});

Deno.test("bad options are told", () => {
  assertThrows(() => new SimulatedNetwork({} as never), TypeError);
  assertThrows(() => new SimulatedNetwork({ seed: 1, loss: 2 }), RangeError);
  assertThrows(() => new SimulatedNetwork({ seed: 1, delay: [2, 1] }), RangeError);
  assertThrows(() => new SimulatedNetwork({ seed: 1, limit: 0 }), RangeError);
});

Deno.test("a partition lets nothing be dialed, a cut lets it at once", async () => {
  await simulate({
    *a(coro, { network, world }) {
      world.net.partition(["a"], ["b"]);
      const before = coro.scheduler.now();
      let failed = false;
      try {
        yield* network.peer("sim:b", 5);
      } catch {
        failed = true;
      }
      assert(failed);
      world.net.heal();
      yield* network.peer("sim:b");
      world.net.cut("a", "b");
      const at = coro.scheduler.now();
      const handle = yield* found("inbox");
      assertEquals(yield* handle.deliver(1), 1);
      assert(coro.scheduler.now() - at < 3, `${coro.scheduler.now() - at}`);
      before;
    },
    *b(coro, here) {
      yield* collector("inbox", [])(coro, here);
    },
  });
});

Deno.test("forge writes a frame into an authenticated link: garbage closes that link only, the session resumes", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network, world }) {
      const handle = yield* found("inbox");
      network.forge(handle.location as never)(Uint8Array.of(255, 1, 2, 3));
      assertEquals(yield* handle.deliver("after"), 1);
      assertEquals(got, ["after"]);
      world.net;
    },
    b: inbox(got),
  });
});

Deno.test("coroutines that were not given out cannot be addressed: ids are of an export table", async () => {
  // The ids of handles are small and count what was given out, whatever the scheduler counts.
  await simulate({
    *a() {
      const handle = yield* found("inbox");
      assert(handle.id < 3, `${handle.id}`);
    },
    *b(coro, here) {
      for (let i = 0; i < 100; i++) coro.scheduler.spawn(function* () {});
      yield* inbox([])(coro, here);
    },
  });
});

void PeerLostError;
