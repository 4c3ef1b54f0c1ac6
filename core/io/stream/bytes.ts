import { describe } from "../../base/describe.ts";

/** Data to be sent or written: bytes, or text that is sent as UTF-8. */
export type Data = Uint8Array | string;

const encoder = /* @__PURE__ */ new TextEncoder();
// A byte order mark is data like any other; invalid UTF-8 becomes U+FFFD.
const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Returns the bytes of `data`.
 *
 * @throws {TypeError} If it is neither bytes nor text.
 */
export function toBytes(data: Data, action: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (typeof data === "string") return encoder.encode(data);
  throw new TypeError(
    `Cannot ${action} as 'data' must be a Uint8Array or a string: current value is ${describe(data)}`,
  );
}

/** Decodes the bytes as UTF-8. */
export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
