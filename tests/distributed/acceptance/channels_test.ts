/** Channels of peers. */
import { Channel, ChannelClosedError, Coro, sleep, UnsupportedError } from "@asyncoro/asyncoro";
import { RemoteChannel, SerializationError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { eventually, type Here, onMachines, type Program, thrownBy } from "./machines.ts";

/** Opens a channel and stays until `done` holds. */
function owner(
  done: () => boolean,
  transform?: (name: string, message: unknown) => unknown,
  seen?: Channel[],
): Program {
  return function* () {
    const channel = new Channel<unknown>("news", transform as undefined);
    seen?.push(channel);
    yield* eventually(done);
  };
}

/** Connects to `b` and finds its channel. */
function* news(here: Here): Generator<unknown, Channel<unknown>, unknown> {
  yield* here.network.peer("sim:b");
  return (yield* Channel.locate<unknown>("news", 10))!;
}

Deno.test("a remote channel is a Channel and a RemoteChannel, knows its location and is one object", async () => {
  let done = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      assertInstanceOf(channel, Channel);
      assertInstanceOf(channel, RemoteChannel);
      assertEquals(channel.location?.name, "b");
      assertStrictEquals(yield* Channel.locate("news", 10), channel);
      assertStrictEquals(yield* Channel.locate("news", 10, channel.location!), channel);
      assertEquals(yield* Channel.locate("news", 1, here.network.location), null);
      assertEquals(yield* Channel.locate("news", 0), null);
      done = true;
    },
    *b() {
      const channel = new Channel<unknown>("news");
      assertEquals(channel.name, "news");
      yield* eventually(() => done);
    },
  });
});

Deno.test("a remote coroutine subscribes and unsubscribes, and gets what is sent by either peer in order", async () => {
  let done = false;
  let phase = 0;
  const local: Channel[] = [];
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      assertEquals(yield* channel.subscribe(coro), true);
      phase = 1;
      for (let i = 0; i < 10; i++) assertEquals(yield* coro.receive(10), i);
      for (let i = 0; i < 100; i++) assertEquals(channel.send(i), true);
      for (let i = 0; i < 100; i++) assertEquals(yield* coro.receive(10), i);
      assertEquals(yield* channel.unsubscribe(coro), true);
      phase = 2;
      assertEquals(yield* coro.receive(5), undefined);
      assertEquals(yield* channel.unsubscribe(coro), false);
      done = true;
    },
    *b() {
      const channel = new Channel<unknown>("news");
      local.push(channel);
      yield* eventually(() => phase === 1);
      for (let i = 0; i < 10; i++) channel.send(i);
      yield* eventually(() => phase === 2);
      channel.send("nobody");
      assertEquals(yield* channel.deliver("nobody", 1), 0);
      yield* eventually(() => done);
    },
  });
});

Deno.test("subscribing twice gives each message once", async () => {
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      assertEquals(yield* channel.subscribe(coro), true);
      yield* channel.subscribe(coro);
      assertEquals(yield* channel.deliver("m", 5), 1);
      assertEquals(yield* coro.receive(5), "m");
      assertEquals(yield* coro.receive(5), undefined);
      done = true;
    },
    b: owner(() => done),
  });
});

Deno.test("send of a remote channel returns true, whatever the transform and the subscribers", async () => {
  let done = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      assertEquals(channel.send(1), true);
      done = true;
    },
    b: owner(() => done, () => null),
  });
});

Deno.test("the transform runs at the owner, once a message, whatever the number of subscribers", async () => {
  let done = false;
  const seen: unknown[] = [];
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      const others = Array.from({ length: 3 }, () =>
        new Coro(function* (self) {
          return yield* self.receive(60);
        }));
      for (const other of [coro, ...others]) yield* channel.subscribe(other);
      assertEquals(yield* channel.deliver(1, 10), 4);
      assertEquals(yield* coro.receive(1), 10);
      for (const other of others) assertEquals(yield* other.finish(), 10);
      channel.send(2);
      assertEquals(yield* coro.receive(5), 20);
      assertEquals(yield* channel.deliver("drop", 5), 0);
      assertEquals(yield* coro.receive(5), undefined);
      done = true;
    },
    b: owner(() => done, (_name, message) => {
      seen.push(message);
      return typeof message === "number" ? message * 10 : null;
    }),
  });
  assertEquals(seen, [1, 2, "drop"]);
});

Deno.test("a transform that throws drops the message and is reported at the owner", async () => {
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      yield* channel.subscribe(coro);
      assertEquals(yield* channel.deliver(1, 5), 0);
      done = true;
      assertEquals(here.reported, []);
    },
    *b(_coro, { reported }) {
      new Channel<unknown>("news", () => {
        throw new RangeError("not this one");
      });
      yield* eventually(() => done);
      assertEquals(reported.map((error) => (error as Error).message), ["not this one"]);
    },
  });
});

Deno.test("one message goes to a peer, whatever its subscribers", async () => {
  let ready = false;
  let done = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      const others = Array.from({ length: 50 }, () =>
        new Coro(function* (self) {
          for (let i = 0; i < 100; i++) assertEquals(yield* self.receive(60), i);
        }));
      for (const other of others) assertEquals(yield* channel.subscribe(other), true);
      ready = true;
      for (const other of others) yield* other.finish();
      done = true;
    },
    *b(_coro, { network }) {
      const channel = new Channel<unknown>("news");
      yield* eventually(() => ready);
      const { sent } = network.stats();
      for (let i = 0; i < 100; i++) channel.send(i);
      yield* eventually(() => done);
      assert(network.stats().sent - sent < 120, `${network.stats().sent - sent}`);
    },
  });
});

Deno.test("deliver waits for the second subscriber, who comes late, and then sends", async () => {
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      yield* channel.subscribe(coro);
      const late = new Coro(function* (self) {
        yield* sleep(7);
        yield* channel.subscribe(self);
        return yield* self.receive(60);
      });
      const start = coro.scheduler.now();
      assertEquals(yield* channel.deliver("m", 60, 2), 2);
      assert(coro.scheduler.now() - start >= 7);
      assertEquals(yield* late.finish(), "m");
      assertEquals(yield* coro.receive(1), "m");
      assertEquals(yield* channel.deliver("too early", 3, 3), 0);
      assertEquals(yield* coro.receive(5), undefined);
      assertEquals(here.network.stats().pending, 0);
      done = true;
    },
    b: owner(() => done),
  });
});

Deno.test("deliver of the owner counts subscribers of all peers", async () => {
  let done = 0;
  const subscriber: Program = function* (coro, here) {
    const channel = yield* news(here);
    yield* channel.subscribe(coro);
    assertEquals(yield* coro.receive(60), "m");
    done++;
    yield* eventually(() => done === 3);
  };
  await onMachines({
    a: subscriber,
    c: subscriber,
    *b(coro) {
      const channel = new Channel<unknown>("news");
      yield* channel.subscribe(coro);
      assertEquals(yield* channel.deliver("m", 60, 3), 3);
      assertEquals(yield* coro.receive(0), "m");
      done++;
      yield* eventually(() => done === 3);
    },
  });
});

Deno.test("deliver returns how many acknowledged until time is up, when one of two peers is frozen", async () => {
  let subscribed = 0;
  let done = false;
  const subscriber: Program = function* (coro, here) {
    const channel = yield* news(here);
    yield* channel.subscribe(coro);
    subscribed++;
    yield* eventually(() => done);
  };
  await onMachines({
    a: subscriber,
    c: subscriber,
    *b(_coro, { simulation }) {
      const channel = new Channel<unknown>("news");
      yield* eventually(() => subscribed === 2);
      simulation.freeze("c", 5);
      assertEquals(yield* channel.deliver("m", 2), 1);
      done = true;
    },
  });
});

Deno.test("close, setTransform and statistics of a remote channel are not supported", async () => {
  let done = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      assertThrows(() => channel.close(), UnsupportedError);
      assertThrows(() => channel.setTransform(null), UnsupportedError);
      assertThrows(() => channel.statistics(), UnsupportedError);
      done = true;
    },
    b: owner(() => done),
  });
});

Deno.test("what is not sendable is refused by a remote channel at the call, with its path", async () => {
  let done = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      const error = assertThrows(() => channel.send({ items: [1, () => {}] }), SerializationError);
      assertEquals(error.path, "message.items[1]");
      assertThrows(() => channel.deliver({ items: [1, () => {}] }), SerializationError);
      done = true;
    },
    b: owner(() => done),
  });
});

Deno.test("when the owner closes it, a remote channel throws ChannelClosedError, and a waiting deliver as well", async () => {
  let waiting = false;
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      yield* channel.subscribe(coro);
      waiting = true;
      yield* thrownBy(ChannelClosedError, channel.deliver("m", 60, 5));
      assertThrows(() => channel.send(1), ChannelClosedError);
      yield* thrownBy(ChannelClosedError, {
        *[Symbol.iterator]() {
          yield* channel.subscribe(coro);
        },
      });
      yield* thrownBy(ChannelClosedError, {
        *[Symbol.iterator]() {
          yield* channel.deliver(1, 5);
        },
      });
      assertEquals(here.network.stats().pending, 0);
      done = true;
    },
    *b() {
      const channel = new Channel<unknown>("news");
      yield* eventually(() => waiting);
      yield* sleep(1);
      channel.close();
      yield* eventually(() => done);
    },
  });
});

for (const how of ["crash", "leave"] as const) {
  Deno.test(`when its owner is gone (${how}), a remote channel throws ChannelClosedError`, async () => {
    let waiting = false;
    await onMachines({
      *a(coro, here) {
        const channel = yield* news(here);
        yield* channel.subscribe(coro);
        waiting = true;
        yield* thrownBy(ChannelClosedError, channel.deliver("m", 120, 5));
        assertThrows(() => channel.send(1), ChannelClosedError);
        yield* thrownBy(ChannelClosedError, {
          *[Symbol.iterator]() {
            yield* channel.subscribe(coro);
          },
        });
        assertEquals(here.network.stats().pending, 0);
      },
      *b(_coro, { network, simulation }) {
        new Channel<unknown>("news");
        yield* eventually(() => waiting);
        yield* sleep(1);
        if (how === "crash") simulation.crash("b");
        else yield* network.leave();
      },
    });
  });
}

Deno.test("channels that subscribe to each other across peers give a coroutine each message once", async () => {
  let done = false;
  const got: unknown[] = [];
  await onMachines({
    *a(coro, here) {
      const there = yield* news(here);
      const here_ = new Channel<unknown>("mine");
      assertEquals(yield* here_.subscribe(there), true);
      assertEquals(yield* there.subscribe(here_), true);
      yield* here_.subscribe(coro);
      yield* there.subscribe(coro);
      here_.send("from here");
      there.send("from there");
      for (;;) {
        const message = yield* coro.receive(5);
        if (message === undefined) break;
        got.push(message);
      }
      assertEquals(yield* there.deliver("counted", 5), 1);
      assertEquals(yield* coro.receive(5), "counted");
      assertEquals(yield* coro.receive(5), undefined);
      done = true;
    },
    b: owner(() => done),
  });
  assertEquals(got.sort(), ["from here", "from there"]);
});

Deno.test("messages sent directly, delivered and by a channel of either peer arrive in the order sent", async () => {
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      const mine = new Channel<unknown>("mine");
      const receiver = (yield* Coro.locate("receiver", 10))!;
      yield* channel.subscribe(receiver);
      yield* mine.subscribe(receiver);
      for (let i = 0; i < 200; i += 4) {
        receiver.send(i);
        channel.send(i + 1);
        mine.send(i + 2);
        new Coro(function* () {
          yield* receiver.deliver(i + 3, 30);
        });
        if (i % 20 === 0) here.simulation.cut("a", "b");
        yield* sleep(0.001);
      }
      yield* coro.sleep(30);
      done = true;
    },
    *b(coro) {
      const channel = new Channel<unknown>("news");
      coro.register("receiver");
      const got: number[] = [];
      while (got.length < 200) {
        const message = yield* coro.receive<number>(60);
        assert(message !== undefined, `${got.length} came`);
        got.push(message!);
      }
      // Deliveries are made by other coroutines.
      const sent = got.filter((n) => n % 4 !== 3);
      assertEquals(sent, sent.toSorted((x, y) => x - y));
      assertEquals(new Set(got).size, 200);
      assertEquals(channel.name, "news");
      yield* eventually(() => done);
    },
  });
});

Deno.test("through the channel of a third peer order holds", async () => {
  let ready = 0;
  let done = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      yield* eventually(() => ready === 1);
      for (let i = 0; i < 200; i++) {
        channel.send(i);
        if (i % 50 === 0) {
          here.simulation.cut("a", "b");
          here.simulation.cut("b", "c");
        }
        yield* sleep(0.002);
      }
      yield* eventually(() => done);
    },
    b: owner(() => done),
    *c(coro, here) {
      const channel = yield* news(here);
      yield* channel.subscribe(coro);
      ready++;
      for (let i = 0; i < 200; i++) assertEquals(yield* coro.receive(60), i);
      done = true;
    },
  });
});

Deno.test("a channel that is sent comes back as itself, and as one object at the other side", async () => {
  let done = false;
  await onMachines({
    *a(coro, here) {
      yield* here.network.peer("sim:b");
      const mirror = (yield* Coro.locate("mirror", 10))!;
      const mine = new Channel<unknown>("mine");
      mirror.send([coro, mine]);
      assertStrictEquals(yield* coro.receive(10), mine);
      // The other side has published through its handle.
      yield* mine.subscribe(coro);
      mirror.send([coro, mine]);
      assertStrictEquals(yield* coro.receive(10), mine);
      done = true;
    },
    *b(coro) {
      coro.register("mirror");
      const seen = new Set<unknown>();
      for (let i = 0; i < 2; i++) {
        const [from, channel] = (yield* coro.receive<[Coro, Channel<unknown>]>(60))!;
        seen.add(channel);
        assertInstanceOf(channel, RemoteChannel);
        from.send(channel);
      }
      assertEquals(seen.size, 1);
      yield* eventually(() => done);
    },
  });
});

Deno.test("a subscriber that has ended drops out by itself, and one whose peer is lost", async () => {
  let done = false;
  let subscribed = false;
  await onMachines({
    *a(_coro, here) {
      const channel = yield* news(here);
      const short = new Coro(function* (self) {
        yield* channel.subscribe(self);
        yield* self.receive(60);
      });
      yield* eventually(() => subscribed);
      assertEquals(yield* channel.deliver("end", 10, 2), 2);
      yield* short.finish();
      assertEquals(yield* channel.deliver("to one", 10), 1);
      here.simulation.crash("c");
      yield* sleep(30);
      assertEquals(yield* channel.deliver("to none", 10), 0);
      done = true;
    },
    b: owner(() => done),
    *c(coro, here) {
      const channel = yield* news(here);
      yield* channel.subscribe(coro);
      subscribed = true;
      yield* coro.sleep();
    },
  });
});

Deno.test("terminated and timed-out waits for a channel leave nothing pending", async () => {
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      here.simulation.freeze("b", 3);
      assertEquals(yield* channel.subscribe(coro, 0.5), false);
      assertEquals(yield* channel.deliver("m", 0.5, 3), 0);
      const waiting = new Coro(function* () {
        yield* channel.deliver("m", 60, 3);
      });
      yield* sleep(0.1);
      waiting.terminate();
      yield* sleep(0.1);
      assertEquals(here.network.stats().pending, 0);
      yield* sleep(10);
      // The subscription that was given up does not exist.
      assertEquals(yield* channel.deliver("m", 1), 0);
      done = true;
    },
    *b(_coro, { network }) {
      new Channel<unknown>("news");
      yield* eventually(() => done);
      yield* sleep(1);
      assertEquals(network.stats().pending, 0);
    },
  });
});

Deno.test("a channel name belongs to a scheduler: peers may open the same", async () => {
  let done = false;
  let ready = 0;
  await onMachines({
    *a(_coro, here) {
      const b = yield* here.network.peer("sim:b");
      const c = yield* here.network.peer("sim:c");
      yield* eventually(() => ready === 2);
      const mine = new Channel<unknown>("news");
      assertStrictEquals(yield* Channel.locate("news", 5), mine);
      assertEquals((yield* Channel.locate("news", 5, b))!.location, b);
      assertEquals((yield* Channel.locate("news", 5, c))!.location, c);
      done = true;
    },
    *b() {
      new Channel<unknown>("news");
      ready++;
      yield* eventually(() => done);
    },
    *c() {
      new Channel<unknown>("news");
      ready++;
      yield* eventually(() => done);
    },
  });
});

Deno.test("what cannot be sent to a subscriber's peer, or is too large for it, reaches the others and ends nothing", async () => {
  let ready = false;
  let done = false;
  await onMachines({
    *a(coro, here) {
      const channel = yield* news(here);
      yield* channel.subscribe(coro);
      ready = true;
      assertEquals(yield* coro.receive(30), "small");
      done = true;
    },
    *b(coro, { network }) {
      const channel = new Channel<unknown>("news");
      yield* channel.subscribe(coro);
      yield* eventually(() => ready);
      for (const message of [() => {}, "x".repeat(2000), { socket: Symbol("s") }]) {
        for (const send of [() => channel.send(message), () => channel.deliver(message, 2)]) {
          try {
            const sent = send();
            if (typeof sent !== "boolean") yield* sent;
          } catch (error) {
            assertInstanceOf(error, Error);
          }
        }
      }
      channel.send("small");
      yield* eventually(() => done);
      assertEquals(network.peers().length, 1);
      assertEquals(network.stats().pending, 0);
      const got: unknown[] = [];
      for (;;) {
        const message = yield* coro.receive(1);
        if (message === undefined) break;
        got.push(message);
      }
      assertEquals(got.at(-1), "small");
    },
  }, (name) => name === "a" ? { maxMessageSize: 1000 } : {});
});
