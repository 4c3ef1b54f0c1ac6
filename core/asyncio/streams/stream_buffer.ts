import { ByteQueue } from "../../io/stream/byte_queue.ts";

/** Where a separator is: the number of bytes before it, and including it. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a stream that were received and not read yet, in which separators can be found. */
export class StreamBuffer extends ByteQueue {
  /**
   * Finds the separator that ends first.
   *
   * @param separators The separators; of two that end at the same place, the earlier in the list wins.
   * @param from Where the search begins.
   */
  find(separators: readonly Uint8Array[], from: number): Match | null {
    let match: Match | null = null;
    let end = this.available;
    for (const separator of separators) {
      const start = indexOf(this.peek(0, end), separator, from);
      if (start < 0) continue;
      match = { start, end: start + separator.length };
      // Another one counts only if it ends before.
      end = match.end - 1;
    }
    return match;
  }
}

/** Where `separator` begins, from a position on; -1 if it is not there. */
function indexOf(bytes: Uint8Array, separator: Uint8Array, from: number): number {
  const last = bytes.length - separator.length;
  for (let at = bytes.indexOf(separator[0], from); at >= 0 && at <= last; at = bytes.indexOf(separator[0], at + 1)) {
    if (matches(bytes, separator, at)) return at;
  }
  return -1;
}

function matches(bytes: Uint8Array, separator: Uint8Array, at: number): boolean {
  for (let index = 1; index < separator.length; index++) {
    if (bytes[at + index] !== separator[index]) return false;
  }
  return true;
}
