/** Limits of messages and queues. */
import { Coro, MessageTooLargeError, sleep } from "@asyncoro/asyncoro";
import { BackpressureError, type NetworkOptions, RCI } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { eventually, onMachines, type Program, type Steps } from "./machines.ts";

/** Counts what comes to the coroutine of its name. */
function counting(name: string, seen: unknown[], done: () => boolean): Program {
  return function* () {
    new Coro(function* (self) {
      self.setDaemon();
      self.register(name);
      for (;;) seen.push(yield* self.receive());
    });
    yield* eventually(done);
  };
}

Deno.test("beyond maxQueue send throws and deliver waits, and a third peer is not affected", async () => {
  const [b, c]: unknown[][] = [[], []];
  let done = false;
  await onMachines({
    *a(coro, { network, simulation }) {
      yield* network.peer("sim:b");
      yield* network.peer("sim:c");
      const [toB, toC] = [(yield* Coro.locate("b", 10))!, (yield* Coro.locate("c", 10))!];
      simulation.freeze("b", 5);
      const message = "x".repeat(1000);
      let sent = 0;
      const error = assertThrows(() => {
        for (; sent < 1000; sent++) toB.send(message);
      }, BackpressureError);
      assert(error.message.length > 10);
      assert(sent >= 15 && sent < 22, `${sent}`);
      const { queuedBytes } = network.stats();
      assert(queuedBytes > 15_000 && queuedBytes <= 20_000, `${queuedBytes}`);
      const start = coro.scheduler.now();
      assertEquals(yield* toC.deliver(message, 5), 1);
      assert(coro.scheduler.now() - start < 0.5);
      // Waits for room, and then for the arrival; those whose time is up are withdrawn.
      const late = new Coro(function* () {
        return yield* toB.deliver(`late${message}`, 0.5);
      });
      const patient = Array.from({ length: 5 }, (_, i) =>
        new Coro(function* () {
          return yield* toB.deliver(`${i}${message}`, 60);
        }));
      assertEquals(yield* late.finish(), 0);
      for (const each of patient) assertEquals(yield* each.finish(), 1);
      assert(coro.scheduler.now() - start > 4);
      assertEquals(toB.send("again"), true);
      yield* sleep(5);
      assertEquals(b.length, sent + 6);
      assert(!b.includes(`late${message}`));
      assertEquals(network.stats().queuedBytes, 0);
      assertEquals(network.stats().pending, 0);
      assertEquals(c.length, 1);
      done = true;
    },
    b: counting("b", b, () => done),
    c: counting("c", c, () => done),
  }, () => ({ maxQueue: 20_000 }));
});

Deno.test("a message larger than maxQueue passes if nothing is queued", async () => {
  const b: unknown[] = [];
  let done = false;
  await onMachines({
    *a(_coro, { network }) {
      yield* network.peer("sim:b");
      const to = (yield* Coro.locate("b", 10))!;
      yield* sleep(5);
      assertEquals(to.send("x".repeat(5000)), true);
      assertThrows(() => to.send("y"), BackpressureError);
      yield* sleep(5);
      assertEquals(to.send("y"), true);
      assertEquals(yield* to.deliver("z".repeat(5000), 10), 1);
      done = true;
    },
    b: counting("b", b, () => done),
  }, () => ({ maxQueue: 1000 }));
  assertEquals(b.length, 3);
});

/** The bytes of a string in CBOR beside its characters, from 256 to 65,535 of them. */
const HEAD = 3;

for (const [title, small] of [["sender", "a"], ["receiver", "b"]]) {
  Deno.test(`a message at the limit of the ${title} fits, one byte more is MessageTooLargeError at the call, and the link lives`, async () => {
    const b: unknown[] = [];
    let done = false;
    await onMachines({
      *a(_coro, { network }) {
        yield* network.peer("sim:b");
        const to = (yield* Coro.locate("b", 10))!;
        const rci = (yield* RCI.locate<(coro: Coro, text: string) => Steps<number>>("length", 10))!;
        assertEquals(yield* to.deliver("x".repeat(1000 - HEAD), 10), 1);
        assertEquals(to.send("y".repeat(1000 - HEAD)), true);
        const { sent } = network.stats();
        assertThrows(() => to.send("x".repeat(1001 - HEAD)), MessageTooLargeError);
        assertThrows(() => to.deliver("x".repeat(1001 - HEAD), 10), MessageTooLargeError);
        assertThrows(() => rci.run("x".repeat(2000)), MessageTooLargeError);
        assertThrows(() => rci.call("x".repeat(2000)), MessageTooLargeError);
        assertEquals(network.stats().sent, sent);
        assertEquals(network.stats().pending, 0);
        assertEquals(yield* rci.call("x".repeat(900)), 900);
        assertEquals(yield* to.deliver("z", 10), 1);
        done = true;
      },
      *b(coro, here) {
        new RCI(function* length(_coro: Coro, text: string): Steps<number> {
          yield;
          return text.length;
        }).register();
        yield* counting("b", b, () => done)(coro, here);
      },
    }, (name): NetworkOptions => name === small ? { maxMessageSize: 1000 } : {});
    assertEquals(b.length, 3);
  });
}

Deno.test("what was queued before the peer's limit was known is refused once it is: deliver is -1, send is reported", async () => {
  const b: unknown[] = [];
  let done = false;
  await onMachines({
    *a(_coro, { network, reported }) {
      yield* network.peer("sim:hub");
      const to = (yield* Coro.locate("to b", 10))!;
      // The handle is one of b, which this side has never met.
      const carrier = new Coro(function* (self) {
        to.send(self);
        return (yield* self.receive<Coro>(20))!;
      });
      const handle = yield* carrier.finish();
      assertEquals(handle.location!.name, "b");
      assertEquals(network.peers().length, 1);
      assertEquals(handle.send("x".repeat(3000)), true);
      const delivery = new Coro(function* () {
        return yield* handle.deliver("y".repeat(3000), 30);
      });
      assertEquals(handle.send("small"), true);
      assertEquals(yield* delivery.finish(), -1);
      assertEquals(yield* handle.deliver("another", 10), 1);
      assertEquals(reported.length, 1, reported.map(String).join("\n"));
      assert(reported[0] instanceof MessageTooLargeError, `${reported[0]}`);
      assertEquals(network.stats().pending, 0);
      done = true;
    },
    *hub(coro, { network }) {
      yield* network.peer("sim:b");
      const b = (yield* Coro.locate("b", 10))!;
      coro.register("to b");
      const from = (yield* coro.receive<Coro>(60))!;
      from.send(b);
      yield* eventually(() => done);
    },
    b: counting("b", b, () => done),
  }, (name): NetworkOptions => name === "b" ? { maxMessageSize: 1000 } : {});
  assertEquals(b, ["small", "another"]);
});

Deno.test("a result that is too large for either side is an error of its call, and the link lives", async () => {
  let done = false;
  await onMachines({
    *a(_coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate<(coro: Coro, n: number) => Steps<string>>("large", 10))!;
      let failure: unknown;
      try {
        yield* rci.call(5000);
      } catch (error) {
        failure = error;
      }
      assert(failure instanceof MessageTooLargeError, `${failure}`);
      assertEquals((yield* rci.call(10)).length, 10);
      assertEquals(network.stats().pending, 0);
      done = true;
    },
    *b() {
      new RCI(function* large(_coro: Coro, n: number): Steps<string> {
        yield;
        return "x".repeat(n);
      }).register();
      yield* eventually(() => done);
    },
  }, (name): NetworkOptions => name === "a" ? { maxMessageSize: 1000 } : {});
});

Deno.test("a message of 8 MiB passes by default, in parts, while others pass too", async () => {
  let done = false;
  const got: number[] = [];
  await onMachines({
    *a(_coro, { network, simulation }) {
      yield* network.peer("sim:b");
      const to = (yield* Coro.locate("b", 10))!;
      const bytes = new Uint8Array((8 << 20) - 100);
      bytes[bytes.length - 1] = 7;
      const sending = new Coro(function* () {
        return yield* to.deliver(bytes, 600);
      });
      yield* sleep(0.05);
      simulation.cut("a", "b");
      assertEquals(yield* sending.finish(), 1);
      assertEquals(yield* to.deliver(new Uint8Array(10), 600), 1);
      done = true;
    },
    *b(coro) {
      coro.register("b");
      const large = (yield* coro.receive<Uint8Array>(600))!;
      got.push(large.length, large[large.length - 1], (yield* coro.receive<Uint8Array>(600))!.length);
      yield* eventually(() => done);
    },
  });
  assertEquals(got, [(8 << 20) - 100, 7, 10]);
});
