/**
 * Values that are nothing but bytes: an `ArrayBuffer`, or a view of all of one. To copy such a value and move the copy has
 * the same result as structured clone, which copies it twice, and takes half the time for 64 MB.
 *
 * The functions are sent to the worker as source, so they refer to nothing outside themselves.
 */

/** A buffer, or a view of all of one. */
export type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** Whether a value is nothing but bytes. Others, such as views of a part, are left to structured clone. */
export function isBytes(value: unknown): value is Bytes {
  if (typeof value !== "object" || value === null) return false;
  const isView = ArrayBuffer.isView(value);
  if (!isView && Object.getPrototypeOf(value) !== ArrayBuffer.prototype) return false;
  const buffer = isView ? value.buffer : value as ArrayBuffer;
  // A buffer that was moved away has no length: structured clone refuses it.
  return buffer instanceof ArrayBuffer && (buffer as { resizable?: boolean }).resizable !== true &&
    buffer.byteLength > 0 &&
    (value as Bytes).byteLength === buffer.byteLength;
}

/** A copy, as structured clone makes it: of a class derived from a built-in one, an instance of that one. */
export function copyBytes(value: Bytes): { readonly copy: Bytes; readonly buffer: ArrayBuffer } {
  const isView = ArrayBuffer.isView(value);
  const { buffer } = new Uint8Array(new Uint8Array(isView ? value.buffer : value));
  if (!isView) return { copy: buffer, buffer };
  const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!;
  const kind: string = tag.get!.call(value) ?? "DataView";
  const View =
    (globalThis as unknown as Record<string, new (buffer: ArrayBuffer) => ArrayBufferView<ArrayBuffer>>)[kind];
  return { copy: new View(buffer), buffer };
}
