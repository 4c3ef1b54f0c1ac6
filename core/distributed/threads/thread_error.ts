/** Errors on their way from a thread to the one that has started it, as those of peers are sent. */
import { describe } from "../../base/describe.ts";
import { ByteWriter } from "../cbor/byte_writer.ts";
import { decode } from "../cbor/decoder.ts";
import { Encoder } from "../cbor/encoder.ts";
import { sendableClasses } from "../sendable.ts";

/** Encodes an error, or what else was thrown. In place of what cannot be sent there is a description. */
export function encodeError(error: unknown): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  const encoder = new Encoder(out, sendableClasses);
  try {
    encoder.encode(error);
  } catch {
    encoder.encode(new Error(describe(error)));
  }
  return out.written().slice();
}

/** Decodes it. */
export function decodeError(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, sendableClasses);
  } catch (error) {
    // Such as an instance of a class that is registered in the thread alone.
    return error;
  }
}
