/** What strangers, and peers that misbehave, can do: close their own link, and nothing else. */
import { assert, assertEquals } from "@std/assert";
import { FrameWriter, Kind, kindOf } from "../../../core/distributed/session/frame.ts";
import type { Connection } from "../../../core/distributed/session/connection.ts";
import { Random } from "../../soak/random.ts";
import { clock, connect, Host, TestLink } from "./hosts.ts";

const KINDS = Object.values(Kind);

/** Accepts a link from a stranger. What is written to the stranger is in `written`. */
function stranger(host: Host) {
  const written: Uint8Array[] = [];
  const state = { closed: false };
  const wire = {
    maxFrame: 65_536,
    queued: 0,
    write: (frame: Uint8Array) => void written.push(frame),
    close: () => void (state.closed = true),
  };
  const connection = host.sessions.accept(wire, host.security, clock.now);
  return { connection, written, state, send: (bytes: Uint8Array) => connection.receive(bytes, clock.now) };
}

/** The bytes that a connection keeps. */
function keptBytes(connection: Connection): number {
  return (connection as unknown as { splitter: { held: Uint8Array } }).splitter.held.length;
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A frame of any kind with a random body; its numbers are small at times, so that it is nearly valid. */
function randomFrame(random: Random): Uint8Array {
  const length = random.below(80);
  const body = random.chance(0.5) ? randomBytes(random, length) : new Uint8Array(length);
  for (let i = random.below(4); i > 0 && length > 0; i--) body[random.below(length)] = random.below(4);
  return new FrameWriter(random.below(10), length).bytes(body).frame;
}

Deno.test("strangers that send garbage, or another protocol, get no reply and lose their link", () => {
  const host = new Host(2);
  const text = (value: string) => new TextEncoder().encode(value);
  for (
    const bytes of [text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), text("\x16\x03\x01\x02\x00"), text("\0\0\0\0")]
  ) {
    const { written, state, send } = stranger(host);
    send(bytes);
    assertEquals([written, state.closed], [[], true]);
  }
  assertEquals(host.sessions.refusedHandshakes, 3);
  assertEquals(host.sessions.sizes, { peers: 0, handshakes: 0, flushes: 0 });
});

Deno.test("a length of 4 GiB closes the link, and nothing is allocated for it", () => {
  const { connection, state, send } = stranger(new Host(2));
  send(Uint8Array.of(255, 255, 255));
  assertEquals([state.closed, keptBytes(connection) <= 64], [false, true]);
  send(Uint8Array.of(255));
  assertEquals([state.closed, keptBytes(connection)], [true, 0]);
});

Deno.test("a stranger never has more than 512 bytes kept, in whatever pieces it sends", () => {
  const host = new Host(2);
  const random = new Random(3);
  for (let round = 0; round < 500; round++) {
    const { connection, state, send } = stranger(host);
    for (let i = 0; i < 50 && !state.closed; i++) {
      send(randomBytes(random, random.from(1, 40)).map((byte, at) => at < 3 ? 0 : byte));
      assert(keptBytes(connection) <= 512);
    }
  }
  assertEquals([host.openedCount, host.arrived], [0, []]);
});

Deno.test("every kind of frame in every wrong state closes the link", () => {
  for (const kind of KINDS) {
    for (let steps = 0; steps <= 4; steps++) {
      const [a, b] = [new Host(1), new Host(2)];
      const link = new TestLink(a, b);
      for (let i = 0; i < steps; i++) link.deliver(i % 2 === 0 ? 1 : 0);
      for (const to of [0, 1] as const) {
        const connection = link.connections[to];
        connection.receive(new FrameWriter(kind, 0).frame, clock.now);
        assertEquals([connection.isClosed, link.closed[to]], [true, true], `kind ${kind} after ${steps} steps`);
      }
      assertEquals([a.arrived, b.arrived], [[], []]);
    }
  }
});

Deno.test("a handshake in which any byte was changed opens no session", () => {
  const random = new Random(5);
  for (let frame = 0; frame < 4; frame++) {
    const length = lengthOfFrame(frame);
    for (let at = 0; at < length; at++) {
      const [a, b] = [new Host(1), new Host(2)];
      const link = new TestLink(a, b);
      for (let i = 0; i < 5; i++) {
        const to = i % 2 === 0 ? 1 : 0;
        if (i === frame && link.frames[to].length > 0) link.frames[to][0][at] ^= 1 << random.below(8);
        link.deliver(to);
        a.sessions.flush(clock.now);
      }
      assertEquals(b.openedCount, 0, `byte ${at} of frame ${frame}`);
      // The acceptor may have been sure before its WELCOME was changed.
      assertEquals(a.openedCount, 0, `byte ${at} of frame ${frame}`);
    }
  }
});

Deno.test("a recorded handshake is worth nothing, neither while its session lives nor later", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const recorded = connect(a, b);
  a.send(b, "1");
  recorded.run();
  for (const later of [false, true]) {
    if (later) {
      a.with(b)!.leave(clock.now);
      recorded.run();
    }
    const refused = b.sessions.refusedHandshakes;
    const { send, state, written } = stranger(b);
    for (const frame of recorded.written[1]) send(frame.slice());
    assertEquals([state.closed, written.map(kindOf)], [true, [Kind.HELLO, Kind.REFUSE]]);
    assertEquals(b.sessions.refusedHandshakes, refused + 1);
    assertEquals([b.arrived, b.openedCount], [["1"], 1]);
    assertEquals(b.with(a)?.connected, later ? undefined : true);
  }
});

Deno.test("an acceptor's recorded frames do not convince a dialer", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const recorded = connect(a, b);
  recorded.cut();
  const again = new TestLink(a, b);
  for (const frame of recorded.written[0]) again.connections[0].receive(frame.slice(), clock.now);
  assertEquals([a.outcomes.at(-1), a.with(b)!.connected], [{ kind: "authentication" }, false]);
});

Deno.test("a frame that is sent again closes the link, and the session resumes", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = connect(a, b);
  a.send(b, "1");
  link.run();
  link.connections[1].receive(link.written[1].at(-1)!, clock.now);
  assertEquals([b.arrived, link.closed[1], b.ends], [["1"], true, []]);
  link.connections[0].closed(0);
  a.send(b, "2");
  connect(a, b);
  assertEquals(b.arrived, ["1", "2"]);
});

Deno.test("frames in another order close the link, and the session resumes", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = connect(a, b);
  for (const text of ["1", "2"]) {
    a.send(b, text);
    a.sessions.flush(clock.now);
  }
  link.frames[1].reverse();
  link.run();
  assertEquals([b.arrived, link.closed[1]], [[], true]);
  connect(a, b);
  assertEquals(b.arrived, ["1", "2"]);
});

Deno.test("a side's own frames that are sent back to it open nothing", () => {
  const a = new Host(1);
  const sent: Uint8Array[] = [];
  const state = { closed: false };
  const wire = {
    maxFrame: 65_536,
    queued: 0,
    write: (frame: Uint8Array) => void sent.push(frame),
    close: () => void (state.closed = true),
  };
  const connection = a.sessions.dial(wire, a.security, clock.now);
  for (let frame; (frame = sent.shift()) !== undefined;) connection.receive(frame, clock.now);
  assertEquals([a.outcomes, state.closed], [[{ kind: "impostor" }], true]);

  // With another id in the HELLO, the dialer goes on until its own PROOF comes back.
  const second = a.sessions.dial(wire, a.security, clock.now);
  const hello = sent.shift()!;
  hello[5 + 8 + 4] ^= 1;
  second.receive(hello, clock.now);
  assertEquals(kindOf(sent[0]), Kind.PROOF);
  second.receive(sent.shift()!, clock.now);
  assertEquals([a.outcomes[1].kind, a.openedCount], ["malformed", 0]);
});

Deno.test("a stranger between two handshakes cannot have one side prove for the other", () => {
  // The stranger dials b in a's name, and has a dial the stranger at the same time: it passes a's PROOF on to b.
  const [a, b] = [new Host(1), new Host(2)];
  const { send, written, state } = stranger(b);
  const genuine = new TestLink(a, new Host(3));
  send(genuine.written[1][0].slice());
  genuine.run();
  const proof = genuine.written[1].find((frame) => kindOf(frame) === Kind.PROOF)!;
  send(proof.slice());
  assertEquals([written.map(kindOf), state.closed, b.openedCount], [[Kind.HELLO, Kind.REFUSE], true, 0]);
});

Deno.test("frames of a session that are sent back to their sender close the link", () => {
  const [a, b] = [new Host(1), new Host(2)];
  const link = connect(a, b);
  a.send(b, "1");
  link.run();
  link.connections[0].receive(link.written[1].at(-1)!, clock.now);
  assertEquals([a.arrived, link.closed[0], a.ends], [[], true, []]);
});

Deno.test("a peer that announces too much closes its link: nothing is allocated for it", () => {
  const [a, b] = [new Host(1), new Host(2, { maxMessage: 1000 })];
  const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  const bodies = [
    [Kind.PART, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, ...u32(0xffffffff), ...u32(0), 1],
    [Kind.DATA, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, ...u32(0xffffffff), 1],
    [Kind.PING, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 99, 0, ...u32(0)],
    [Kind.PING, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, ...u32(77)],
    [Kind.HELLO],
    [99],
  ];
  for (const body of bodies) {
    const link = connect(a, b);
    a.with(b)!.forge(Uint8Array.from(body));
    link.run();
    assertEquals([link.closed[1], b.arrived, b.ends], [true, [], []], `${body}`);
  }
});

Deno.test("random frames of a peer throw nothing, and the session is what it was", () => {
  const random = new Random(11);
  for (let round = 0; round < 400; round++) {
    const [a, b] = [new Host(1, { maxMessage: 1000 }), new Host(2, { maxMessage: 1000 })];
    const link = connect(a, b);
    a.send(b, "1");
    link.run();
    for (let i = 0; i < 10 && a.with(b)?.connected; i++) {
      a.with(b)!.forge(randomFrame(random).subarray(4));
      link.run();
    }
    const kept = (b.with(a) as unknown as { receiving: { assembly: Uint8Array | null } } | null)?.receiving.assembly;
    assert((kept?.length ?? 0) <= 1000 + 65_536);
    assertEquals(b.arrived[0], "1");
  }
});

Deno.test("random and damaged frames at any point of a handshake throw nothing and open nothing", () => {
  const random = new Random(13);
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [new Host(1), new Host(2)];
    const link = new TestLink(a, b);
    for (let i = random.below(4); i > 0; i--) link.deliver(link.frames[1].length > 0 ? 1 : 0);
    const to = random.below(2) as 0 | 1;
    const genuine = link.frames[to][0];
    const frame = genuine !== undefined && random.chance(0.5)
      ? genuine.subarray(0, random.below(genuine.length))
      : randomFrame(random);
    const connection = link.connections[to];
    connection.receive(frame.slice(), clock.now);
    connection.receive(randomFrame(random), clock.now);
    assertEquals([a.arrived, b.arrived, b.openedCount], [[], [], 0]);
  }
});

/** The bytes of the nth frame of a handshake. */
function lengthOfFrame(index: number): number {
  const link = connect(new Host(1), new Host(2));
  return [link.written[1][0], link.written[0][0], link.written[1][1], link.written[0][1]][index].length;
}
