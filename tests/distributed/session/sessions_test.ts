import { assert, assertEquals } from "@std/assert";
import { clock, connect, Host, pass, TestLink } from "./hosts.ts";

Deno.test("the acceptor only offers a session: the dialer's next frame starts it", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = new TestLink(a, b);
  link.deliver(1);
  link.deliver(0);
  link.deliver(1);
  assertEquals([b.openedCount, b.with(a)], [0, null]);
  link.deliver(0);
  assertEquals([a.openedCount, b.openedCount], [1, 0]);
  link.run();
  assertEquals([b.openedCount, b.with(a)!.number], [1, a.with(b)!.number]);
});

Deno.test("an offer whose WELCOME is lost leaves nothing behind, and its number is not used again", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = new TestLink(a, b);
  link.deliver(1);
  link.deliver(0);
  link.deliver(1);
  link.cut();
  assertEquals([a.with(b), b.with(a)], [null, null]);
  connect(a, b);
  assertEquals([a.openedCount, b.openedCount, a.with(b)!.number], [1, 1, b.with(a)!.number]);
  assertEquals(a.with(b)!.number > 3, true);
});

Deno.test("an offer that the dialer has started is started by a handshake that names it, in either direction", () => {
  for (const dialer of [0, 1]) {
    const [a, b] = [new Host(1), new Host(2)];
    const link = new TestLink(a, b);
    a.send(b, "1");
    for (const to of [1, 0, 1, 0] as const) link.deliver(to);
    a.sessions.flush(clock.now);
    link.cut();
    const started = a.with(b)!;
    assertEquals([started.state, b.with(a)], ["open", null]);
    if (dialer === 0) connect(a, b);
    else connect(b, a);
    assertEquals([a.with(b), b.with(a)!.number], [started, started.number]);
    assertEquals([a.openedCount, b.openedCount, a.ends, b.arrived], [1, 1, [], ["1"]]);
  }
});

Deno.test("a session whose first frame was lost is confirmed by any later frame of the dialer", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = new TestLink(a, b);
  for (const to of [1, 0, 1, 0] as const) link.deliver(to);
  a.sessions.flush(clock.now);
  link.frames[1].length = 0;
  pass(2.1, a, b);
  link.run();
  assertEquals([b.openedCount, b.with(a)!.number], [1, a.with(b)!.number]);
});

Deno.test("when both dial, the link of the lower id stays, in every order of their frames", () => {
  // Bit i says which of the two links moves in step i.
  for (let order = 0; order < 256; order++) {
    const [low, high] = [new Host(1), new Host(2)];
    low.send(high, "from low");
    high.send(low, "from high");
    const links = [new TestLink(low, high), new TestLink(high, low)];
    const steps = [0, 0];
    for (let i = 0; i < 8; i++) {
      const index = (order >> i) & 1;
      links[index].deliver(steps[index]++ % 2 === 0 ? 1 : 0);
      for (const host of [low, high]) host.sessions.flush(clock.now);
    }
    for (let i = 0; i < 6; i++) for (const link of links) link.run();
    const label = `order ${order}`;
    assertEquals([low.arrived, high.arrived], [["from high"], ["from low"]], label);
    assertEquals([low.ends, high.ends, low.openedCount, high.openedCount], [[], [], 1, 1], label);
    assertEquals([low.with(high)!.connected, high.with(low)!.connected], [true, true], label);
    assertEquals(links.filter((link) => !link.closed[0] && !link.closed[1]).length, 1, label);
  }
});

Deno.test("crossing redials resume one session, in every order of their frames", () => {
  for (let order = 0; order < 256; order++) {
    const [low, high] = [new Host(1), new Host(2)];
    connect(low, high).cut();
    low.send(high, "from low");
    high.send(low, "from high");
    const links = [new TestLink(low, high), new TestLink(high, low)];
    const steps = [0, 0];
    for (let i = 0; i < 8; i++) {
      const index = (order >> i) & 1;
      links[index].deliver(steps[index]++ % 2 === 0 ? 1 : 0);
      for (const host of [low, high]) host.sessions.flush(clock.now);
    }
    for (let i = 0; i < 6; i++) for (const link of links) link.run();
    assertEquals([low.arrived, high.arrived], [["from high"], ["from low"]], `order ${order}`);
    assertEquals([low.ends, high.ends, low.openedCount, high.openedCount], [[], [], 1, 1]);
    assertEquals([low.with(high)!.connected, high.with(low)!.connected], [true, true], `order ${order}`);
  }
});

Deno.test("a peer that does not know its link is dead accepts the next one", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const first = connect(a, b);
  first.connections[0].closed(0);
  assertEquals([a.with(b)!.connected, b.with(a)!.connected], [false, true]);
  a.send(b, "again");
  connect(a, b);
  assertEquals([b.arrived, first.closed[1], b.ends], [["again"], true, []]);
});

Deno.test("a dial of a connected peer finds its session and closes the link", () => {
  const [a, b] = [new Host(1), new Host(2)];
  connect(a, b);
  const link = connect(a, b);
  assertEquals(a.outcomes.at(-1), { kind: "connected", session: a.with(b)! });
  assertEquals(link.closed[0], true);
});

Deno.test("a second dial of the same peer gives way to the first", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const [first, second] = [new TestLink(a, b), new TestLink(a, b)];
  for (const link of [first, second]) link.deliver(1);
  for (const link of [first, second]) link.deliver(0);
  assertEquals(a.outcomes, [{ kind: "crossed" }]);
  first.run();
  assertEquals(a.outcomes.at(-1)!.kind, "connected");
});

Deno.test("a dial says when another joining is there, or this very one", () => {
  const [a, old, young] = [new Host(1), new Host(2), new Host(3)];
  new TestLink(a, young, { expected: old.id }).run();
  assertEquals(a.outcomes, [{ kind: "another peer", id: young.id }]);
  new TestLink(a, a).run();
  assertEquals(a.outcomes[1], { kind: "self" });
  assertEquals([a.openedCount, a.sessions.refusedHandshakes], [0, 0]);
});

Deno.test("a joining that restarts is another one: nothing of the old session reaches it", () => {
  const [a, old, young] = [new Host(1), new Host(2), new Host(3)];
  connect(a, old).cut();
  a.send(old, "for the old one");
  connect(a, young);
  assertEquals([young.arrived, a.with(old)!.connected], [[], false]);
  pass(10, a, young);
  assertEquals([a.with(old), young.arrived], [null, []]);
});

Deno.test("versions: the highest that both speak, else both sides' are told", () => {
  const [a, b] = [new Host(1, { versions: [1, 3] }), new Host(2, { versions: [2, 5] })];
  connect(a, b);
  assertEquals(a.outcomes[0].kind, "connected");
  const [c, d] = [new Host(3, { versions: [1, 2] }), new Host(4, { versions: [3, 4] })];
  connect(c, d);
  assertEquals(c.outcomes, [{ kind: "versions", own: [1, 2], other: [3, 4] }]);
  assertEquals([d.sessions.refusedHandshakes, d.with(c)], [1, null]);
  connect(d, c);
  assertEquals(d.outcomes, [{ kind: "versions", own: [3, 4], other: [1, 2] }]);
});

Deno.test("a wrong secret and a wrong network are told to the dialer and counted at the acceptor", () => {
  const wrong = [new Host(1, {}, "another secret altogether"), new Host(1, { network: "other" })];
  for (const a of wrong) {
    const b = new Host(2);
    a.send(b, "not for you");
    connect(a, b);
    assertEquals([a.outcomes, b.sessions.refusedHandshakes], [[{ kind: "authentication" }], 1]);
    assertEquals([b.arrived, b.openedCount, a.openedCount], [[], 0, 0]);
  }
});

Deno.test("an acceptor that cannot prove that it knows the secret is not believed", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = new TestLink(a, b);
  for (const to of [1, 0, 1] as const) link.deliver(to);
  link.frames[0][0][link.frames[0][0].length - 1] ^= 1;
  link.deliver(0);
  assertEquals([a.outcomes, a.openedCount], [[{ kind: "authentication" }], 0]);
});

Deno.test("a peer beyond maxPeers is refused; one that is known is not", () => {
  const b = new Host(9, { maxPeers: 1 });
  const [a, c] = [new Host(1), new Host(2)];
  connect(a, b).cut();
  connect(c, b);
  assertEquals(c.outcomes, [{ kind: "full" }]);
  assertEquals(b.sessions.refusedHandshakes, 1);
  connect(a, b);
  assertEquals(a.outcomes.at(-1)!.kind, "connected");
});

Deno.test("a connection that says nothing is closed after 5 s", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = new TestLink(a, b);
  pass(4.8, b);
  assertEquals(link.closed[1], false);
  pass(0.3, b);
  assertEquals([link.closed[1], b.sessions.sizes.handshakes], [true, 0]);
});

Deno.test("a dial without a response ends before the peer is lost, so that it can be repeated", () => {
  const [a, b] = [new Host(1), new Host(2)];
  new TestLink(a, b);
  pass(2.6, a);
  assertEquals([a.outcomes, a.sessions.sizes.handshakes], [[{ kind: "timeout" }], 0]);
});

Deno.test("a dial that is not wanted any more leaves nothing behind, at any point of it", () => {
  for (let steps = 0; steps <= 3; steps++) {
    const [a, b] = [new Host(1), new Host(2)];
    const link = new TestLink(a, b);
    for (let i = 0; i < steps; i++) link.deliver(i % 2 === 0 ? 1 : 0);
    link.connections[0].closed(0);
    assertEquals([a.outcomes, link.closed[0]], [[{ kind: "closed" }], true]);
    link.connections[1].closed(0);
    pass(40, a, b);
    for (const host of [a, b]) assertEquals(host.sessions.sizes, { peers: 0, handshakes: 0, flushes: 0 });
  }
});

Deno.test("at the 65th connection that has not been authenticated the oldest is closed, and a valid peer joins", () => {
  const b = new Host(2);
  const silent = Array.from({ length: 200 }, () => new TestLink(new Host(7), b));
  assertEquals(silent.filter((link) => !link.closed[1]).length, 64);
  assertEquals([silent[135].closed[1], silent[136].closed[1]], [true, false]);
  const a = new Host(1);
  connect(a, b);
  assertEquals(a.outcomes[0].kind, "connected");
});

Deno.test("session numbers are never used again, and each side offers its own", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const numbers: number[] = [];
  for (let i = 0; i < 10; i++) {
    const link = i % 3 === 0 ? connect(a, b) : connect(b, a);
    numbers.push(a.with(b)!.number);
    (i % 2 === 0 ? a : b).sessions.sessionWith(i % 2 === 0 ? b.id : a.id)!.leave(clock.now);
    link.run();
  }
  assertEquals(new Set(numbers).size, 10);
});

Deno.test("memory returns to its level when peers come and go", () => {
  const b = new Host(250);
  for (let i = 1; i <= 200; i++) {
    const a = new Host(i);
    const link = connect(a, b);
    a.send(b, "hello");
    link.run();
    if (i % 3 === 0) a.with(b)!.leave(clock.now);
    if (i % 3 === 1) new TestLink(a, b);
    link.run();
    link.cut();
  }
  assert(b.sessions.sizes.peers > 100);
  pass(40, b);
  assertEquals(b.sessions.sizes, { peers: 0, handshakes: 0, flushes: 0 });
  assertEquals([...b.sessions], []);
  assertEquals(b.sessions.nextDeadline, Infinity);
});
