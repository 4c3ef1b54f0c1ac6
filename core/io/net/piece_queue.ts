import { Fifo } from "../../base/fifo.ts";

/** Pieces of bytes in the order in which they came, without copies until they are read. */
export class PieceQueue {
  readonly #pieces = new Fifo<Uint8Array>();

  /** Whether there are no bytes. */
  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Adds a piece, which is not empty and must not be changed any more. */
  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  /** Moves bytes into the buffer, as many as fit: none if it was detached. Returns how many. */
  takeInto(buffer: Uint8Array): number {
    let count = 0;
    if (buffer.length === 0) return count;
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      const room = buffer.length - count;
      if (piece.length > room) {
        this.#pieces.unshift(piece.subarray(room));
        piece = piece.subarray(0, room);
      }
      buffer.set(piece, count);
      count += piece.length;
      if (count === buffer.length) break;
    }
    return count;
  }
}
