import { assertEquals, assertThrows } from "@std/assert";
import { bodyOf, BodyReader, FrameWriter, Kind, MalformedFrameError } from "../../../core/distributed/session/frame.ts";
import * as handshake from "../../../core/distributed/session/handshake_frames.ts";
import * as session from "../../../core/distributed/session/session_frames.ts";

const bytes = (count: number, value = 7) => new Uint8Array(count).fill(value);

const HELLO = {
  versions: [1, 3],
  id: bytes(16),
  nonce: bytes(32),
  maxMessage: 8 << 20,
  maxFrame: 65_536,
  peerTimeout: 10,
} as const;
const CLAIM = { current: 4, offered: [3, 5, 7], left: 2, received: 12, introduction: bytes(384) };

/** Each frame with how it is read. */
const FRAMES: [name: string, frame: Uint8Array, decode: (frame: Uint8Array) => unknown][] = [
  ["HELLO", handshake.encodeHello(HELLO), (frame) => handshake.decodeHello(frame, 3)],
  ["PROOF", handshake.encodeProof(CLAIM), handshake.decodeProof],
  ["WELCOME", handshake.encodeWelcome({ number: 4, received: 9, introduction: bytes(384) }), handshake.decodeWelcome],
  ["REFUSE", handshake.encodeRefuse(3, [1, 3]), handshake.decodeRefuse],
  ["DATA", session.encodeData({ first: 1, ack: 2, operations: [bytes(3), bytes(0), bytes(9)] }, 0), session.decodeData],
  ["PING", session.encodePing({ last: 2 ** 40, ack: 2, resend: true, assembled: 5 }, 0), session.decodePing],
  ["BYE", session.encodeBye({ ack: 2, reason: "lost" }, 0), session.decodeBye],
];

Deno.test("frames are read as they were written", () => {
  const read = Object.fromEntries(FRAMES.map(([name, frame, decode]) => [name, decode(frame)]));
  assertEquals(read.HELLO, HELLO);
  assertEquals((read.PROOF as handshake.Tagged<unknown>).content, CLAIM);
  assertEquals((read.WELCOME as handshake.Tagged<handshake.Welcome>).content.received, 9);
  assertEquals(read.REFUSE, { code: 3, versions: [1, 3], tag: bytes(32, 0) });
  assertEquals(read.DATA, { first: 1, ack: 2, operations: [bytes(3), bytes(0), bytes(9)] });
  assertEquals(read.PING, { last: 2 ** 40, ack: 2, resend: true, assembled: 5 });
  assertEquals(read.BYE, { ack: 2, reason: "lost" });
  const part = { sequence: 2 ** 33, ack: 0, total: 100, offset: 40, bytes: bytes(60) };
  assertEquals(session.decodePart(session.encodePart(part, 0)), part);
});

Deno.test("frames before authentication have 512 bytes at the most", () => {
  for (const [name, frame] of FRAMES.slice(0, 4)) assertEquals(frame.length <= 512, true, name);
});

Deno.test("a frame that is a byte too short or too long is malformed", () => {
  for (const [name, frame, decode] of FRAMES) {
    assertThrows(() => decode(frame.subarray(0, -1)), MalformedFrameError, undefined, name);
    assertThrows(() => decode(Uint8Array.from([...frame, 0])), MalformedFrameError, undefined, name);
    assertThrows(() => decode(frame.subarray(0, 5)), MalformedFrameError, undefined, name);
  }
});

Deno.test("numbers out of range are malformed", () => {
  const frame = (kind: number, write: (writer: FrameWriter) => void, size: number) => {
    const writer = new FrameWriter(kind, size);
    write(writer);
    return writer.frame;
  };
  const tooLarge = frame(Kind.PING, (w) => w.u32(0xffffffff).u32(0xffffffff), 21);
  assertThrows(() => session.decodePing(tooLarge), MalformedFrameError, "too large");
  assertThrows(
    () => session.decodePing(frame(Kind.PING, (w) => w.u64(1).u64(1).u8(2), 21)),
    MalformedFrameError,
    "Flag",
  );
  assertThrows(() => session.decodeData(frame(Kind.DATA, (w) => w.u64(0).u64(1).u32(0), 20)), MalformedFrameError);
  const length = frame(Kind.DATA, (w) => w.u64(1).u64(1).u32(0xffffffff), 20);
  assertThrows(() => session.decodeData(length), MalformedFrameError, "too early");
  const outside = session.encodePart({ sequence: 1, ack: 0, total: 10, offset: 8, bytes: bytes(3) }, 0);
  assertThrows(() => session.decodePart(outside), MalformedFrameError, "outside");
});

Deno.test("a HELLO may be longer only if its sender knows a later version", () => {
  const longer = Uint8Array.from([...handshake.encodeHello(HELLO), 1, 2, 3]);
  assertEquals(handshake.decodeHello(longer, 2).versions, [1, 3]);
  assertThrows(() => handshake.decodeHello(longer, 3), MalformedFrameError);
});

Deno.test("versions are read of any HELLO, other protocols are malformed", () => {
  const hello = handshake.encodeHello(HELLO);
  assertEquals(handshake.decodeVersions(hello.subarray(0, 20)), [1, 3]);
  hello[5] ^= 1;
  assertThrows(() => handshake.decodeVersions(hello), MalformedFrameError, "of another protocol");
});

Deno.test("a BodyReader does not read beyond its body", () => {
  const reader = new BodyReader(bodyOf(new FrameWriter(1, 3).u8(1).u16(2).frame));
  assertEquals([reader.u8(), reader.u16(), reader.left], [1, 2, 0]);
  assertThrows(() => reader.u8(), MalformedFrameError);
});
