/** DISTRIBUTED.md: "Messages", and what section 9 says of them. */
import {
  Channel,
  Coro,
  MessageTooLargeError,
  NoReplyError,
  QueueFullError,
  race,
  sleep,
  TimeoutError,
} from "@asyncoro/asyncoro";
import { BackpressureError, PeerLostError, RCI, SerializationError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { broker, collector, found, type Program, simulate, stays, thrown, World } from "./world.ts";

/** As `collector`, connected to `a`. */
function inbox(into: unknown[]): Program {
  return function* (coro, here) {
    here.world.shared.network = here.network;
    here.world.shared.reported = here.reported;
    yield* here.network.peer("sim:a");
    yield* collector("inbox", into)(coro, here);
  };
}

Deno.test("10,000 sends arrive in order", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network }) {
      const handle = yield* found("inbox");
      for (let i = 0; i < 10_000; i++) assertEquals(handle.send(i), true);
      assertEquals(yield* handle.deliver(10_000), 1);
      assertEquals(got, Array.from({ length: 10_001 }, (_, i) => i));
      assertEquals(network.stats().pending, 0);
      assertEquals(network.stats().queuedBytes, 0);
    },
    b: inbox(got),
  });
});

Deno.test("send, deliver and channels of either peer keep one order", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(coro) {
      const handle = yield* found("inbox");
      const mine = new Channel("mine");
      yield* mine.subscribe(handle);
      const theirs = (yield* Channel.locate("theirs", 5))!;
      yield* theirs.subscribe(handle);
      let n = 0;
      const pending: Coro[] = [];
      for (let i = 0; i < 50; i++) {
        handle.send(n++);
        const delivered = handle.deliver(n++);
        mine.send(n++);
        theirs.send(n++);
        // A deliver is sent when it is yielded, so the next messages come after it here.
        pending.push(coro.scheduler.spawn(function* () {
          yield* sleep(0);
        }));
        assertEquals(yield* delivered, 1);
        handle.send(n++);
        yield* mine.deliver(n++);
        theirs.send(n++);
        yield* theirs.deliver(n++, 5);
      }
      yield* sleep(1);
      const expected: number[] = [];
      for (let i = 0; i < 50; i++) for (const k of [0, 2, 3, 1, 4, 5, 6, 7]) expected.push(8 * i + k);
      assertEquals(got, expected);
    },
    *b(coro, here) {
      new Channel("theirs");
      yield* inbox(got)(coro, here);
    },
  });
});

Deno.test("a message is copied at the call, also of a deliver that is never yielded", async () => {
  const got: unknown[] = [];
  await simulate({
    *a() {
      const handle = yield* found("inbox");
      const message = { n: 1, list: [1, 2], bytes: Uint8Array.of(1, 2) };
      handle.send(message);
      message.n = 2;
      message.list.push(3);
      message.bytes[0] = 9;
      const delivered = handle.deliver(message);
      message.n = 3;
      message.list.length = 0;
      assertEquals(yield* delivered, 1);
      handle.deliver(message);
      assertThrows(() => handle.deliver({ f() {} }), SerializationError);
      yield* sleep(1);
      assertEquals(got, [
        { n: 1, list: [1, 2], bytes: Uint8Array.of(1, 2) },
        { n: 2, list: [1, 2, 3], bytes: Uint8Array.of(9, 2) },
      ]);
    },
    b: inbox(got),
  });
});

Deno.test("send is true until the end is known, deliver is -1 then", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* found("short");
      assertEquals(handle.send("end"), true);
      yield* sleep(1);
      // Nobody watched: it is not known.
      assertEquals(handle.isAlive(), true);
      assertEquals(handle.send("more"), true);
      assertEquals(yield* handle.deliver("x"), -1);
      assertEquals(handle.isAlive(), false);
      assertEquals(handle.send("y"), false);
      assertEquals(yield* handle.deliver("z"), -1);
      // Watched: it becomes known.
      const other = yield* found("watched");
      yield* coro.monitor(other);
      other.send("end");
      yield* coro.receive();
      assertEquals(other.isAlive(), false);
      assertEquals(other.send("more"), false);
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      for (const name of ["short", "watched"]) {
        coro.scheduler.spawn(function* (coro: Coro) {
          coro.register(name);
          yield* coro.receive();
        });
      }
      yield* network.closed();
    },
  });
});

Deno.test("deliver with zero or less sends nothing: 0", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network }) {
      const handle = yield* found("inbox");
      const { sent } = network.stats();
      assertEquals(yield* handle.deliver("x", 0), 0);
      assertEquals(yield* handle.deliver("x", -1), 0);
      assertEquals(yield* handle.deliver("x", { milliseconds: 0 }), 0);
      assertEquals(network.stats().sent, sent);
      assertThrows(() => handle.deliver("x", NaN), TypeError);
      assertThrows(() => handle.deliver("x", "1" as never), TypeError);
      yield* sleep(1);
      assertEquals(got, []);
    },
    b: inbox(got),
  });
});

Deno.test("deliver that is late is 0: the message still arrives, once", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network }) {
      const handle = yield* found("inbox");
      yield* sleep(1);
      assertEquals(yield* handle.deliver("late", 0.0005), 0);
      yield* sleep(1);
      assertEquals(got, ["late"]);
      assertEquals(network.stats().pending, 0);
    },
    b: inbox(got),
  });
});

Deno.test("deliver that is late is withdrawn if it had not left", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network, world }) {
      const handle = yield* found("inbox");
      world.net.cut("a", "b");
      world.net.partition(["a"], ["b"]);
      yield* sleep(1);
      assertEquals(yield* handle.deliver("withdrawn", 2), 0);
      handle.send("sent");
      world.net.heal();
      yield* sleep(5);
      assertEquals(got, ["sent"]);
      assertEquals(network.stats().pending, 0);
      assertEquals(network.stats().queuedBytes, 0);
    },
    b: inbox(got),
  });
});

Deno.test("deliver that is cut short by signal, race or termination leaves nothing", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const handle = yield* found("inbox");
      world.net.partition(["a"], ["b"]);
      const signal = AbortSignal.abort(new Error("no"));
      assertStrictEquals(yield* thrown(() => handle.deliver(1, signal)), signal.reason);
      const controller = new AbortController();
      coro.scheduler.spawn(function* () {
        yield* sleep(0.1);
        controller.abort(new Error("later"));
      });
      assertStrictEquals(yield* thrown(() => handle.deliver(2, controller.signal)), controller.signal.reason);
      yield* race(handle.deliver(3), sleep(0.1));
      const child = coro.scheduler.spawn(function* () {
        yield* handle.deliver(4);
      });
      yield* sleep(0.1);
      child.terminate();
      yield* child.finish();
      const waiter = coro.scheduler.spawn(function* () {
        yield* handle.finish(0.2);
      });
      assertInstanceOf(yield* thrown(() => waiter.finish()), TimeoutError);
      assertEquals(network.stats().pending, 0);
      world.net.heal();
      yield* sleep(5);
      assertEquals(network.stats().pending, 0);
      assertEquals(handle.isAlive(), true);
      assertEquals(world.shared.network.stats().pending, 0);
    },
    b: inbox([]),
  });
});

Deno.test("a message at the limit fits; one byte more is an error, at the call, and the link lives", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network }) {
      const handle = yield* found("inbox");
      // Of 1,000 bytes of CBOR, 3 are the head of a byte string.
      const fits = new ArrayBuffer(997);
      assertEquals(handle.send(fits), true);
      assertEquals(yield* handle.deliver(fits), 1);
      const tooLarge = new ArrayBuffer(998);
      const error = assertThrows(() => handle.send(tooLarge), MessageTooLargeError);
      assertMatch(error.message, /1000|1,000/);
      assertThrows(() => handle.deliver(tooLarge), MessageTooLargeError);
      assertThrows(() => handle.ask(tooLarge), MessageTooLargeError);
      assertEquals(yield* handle.deliver("still here"), 1);
      assertEquals(got.length, 3);
      assertEquals(network.peers().length, 1);
    },
    b: inbox(got),
  }, () => ({ maxMessageSize: 1000 }));
});

Deno.test("the smaller limit of both sides counts", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* found("inbox");
      assertThrows(() => handle.send(new ArrayBuffer(998)), MessageTooLargeError);
      assertEquals(yield* handle.deliver(new ArrayBuffer(997)), 1);
      // The other way round, too.
      handle.send(coro);
      assertEquals(yield* coro.receive(), "MessageTooLargeError");
    },
    *b(coro, here) {
      yield* here.network.peer("sim:a");
      coro.register("inbox");
      yield* coro.receive();
      const a = yield* coro.receive<Coro>();
      a.send(
        (yield* thrown(function* () {
          a.send(new ArrayBuffer(998));
        })).name,
      );
      yield* here.network.closed();
    },
  }, (name) => ({ maxMessageSize: name === "b" ? 1000 : 2000 }));
});

Deno.test("a message queued before the limit of the peer is known is refused once it is, and reported", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(coro, { network, reported }) {
      yield* network.peer("sim:b");
      const broker = yield* found("broker");
      broker.send(coro);
      const far = yield* coro.receive<Coro>();
      assertEquals(far.send(new Uint8Array(5000)), true);
      assertEquals(yield* far.deliver(new Uint8Array(5000)), -1);
      assertEquals(yield* far.deliver("small"), 1);
      assertEquals(got, ["small"]);
      assert(reported.length >= 1);
      assertInstanceOf(reported[0].error, MessageTooLargeError);
      assertThrows(() => far.send(new Uint8Array(5000)), MessageTooLargeError);
      assertEquals(far.isAlive(), true);
    },
    b: broker,
    *c(coro, here) {
      yield* here.network.peer("sim:b");
      yield* collector("far", got)(coro, here);
    },
  }, (name) => ({ maxMessageSize: name === "c" ? 1000 : 100_000 }));
});

Deno.test("beyond maxQueue send throws, deliver waits, a third peer is unaffected", async () => {
  const got: unknown[] = [];
  const third: unknown[] = [];
  await simulate({
    *a(coro, { network, world }) {
      const handle = yield* found("inbox");
      const c = yield* found("third");
      yield* sleep(1);
      world.net.partition(["a"], ["b"]);
      let sent = 0;
      const error = yield* thrown(function* () {
        while (true) {
          handle.send(new Uint8Array(1000));
          sent++;
        }
      });
      assertInstanceOf(error, BackpressureError);
      assertEquals(sent, 9);
      assert(
        network.stats().queuedBytes <= 10_000 && network.stats().queuedBytes > 9000,
        `${network.stats().queuedBytes}`,
      );
      assertEquals(yield* handle.deliver(new Uint8Array(1000), 1), 0);
      assertEquals(yield* c.deliver("unaffected", 1), 1);
      assertEquals(c.send("as well"), true);
      const waiting = coro.scheduler.spawn(function* () {
        return yield* handle.deliver("after", 60);
      });
      const big = coro.scheduler.spawn(function* () {
        return yield* handle.deliver(new Uint8Array(2000), 60);
      });
      yield* sleep(1);
      world.net.heal();
      assertEquals(yield* big.finish(), 1);
      assertEquals(yield* waiting.finish(), 1);
      assertEquals(got.length, sent + 2);
      assertEquals(third, ["unaffected", "as well"]);
      assertEquals(network.stats().queuedBytes, 0);
      assertEquals(network.stats().pending, 0);
    },
    b: inbox(got),
    *c(coro, here) {
      yield* here.network.peer("sim:a");
      yield* collector("third", third)(coro, here);
    },
  }, () => ({ maxQueue: 10_000, peerTimeout: 30 }));
});

Deno.test("a message larger than maxQueue is accepted when nothing is queued", async () => {
  const got: unknown[] = [];
  await simulate({
    *a() {
      const handle = yield* found("inbox");
      yield* sleep(1);
      assertEquals(handle.send(new Uint8Array(20_000)), true);
      assertThrows(() => handle.send("x"), BackpressureError);
      assertEquals(yield* handle.deliver(new Uint8Array(20_000)), 1);
      assertEquals(got.length, 2);
    },
    b: inbox(got),
  }, () => ({ maxQueue: 10_000 }));
});

Deno.test("a refused deliver is -1, a refused send is dropped, both are counted where they are refused", async () => {
  const got: unknown[] = [];
  const requests: { peer: string; action: string; name?: string; target?: unknown }[] = [];
  await simulate({
    *a(_coro, { network, world, reported }) {
      const handle = yield* found("inbox");
      assertEquals(handle.send(1), true);
      assertEquals(yield* handle.deliver(2), -1);
      yield* sleep(1);
      assertEquals(got, []);
      assertEquals(world.shared.network.stats().refused, 2);
      assertEquals(network.stats().refused, 0);
      assertEquals([reported, world.shared.reported], [[], []]);
      // It is not known to have ended.
      assertEquals(handle.isAlive(), true);
      const send = requests.find(({ action }) => action === "send")!;
      assertEquals([send.peer, send.name], ["a@sim:a", "inbox"]);
      assertInstanceOf(send.target, Coro);
    },
    b: inbox(got),
  }, (name) =>
    name === "b"
      ? {
        allow: ({ peer, action, name, target }) => {
          requests.push({ peer: String(peer), action, name, target });
          return action !== "send";
        },
      }
      : {});
});

Deno.test("an allow that throws refuses, and is reported with the coroutine of join", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { world }) {
      const handle = yield* found("inbox");
      assertEquals(yield* handle.deliver(2), -1);
      assertEquals(world.shared.network.stats().refused, 1);
      const [{ error, coro }] = world.shared.reported;
      assertEquals(error.message, "broken");
      assertEquals((coro as Coro).name, "main of b");
    },
    b: inbox(got),
  }, (name) =>
    name === "b"
      ? {
        allow: ({ action }) => {
          if (action === "send") throw new Error("broken");
          return true;
        },
      }
      : {});
});

Deno.test("ask works across peers", async () => {
  await simulate({
    *a(coro, { network }) {
      const handle = yield* found("server");
      assertEquals(yield* handle.ask<number>(20), 40);
      const failed = yield* thrown(() => handle.ask("bad"));
      assertInstanceOf(failed, RangeError);
      assertEquals(failed.message, "bad");
      const before = coro.scheduler.now();
      assertInstanceOf(yield* thrown(() => handle.ask("silent")), TimeoutError);
      assert(Math.abs(coro.scheduler.now() - before - 5) < 0.01);
      assertInstanceOf(yield* thrown(() => handle.ask("end")), NoReplyError);
      assertInstanceOf(yield* thrown(() => handle.ask("more")), NoReplyError);
      assertEquals(network.stats().pending, 0);
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
        coro.register("server");
        while (true) {
          const ask = yield* coro.receive<import("@asyncoro/asyncoro").Ask<unknown, unknown>>();
          if (ask.message === "end") return;
          if (ask.message === "bad") assertEquals(ask.fail(new RangeError("bad")), true);
          else if (typeof ask.message === "number") assertEquals(ask.reply(2 * ask.message), true);
        }
      });
      yield* network.closed();
    },
  });
});

Deno.test("an ask of a peer that is lost fails, and whoever asked is known at its recipient", async () => {
  await simulate({
    *a(coro, { world }) {
      const handle = yield* found("server");
      assertEquals(yield* handle.ask("who"), coro);
      coro.scheduler.spawn(function* () {
        yield* sleep(1);
        world.net.crash("b");
      });
      const error = yield* thrown(() => handle.ask("silent", 60));
      assert(error instanceof NoReplyError || error instanceof PeerLostError, `${error}`);
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      coro.register("server");
      const ask = yield* coro.receive<import("@asyncoro/asyncoro").Ask<unknown, unknown>>();
      ask.reply(ask.from);
      yield* coro.receive();
      yield* network.closed();
    },
  });
});

Deno.test("a bounded mailbox: deliver waits at home, a send that finds it full is dropped", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(coro) {
      const handle = yield* found("bounded");
      assertEquals(handle.send(1), true);
      assertEquals(handle.send(2), true);
      assertEquals(yield* handle.deliver(3, 1), 0);
      const waiting = coro.scheduler.spawn(function* () {
        return yield* handle.deliver(4, 30);
      });
      yield* sleep(1);
      (yield* found("opener")).send("go");
      assertEquals(yield* waiting.finish(), 1);
      yield* sleep(1);
      assertEquals(got, [1, 4]);
      const throwing = yield* found("throwing");
      assertEquals(throwing.send(1), true);
      assertEquals(throwing.send(2), true);
      assertInstanceOf(yield* thrown(() => throwing.deliver(3)), QueueFullError);
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      const { scheduler } = coro;
      const bounded = scheduler.spawnWith({ daemon: true, mailbox: { capacity: 1 } }, function* (coro: Coro) {
        coro.register("bounded");
        yield* coro.sleep();
        while (true) got.push(yield* coro.receive());
      });
      scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
        coro.register("opener");
        yield* coro.receive();
        bounded.resume();
      });
      scheduler.spawnWith({ daemon: true, mailbox: { capacity: 1, overflow: "throw" } }, function* (coro: Coro) {
        coro.register("throwing");
        yield* coro.sleep();
      });
      yield* network.closed();
    },
  });
});

Deno.test("a coroutine that was not given out cannot be addressed", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("maker", 5))!;
      const made = yield* rci.run();
      assertEquals(yield* made.deliver("to made", 5), 1);
      coro;
    },
    *b(_coro, { network }) {
      new RCI(function* maker(coro: Coro) {
        got.push(yield* coro.receive());
        yield* sleep(5);
      }).register();
      yield* network.closed();
    },
  });
  assertEquals(got, ["to made"]);
});

Deno.test("after its peer was lost a handle may be true again when that joining returns", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { network, world }) {
      const handle = yield* found("inbox");
      const b = handle.location!;
      world.net.partition(["a"], ["b"]);
      yield* sleep(30);
      assertEquals(handle.send(1), false);
      assertEquals(yield* handle.deliver(2), -1);
      assertEquals(handle.isAlive(), true);
      world.net.heal();
      yield* network.peer(b.address);
      assertEquals(handle.send(3), true);
      assertEquals(yield* handle.deliver(4), 1);
      assertStrictEquals(yield* found("inbox"), handle);
      assertEquals(got, [3, 4]);
      assertEquals(handle.isAlive(), true);
    },
    b: inbox(got),
  });
});

Deno.test("a handle whose peer was lost is redialed by itself, at the longest every 30 s", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(_coro, { world }) {
      const handle = yield* found("inbox");
      world.net.partition(["a"], ["b"]);
      yield* sleep(300);
      world.net.heal();
      yield* sleep(33);
      assertEquals(yield* handle.deliver(4), 1);
      assertEquals(got, [4]);
    },
    b: inbox(got),
  });
});

Deno.test("a peer that closed is left: send false, deliver -1, finish PeerLostError left", async () => {
  await simulate({
    *a(coro, { network }) {
      const handle = yield* found("inbox");
      yield* coro.monitor(handle);
      network.closePeer(handle.location as never);
      assertEquals(handle.send(1), false);
      assertEquals(yield* handle.deliver(1), -1);
      const error = yield* thrown(() => handle.finish());
      assertInstanceOf(error, PeerLostError);
      assertEquals(error.reason, "left");
      const { outcome } = yield* coro.receive<{ outcome: { kind: string; error: PeerLostError } }>();
      assertEquals([outcome.kind, outcome.error.reason], ["lost", "left"]);
      assertEquals(yield* coro.receive(5), undefined);
    },
    b: inbox([]),
  });
});

void World;
void stays;
