/** A network over an engine that a user has written. */
import { call, Channel, Coro, Scheduler, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { AuthenticationError, type Engine, Network, RCI } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { eventually, SECRET, type Steps } from "./machines.ts";
import { engine, type Manner, type Switchboard } from "./pipe_engine.ts";

async function pair(
  manner: Manner,
  a: (coro: Coro, network: Network) => Steps,
  b: (coro: Coro, network: Network) => Steps,
  secrets: (string | undefined)[] = [SECRET, SECRET],
): Promise<void> {
  const board: Switchboard = new Map();
  const schedulers = ["a", "b"].map((name) => new Scheduler({ name }));
  try {
    const runs = schedulers.map((scheduler, i) =>
      scheduler.spawn(function* (coro: Coro) {
        const name = "ab"[i];
        const network = yield* Network.join({ name, secret: secrets[i], engines: [engine(board, name, manner)] });
        yield* (i === 0 ? a : b)(coro, network);
      }).value(30)
    );
    await Promise.all(runs);
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
}

function* square(_coro: Coro, n: number): Steps<number> {
  yield;
  return n * n;
}

const inTurn = (deliver: () => void) => queueMicrotask(deliver);
const inTask = (deliver: () => void) => void setTimeout(deliver, 0);
const manners: Record<string, Manner> = {
  "in microtasks": { later: inTurn },
  "in tasks of the host": { later: inTask },
  "at once, within write()": { later: (deliver) => deliver() },
  "byte by byte": {
    later: inTurn,
    pieces: (frame) => Array.from({ length: frame.length }, (_, i) => frame.subarray(i, i + 1)),
  },
  "in frames of 512 bytes": { later: inTurn, maxFrame: 512 },
  "trusted, without a secret": { later: inTurn, trusted: true },
};

for (const [title, manner] of Object.entries(manners)) {
  Deno.test(`an engine of a user's own carries a network: ${title}`, async () => {
    let done = false;
    await pair(manner, function* (coro, network) {
      const b = yield* network.peer("mem:b", 5);
      assertEquals(b.address, "mem:b");
      const echo = (yield* Coro.locate("echo", 5))!;
      const large = "x".repeat(20_000);
      for (let i = 0; i < 50; i++) echo.send({ from: coro, i, large: i === 25 ? large : "" });
      for (let i = 0; i < 50; i++) assertEquals(yield* coro.receive(5), i);
      assertEquals(yield* echo.deliver({ from: coro, i: 50, large }, 5), 1);
      assertEquals(yield* coro.receive(5), 50);
      const rci = (yield* RCI.locate<typeof square>("square", 5))!;
      assertEquals(yield* rci.call(7), 49);
      const news = (yield* Channel.locate("news", 5))!;
      yield* news.subscribe(coro);
      assertEquals(yield* news.deliver("m", 5), 1);
      assertEquals(yield* coro.receive(5), "m");
      assertEquals(network.stats().pending, 0);
      assertEquals(network.closePeer(b), true);
      assertEquals(network.closePeer(b), false);
      done = true;
    }, function* (coro) {
      coro.register("echo");
      new RCI(square).register();
      new Channel("news");
      for (let i = 0; i < 51; i++) {
        const { from, i, large } = (yield* coro.receive<{ from: Coro; i: number; large: string }>(10))!;
        assert(i < 50 && i !== 25 || large.length === 20_000);
        from.send(i);
      }
      yield* eventually(() => done);
    }, manner.trusted === true ? [undefined, undefined] : undefined);
  });
}

Deno.test("a link whose write() throws has ended: another one is dialed, and nothing is lost", async () => {
  let done = false;
  let writes = 0;
  const manner: Manner = {
    later: inTurn,
    pieces: (frame) => {
      if (++writes % 10 === 0) throw new Error("this link is broken");
      return [frame];
    },
  };
  await pair(manner, function* (coro, network) {
    yield* network.peer("mem:b", 10);
    const echo = (yield* Coro.locate("echo", 10))!;
    for (let i = 0; i < 20; i++) {
      echo.send([coro, i]);
      assertEquals(yield* coro.receive(10), i);
    }
    done = true;
  }, function* (coro) {
    coro.register("echo");
    for (let i = 0; i < 20; i++) {
      const [from, n] = (yield* coro.receive<[Coro, number]>(10))!;
      from.send(n);
    }
    yield* eventually(() => done);
  });
});

Deno.test("an engine that is not trusted needs a secret, and checks it", async () => {
  await assertRejects(() => pair(manners["in microtasks"], function* () {}, function* () {}, []), TypeError, "secret");
  let done = false;
  await pair(manners["in microtasks"], function* (_coro, network) {
    try {
      yield* network.peer("mem:b", 5);
      throw new Error("connected");
    } catch (error) {
      assert(error instanceof AuthenticationError, `${error}`);
    }
    assertEquals(network.peers(), []);
    done = true;
  }, function* (_coro, network) {
    yield* eventually(() => done);
    assertEquals(network.stats().refused, 1);
  }, [SECRET, "another secret of the tests"]);
});

Deno.test("dial errors of the engine are thrown by peer() when its time is up; an engine that never opens is left", async () => {
  await pair(manners["in microtasks"], function* (_coro, network) {
    try {
      yield* network.peer("mem:nobody", 0.3);
      throw new TypeError("connected");
    } catch (error) {
      assertEquals((error as Error).message, "Nobody is at mem:nobody");
    }
  }, function* () {});
  const never: Engine = {
    ...engine(new Map(), "n", manners["in microtasks"]),
    open: () => until(new Promise<string>(() => {})),
  };
  const scheduler = new Scheduler();
  const coro = scheduler.spawn(function* () {
    yield* Network.join({ secret: SECRET, engines: [never] });
  });
  await assertRejects(() => coro.value(0.1), TimeoutError);
  coro.terminate();
  await coro.value(1);
  // The scheduler may join another one.
  await scheduler.spawn(function* () {
    const network = yield* Network.join({
      secret: SECRET,
      engines: [engine(new Map(), "n", manners["in microtasks"])],
    });
    yield* network.leave();
    yield* sleep(0);
  }).value(5);
  await scheduler.terminate();
});

Deno.test("an engine whose open() throws has join throw, and the scheduler may join again", async () => {
  const scheduler = new Scheduler();
  const closed: string[] = [];
  const good: Engine = {
    ...engine(new Map(), "n", manners["in microtasks"]),
    close: () =>
      call(function* (): Generator<unknown, void, unknown> {
        closed.push("good");
        yield;
      }()),
  };
  const bad: Engine = {
    ...engine(new Map(), "n", manners["in microtasks"]),
    scheme: "bad",
    open: () =>
      call(function* (): Generator<unknown, string, unknown> {
        yield;
        throw new RangeError("cannot open");
      }()),
  };
  await scheduler.spawn(function* () {
    try {
      yield* Network.join({ secret: SECRET, engines: [good, bad] });
      throw new Error("joined");
    } catch (error) {
      assertEquals((error as Error).message, "cannot open");
    }
    assertEquals(Network.of(), null);
    assertEquals(closed, ["good"]);
    const network = yield* Network.join({ secret: SECRET, engines: [good] });
    assertEquals(network.location.address, "mem:n");
    yield* network.leave();
  }).value(5);
  await scheduler.terminate();
});
