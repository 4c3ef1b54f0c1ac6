/**
 * The links of a simulation: delays, order, dialing, and what each fault does to them.
 */
import { type Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertAlmostEquals, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { Link } from "../../../core/distributed/engine.ts";
import { type End, errorOf, Host, on, withTwo } from "./ends.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

// --- links without faults -------------------------------------------------------------------------------------

Deno.test("an engine has the scheme sim, is not trusted, and its address is sim: and the name", () =>
  withTwo({ seed: 1 }, function* ({ a }) {
    assertEquals([a.engine.scheme, a.engine.trusted, a.engine.encrypted], ["sim", false, undefined]);
    assertEquals(yield* a.listen(), "sim:a");
    assertEquals(`${yield* errorOf(a.listen())}`, "Error: Cannot open 'sim:a' as it is open: close it first");
    yield* a.engine.close();
    yield* a.engine.close();
    assertEquals(yield* a.listen(), "sim:a");
  }));

Deno.test("a dial takes the delay both ways, and a frame takes it once", () =>
  withTwo({ seed: 1, delay: [0.25, 0.25] }, function* ({ a, b }) {
    const end = yield* a.dial("b");
    assertEquals([a.scheduler.now(), b.accepted.length], [0.5, 1]);
    end.write("there");
    b.accepted[0].write("back");
    yield* sleep(0.3);
    assertEquals([b.accepted[0].texts, b.accepted[0].times], [["there"], [0.75]]);
    assertEquals([end.texts, end.times], [["back"], [0.75]]);
  }));

Deno.test("delays are between the least and the greatest, and frames keep their order", () =>
  withTwo({ seed: 2, delay: [0.1, 2] }, function* ({ a, b }) {
    const end = yield* a.dial("b", 10);
    const sent: number[] = [];
    for (const text of numbers(500)) {
      sent.push(a.scheduler.now());
      end.write(text);
      yield* sleep(0.01);
    }
    yield* sleep(3);
    const [{ texts, times }] = b.accepted;
    assertEquals(texts, numbers(500));
    const delays = times.map((time, n) => time - sent[n]);
    assert(Math.min(...delays) >= 0.1 && Math.max(...delays) <= 2 + 1e-9);
    assert(Math.max(...delays) > 1.5 && new Set(delays).size > 50);
  }));

Deno.test("a link keeps what arrives before start(), which calls nothing itself", () =>
  withTwo({ seed: 3 }, function* ({ network, a }) {
    const c = new Host(network, "c");
    const links: Link[] = [];
    yield* c.engine.open((link) => links.push(link));
    const end = yield* a.dial("c");
    end.write("one", "two");
    end.link.close();
    yield* sleep(1);
    const late = c.end(links[0]);
    assertEquals([late.texts, late.closed], [[], []]);
    yield* sleep(0.001);
    assertEquals([late.texts, late.closed], [["one", "two"], [null]]);
  }));

Deno.test("what arrives when a link is started stays in order", async () => {
  for (let seed = 0; seed < 20; seed++) {
    await withTwo({ seed, delay: [1, 1] }, function* ({ network, a }) {
      const c = new Host(network, "c");
      const links: Link[] = [];
      yield* c.engine.open((link) => links.push(link));
      const end = yield* a.dial("c");
      const ends: End[] = [];
      spawn(c, function* () {
        yield* sleep(1.5);
        ends.push(c.end(links[0]));
      });
      for (const text of numbers(20)) {
        end.write(text);
        yield* sleep(0.125);
      }
      yield* sleep(1);
      assertEquals(ends[0].texts, numbers(20));
    });
  }
});

Deno.test("what was written before close() arrives, then the other end is told, and this one is told nothing", () =>
  withTwo({ seed: 4 }, function* ({ a, b }) {
    const end = yield* a.dial("b");
    const [other] = b.accepted;
    other.write("under way");
    end.write(...numbers(20));
    end.link.close();
    end.link.close();
    end.write("too late");
    yield* sleep(1);
    assertEquals([other.texts, other.closed], [numbers(20), [null]]);
    assertEquals([end.texts, end.closed], [[], []]);
    other.write("too late");
    other.link.close();
    yield* sleep(1);
    assertEquals([end.texts, end.closed, other.closed], [[], [], [null]]);
  }));

Deno.test("beyond a window, written bytes are queued, and drained() is called when they are not any more", () =>
  withTwo({ seed: 5, delay: [0.1, 0.1] }, function* ({ a, b }) {
    const end = yield* a.dial("b");
    assertEquals([end.link.maxFrame, end.link.queued], [65_536, 0]);
    for (let i = 0; i < 20; i++) end.link.write(new Uint8Array(65_536));
    assertEquals(end.link.queued, 4 * 65_536);
    assertEquals(end.drained, 0);
    yield* sleep(0.15);
    assertEquals([end.link.queued, b.accepted[0].texts.length, end.drained], [0, 20, 0]);
    yield* sleep(0.1);
    assertEquals(end.drained, 1);
    end.write("a little");
    yield* sleep(1);
    assertEquals([end.drained, end.closed], [1, []]);
  }));

Deno.test("a machine can dial itself, and have several links to one other", () =>
  withTwo({ seed: 6 }, function* ({ a, b }) {
    const own = yield* b.dial("b");
    own.write("self");
    const [first, second] = [yield* a.dial("b"), yield* a.dial("b")];
    first.write("first");
    second.write("second");
    yield* sleep(1);
    assertEquals(b.accepted.map((end) => end.texts), [["self"], ["first"], ["second"]]);
  }));

// --- dialing --------------------------------------------------------------------------------------------------

Deno.test("dialing a name where nobody listens fails after the delay both ways, with ConnectionRefused", () =>
  withTwo({ seed: 7, delay: [0.5, 0.5] }, function* ({ network, a, b }) {
    network.engine("deaf");
    yield* b.engine.close();
    for (const name of ["nobody", "deaf", "b"]) {
      const start = a.scheduler.now();
      const error = yield* errorOf(a.dial(name));
      assertEquals(
        `${error}`,
        `ConnectionRefused: Cannot dial 'sim:${name}' as nobody listens there: connection refused`,
      );
      assertEquals(a.scheduler.now() - start, 1);
    }
  }));

Deno.test("a dial that takes longer than its timeout throws a TimeoutError, and the acceptor sees the end", () =>
  withTwo({ seed: 8, delay: [0.5, 0.5] }, function* ({ a, b }) {
    for (const timeout of [0, -1]) assertInstanceOf(yield* errorOf(a.dial("b", timeout)), TimeoutError);
    assertEquals([a.scheduler.now(), b.accepted.length], [0, 0]);
    // Before the request has arrived, and before its reply has.
    const early = yield* errorOf(a.dial("b", 0.25));
    assertEquals([`${early}`, a.scheduler.now()], ["TimeoutError: Cannot dial 'sim:b' within 0.25 seconds", 0.25]);
    yield* sleep(2);
    assertEquals(b.accepted.length, 0);
    assertInstanceOf(yield* errorOf(a.dial("b", 0.75)), TimeoutError);
    yield* sleep(2);
    assertEquals(b.accepted.map((end) => end.closed), [[null]]);
  }));

Deno.test("a dial that is cancelled when its link is open closes that", () =>
  withTwo({ seed: 9, delay: [0.5, 0.5] }, function* ({ network, a, b }) {
    const dialer = spawn(a, () => a.dial("b", 30));
    yield* sleep(0.999);
    dialer.terminate();
    yield* sleep(2);
    // Its reply and the termination come together.
    const other = spawn(a, () => a.dial("b", 30));
    yield* sleep(1);
    other.terminate();
    yield* sleep(2);
    // The coroutine that dials by another machine's engine is frozen when its dial succeeds.
    const frozen = spawn(new Host(network, "c"), () => a.dial("b", 30));
    yield* sleep(0.9);
    network.freeze("c", 1);
    yield* sleep(0.5);
    frozen.terminate();
    yield* sleep(2);
    assertEquals(b.accepted.map((end) => end.closed), [[null], [null], [null]]);
  }));

Deno.test("an address that is not sim: and a name, or a timeout that is not a number, is a TypeError at the call", () =>
  withTwo({ seed: 1 }, function* ({ a }) {
    for (const address of ["b", "tcp://b", "sim:", 5]) {
      assertThrows(
        () => a.engine.dial(address as string, 1),
        TypeError,
        `Cannot dial as 'address' must be 'sim:' and a name: current value is ${JSON.stringify(address)}`,
      );
    }
    assertThrows(() => a.engine.dial("sim:b", NaN), TypeError, "'timeout' must be a number of seconds");
  }));

// --- loss -----------------------------------------------------------------------------------------------------

Deno.test("loss is the share of writes that are lost; no link is closed, and dials are not lost", () =>
  withTwo({ seed: 10, loss: 0.3 }, function* ({ a, b }) {
    let arrived = 0;
    for (let i = 0; i < 20; i++) {
      const end = yield* a.dial("b");
      end.write(...numbers(100));
      yield* sleep(1);
      const [{ texts, closed }] = b.accepted.slice(-1);
      assertEquals(texts.map(Number), texts.map(Number).sort((x, y) => x - y));
      assertEquals([new Set(texts).size, closed], [texts.length, []]);
      arrived += texts.length;
      end.link.close();
      yield* sleep(1);
      assertEquals(closed, [null]);
    }
    assert(arrived > 1300 && arrived < 1500, `${arrived} arrived`);
  }));

// --- cut ------------------------------------------------------------------------------------------------------

Deno.test("after a cut both ends see it within 0.2 s, what was under way is lost, and dialing works at once", () =>
  withTwo({ seed: 11, delay: [0.3, 0.3] }, function* ({ network, a, b }) {
    const end = yield* a.dial("b");
    const [other] = b.accepted;
    end.write("arrives");
    other.write("arrives");
    yield* sleep(0.31);
    end.write("lost");
    other.write("lost");
    const cutAt = a.scheduler.now();
    network.cut("b", "a");
    end.write("lost too");
    const next = yield* a.dial("b");
    assertAlmostEquals(a.scheduler.now() - cutAt, 0.6);
    for (const each of [end, other]) {
      assertEquals([each.texts, each.closed], [["arrives"], ["ConnectionReset"]]);
      assert(each.closedAt >= cutAt && each.closedAt <= cutAt + 0.2);
    }
    assert(end.closedAt !== other.closedAt);
    next.write("fresh");
    yield* sleep(1);
    assertEquals([b.accepted[1].texts, next.closed], [["fresh"], []]);
  }));

Deno.test("a cut concerns the links between the two names alone, and without links it has no effect", () =>
  withTwo({ seed: 12 }, function* ({ network, a, b }) {
    const c = new Host(network, "c");
    yield* on(c.scheduler, () => c.listen());
    const [toB, toB2, toC] = [yield* a.dial("b"), yield* b.dial("b"), yield* a.dial("c")];
    network.cut("b", "c");
    network.cut("a", "a");
    network.cut("a", "nobody");
    yield* sleep(1);
    assertEquals([toB.closed, toB2.closed, toC.closed], [[], [], []]);
    network.cut("a", "b");
    yield* sleep(1);
    assertEquals([toB.closed, toB2.closed, toC.closed], [["ConnectionReset"], [], []]);
  }));

Deno.test("an end that was closed is told of no cut, and a dial that a cut meets fails", () =>
  withTwo({ seed: 13, delay: [0.5, 0.5] }, function* ({ network, a, b }) {
    const end = yield* a.dial("b");
    end.link.close();
    network.cut("a", "b");
    yield* sleep(2);
    assertEquals([end.closed, b.accepted[0].closed], [[], ["ConnectionReset"]]);
    const dial = spawn(a, () => errorOf(a.dial("b")));
    yield* sleep(0.6);
    network.cut("a", "b");
    assertEquals((yield* dial.finish()).name, "ConnectionReset");
    yield* sleep(1);
    assertEquals(b.accepted[1].closed, ["ConnectionReset"]);
  }));

// --- partitions -----------------------------------------------------------------------------------------------

Deno.test("a partition drops what is sent and closes nothing; after heal() the link works on", () =>
  withTwo({ seed: 14, delay: [0.1, 0.1] }, function* ({ network, a, b }) {
    const end = yield* a.dial("b");
    const [other] = b.accepted;
    end.write("under way");
    network.partition(["a"], ["b"]);
    end.write("dropped");
    other.write("dropped");
    yield* sleep(100);
    end.write("dropped too");
    network.heal();
    end.write("healed");
    other.write("healed");
    yield* sleep(1);
    assertEquals([other.texts, other.closed], [["under way", "healed"], []]);
    assertEquals([end.texts, end.closed], [["healed"], []]);
  }));

Deno.test("a partition separates sides, several add up, and heal() ends all", () =>
  withTwo({ seed: 15 }, function* ({ network, a, b }) {
    const [c, d] = [new Host(network, "c"), new Host(network, "d")];
    for (const host of [c, d]) yield* on(host.scheduler, () => host.listen());
    const reaches = function* (from: Host, to: string): Generator<unknown, boolean, unknown> {
      try {
        (yield* from.dial(to, 0.5)).link.close();
        return true;
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
        return false;
      }
    };
    const check = function* (expected: string): Generator<unknown, void, unknown> {
      const reached: string[] = [];
      for (const from of [a, b, c, d]) {
        for (const to of ["b", "c", "d"]) if (yield* reaches(from, to)) reached.push(from.scheduler.name + to);
      }
      assertEquals(reached.join(" "), expected);
    };
    yield* check("ab ac ad bb bc bd cb cc cd db dc dd");
    network.partition(["a", "b"], ["c", "b"]);
    yield* check("ad bb bd cc cd db dc dd");
    network.partition(["d"], ["b"]);
    yield* check("ad bb cc cd dc dd");
    network.heal();
    yield* check("ab ac ad bb bc bd cb cc cd db dc dd");
  }));

Deno.test("a dial that waits in a partition succeeds soon after heal()", () =>
  withTwo({ seed: 16 }, function* ({ network, a, b }) {
    network.partition(["a"], ["b"]);
    const dial = spawn(a, () => a.dial("b", 60));
    yield* sleep(20);
    assertEquals([dial.isAlive(), b.accepted.length], [true, 0]);
    network.heal();
    yield* sleep(1.2);
    assertEquals([dial.isAlive(), b.accepted.length], [false, 1]);
  }));

Deno.test("if the reply to a dial is dropped, the link that was accepted is connected after heal()", () =>
  withTwo({ seed: 17, delay: [0.5, 0.5] }, function* ({ network, a, b }) {
    const dial = spawn(a, () => a.dial("b", 60));
    yield* sleep(0.25);
    // The request is under way, and its reply is dropped.
    network.partition(["a"], ["b"]);
    yield* sleep(10);
    assertEquals([dial.isAlive(), b.accepted.length], [true, 1]);
    b.accepted[0].write("dropped");
    network.heal();
    b.accepted[0].write("kept until it is connected");
    const end = yield* dial.finish();
    yield* sleep(1);
    assertEquals([b.accepted.length, end.texts], [1, ["kept until it is connected"]]);
  }));

Deno.test("an end that was not told of the close in a partition is told when it writes", () =>
  withTwo({ seed: 18 }, function* ({ network, a, b }) {
    const end = yield* a.dial("b");
    const [other] = b.accepted;
    network.partition(["a"], ["b"]);
    end.link.close();
    network.heal();
    yield* sleep(100);
    assertEquals(other.closed, []);
    other.write("into the void");
    yield* sleep(1);
    assertEquals([other.closed, end.texts, end.closed], [["ConnectionReset"], [], []]);
  }));

// --- freezing -------------------------------------------------------------------------------------------------

Deno.test("a frozen machine runs nothing and gets nothing, and both come when it thaws", () =>
  withTwo({ seed: 19, delay: [0.1, 0.1] }, function* ({ network, a, b }) {
    const end = yield* a.dial("b");
    const [other] = b.accepted;
    const ticks: number[] = [];
    const ticker = b.scheduler.spawn(function* () {
      for (let i = 0; i < 12; i++) {
        yield* sleep(1);
        ticks.push(b.scheduler.now());
      }
    });
    const start = b.scheduler.now();
    yield* sleep(2.5);
    network.freeze("b", 5);
    for (const text of numbers(5)) {
      end.write(text);
      yield* sleep(0.5);
    }
    end.link.close();
    yield* sleep(2);
    assertEquals([ticks.length, other.texts, other.closed], [2, [], []]);
    yield* ticker.finish();
    // What was due in the meantime comes at once; the next sleep begins then.
    assertEquals(ticks.map((time) => Math.round((time - start) * 10) / 10).slice(0, 4), [1, 2, 7.5, 8.5]);
    assertEquals([other.texts, new Set(other.times).size, other.closed], [numbers(5), 1, [null]]);
    assertEquals([other.times[0], other.closedAt], [start + 7.5, start + 7.5]);
  }));

Deno.test("freezing a frozen machine prolongs it, and never shortens it", () =>
  withTwo({ seed: 20, delay: [0, 0] }, function* ({ network, a, b, coro }) {
    const thawedAfter = function* (...freezes: [at: number, seconds: number][]): Generator<unknown, number, unknown> {
      const start = coro.scheduler.now();
      let thawed = -1;
      for (const [at, seconds] of freezes) {
        yield* sleep(start + at - coro.scheduler.now());
        network.freeze("b", seconds);
        if (at === 0) {
          b.scheduler.spawn(function* () {
            thawed = b.scheduler.now() - start;
          });
        }
      }
      yield* sleep(30);
      return Math.round(thawed * 1000) / 1000;
    };
    assertEquals(yield* thawedAfter([0, 3]), 3);
    assertEquals(yield* thawedAfter([0, 3], [2, 3]), 5);
    assertEquals(yield* thawedAfter([0, 3], [1, 1]), 3);
    assertEquals(yield* thawedAfter([0, 3], [1, 3], [3.5, 10]), 13.5);
    assertEquals(yield* thawedAfter([0, 0]), 0);
    assertEquals(a.accepted, []);
  }));

Deno.test("a machine that is frozen before it has a scheduler runs when it thaws", () =>
  withTwo({ seed: 1 }, function* ({ network, coro }) {
    network.engine("c");
    network.freeze("c", 2);
    yield* on(network.scheduler("c"), function* () {});
    assertEquals(coro.scheduler.now(), 2);
  }));

Deno.test("a dial of a frozen machine waits until that thaws, and so does one by a frozen machine", () =>
  withTwo({ seed: 21, delay: [0.1, 0.1] }, function* ({ network, a, b }) {
    network.freeze("b", 3);
    const start = a.scheduler.now();
    yield* a.dial("b", 5);
    assertAlmostEquals(a.scheduler.now() - start, 3.1);
    // By a coroutine of the machine: its reply and its timeout are due together when that thaws.
    const dial = spawn(a, function* () {
      try {
        return yield* a.dial("b", 2);
      } catch (error) {
        return error;
      }
    });
    yield* sleep(0.15);
    network.freeze("a", 5);
    yield* sleep(3);
    assertEquals([dial.isAlive(), b.accepted.length], [true, 2]);
    yield* sleep(2.1);
    assertEquals(dial.isAlive(), false);
  }));

// --- crashes --------------------------------------------------------------------------------------------------

Deno.test("the links of a machine that crashes are reset within the delay, after what it has sent", () =>
  withTwo({ seed: 22, delay: [0.1, 0.1] }, function* ({ network, a, b }) {
    const [dialed, accepted] = [yield* a.dial("b"), yield* b.dial("b")];
    const own = b.accepted[0];
    own.write("last words");
    dialed.write("too late");
    const crashedAt = a.scheduler.now();
    network.crash("b");
    own.write("from the grave");
    yield* sleep(1);
    assertEquals([dialed.texts, dialed.closed], [["last words"], ["ConnectionReset"]]);
    assert(dialed.closedAt > crashedAt && dialed.closedAt <= crashedAt + 0.1);
    // Nothing is called in the machine itself.
    assertEquals([own.texts, own.closed, accepted.closed], [[], [], []]);
  }));

Deno.test("dialing a crashed machine fails until its engine is asked for again and opened, at the same address", () =>
  withTwo({ seed: 23 }, function* ({ network, a, b }) {
    network.crash("b");
    assertEquals((yield* errorOf(a.dial("b"))).name, "ConnectionRefused");
    const again = new Host(network, "b");
    assert(again.engine !== b.engine && again.scheduler !== b.scheduler);
    assertEquals((yield* errorOf(a.dial("b"))).name, "ConnectionRefused");
    assertEquals(yield* on(again.scheduler, () => again.listen()), "sim:b");
    const end = yield* a.dial("b");
    end.write("hello");
    yield* sleep(1);
    assertEquals([again.accepted[0].texts, b.accepted], [["hello"], []]);
    assertEquals(`${yield* errorOf(b.listen())}`, "Error: Cannot open 'sim:b' as its machine has crashed");
  }));

Deno.test("a machine that crashes while it dials, or is dialed, leaves no link", () =>
  withTwo({ seed: 24, delay: [0.5, 0.5] }, function* ({ network, a, b }) {
    for (const crashAfter of [0.25, 0.75]) {
      const host = new Host(network, "c");
      spawn(host, () => host.dial("b"));
      yield* sleep(crashAfter);
      network.crash("c");
      yield* sleep(2);
    }
    // By a coroutine of another machine, which is told nothing.
    const c = new Host(network, "c");
    const dial = spawn(a, () => errorOf(c.dial("b", 3)));
    yield* sleep(0.25);
    network.crash("c");
    assertEquals((yield* dial.finish()).name, "TimeoutError");
    // The requests of the first and the third were not accepted any more, the link of the second was reset.
    assertEquals(b.accepted.map((end) => end.closed), [["ConnectionReset"]]);
    const early = spawn(a, () => a.dial("b"));
    yield* sleep(0.25);
    const late = spawn(a, () => errorOf(a.dial("b")));
    yield* sleep(0.4);
    network.crash("b");
    assertEquals((yield* late.finish()).name, "ConnectionRefused");
    const end = yield* early.finish();
    yield* sleep(1);
    assertEquals(end.closed, ["ConnectionReset"]);
  }));

Deno.test("a crash in a partition is seen when the other end writes after heal()", () =>
  withTwo({ seed: 25 }, function* ({ network, a }) {
    const end = yield* a.dial("b");
    network.partition(["a"], ["b"]);
    network.crash("b");
    end.write("dropped");
    yield* sleep(100);
    assertEquals(end.closed, []);
    network.heal();
    yield* sleep(100);
    assertEquals(end.closed, []);
    end.write("refused");
    yield* sleep(1);
    assertEquals(end.closed, ["ConnectionReset"]);
  }));

Deno.test("a frozen machine may crash, and a machine may be frozen by what arrives", () =>
  withTwo({ seed: 26, delay: [0.1, 0.1] }, function* ({ network, a, b }) {
    const c = new Host(network, "c");
    const got: number[] = [];
    const start = 0.2;
    yield* c.engine.open((link) =>
      link.start(
        (bytes) => {
          got.push(bytes[0], Math.round((c.scheduler.now() - start) * 1e6) / 1e6);
          network.freeze("c", 1);
        },
        () => {},
        () => got.push(-1),
      )
    );
    const link = yield* a.engine.dial("sim:c", 1);
    assertEquals(a.scheduler.now(), start);
    for (let i = 0; i < 3; i++) link.write(Uint8Array.of(i));
    link.close();
    yield* sleep(2.5);
    assertEquals(got, [0, 0.1, 1, 1.1, 2, 2.1]);
    network.crash("c");
    yield* sleep(10);
    assertEquals([got.length, b.accepted.length], [6, 0]);
  }));

function spawn<R>(host: Host, target: () => Generator<unknown, R, unknown>): Coro<R> {
  return host.scheduler.spawn(function* () {
    return yield* target();
  });
}
