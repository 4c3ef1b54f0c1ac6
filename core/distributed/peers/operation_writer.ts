import { ByteWriter } from "../cbor/byte_writer.ts";
import { Encoder } from "../cbor/encoder.ts";
import type { Handles } from "../cbor/handles.ts";
import { Major } from "../cbor/wire_format.ts";

/**
 * Writes one operation after the other: `begin()`, its items, then `take()`.
 *
 * If a value is not sendable, its method throws and the operation is dropped: the next `begin()` starts anew.
 */
export class OperationWriter {
  /** The bytes of the message in the operation, which the limits of both sides count. */
  messageBytes = 0;
  private readonly out: ByteWriter = new ByteWriter();
  private readonly encoder: Encoder;
  private encoding = false;

  /** `handles` takes apart coroutines and the like. */
  constructor(handles: Handles) {
    this.encoder = new Encoder(this.out, handles);
  }

  /** The bytes written so far. */
  get length(): number {
    return this.out.position;
  }

  /**
   * Begins an operation.
   *
   * @throws {Error} within a getter or `pack` of a value that is being written.
   */
  begin(kind: number): this {
    if (this.encoding) {
      throw new Error("Cannot send while another value is being sent: do not send from a getter or from pack()");
    }
    this.out.truncate(0);
    this.out.allow(Infinity);
    this.messageBytes = 0;
    this.out.byte(kind);
    return this;
  }

  /** Writes a safe integer that is not negative, such as a number of a request. */
  integer(value: number): this {
    this.out.head(Major.UNSIGNED, value);
    return this;
  }

  /**
   * Writes any sendable value.
   *
   * @param root What it is called in the path of an error.
   * @throws {SerializationError} if it is not sendable.
   */
  value(value: unknown, root?: string): this {
    this.encode(value, Infinity, root);
    return this;
  }

  /**
   * Writes a message.
   *
   * @param limit The bytes that it may have.
   * @throws {SerializationError} if it is not sendable.
   * @throws {MessageTooLargeError} if it is larger than `limit`.
   */
  message(value: unknown, limit: number, root?: string): this {
    this.messageBytes += this.encode(value, limit, root);
    return this;
  }

  /**
   * The bytes of a message, for {@linkcode OperationWriter.encoded}. Ends what was begun.
   *
   * @throws as {@linkcode OperationWriter.message}.
   */
  encodeMessage(value: unknown, limit: number, root?: string): Uint8Array<ArrayBuffer> {
    this.begin(0).message(value, limit, root);
    return this.out.written(1).slice();
  }

  /** Writes a message that was encoded before. */
  encoded(message: Uint8Array): this {
    this.out.append(message);
    this.messageBytes += message.length;
    return this;
  }

  /** Writes bytes, as a byte string. */
  bytes(bytes: Uint8Array): this {
    this.out.byteString(bytes);
    return this;
  }

  /** Returns the operation. */
  take(): Uint8Array {
    return this.out.take();
  }

  private encode(value: unknown, limit: number, root: string | undefined): number {
    this.encoding = true;
    try {
      return this.encoder.encode(value, limit, root);
    } finally {
      this.encoding = false;
      this.out.allow(Infinity);
    }
  }
}
