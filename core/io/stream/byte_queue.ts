/** Bytes in memory of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

const NOTHING: Bytes = /* @__PURE__ */ new Uint8Array(0);
const LINE_FEED = 10;
/** A larger array is replaced as soon as most of it is unused, a smaller one not before the next read. */
const KEPT = 262_144;
/** An array is too large if it is longer than this many times the bytes it has to hold. */
const OVERSIZE = 4;
/** By this factor an array grows if the number of bytes to come is not known. */
const GROWTH = 2;
/** By this factor it grows at most if that number is known. */
const KNOWN_GROWTH = 4;

/**
 * A queue of bytes: filled in place at the end, taken from the front.
 *
 * - n bytes cost time in proportion to n, in whatever pieces they come and go. The array at least doubles when it is
 *   full, and bytes are moved to its beginning only when at least as many have been taken before them.
 * - An array that has grown large is replaced by a small one when few bytes are left.
 * - The result of `take` belongs to the caller: it is a copy, or the array itself, which the queue then no longer uses.
 *
 * While the room at the end is lent to the host, which may write there at any time, the array is neither moved nor
 * given away. If the array had to be replaced, the bytes that the host has written are appended to the new one.
 */
export class ByteQueue {
  private array: Bytes = NOTHING;
  private start = 0;
  private end = 0;
  /** No byte from the start up to here is a line feed. */
  private searched = 0;
  /** The room that is lent; empty if none is. */
  private room: Bytes = NOTHING;
  /** The array was replaced while its room was lent. */
  private replaced = false;

  /** The number of bytes. */
  get available(): number {
    return this.end - this.start;
  }

  /** Whether the last room was filled to its end. */
  get full(): boolean {
    return this.end === this.array.length;
  }

  /** A view of some of the bytes, valid until the queue changes. */
  peek(from: number, to: number): Bytes {
    return this.array.subarray(this.start + from, this.start + to);
  }

  /** The byte at a position. */
  at(index: number): number {
    return this.array[this.start + index];
  }

  /** The position of the first line feed; -1 if there is none. Repeated calls search each byte only once. */
  lineFeed(): number {
    const { array, start, end } = this;
    const from = this.searched > start ? this.searched : start;
    if (from < end && array[from] === LINE_FEED) return from - start;
    const at = array.subarray(from, end).indexOf(LINE_FEED);
    this.searched = at < 0 ? end : from + at;
    return at < 0 ? -1 : this.searched - start;
  }

  /** Takes `count` bytes. */
  take(count: number): Bytes {
    const { array, start, end } = this;
    const rest = end - start - count;
    if (count > 0 && 2 * count >= array.length && this.room === NOTHING && (rest === 0 || isScrap(rest, count))) {
      this.drop();
      if (rest > 0) this.append(array.subarray(start + count, end));
      return array.subarray(start, start + count);
    }
    this.skip(count);
    return array.slice(start, start + count);
  }

  /** Drops `count` bytes. */
  skip(count: number): void {
    this.start += count;
    if (this.array.length > KEPT) this.shrink();
  }

  /** Drops all bytes. */
  drop(): void {
    this.replace(NOTHING);
  }

  /** Adds a copy of the bytes at the end. Not while the room is lent. */
  append(bytes: Uint8Array): void {
    const count = bytes.length;
    if (this.array.length - this.end < count) this.makeRoom(count, count, Infinity);
    this.array.set(bytes, this.end);
    this.end += count;
  }

  /** Adds a copy of the bytes in front of the others. */
  prepend(bytes: Uint8Array): void {
    const count = bytes.length;
    if (count <= this.start) {
      this.start -= count;
      this.searched = this.start;
      this.array.set(bytes, this.start);
    } else {
      const both = new Uint8Array(count + this.available);
      both.set(bytes);
      both.set(this.peek(0, this.available), count);
      this.replace(both);
    }
  }

  /**
   * Lends the room at the end, until `filled` is called.
   *
   * @param size About how many bytes should fit into it; at least half of them do.
   * @param wanted How many bytes the queue has to hold altogether; Infinity if that is not known. If it is more than
   * `size`, the array gets no larger than `wanted`. The array never gets larger than four times the sum of `size` and the
   * bytes that are there, as `wanted` may come from a peer that lies.
   */
  lend(size: number, wanted: number): Bytes {
    const { array, end } = this;
    const length = end - this.start;
    if (length === 0) return this.room = this.emptied(size);
    const missing = wanted - length;
    const half = size >> 1;
    const least = wanted > size ? Math.min(missing, half) : Math.max(missing, half);
    if (array.length - end < least || array.length > OVERSIZE * (length + size)) this.makeRoom(least, size, wanted);
    return this.room = this.array.subarray(this.end);
  }

  /** Ends the lending: `count` bytes were written into the room. */
  filled(count: number): void {
    const room = this.room;
    this.room = NOTHING;
    if (this.replaced) {
      this.replaced = false;
      this.append(room.subarray(0, count));
    } else {
      this.end += count;
    }
  }

  /** Returns the whole array as room. Called when the queue is empty. */
  private emptied(size: number): Bytes {
    const capacity = this.array.length;
    if (capacity < size || capacity > OVERSIZE * size) this.array = new Uint8Array(size);
    this.start = this.end = this.searched = 0;
    return this.array;
  }

  private makeRoom(least: number, size: number, wanted: number): void {
    const { array, start, end } = this;
    const length = end - start;
    const fits = array.length - length >= least && array.length <= OVERSIZE * (length + size);
    if (fits && start >= length) {
      array.copyWithin(0, start, end);
    } else {
      this.array = new Uint8Array(capacityFor(length, size, wanted));
      this.array.set(array.subarray(start, end));
    }
    this.searched = this.searched > start ? this.searched - start : 0;
    this.start = 0;
    this.end = length;
  }

  private shrink(): void {
    const { array, start, end } = this;
    if (this.room !== NOTHING || OVERSIZE * (end - start) > array.length) return;
    this.replace(end === start ? NOTHING : array.slice(start, end));
  }

  private replace(array: Bytes): void {
    this.replaced = this.room !== NOTHING;
    this.array = array;
    this.start = this.searched = 0;
    this.end = array.length;
  }
}

/** Returns the length of an array that is to hold `length` bytes and to get more. */
function capacityFor(length: number, size: number, wanted: number): number {
  const least = length + size;
  if (wanted === Infinity || wanted <= size) return Math.max(GROWTH * length, least);
  // Counted backwards from `wanted`, so that the last step reaches it exactly.
  let capacity = wanted;
  while (capacity > KNOWN_GROWTH * least) capacity = Math.ceil(capacity / KNOWN_GROWTH);
  return capacity;
}

/** Whether moving the rest into another array costs little, compared with a copy of the bytes that are taken. */
function isScrap(rest: number, taken: number): boolean {
  return taken >= KEPT && 8 * rest <= taken;
}
