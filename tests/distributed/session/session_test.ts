import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Kind, kindOf } from "../../../core/distributed/session/frame.ts";
import { BACKGROUND_LINK_QUEUE, LINK_QUEUE } from "../../../core/distributed/session/session.ts";
import { clock, connect, Host, pass, type TestLink } from "./hosts.ts";

/** Two joinings that are connected, by a link that the first has dialed. */
function connected(options: ConstructorParameters<typeof Host>[1] = {}, link: { maxFrame?: number } = {}) {
  const [a, b] = [new Host(1, options), new Host(2, options)];
  return { a, b, link: connect(a, b, link) };
}

/** Lets time pass on a link that works. */
function passOn(link: TestLink, seconds: number, ...hosts: Host[]): void {
  for (let i = 0; i < seconds * 10; i++) {
    pass(0.1, ...hosts);
    link.run();
  }
}

Deno.test("operations arrive in order, both ways, and are acknowledged", () => {
  const { a, b, link } = connected();
  a.send(b, "1", "2", "3");
  b.send(a, "x");
  link.run();
  assertEquals([a.arrived, b.arrived], [["x"], ["1", "2", "3"]]);
  passOn(link, 0.2, a, b);
  assertEquals([a.acknowledgedCount, b.acknowledgedCount], [3, 1]);
  assertEquals([a.with(b)!.queuedBytes, a.with(b)!.settled], [0, true]);
});

Deno.test("what was queued before the session is open is sent in it", () => {
  const [a, b] = [new Host(1), new Host(2)];
  a.send(b, "early");
  assertEquals(a.with(b)!.state, "connecting");
  const link = connect(a, b);
  assertEquals(b.arrived, ["early"]);
  assertEquals([a.with(b)!.state, a.with(b)!.number], ["open", b.with(a)!.number]);
  assertEquals(a.with(b)!.introduction, Uint8Array.of(2));
  link.cut();
});

Deno.test("the operations of a turn are one write", () => {
  const { a, b, link } = connected();
  const before = link.written[1].length;
  for (let i = 0; i < 100; i++) a.send(b, `operation ${i}`);
  a.sessions.flush(clock.now);
  a.sessions.flush(clock.now);
  assertEquals(link.written[1].length, before + 1);
  assertEquals(kindOf(link.written[1].at(-1)!), Kind.DATA);
});

Deno.test("a turn is announced once", () => {
  const { a, b } = connected();
  a.changes = 0;
  a.send(b, "1", "2", "3");
  assertEquals(a.changes, 1);
  a.sessions.flush(clock.now);
  a.send(b, "4");
  assertEquals(a.changes, 2);
});

Deno.test("an ack rides on the next frame, or comes a moment later", () => {
  const { a, b, link } = connected();
  a.send(b, "1");
  link.run();
  assertEquals(a.acknowledgedCount, 0);
  b.send(a, "reply");
  link.run();
  assertEquals(a.acknowledgedCount, 1);
  a.send(b, "2");
  link.run();
  passOn(link, 0.1, a, b);
  assertEquals(a.acknowledgedCount, 2);
});

Deno.test("after many bytes an ack is written in the same turn", () => {
  const { a, b, link } = connected();
  a.send(b, "x".repeat(100_000));
  link.run();
  assertEquals(a.acknowledgedCount, 1);
});

Deno.test("what a cut has swallowed is sent again on the next link, once and in order", () => {
  const { a, b, link } = connected();
  a.send(b, "1");
  link.run();
  a.send(b, "2", "3");
  a.sessions.flush(clock.now);
  link.cut();
  assertEquals([a.with(b)!.connected, b.with(a)!.connected], [false, false]);
  a.send(b, "4");
  connect(b, a);
  assertEquals(b.arrived, ["1", "2", "3", "4"]);
  assertEquals([a.openedCount, b.openedCount, a.ends.length], [1, 1, 0]);
  assertEquals(a.with(b)!.counts.resent, 2);
});

Deno.test("a cut before the ack: the operation arrives once and is acknowledged by the resumption", () => {
  const { a, b, link } = connected();
  a.send(b, "1");
  a.sessions.flush(clock.now);
  link.deliver(1);
  link.cut();
  assertEquals([b.arrived, a.acknowledgedCount], [["1"], 0]);
  connect(a, b);
  assertEquals([b.arrived, a.acknowledgedCount], [["1"], 1]);
  assertEquals(b.with(a)!.counts.duplicates, 0);
});

Deno.test("a frame that is lost on a link that lives is sent again when the next one shows the gap", () => {
  const { a, b, link } = connected();
  a.send(b, "1");
  a.sessions.flush(clock.now);
  link.frames[1].length = 0;
  a.send(b, "2");
  link.run();
  assertEquals(b.arrived, ["1", "2"]);
});

Deno.test("the last operation is lost: the next sign of life repairs it", () => {
  const { a, b, link } = connected();
  a.send(b, "last");
  a.sessions.flush(clock.now);
  link.frames[1].length = 0;
  passOn(link, 1.5, a, b);
  assertEquals(b.arrived, []);
  passOn(link, 1, a, b);
  assertEquals(b.arrived, ["last"]);
});

Deno.test("an idle hour ends no session", () => {
  const { a, b, link } = connected();
  passOn(link, 3600, a, b);
  assertEquals([a.ends, b.ends], [[], []]);
  assert(link.written[1].length < 3600 / 2 + 10);
});

Deno.test("a peer is lost when it was not heard for peerTimeout, not before", () => {
  const { a, b, link } = connected();
  a.send(b, "for ever on its way");
  a.sessions.flush(clock.now);
  link.frames[0].length = 0;
  const lostAt = clock.now + 10;
  for (clock.now += 1; clock.now < lostAt; clock.now += 1) a.sessions.tick(clock.now);
  assertEquals(a.ends, []);
  assertEquals(a.sessions.nextDeadline, lostAt);
  clock.now = lostAt;
  a.sessions.tick(lostAt);
  assertEquals([a.ends, a.with(b)], [["lost"], null]);
  assertEquals(link.closed[0], true);
});

Deno.test("whatever is sent, a peer that is not heard is lost in time", () => {
  const { a, b, link } = connected();
  for (let i = 0; i < 110; i++) {
    if (a.with(b) !== null) a.send(b, "still there?");
    pass(0.1, a);
    link.frames[1].length = 0;
  }
  assertEquals(a.ends, ["lost"]);
});

Deno.test("losing is mutual when the link still works", () => {
  const { a, b, link } = connected();
  a.with(b)!.lose();
  link.run();
  assertEquals([a.ends, b.ends], [["lost"], ["lost"]]);
});

Deno.test("losing is mutual when both meet again, in either direction", () => {
  for (const dialer of [0, 1]) {
    const { a, b, link } = connected();
    link.cut();
    a.with(b)!.lose();
    const old = b.with(a)!;
    b.send(a, "too late");
    if (dialer === 0) connect(a, b);
    else connect(b, a);
    assertEquals([a.ends, b.ends, old.state], [["lost"], ["lost"], "ended"]);
    assertNotEquals(a.with(b)!.number, old.number);
    assertEquals(a.arrived, []);
    assertEquals([a.openedCount, b.openedCount], [2, 2]);
  }
});

Deno.test("a goodbye is seen by both sides, after what was sent before it", () => {
  const { a, b, link } = connected();
  a.send(b, "farewell");
  a.with(b)!.leave(clock.now);
  link.run();
  assertEquals([b.arrived, a.ends, b.ends], [["farewell"], ["left"], ["left"]]);
  assertEquals([a.with(b), b.with(a), link.closed], [null, null, [true, true]]);
});

Deno.test("after a goodbye no frame of that session is taken", () => {
  const { a, b, link } = connected();
  b.send(a, "on its way");
  b.sessions.flush(clock.now);
  a.with(b)!.leave(clock.now);
  while (link.frames[0].length > 0) link.deliver(0);
  assertEquals(a.arrived, []);
});

Deno.test("a goodbye that was not heard is told when the peer dials, and when it is dialed", () => {
  for (const dialer of [0, 1]) {
    const { a, b, link } = connected();
    a.with(b)!.leave(clock.now);
    link.cut();
    assertEquals(b.ends, []);
    if (dialer === 0) connect(a, b);
    else connect(b, a);
    assertEquals(b.ends, ["left"]);
    if (dialer === 0) continue;
    assertEquals(b.outcomes.at(-1), { kind: "left" });
    assertEquals(a.with(b), null);
    connect(b, a);
    assertEquals([b.outcomes.at(-1)?.kind, a.with(b)?.state], ["connected", "open"]);
    assertEquals(a.sessions.refusedHandshakes, 0);
  }
});

Deno.test("a session that nobody opens is lost after connectTimeout", () => {
  const [a, b] = [new Host(1), new Host(2)];
  a.send(b, "hello?");
  pass(9.8, a);
  assertEquals(a.ends, []);
  pass(0.3, a);
  assertEquals([a.ends, a.sessions.sizes.peers], [["lost"], 0]);
});

Deno.test("nothing can be enqueued in a session that has ended", () => {
  const { a, b } = connected();
  const session = a.with(b)!;
  session.lose();
  assertThrows(() => session.enqueue(new Uint8Array(1)), Error, "has ended");
});

Deno.test("what has not been written is withdrawn, and never arrives", () => {
  const { a, b, link } = connected();
  const [first, second] = a.send(b, "1", "2");
  assertEquals(a.with(b)!.withdraw(first), true);
  link.run();
  assertEquals(b.arrived, ["2"]);
  assertEquals(a.with(b)!.withdraw(second), false);
  link.cut();
  const [third] = a.send(b, "3");
  assertEquals(a.with(b)!.withdraw(third), true);
  connect(a, b);
  assertEquals([b.arrived, a.with(b)!.settled], [["2"], true]);
});

Deno.test("queued bytes are known, and when there is room; other peers do not matter", () => {
  const { a, b, link } = connected({ maxQueue: 100 });
  const session = a.with(b)!;
  assertEquals(session.hasRoom(1000), true);
  a.send(b, "x".repeat(60));
  assertEquals([session.queuedBytes, session.hasRoom(40), session.hasRoom(41)], [60, true, false]);
  const c = new Host(3);
  connect(a, c);
  assertEquals(a.with(c)!.hasRoom(100), true);
  link.run();
  assertEquals(session.queuedBytes, 60);
  passOn(link, 0.1, a, b);
  assertEquals([session.queuedBytes, session.hasRoom(1000)], [0, true]);
});

Deno.test("a message above the peer's limit that was queued before the limit was known is refused", () => {
  const [a, b] = [new Host(1), new Host(2, { maxMessage: 10 })];
  const tickets = a.send(b, "small", "much too large", "small too");
  assertEquals(a.with(b)!.maxMessage, Infinity);
  const link = connect(a, b);
  assertEquals(a.refusedTickets, [tickets[1]]);
  assertEquals(b.arrived, ["small", "small too"]);
  assertEquals(a.with(b)!.maxMessage, 10);
  passOn(link, 0.1, a, b);
  assertEquals([a.with(b)!.settled, a.acknowledgedCount], [true, 2]);
});

Deno.test("the peer's limit counts the message, not the operation", () => {
  const [a, b] = [new Host(1), new Host(2, { maxMessage: 10 })];
  a.sessions.connecting(b.id, clock.now).enqueue(new TextEncoder().encode("header and message"), 7);
  connect(a, b);
  assertEquals([a.refusedTickets, b.arrived], [[], ["header and message"]]);
});

Deno.test("an operation larger than a frame comes in parts, also when links change", () => {
  const { a, b, link } = connected({}, { maxFrame: 600 });
  const long = "abcdefghij".repeat(500);
  a.send(b, "before", long, "after");
  a.sessions.flush(clock.now);
  assert(link.written[1].every((frame) => frame.length <= 600));
  for (let i = 0; i < 4; i++) link.deliver(1);
  link.cut();
  assertEquals(b.arrived, ["before"]);
  connect(a, b, { maxFrame: 2000 });
  assertEquals(b.arrived, ["before", long, "after"]);
});

Deno.test("a part that is lost is sent again, not the parts before it", () => {
  const { a, b, link } = connected({}, { maxFrame: 600 });
  a.send(b, "x".repeat(5000));
  a.sessions.flush(clock.now);
  const parts = link.frames[1].length;
  link.frames[1].splice(5, 1);
  const before = link.written[1].length;
  link.run();
  assertEquals(b.arrived.length, 1);
  assertEquals(link.written[1].length - before, parts - 5);
});

Deno.test("nothing more is written to a link that has much queued, until it has drained", () => {
  const { a, b, link } = connected();
  link.queued = LINK_QUEUE;
  a.send(b, "waits");
  a.sessions.flush(clock.now);
  assertEquals(link.frames[1], []);
  link.queued = 0;
  link.connections[0].drained();
  link.run();
  assertEquals(b.arrived, ["waits"]);
});

Deno.test("what is in the background goes when nothing else is to be sent, and not behind much in a link", () => {
  const { a, b, link } = connected();
  a.sendInBackground(b, "x", "y");
  a.send(b, "1", "2");
  link.queued = BACKGROUND_LINK_QUEUE;
  a.sessions.flush(clock.now);
  assertEquals(link.written[1].length, 4);
  a.send(b, "3");
  a.sessions.flush(clock.now);
  link.queued = 0;
  link.connections[0].drained();
  link.run();
  assertEquals(b.arrived, ["1", "2", "3", "x", "y"]);
});

Deno.test("what is in the background is sent again like all else, and takes no room from messages", () => {
  const { a, b, link } = connected({ maxQueue: 100 });
  const session = a.with(b)!;
  a.sendInBackground(b, "x".repeat(200));
  assertEquals([session.queuedBytes, session.settled, session.hasRoom(1000)], [200, false, true]);
  a.send(b, "1".repeat(60));
  assertEquals([session.hasRoom(40), session.hasRoom(41)], [true, false]);
  a.sessions.flush(clock.now);
  link.cut();
  const next = connect(a, b);
  passOn(next, 0.1, a, b);
  assertEquals(b.arrived, ["1".repeat(60), "x".repeat(200)]);
  assertEquals([session.queuedBytes, session.settled], [0, true]);
});

Deno.test("a sign of life comes often enough for the peer, whatever the own heartbeat is", () => {
  const [a, b] = [new Host(1, { heartbeat: 100 }), new Host(2, { peerTimeout: 3 })];
  const link = connect(a, b);
  passOn(link, 30, a, b);
  assertEquals([a.ends, b.ends], [[], []]);
});

Deno.test("a session may end while an operation of it is passed on", () => {
  const { a, b, link } = connected();
  b.onReceived = (session) => session.leave(clock.now);
  a.send(b, "1", "2");
  link.run();
  assertEquals([b.arrived, a.ends, b.ends], [["1"], ["left"], ["left"]]);
});

Deno.test("what is sent while a session ends is sent in the next one", () => {
  for (const dialer of [0, 1]) {
    const { a, b, link } = connected();
    link.cut();
    a.with(b)!.lose();
    b.onEnded = () => b.send(a, "to the new session");
    if (dialer === 0) connect(a, b);
    else connect(b, a);
    assertEquals([a.arrived, b.with(a)!.number], [["to the new session"], a.with(b)!.number]);
  }
});

Deno.test("without seals frames are shorter, and all works", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const unsealed = { ...a.security, sealed: false };
  for (const host of [a, b]) Object.assign(host, { security: unsealed });
  const link = connect(a, b);
  a.send(b, "1");
  link.run();
  assertEquals(b.arrived, ["1"]);
  assertEquals(link.written[1].at(-1)!.length, 5 + 16 + 4 + 1);
});

Deno.test("forge() writes any frame into the link; a malformed one closes the link only", () => {
  const { a, b, link } = connected();
  b.with(a)!.forge(Uint8Array.of(Kind.DATA, 1, 2, 3));
  link.run();
  assertEquals([a.ends, a.with(b)!.connected, link.closed[0]], [[], false, true]);
  b.send(a, "goes on");
  connect(a, b);
  assertEquals(a.arrived, ["goes on"]);
});
