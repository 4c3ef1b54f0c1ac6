import { ByteReader } from "../cbor/byte_reader.ts";
import { DecodeError } from "../cbor/decode_error.ts";
import { Decoder } from "../cbor/decoder.ts";
import type { Handles } from "../cbor/handles.ts";

/** Reads the items of one operation after the other, as {@linkcode OperationWriter} has written them. */
export class OperationReader {
  private readonly decoder: Decoder;
  private reader: ByteReader = new ByteReader(new Uint8Array(0));

  /** `handles` makes coroutines and the like. */
  constructor(handles: Handles) {
    this.decoder = new Decoder(handles);
  }

  /** Begins to read an operation. Returns its kind. */
  begin(operation: Uint8Array): number {
    this.reader = new ByteReader(operation);
    return this.reader.byte();
  }

  /**
   * Reads an integer that is not negative.
   *
   * @throws {DecodeError} if there is none.
   */
  integer(): number {
    const value = this.reader.number();
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new DecodeError(`Cannot read an operation as a number is not an integer of 0 or more: it is ${value}`);
  }

  /**
   * Reads a string.
   *
   * @throws {DecodeError} if there is none.
   */
  text(): string {
    return this.reader.string();
  }

  /**
   * Reads a byte string, as a copy.
   *
   * @throws {DecodeError} if there is none.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.reader.byteString();
  }

  /**
   * Reads a byte string without copying it. It is valid as long as the operation is.
   *
   * @throws {DecodeError} if there is none.
   */
  view(): Uint8Array {
    return this.reader.byteStringView();
  }

  /**
   * Reads any value.
   *
   * @throws {DecodeError} if it is malformed.
   * @throws what making an instance throws, such as a `SerializationError`; what follows can be read.
   */
  value(): unknown {
    return this.decoder.decode(this.reader);
  }

  /** Whether nothing is left. */
  get atEnd(): boolean {
    return this.reader.left === 0;
  }
}
