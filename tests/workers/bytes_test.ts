/** Values that are nothing but bytes are copied and moved in place of being cloned. What arrives must be the same. */
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { type Bytes, bytesTools } from "../../core/workers/remote/bytes.ts";
import { WorkerError, WorkerPool } from "../../core/workers/mod.ts";
import { eventually } from "./eventually.ts";
import { newGate } from "./gate.ts";

const { bufferOf, copy: copyBytes } = bytesTools();

class OwnBytes extends Uint8Array {}

/** Its properties lie. */
class LyingBytes extends Uint8Array {
  override get buffer(): never {
    return Uint8Array.of(9, 9, 9).buffer as never;
  }
  override get byteLength(): number {
    return 99;
  }
  override get [Symbol.toStringTag](): never {
    return "Int32Array" as never;
  }
}

function withOwnBuffer(view: ArrayBufferView): ArrayBufferView {
  return Object.defineProperty(view, "buffer", { value: Uint8Array.of(9, 9).buffer });
}

/** What is like a buffer for `instanceof`. Structured clone refuses the first; of the second it makes an empty object. */
function pretenders(): [what: string, value: object][] {
  return [
    ["a proxy of a buffer", new Proxy(new ArrayBuffer(2), {})],
    ["an object with the prototype of buffers", Object.create(ArrayBuffer.prototype)],
  ];
}

function nameOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** Values, and whether they are nothing but bytes. */
function values(): [value: unknown, isBytes: boolean][] {
  const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer;
  const gone = new ArrayBuffer(8);
  structuredClone(gone, { transfer: [gone] });
  return [
    [buffer, true],
    [Uint8Array.of(1, 2), true],
    [Uint8ClampedArray.of(1, 300), true],
    [Float64Array.of(0.5, NaN), true],
    [BigInt64Array.of(-1n), true],
    [new DataView(buffer), true],
    [OwnBytes.of(3, 4), true],
    [LyingBytes.of(1, 2, 3), true],
    [withOwnBuffer(Uint8Array.of(1, 2)), true],
    [withOwnBuffer(new DataView(Uint8Array.of(1, 2).buffer)), true],
    [new Uint8Array(buffer, 2), false],
    [new Uint8Array(buffer, 0, 4), false],
    [new Int32Array(new SharedArrayBuffer(8)), false],
    [new SharedArrayBuffer(8), false],
    [new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })), false],
    [new ArrayBuffer(8, { maxByteLength: 16 }), false],
    [new ArrayBuffer(0), false],
    [gone, false],
    [[1, 2], false],
    ["text", false],
    [null, false],
  ];
}

/** `detached` is newer than Node.js 20. */
function isDetached(buffer: ArrayBuffer): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}

Deno.test("a copy of bytes is what structured clone makes", () => {
  for (const [value, expected] of values()) {
    assertEquals(bufferOf(value) !== null, expected, nameOf(value));
    if (!expected) continue;
    const { copy, buffer } = copyBytes(value as Bytes);
    const clone = structuredClone(value);
    assertStrictEquals(Object.getPrototypeOf(copy), Object.getPrototypeOf(clone));
    assertEquals(copy, clone);
    assertStrictEquals(ArrayBuffer.isView(copy) ? copy.buffer : copy, buffer);
    assertNotStrictEquals(buffer, bufferOf(value));
  }
});

Deno.test("bytes arrive as structured clone makes them, as arguments and as results", async () => {
  await using pool = new WorkerPool(1);
  for (const [value] of values()) {
    if (value instanceof ArrayBuffer && isDetached(value)) continue;
    const clone = structuredClone(value);
    const back = await pool.run((value: unknown, _: string) => value, value, "long".repeat(999));
    assertEquals(back, clone);
    if (clone !== null) assertStrictEquals(Object(back).constructor, Object(clone).constructor);
  }
});

Deno.test("what only looks like a buffer is left to structured clone", async () => {
  await using pool = new WorkerPool(1);
  for (const [what, value] of pretenders()) {
    assertEquals(bufferOf(value), null, what);
    let clone: unknown;
    try {
      clone = structuredClone(value);
    } catch (error) {
      assertThrows(() => pool.run((_: unknown) => {}, value), DOMException, (error as Error).message);
      continue;
    }
    assertEquals(await pool.run((value: unknown) => value, value), clone);
  }
});

Deno.test("arguments that share a buffer still share it in the task, and what cannot be sent is refused", async () => {
  await using pool = new WorkerPool(1);
  const bytes = new Uint8Array(1000);
  assert(await pool.run((a: Uint8Array, b: ArrayBuffer) => a.buffer === b, bytes, bytes.buffer));
  assert(await pool.run((a: Uint8Array, b: { of: Uint8Array }) => a === b.of, bytes, { of: bytes }));
  const gone = new ArrayBuffer(8);
  structuredClone(gone, { transfer: [gone] });
  assertThrows(() => pool.run((_: unknown) => {}, gone), DOMException);
  assertThrows(() => pool.run((_: unknown, __: unknown) => {}, bytes, Symbol("mine")), DOMException);
});

Deno.test("neither the caller nor the task loses its bytes, and a later change is not seen", async () => {
  await using pool = new WorkerPool(1);
  const bytes = Uint8Array.of(1, 2, 3);
  const result = pool.run((bytes: Uint8Array) => (globalThis as { kept?: Uint8Array }).kept = bytes, bytes);
  bytes[0] = 9;
  assertEquals(await result, Uint8Array.of(1, 2, 3));
  assertEquals(bytes, Uint8Array.of(9, 2, 3));
  assertEquals(await pool.run(() => (globalThis as { kept?: Uint8Array }).kept), Uint8Array.of(1, 2, 3));
});

Deno.test("a task whose worker ended before it had begun runs elsewhere with the same bytes", async () => {
  await using pool = new WorkerPool(1);
  const { gate, open } = newGate();
  const crash = pool.run((gate: Int32Array) => {
    Atomics.wait(gate, 0, 0);
    Deno.exit(1);
  }, gate);
  const waits = [5, 6].map((first) => pool.run((bytes: Uint8Array) => bytes, Uint8Array.of(first, 7)));
  await eventually(() => pool.statistics().running === 3);
  open();
  await assertRejects(() => crash, WorkerError);
  assertEquals(await Promise.all(waits), [Uint8Array.of(5, 7), Uint8Array.of(6, 7)]);
});
