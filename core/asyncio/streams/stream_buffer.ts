import { Fifo } from "../../base/fifo.ts";

/** Bytes of a buffer of its own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Where a separator is: what comes before it, and how much there is with it. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

/** No bytes. */
export const NOTHING: Bytes = new Uint8Array(0);
/** Larger room is given up when most of it is unused, smaller room when all is. */
const KEPT = 256 * 1024;

/**
 * Bytes that have come and were not read yet.
 *
 * Pieces are kept as they come, so that many of them are joined once, by whoever takes them. Only a search joins them
 * before: in place, in room that doubles when it is used up. Either way a byte is moved a bounded number of times,
 * however small the pieces are and however many bytes there are.
 */
export class StreamBuffer {
  /** How many bytes there are. */
  length: number;
  // The first of them, in one piece: a part of the room.
  private room: Bytes;
  private start: number;
  private end: number;
  // What comes behind.
  private readonly later: Fifo<Bytes>;

  constructor() {
    this.length = 0;
    this.room = NOTHING;
    this.start = this.end = 0;
    this.later = new Fifo();
  }

  /** Adds bytes at the end; they belong to the buffer from then on. */
  append(piece: Bytes): void {
    this.length += piece.length;
    if (this.start === this.end) this.keep(piece);
    else this.later.push(piece);
  }

  /** Takes bytes out of the front: the caller's to keep. */
  take(count: number): Bytes {
    if (count <= this.end - this.start) return this.takeFirst(count);
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const size = Math.min(count - at, this.end - this.start);
      bytes.set(this.room.subarray(this.start, this.start + size), at);
      this.skip(size);
      at += size;
    }
    return bytes;
  }

  private takeFirst(count: number): Bytes {
    const { room, start, end } = this;
    // Most of the room: it is given away as it is, and not copied.
    const given = start + count === end && 2 * count >= room.length;
    const bytes = given ? room.subarray(start, end) : room.slice(start, start + count);
    this.skip(count);
    return bytes;
  }

  /** Takes bytes out that nobody wants, of the first piece: all there are after a search. */
  skip(count: number): void {
    this.start += count;
    this.length -= count;
    const left = this.end - this.start;
    if (left === 0) this.keep(this.later.shift() ?? NOTHING);
    else if (this.room.length > KEPT && 4 * left <= this.room.length) this.keep(this.room.slice(this.start, this.end));
  }

  private keep(room: Bytes): void {
    this.room = room;
    this.start = 0;
    this.end = room.length;
  }

  /** The byte at a position of the first piece; `undefined` behind it. */
  at(index: number): number | undefined {
    return this.start + index < this.end ? this.room[this.start + index] : undefined;
  }

  /** The first place at which one of several separators ends, from a position on; the earlier in the list wins. */
  find(separators: readonly Uint8Array[], from: number): Match | null {
    this.join();
    let match: Match | null = null;
    let length = this.length;
    for (const separator of separators) {
      const start = this.indexOf(separator, from, length);
      if (start < 0) continue;
      match = { start, end: start + separator.length };
      // Another one counts only if it ends before.
      length = match.end - 1;
    }
    return match;
  }

  /** Where `separator` begins between two positions; -1 if it is not there. */
  private indexOf(separator: Uint8Array, from: number, to: number): number {
    const bytes = this.room.subarray(this.start, this.start + to);
    const last = to - separator.length;
    for (let at = bytes.indexOf(separator[0], from); at >= 0 && at <= last; at = bytes.indexOf(separator[0], at + 1)) {
      if (matches(bytes, separator, at)) return at;
    }
    return -1;
  }

  private join(): void {
    for (let piece = this.later.shift(); piece !== undefined; piece = this.later.shift()) {
      if (this.room.length - this.end < piece.length) this.makeRoom(piece.length);
      this.room.set(piece, this.end);
      this.end += piece.length;
    }
  }

  private makeRoom(more: number): void {
    const { room, start, end } = this;
    const length = end - start;
    const needed = length + more;
    // Moving within the room pays off only if half of it gets free.
    if (2 * needed > room.length) this.room = new Uint8Array(Math.max(needed, 2 * length));
    this.room.set(room.subarray(start, end));
    this.start = 0;
    this.end = length;
  }
}

function matches(bytes: Uint8Array, separator: Uint8Array, at: number): boolean {
  for (let index = 1; index < separator.length; index++) {
    if (bytes[at + index] !== separator[index]) return false;
  }
  return true;
}
