/** A connection that brings bytes in the pieces that a test chooses. */
import { AsyncSocket } from "@asyncoro/asyncoro/io";

/** A piece of bytes, `null` for the end of the stream, or an error. */
export type Piece = Uint8Array | null | Error;

/** In place of a piece: the connection brings nothing more, not even an end. */
export const SILENCE: Promise<Piece> = new Promise(() => {});

/** See the head of this file. */
export class FakeConn {
  /** The lengths of the different arrays that it read into, in order. */
  readonly arrays: number[] = [];
  /** The last of these arrays. */
  last: ArrayBuffer | null = null;
  readonly #next: () => Piece | Promise<Piece>;
  #rest: Uint8Array = new Uint8Array(0);

  /** `next` is called when the last piece was read to its end. */
  constructor(next: () => Piece | Promise<Piece>) {
    this.#next = next;
  }

  /** Makes a connection that brings the pieces one after the other, and then ends. */
  static of(pieces: Iterable<Piece | Promise<Piece>>): FakeConn {
    const iterator = pieces[Symbol.iterator]();
    return new FakeConn(() => iterator.next().value ?? null);
  }

  /** A socket over it. */
  socket(): AsyncSocket {
    return AsyncSocket.from(this as unknown as Deno.Conn);
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (buffer.length === 0) throw new Error("Expected room to read into");
    if (buffer.buffer !== this.last) this.arrays.push(buffer.buffer.byteLength);
    this.last = buffer.buffer;
    if (this.#rest.length === 0) {
      const piece = await this.#next();
      if (piece === null) return null;
      if (piece instanceof Error) throw piece;
      this.#rest = piece;
    }
    const count = Math.min(buffer.length, this.#rest.length);
    buffer.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  write(data: Uint8Array): Promise<number> {
    return Promise.resolve(data.length);
  }

  close(): void {}
}

/** Cuts data into pieces of one size. */
export function* cut(data: Uint8Array, size: number): Generator<Uint8Array, void, unknown> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}
