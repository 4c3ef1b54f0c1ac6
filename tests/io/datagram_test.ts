/** Datagrams. */
import { Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AsyncDatagram, ClosedError } from "@asyncoro/asyncoro/io";
import { drive, testWith, text, turns } from "./helpers.ts";
import { fails } from "./stream_suite.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

Deno.test("AsyncDatagram sends and receives, empty datagrams included, and returns the sender", async () => {
  await drive(function* () {
    using one = yield* AsyncDatagram.bind(LOOPBACK);
    using other = yield* AsyncDatagram.bind(LOOPBACK);
    assertEquals(yield* one.sendto("häh", other.addr), 4);
    assertEquals(yield* one.sendto(new Uint8Array(0), { hostname: "localhost", port: other.addr.port }), 0);
    const [data, from] = yield* other.recvfrom(5);
    assertEquals([text(data), from], ["häh", one.addr]);
    assertEquals((yield* other.recvfrom(5))[0].length, 0);
  });
});

Deno.test("AsyncDatagram works over IPv6", async () => {
  await drive(function* () {
    using one = yield* AsyncDatagram.bind({ hostname: "::1", port: 0 });
    yield* one.sendto("self", one.addr);
    const [data, from] = yield* one.recvfrom(5);
    assertEquals([text(data), from.hostname], ["self", "::1"]);
  });
});

Deno.test("AsyncDatagram loses no datagram to timeouts, terminations and throws", async () => {
  await drive(function* (coro) {
    coro.scheduler.onError = () => {};
    using one = yield* AsyncDatagram.bind(LOOPBACK);
    using other = yield* AsyncDatagram.bind(LOOPBACK);
    yield* fails(other.recvfrom(0), TimeoutError);
    yield* fails(other.recvfrom(0.01), TimeoutError);
    const got: string[] = [];
    for (let i = 0; i < 100; i++) {
      const receiver = new Coro(function* () {
        got.push(text((yield* other.recvfrom(5))[0]));
      });
      yield* one.sendto(String(i), other.addr);
      yield* turns(i % 6);
      if (i % 3 === 0) yield* sleep(0.001);
      if (i % 2) receiver.terminate();
      else receiver.throw(new RangeError("pre-empted"));
    }
    while (got.length < 100) got.push(text((yield* other.recvfrom(5))[0]));
    assertEquals(got, Array.from({ length: 100 }, (_, i) => String(i)));
  });
});

Deno.test("AsyncDatagram serves receivers in order, and close() wakes them", async () => {
  await drive(function* () {
    using one = yield* AsyncDatagram.bind(LOOPBACK);
    const other = yield* AsyncDatagram.bind(LOOPBACK);
    const receivers = [0, 1].map(() =>
      new Coro(function* () {
        return text((yield* other.recvfrom(5))[0]);
      })
    );
    const last = new Coro(function* () {
      yield* fails(other.recvfrom(5), ClosedError);
    });
    yield* sleep(0.01);
    yield* one.sendto("a", other.addr);
    yield* one.sendto("b", other.addr);
    assertEquals([yield* receivers[0].finish(), yield* receivers[1].finish()], ["a", "b"]);
    other.close();
    other.close();
    yield* last.finish();
    yield* fails(other.recvfrom(), ClosedError);
    yield* fails(other.sendto("x", one.addr), ClosedError);
  });
});

Deno.test("AsyncDatagram keeps up to its capacity of datagrams, and counts the dropped ones", async () => {
  await drive(function* () {
    using one = yield* AsyncDatagram.bind(LOOPBACK);
    using other = yield* AsyncDatagram.bind({ ...LOOPBACK, capacity: 3 });
    for (let i = 0; i < 5; i++) yield* one.sendto(String(i), other.addr);
    yield* sleep(0.05);
    const kept: string[] = [];
    for (let i = 0; i < 3; i++) kept.push(text((yield* other.recvfrom(5))[0]));
    assertEquals([kept, other.dropped], [["0", "1", "2"], 2]);
  });
});

Deno.test("AsyncDatagram joins multicast groups", async () => {
  await drive(function* () {
    using one = yield* AsyncDatagram.bind({ port: 0, reuseAddress: true, broadcast: true });
    one.joinMulticast("239.255.77.77", "127.0.0.1");
    one.setMulticastLoopback(true);
    one.setMulticastTtl(1);
    one.setBroadcast(true);
    one.leaveMulticast("239.255.77.77", "127.0.0.1");
    yield* sleep(0);
  });
});

Deno.test("AsyncDatagram refuses bad input, and passes on errors of the host", async () => {
  assertThrows(() => AsyncDatagram.bind({ port: 99_999 }), RangeError, "from 0 to 65535");
  assertThrows(() => AsyncDatagram.bind({ port: 0, capacity: 0 }), RangeError, "'capacity'");
  assertThrows(() => AsyncDatagram.bind(null as never), TypeError);
  await drive(function* () {
    using one = yield* AsyncDatagram.bind(LOOPBACK);
    assertThrows(() => one.sendto("x", { port: 0 }), RangeError);
    assertThrows(() => one.sendto(5 as never, one.addr), TypeError);
    yield* fails(one.sendto(new Uint8Array(100_000), one.addr), Error);
    yield* fails(AsyncDatagram.bind({ hostname: "127.0.0.1", port: one.addr.port }), Error);
    yield* one.sendto("still works", one.addr);
    assertEquals(text((yield* one.recvfrom(5))[0]), "still works");
  });
});

testWith(["socat"], "AsyncDatagram exchanges datagrams with socat", async () => {
  await drive(function* () {
    using server = yield* AsyncDatagram.bind(LOOPBACK);
    const client = new Deno.Command("socat", {
      args: ["-t1", "-", `UDP:127.0.0.1:${server.addr.port}`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = client.stdin.getWriter();
    writer.write(new TextEncoder().encode("ping")).then(() => writer.close());
    const [data, from] = yield* server.recvfrom(5);
    yield* server.sendto(`${text(data)} pong`, from);
    const output = yield client.output();
    assert(text(output.stdout) === "ping pong");
  });
});
