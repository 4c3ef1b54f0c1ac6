/** What a client gets of jobs: their results, errors and handles. */
import {
  type Ask,
  Channel,
  Coro,
  type MonitorException,
  NoReplyError,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { type ClusterStatus, Computation, NoServerError } from "@asyncoro/asyncoro/cluster";
import { type Location, PeerLostError, RemoteCoro, RemoteError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { eventually, servers, thrown, withCluster } from "./world.ts";

// deno-lint-ignore no-explicit-any -- some return nothing, some what is looked at later
type Job = Generator<unknown, any, unknown>;

function* identity(_coro: Coro, value: unknown): Job {
  return value;
}

/** Computes without giving way. */
function* busy(_coro: Coro, milliseconds: number): Job {
  const start = performance.now();
  while (performance.now() - start < milliseconds);
  return "computed";
}

function* waits(coro: Coro): Job {
  return yield* coro.receive();
}

Deno.test(
  "jobs have their results in the order of the items, and their errors as they were thrown",
  withCluster(2, function* (_coro, { network }) {
    const computation = new Computation({ network });
    yield* computation.schedule(20);
    const items = Array.from({ length: 40 }, (_, i) => i);
    const late = function* (coro: Coro, i: number): Job {
      yield* coro.sleep((i % 5) * 0.002);
      return i;
    };
    assertEquals(yield* computation.runResults(late, items), items);
    assertEquals(yield* computation.runResults(identity, []), []);
    const pair = function* (_coro: Coro, ...args: unknown[]): Job {
      return args;
    };
    assertEquals(yield* computation.runResults(pair, [1, [2, 3], [[4, 5]]]), [[1], [2, 3], [[4, 5]]]);

    // The last yield counts if nothing is returned, but not what the library has yielded before.
    assertEquals(
      yield* computation.runResult(function* (): Job {
        yield 5;
      }),
      5,
    );
    assertEquals(yield* computation.runResult(function* (): Job {}), undefined);
    assertEquals(
      yield* computation.runResult(function* (): Job {
        yield 5;
        return null;
      }),
      null,
    );
    assertEquals(
      yield* (yield* computation.runAsync(function* (): Job {
        yield 6;
      })).finish(9),
      6,
    );
    assertEquals(yield* (yield* computation.runAsync(function* (): Job {})).finish(9), undefined);

    const ranged = yield* thrown(computation.runResult(function* (): Job {
      throw Object.assign(new RangeError("far", { cause: new TypeError("why") }), { code: 7 });
    }));
    assertInstanceOf(ranged, RangeError);
    assertInstanceOf(ranged.cause, TypeError);
    assertEquals((ranged as Error & { code?: number }).code, 7);
    const own = yield* thrown(computation.runResult(function* (): Job {
      class OwnError extends Error {
        override name = "OwnError";
        data = { a: 1 };
      }
      throw new OwnError("mine");
    }));
    assertInstanceOf(own, RemoteError);
    assertEquals([own.name, own.message, (own as unknown as { data: unknown }).data], ["OwnError", "mine", { a: 1 }]);
    for (const value of ["text", 0, null, undefined, { a: 1 }]) {
      const throws = function* (_coro: Coro, value: unknown): Job {
        throw value;
      };
      assertEquals(yield* thrown(computation.runResult(throws, value)), value as unknown as Error);
    }
    const unsendable = yield* thrown(computation.runResult(function* (): Job {
      return () => 1;
    }));
    assertEquals(unsendable.name, "SerializationError");
    const third = yield* thrown(computation.runResults(function* (_coro: Coro, i: number): Job {
      if (i === 3) throw new SyntaxError("three");
      return i;
    }, items));
    assertInstanceOf(third, SyntaxError);
    yield* computation.close();
  }),
);

Deno.test(
  "results that are left early, or whose items end early, leave no job behind",
  withCluster(2, function* (_coro, { network }) {
    const computation = new Computation({ network });
    yield* servers(computation, yield* started(computation));
    const slow = function* (coro: Coro, i: number): Job {
      yield* coro.sleep(i < 2 ? 0 : 60);
      return i;
    };
    let isClosed = false;
    const endless = function* (): Generator<number, void, unknown> {
      try {
        for (let i = 0;; i++) yield i;
      } finally {
        isClosed = true;
      }
    };
    const seen: unknown[] = [];
    for (const next of computation.results(slow, endless(), { concurrency: 3 })) {
      const { index, outcome, attempts, server } = yield* next;
      seen[index] = outcome.kind === "return" ? outcome.value : outcome.kind;
      assertEquals(attempts, 1);
      assert(computation.servers().some((one) => one.equals(server)));
      if (seen.length === 2 && seen[0] !== undefined) break;
    }
    assertEquals([seen, isClosed], [[0, 1], true]);

    const hangs = function* (coro: Coro, _item: number): Job {
      yield* coro.sleep(60);
    };
    assertInstanceOf(yield* thrown(withTimeout(0.05, computation.runResults(hangs, [1, 2, 3]))), TimeoutError);
    const failing = function* (): Generator<number, void, unknown> {
      yield 1;
      throw new EvalError("items");
    };
    assertInstanceOf(yield* thrown(computation.runResults(slow, failing())), EvalError);
    // The servers are free for others.
    assertEquals(yield* withTimeout(9, computation.runResults(identity, [1, 2, 3])), [1, 2, 3]);
    assertEquals([computation.stats().running, computation.stats().waiting], [0, 0]);

    const kinds: string[] = [];
    for (
      const next of computation.results(function* (_coro: Coro, i: number): Job {
        if (i === 1) throw new Error("one");
      }, [0, 1, 2])
    ) {
      const { index, outcome } = yield* next;
      kinds[index] = outcome.kind;
    }
    assertEquals(kinds, ["return", "throw", "return"]);
    yield* computation.close();
  }),
);

/** Begins. Returns how many servers there will be. */
function* started(computation: Computation): Generator<unknown, number, unknown> {
  yield* computation.schedule(20);
  return 2;
}

Deno.test(
  "the handle of a job is there while the job computes, and jobs of one client compute side by side",
  withCluster(2, function* (coro, { network }) {
    const computation = new Computation({ network });
    yield* servers(computation, yield* started(computation));
    // Each would wait for the end of the one before if its handle came with its end.
    const endless = function* (): Job {
      for (;;);
    };
    const handles = [yield* withTimeout(9, computation.run(endless)), yield* withTimeout(9, computation.run(endless))];
    assertEquals(new Set(handles.map(({ location }) => location!.id)).size, 2);
    for (const handle of handles) assert(handle.isAlive());
    // The same for a job beside the others, and with statuses.
    const watched = new Computation({ network, statusCoro: coro });
    yield* computation.close({ terminate: true });
    yield* watched.schedule(20);
    const result = new Coro(function* () {
      return yield* watched.runResult(endless);
    });
    for (;;) {
      const { status, info } = yield* coro.receive<ClusterStatus>();
      if (status === "CoroCreated") {
        assert(info.coro!.isAlive());
        break;
      }
    }
    result.terminate();
    yield* watched.close({ terminate: true });
  }),
);

Deno.test(
  "a handle takes messages and requests, tells the end, and is the same object wherever it goes",
  withCluster(2, function* (coro, { network }) {
    const computation = new Computation({ network });
    const [first, second] = yield* servers(computation, yield* started(computation));
    const [node] = computation.nodes();

    const echo = yield* computation.runAt(first, function* echo(coro: Coro): Job {
      for (;;) {
        const message = yield* coro.receive<[Coro, unknown] | string>();
        if (typeof message === "string") return message;
        message[0].send([message[1], coro, message[0]]);
      }
    });
    assertInstanceOf(echo, RemoteCoro);
    assertEquals([echo.name, (echo.location as Location).equals(first)], ["echo", true]);
    for (let i = 0; i < 50; i++) echo.send([coro, i]);
    assertEquals(yield* echo.deliver([coro, 50], 9), 1);
    for (let i = 0; i <= 50; i++) {
      const [message, job, client] = (yield* coro.receive(9)) as [number, Coro, Coro];
      assertEquals(message, i);
      assertStrictEquals(job, echo);
      assertStrictEquals(client, coro);
    }
    yield* coro.monitor(echo);
    echo.send("over");
    const end = (yield* coro.receive(9)) as MonitorException;
    assertStrictEquals(end.coro, echo);
    assertEquals([end.outcome, yield* echo.finish(0.001)], [{ kind: "return", value: "over" }, "over"]);
    assertEquals([echo.send(1), yield* echo.deliver(1, 9), echo.isAlive()], [false, -1, false]);

    const doubles = yield* computation.runAsync(function* (coro: Coro): Job {
      for (;;) {
        const ask = yield* coro.receive<Ask<number, number>>();
        if (ask.message < 0) return;
        if (ask.message === 0) ask.fail(new RangeError("zero"));
        else ask.reply(2 * ask.message);
      }
    });
    assertEquals(yield* doubles.ask(4), 8);
    assertInstanceOf(yield* thrown(doubles.ask(0)), RangeError);
    assertInstanceOf(yield* thrown(doubles.ask(-1)), NoReplyError);

    const cleans = yield* computation.run(function* (coro: Coro, client: Coro): Job {
      client.send("begun");
      try {
        yield* coro.sleep();
      } finally {
        yield* coro.sleep(0.001);
        client.send("cleaned");
      }
    }, coro);
    assertEquals(yield* coro.receive(9), "begun");
    yield* coro.monitor(cleans);
    assert(cleans.terminate());
    assertEquals(yield* coro.receive(9), "cleaned");
    assertEquals(((yield* coro.receive(9)) as MonitorException).outcome.kind, "terminate");

    // Jobs of two servers, and a channel of the client.
    const news = new Channel<string>("news of the client");
    const counts = yield* computation.runAsyncAt(first, function* (coro: Coro, news: Channel<string>): Job {
      yield* news.subscribe(coro, 9);
      const heard = yield* coro.receive(9);
      for (let n = 0;; n++) {
        const message = yield* coro.receive<[number, Coro] | "end">();
        if (message === "end") throw new RangeError(`${heard} ${n}`);
        message[1].send([message[0] + 1, coro]);
      }
    }, news);
    assertEquals(yield* news.deliver("hello", 9, 1), 1);
    const talks = yield* computation.runAsyncAt(second, function* (coro: Coro, other: Coro): Job {
      let isSame = true;
      for (let i = 0; i < 20; i++) {
        other.send([i, coro]);
        const [next, from] = (yield* coro.receive(9)) as [number, Coro];
        isSame &&= next === i + 1 && from === other;
      }
      yield* coro.monitor(other);
      other.send("end");
      const { outcome, coro: ended } = (yield* coro.receive(9)) as MonitorException;
      return [isSame && ended === other, outcome.kind, outcome.kind === "throw" && (outcome.error as Error).message];
    }, counts);
    assertEquals(yield* talks.finish(9), [true, "throw", "hello 20"]);
    assertInstanceOf(yield* thrown(counts.finish(9)), RangeError);
    news.close();

    // One exclusive job a server; others beside it.
    const exclusive = [yield* computation.run(waits), yield* computation.run(waits)];
    const others: Coro[] = [];
    for (let i = 0; i < 50; i++) others.push(yield* computation.runAsyncAt(first, waits));
    const third = new Coro(function* () {
      return yield* (yield* computation.run(waits)).finish(9);
    });
    yield* eventually("the third waits", () => computation.stats().waiting === 1);
    for (const [i, other] of others.entries()) other.send(i);
    for (const [i, other] of others.entries()) assertEquals(yield* other.finish(9), i);
    assertEquals(computation.stats().waiting, 1);
    third.terminate();
    yield* third.finish(9);
    assertEquals(computation.stats().waiting, 0);
    for (const job of exclusive) job.terminate();

    // Where there is no server.
    const at = { runAt: computation.runAt, runAsyncAt: computation.runAsyncAt, runResultAt: computation.runResultAt };
    for (const method of Object.values(at)) {
      const nowhere = method.call(computation, network.location, identity, 1) as Iterable<unknown>;
      assertInstanceOf(yield* thrown(nowhere), NoServerError);
    }
    assertEquals(yield* computation.runResultAt(node, identity, 1), 1);
    assertEquals(yield* computation.runResultAt(second, busy, 1), "computed");

    const lost = yield* computation.run(waits);
    yield* computation.close({ terminate: true });
    const outcome = yield* caught(lost);
    assert(outcome === undefined || outcome instanceof PeerLostError);
    assertStringIncludes(
      (yield* thrown(function* (): Job {
        yield* computation.run(waits);
      }())).message,
      "closed",
    );
  }),
);

function* caught(coro: Coro): Job {
  try {
    return yield* coro.finish(9);
  } catch (error) {
    return error;
  }
}
