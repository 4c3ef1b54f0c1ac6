/**
 * The bodies of the frames of a handshake. Layouts are fixed; what varies is the introduction at the end.
 *
 *     HELLO     magic 8, lowest and highest version u16 each, id 16, nonce 32,
 *               longest message u32, longest frame u32, peer timeout u32 (ms)
 *     PROOF     numbers of sessions 4 x u64 (the one it has, then those it has offered; 0: none), the one that it has
 *               left u64 (0: none), received u64, introduction (u16 length, bytes), tag 32
 *     WELCOME   number of the session u64, received u64, introduction, tag 32
 *     REFUSE    code u8, lowest and highest version u16 each, tag 32 (zero before the dialer has been authenticated)
 *
 * Magic and versions stand first in HELLO for all versions to come. A HELLO may be longer if its sender knows versions
 * that this side does not.
 *
 * The introduction is what a peer says of itself, such as its name and address. The session does not read it.
 */
import { bodyOf, BodyReader, FrameWriter, Kind, MalformedFrameError, MAX_HANDSHAKE_FRAME } from "./frame.ts";

/** The bytes of an id. */
export const ID_BYTES = 16;
/** The bytes of a nonce. */
export const NONCE_BYTES = 32;
/** The bytes of a tag. */
export const TAG_BYTES = 32;
/** How many session numbers a PROOF names: the one that its sender has, and those that it has offered. */
export const CLAIMED_NUMBERS = 4;
/** The bytes that an introduction may have. */
export const MAX_INTRODUCTION = 384;

const MAGIC = new TextEncoder().encode("asyncoro");
const NO_TAG = new Uint8Array(TAG_BYTES);
const HELLO_BODY = MAGIC.length + 2 * 2 + ID_BYTES + NONCE_BYTES + 3 * 4;
const REFUSE_BODY = 1 + 2 * 2 + TAG_BYTES;

/** The lowest and the highest version that a side speaks; it speaks those between them. */
export type VersionRange = readonly [lowest: number, highest: number];

/** What HELLO says. */
export interface Hello {
  /** The versions. */
  readonly versions: VersionRange;
  /** The id of the joining. */
  readonly id: Uint8Array;
  /** Random bytes, fresh for each link. */
  readonly nonce: Uint8Array;
  /** The bytes of the longest message that it takes. */
  readonly maxMessage: number;
  /** The bytes of the longest frame that it takes on this link. */
  readonly maxFrame: number;
  /** After how many seconds without a frame it gives up. */
  readonly peerTimeout: number;
}

/** What PROOF says. */
export interface Claim {
  /** The number of the session that the dialer has; 0: none. */
  readonly current: number;
  /** The numbers that the dialer has offered and whose start it has not seen. */
  readonly offered: readonly number[];
  /** The number of the last session that the dialer has left; 0: none. */
  readonly left: number;
  /** The sequence number up to which it has received, in its session. */
  readonly received: number;
  /** What the dialer says of itself. */
  readonly introduction: Uint8Array;
}

/** What WELCOME says. */
export interface Welcome {
  /** The number of the session to start or to resume. */
  readonly number: number;
  /** The sequence number up to which the acceptor has received; 0 for a new session. */
  readonly received: number;
  /** What the acceptor says of itself. */
  readonly introduction: Uint8Array;
}

/** Why an acceptor refuses. The values are those on the wire. */
export const Refusal = {
  /** No version that both speak. */
  VERSION: 1,
  /** The secret or the name of the network differs. */
  AUTHENTICATION: 2,
  /** The dialer is the acceptor. */
  SELF: 3,
  /** The acceptor has as many peers as it takes. */
  FULL: 4,
  /** The acceptor dials too, and its own link is to stay. */
  CROSSING: 5,
  /** The session that the dialer wants to resume has been left by the acceptor. */
  LEFT: 6,
} as const;

/** What REFUSE says. */
export interface Refused {
  /** One of {@linkcode Refusal}. */
  readonly code: number;
  /** The versions that the acceptor speaks. */
  readonly versions: VersionRange;
  /** Proves that the acceptor knows the secret, for codes that end a session. */
  readonly tag: Uint8Array;
}

/** A body and the tag at its end. */
export interface Tagged<T> {
  /** What the frame says. */
  readonly content: T;
  /** The bytes that the tag covers. */
  readonly covered: Uint8Array;
  /** The tag. */
  readonly tag: Uint8Array;
}

/** Makes a HELLO. */
export function encodeHello(hello: Hello): Uint8Array<ArrayBuffer> {
  return new FrameWriter(Kind.HELLO, HELLO_BODY)
    .bytes(MAGIC).u16(hello.versions[0]).u16(hello.versions[1])
    .bytes(hello.id).bytes(hello.nonce)
    .u32(atMost32Bits(hello.maxMessage)).u32(hello.maxFrame)
    .u32(atMost32Bits(Math.ceil(hello.peerTimeout * 1000))).frame;
}

/**
 * Reads the versions of a HELLO, which are where they are in every version.
 *
 * @throws {MalformedFrameError} If the frame is not a HELLO.
 */
export function decodeVersions(frame: Uint8Array): VersionRange {
  return readVersions(helloReader(frame));
}

/** Reads a HELLO whose sender speaks a version that this side speaks. `highest` is the highest of this side. */
export function decodeHello(frame: Uint8Array, highest: number): Hello {
  const reader = helloReader(frame);
  const versions = readVersions(reader);
  // Copied: a frame is valid during the call only.
  const id = reader.bytes(ID_BYTES).slice();
  const nonce = reader.bytes(NONCE_BYTES).slice();
  const [maxMessage, maxFrame, timeout] = [reader.u32(), reader.u32(), reader.u32()];
  if (versions[1] <= highest) reader.end();
  if (maxFrame < MAX_HANDSHAKE_FRAME || timeout === 0) throw new MalformedFrameError("HELLO has an impossible limit");
  return { versions, id, nonce, maxMessage, maxFrame, peerTimeout: timeout / 1000 };
}

/** Makes a PROOF whose tag is still to be written. */
export function encodeProof(claim: Claim): Uint8Array<ArrayBuffer> {
  const numbers = [claim.current, ...claim.offered];
  const fixed = 8 * CLAIMED_NUMBERS + 8 + 8 + 2 + TAG_BYTES;
  const writer = new FrameWriter(Kind.PROOF, fixed + claim.introduction.length);
  for (let i = 0; i < CLAIMED_NUMBERS; i++) writer.u64(numbers[i] ?? 0);
  writer.u64(claim.left).u64(claim.received).u16(claim.introduction.length).bytes(claim.introduction);
  return writer.frame;
}

/** Reads a PROOF. */
export function decodeProof(frame: Uint8Array): Tagged<Claim> {
  const reader = readerOf(frame, Kind.PROOF);
  const [current, ...offered] = Array.from({ length: CLAIMED_NUMBERS }, () => reader.u64());
  const [left, received] = [reader.u64(), reader.u64()];
  const introduction = readIntroduction(reader);
  const content = { current, offered: offered.filter((number) => number > 0), left, received, introduction };
  return tagged(frame, reader, content);
}

/** Makes a WELCOME whose tag is still to be written. */
export function encodeWelcome(welcome: Welcome): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter(Kind.WELCOME, 8 + 8 + 2 + welcome.introduction.length + TAG_BYTES);
  writer.u64(welcome.number).u64(welcome.received);
  writer.u16(welcome.introduction.length).bytes(welcome.introduction);
  return writer.frame;
}

/** Reads a WELCOME. */
export function decodeWelcome(frame: Uint8Array): Tagged<Welcome> {
  const reader = readerOf(frame, Kind.WELCOME);
  const [number, received] = [reader.u64(), reader.u64()];
  if (number === 0) throw new MalformedFrameError("WELCOME names no session");
  return tagged(frame, reader, { number, received, introduction: readIntroduction(reader) });
}

/** Makes a REFUSE. */
export function encodeRefuse(code: number, versions: VersionRange, tag: Uint8Array = NO_TAG): Uint8Array<ArrayBuffer> {
  return new FrameWriter(Kind.REFUSE, REFUSE_BODY).u8(code).u16(versions[0]).u16(versions[1]).bytes(tag).frame;
}

/** Reads a REFUSE. */
export function decodeRefuse(frame: Uint8Array): Refused {
  const reader = readerOf(frame, Kind.REFUSE);
  const code = reader.u8();
  const versions = readVersions(reader);
  const tag = reader.bytes(TAG_BYTES);
  reader.end();
  return { code, versions, tag };
}

/** What the tag of a PROOF or WELCOME covers: its body before the tag. */
export function coveredBytes(frame: Uint8Array): Uint8Array {
  const body = bodyOf(frame);
  return body.subarray(0, body.length - TAG_BYTES);
}

/** Writes the tag of a PROOF or WELCOME. */
export function writeTag(frame: Uint8Array, tag: Uint8Array): void {
  frame.set(tag, frame.length - TAG_BYTES);
}

function atMost32Bits(value: number): number {
  return Math.min(value, 2 ** 32 - 1);
}

function tagged<T>(frame: Uint8Array, reader: BodyReader, content: T): Tagged<T> {
  const tag = reader.bytes(TAG_BYTES);
  reader.end();
  return { content, covered: coveredBytes(frame), tag };
}

function readIntroduction(reader: BodyReader): Uint8Array {
  const length = reader.u16();
  if (length > MAX_INTRODUCTION) throw new MalformedFrameError(`Introduction is too long: ${length} bytes`);
  return reader.bytes(length).slice();
}

function readVersions(reader: BodyReader): VersionRange {
  const [lowest, highest] = [reader.u16(), reader.u16()];
  if (lowest > highest) throw new MalformedFrameError(`Versions are not a range: ${lowest} to ${highest}`);
  return [lowest, highest];
}

function helloReader(frame: Uint8Array): BodyReader {
  const reader = readerOf(frame, Kind.HELLO);
  const magic = reader.bytes(MAGIC.length);
  if (magic.some((byte, i) => byte !== MAGIC[i])) throw new MalformedFrameError("HELLO is of another protocol");
  return reader;
}

function readerOf(frame: Uint8Array, kind: number): BodyReader {
  if (frame[4] !== kind) throw new MalformedFrameError(`Frame of kind ${frame[4]} where ${kind} is due`);
  return new BodyReader(bodyOf(frame));
}
