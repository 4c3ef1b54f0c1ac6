/** What a peer says of itself in a handshake: `[name, [addresses]]`, in CBOR. */
import { decode } from "../cbor/decoder.ts";
import { Encoder } from "../cbor/encoder.ts";

/** See the head of this file. */
export interface Introduction {
  /** The name of the peer. */
  readonly name: string;
  /** Where it can be dialed. */
  readonly addresses: readonly string[];
}

/** Makes the bytes of an introduction. */
export function encodeIntroduction({ name, addresses }: Introduction): Uint8Array<ArrayBuffer> {
  const encoder = new Encoder();
  encoder.encode([name, addresses]);
  return encoder.out.take();
}

/** Reads an introduction. One that is malformed, of a peer that is authenticated, is as good as an empty one. */
export function decodeIntroduction(bytes: Uint8Array): Introduction {
  try {
    const [name, addresses] = decode(bytes) as [unknown, unknown];
    if (typeof name === "string" && isListOfText(addresses)) return { name, addresses };
  } catch {
    // As said above.
  }
  return { name: "", addresses: [] };
}

/** Whether a value is an array of strings. */
export function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
