import type { Bytes } from "../stream/byte_queue.ts";
import type { Readable } from "../stream/read.ts";
import { ReadBuffer } from "../stream/read_buffer.ts";
import { StreamSource } from "../stream/web_streams.ts";

/** The part of a pipe that its outputs need. */
interface OutputOwner {
  readonly readSeconds: number;
  toString(): string;
}

/** Standard output or standard error of a child process. */
export class ChildOutput implements Readable {
  readonly readBuffer: ReadBuffer;
  readonly source: StreamSource;
  readonly #owner: OutputOwner;
  readonly #name: string;

  constructor(owner: OutputOwner, stream: ReadableStream<Uint8Array>, name: string) {
    this.#owner = owner;
    this.#name = name;
    this.source = new StreamSource(stream);
    this.readBuffer = new ReadBuffer(this.source);
  }

  get readSeconds(): number {
    return this.#owner.readSeconds;
  }

  /** Takes all bytes that have come. */
  takeAll(): Bytes {
    return this.readBuffer.take(this.readBuffer.available);
  }

  toString(): string {
    return `the ${this.#name} of ${this.#owner}`;
  }
}
