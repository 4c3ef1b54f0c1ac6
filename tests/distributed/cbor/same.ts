/** Whether a value arrived as it was sent: types, holes, NaN, -0, order, and which objects are one. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";

/** Fails unless two values are the same as far as messages keep it. Objects without a prototype arrive as plain ones. */
export function assertSame(actual: unknown, expected: unknown): void {
  compare(actual, expected, new Map(), "value");
}

function compare(actual: unknown, expected: unknown, partners: Map<unknown, unknown>, path: string): void {
  if (typeof expected !== "object" || expected === null) {
    return assert(Object.is(actual, expected), `${path} is ${String(actual)} instead of ${String(expected)}`);
  }
  if (partners.has(expected)) return assertStrictEquals(actual, partners.get(expected), `${path} is another object`);
  assert(!partners.has(actual), `${path} is one with another object`);
  partners.set(expected, actual);
  partners.set(actual, expected);
  const prototype = Object.getPrototypeOf(expected) ?? Object.prototype;
  assertStrictEquals(Object.getPrototypeOf(actual), prototype, `${path} has another class`);
  const step = (name: string, a: unknown, b: unknown) => compare(a, b, partners, `${path}.${name}`);
  if (expected instanceof Map || expected instanceof Set) {
    const [a, b] = [[...actual as Set<unknown>], [...expected]];
    assertEquals(a.length, b.length, path);
    b.forEach((item, i) =>
      expected instanceof Map
        ? [0, 1].forEach((part) => step(`${i}/${part}`, (a[i] as unknown[])[part], (item as unknown[])[part]))
        : step(String(i), a[i], item)
    );
  } else if (expected instanceof Date) {
    step("time", (actual as Date).getTime(), expected.getTime());
  } else if (expected instanceof RegExp) {
    step("text", String(actual), String(expected));
  } else if (expected instanceof ArrayBuffer) {
    assertEquals(new Uint8Array(actual as ArrayBuffer), new Uint8Array(expected), path);
  } else if (ArrayBuffer.isView(expected)) {
    assertEquals(bytesOf(actual as ArrayBufferView), bytesOf(expected), path);
  } else if (expected instanceof Error) {
    const [a, b] = [actual as Error, expected];
    for (const key of ["name", "message", "stack"] as const) step(key, a[key], b[key]);
    for (const key of ["cause", "errors", "error", "suppressed"]) {
      assertEquals(Object.hasOwn(a, key), Object.hasOwn(b, key), `${path} has ${key}`);
      step(key, Reflect.get(a, key), Reflect.get(b, key));
    }
    sameProperties(a, b, step);
  } else {
    if (Array.isArray(expected)) step("length", (actual as unknown[]).length, expected.length);
    sameProperties(actual as object, expected, step);
  }
}

function sameProperties(actual: object, expected: object, step: (name: string, a: unknown, b: unknown) => void): void {
  assertEquals(Object.keys(actual), Object.keys(expected));
  for (const key of Object.keys(expected)) step(key, Reflect.get(actual, key), Reflect.get(expected, key));
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
