/**
 * The bodies of the frames of a session.
 *
 *     DATA   sequence number of the first operation u64, ack u64, then for each operation u32 length and its bytes
 *     PART   sequence number u64, ack u64, length of the operation u32, offset u32, bytes of it
 *     PING   the last sequence number written u64, ack u64, u8: 1 asks to send again what follows the ack,
 *            u32: of the first operation after the ack only what follows these bytes
 *     BYE    ack u64, u8: 0 the sender has left, 1 it has given up
 *
 * The ack is the sequence number up to which the sender of the frame has received. Operations are numbered from 1 in
 * each session and direction.
 */
import { bodyOf, BodyReader, FrameWriter, HEADER_BYTES, Kind, MalformedFrameError } from "./frame.ts";

const NUMBERS_BYTES = 8 + 8;
/** The bytes before each operation in DATA. */
export const OPERATION_HEADER = 4;
/** What DATA adds to its operations and their headers. */
export const DATA_OVERHEAD = HEADER_BYTES + NUMBERS_BYTES;
/** What PART adds to its bytes. */
export const PART_OVERHEAD = HEADER_BYTES + NUMBERS_BYTES + 4 + 4;

/** Why a session ended: a side has left, or a side has not been heard. */
export type EndReason = "left" | "lost";

/** Several operations, in order. */
export interface Data {
  /** The sequence number of the first. */
  readonly first: number;
  /** See the head of this file. */
  readonly ack: number;
  /** The operations, as views of the frame. */
  readonly operations: readonly Uint8Array[];
}

/** A part of an operation that does not fit into one frame. */
export interface Part {
  /** The sequence number of the operation. */
  readonly sequence: number;
  /** See the head of this file. */
  readonly ack: number;
  /** The bytes of the whole operation. */
  readonly total: number;
  /** Where this part begins. */
  readonly offset: number;
  /** The part, as a view of the frame. */
  readonly bytes: Uint8Array;
}

/** A sign of life, and what the other side needs to find a loss. */
export interface Ping {
  /** The last sequence number that was written on this link. */
  readonly last: number;
  /** See the head of this file. */
  readonly ack: number;
  /** Whether what follows the ack is to be sent again. */
  readonly resend: boolean;
  /** How many bytes of the first operation after the ack have come, in parts. */
  readonly assembled: number;
}

/** The end of a session. */
export interface Bye {
  /** See the head of this file. */
  readonly ack: number;
  /** Why. */
  readonly reason: EndReason;
}

/** Makes a DATA. */
export function encodeData(data: Data, sealBytes: number): Uint8Array<ArrayBuffer> {
  let bytes = NUMBERS_BYTES;
  for (const operation of data.operations) bytes += OPERATION_HEADER + operation.length;
  const writer = new FrameWriter(Kind.DATA, bytes, sealBytes).u64(data.first).u64(data.ack);
  for (const operation of data.operations) writer.u32(operation.length).bytes(operation);
  return writer.frame;
}

/** Reads a DATA. */
export function decodeData(frame: Uint8Array): Data {
  const reader = new BodyReader(bodyOf(frame));
  const [first, ack] = [sequenceNumber(reader), reader.u64()];
  const operations: Uint8Array[] = [];
  do operations.push(reader.bytes(reader.u32())); while (reader.left > 0);
  return { first, ack, operations };
}

/** Makes a PART. */
export function encodePart(part: Part, sealBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = PART_OVERHEAD - HEADER_BYTES + part.bytes.length;
  return new FrameWriter(Kind.PART, bytes, sealBytes)
    .u64(part.sequence).u64(part.ack).u32(part.total).u32(part.offset).bytes(part.bytes).frame;
}

/** Reads a PART. */
export function decodePart(frame: Uint8Array): Part {
  const reader = new BodyReader(bodyOf(frame));
  const [sequence, ack, total, offset] = [sequenceNumber(reader), reader.u64(), reader.u32(), reader.u32()];
  const bytes = reader.bytes(reader.left);
  if (bytes.length === 0 || offset + bytes.length > total) {
    throw new MalformedFrameError("PART is outside its operation");
  }
  return { sequence, ack, total, offset, bytes };
}

/** Makes a PING. */
export function encodePing(ping: Ping, sealBytes: number): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter(Kind.PING, NUMBERS_BYTES + 1 + 4, sealBytes);
  return writer.u64(ping.last).u64(ping.ack).u8(ping.resend ? 1 : 0).u32(ping.assembled).frame;
}

/** Reads a PING. */
export function decodePing(frame: Uint8Array): Ping {
  const reader = new BodyReader(bodyOf(frame));
  const ping = { last: reader.u64(), ack: reader.u64(), resend: flag(reader), assembled: reader.u32() };
  reader.end();
  return ping;
}

/** Makes a BYE. */
export function encodeBye(bye: Bye, sealBytes: number): Uint8Array<ArrayBuffer> {
  return new FrameWriter(Kind.BYE, 8 + 1, sealBytes).u64(bye.ack).u8(bye.reason === "lost" ? 1 : 0).frame;
}

/** Reads a BYE. */
export function decodeBye(frame: Uint8Array): Bye {
  const reader = new BodyReader(bodyOf(frame));
  const bye: Bye = { ack: reader.u64(), reason: flag(reader) ? "lost" : "left" };
  reader.end();
  return bye;
}

function sequenceNumber(reader: BodyReader): number {
  const number = reader.u64();
  if (number === 0) throw new MalformedFrameError("Operation has no sequence number");
  return number;
}

function flag(reader: BodyReader): boolean {
  const value = reader.u8();
  if (value > 1) throw new MalformedFrameError(`Flag is not 0 or 1: ${value}`);
  return value === 1;
}
