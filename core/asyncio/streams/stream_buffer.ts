/** Bytes of a buffer of its own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Where a separator is: what comes before it, and how much there is with it. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

export const NOTHING: Bytes = new Uint8Array(0);

/**
 * Bytes that have come and were not read yet, in one piece.
 *
 * They are appended in place, and the room doubles when it is used up: a byte is moved a bounded number of times,
 * however small the pieces are and however many bytes there are.
 */
export class StreamBuffer {
  /** How many bytes there are. */
  length: number;
  private room: Bytes;
  private start: number;

  constructor() {
    this.length = 0;
    this.room = NOTHING;
    this.start = 0;
  }

  /** Adds bytes at the end; they belong to the buffer from then on. */
  append(piece: Bytes): void {
    if (this.length === 0) {
      this.room = piece;
      this.start = 0;
    } else {
      const end = this.start + this.length;
      if (this.room.length - end < piece.length) this.makeRoom(piece.length);
      this.room.set(piece, this.start + this.length);
    }
    this.length += piece.length;
  }

  /** Takes bytes out of the front: the caller's to keep. */
  take(count: number): Bytes {
    const { room, start } = this;
    const end = start + count;
    // Most of the room: it is given away as it is, and not copied.
    const whole = count === this.length && 2 * count >= room.length;
    const bytes = whole ? room.subarray(start, end) : room.slice(start, end);
    this.drop(count);
    return bytes;
  }

  /** Takes bytes out of the front that nobody wants. */
  drop(count: number): void {
    this.start += count;
    this.length -= count;
    if (this.length > 0) return;
    this.room = NOTHING;
    this.start = 0;
  }

  /** The byte at a position; `undefined` behind the last one. */
  at(index: number): number | undefined {
    return index < this.length ? this.room[this.start + index] : undefined;
  }

  /** The first place at which one of several separators ends, looked for from a position on; the earlier in the list wins. */
  find(separators: readonly Uint8Array[], from: number): Match | null {
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

  private makeRoom(more: number): void {
    const needed = this.length + more;
    const old = this.room;
    // Moving within the room pays off only if half of it gets free.
    if (2 * needed > old.length) this.room = new Uint8Array(Math.max(needed, 2 * this.length));
    this.room.set(old.subarray(this.start, this.start + this.length));
    this.start = 0;
  }
}

function matches(bytes: Uint8Array, separator: Uint8Array, at: number): boolean {
  for (let index = 1; index < separator.length; index++) {
    if (bytes[at + index] !== separator[index]) return false;
  }
  return true;
}
