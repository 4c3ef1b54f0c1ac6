/**
 * What the tests and their assertions use that is newer than Node.js 20. The package itself is checked elsewhere.
 */

interface SetLike {
  keys(): Iterator<unknown>;
  has(value: unknown): boolean;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T | PromiseLike<T>) => void;
  let reject!: (reason?: unknown) => void;
  const promise = new Promise<T>((yes, no) => [resolve, reject] = [yes, no]);
  return { promise, resolve, reject };
}

async function fromAsync<T>(items: AsyncIterable<T> | Iterable<T | PromiseLike<T>>): Promise<Awaited<T>[]> {
  const result: Awaited<T>[] = [];
  for await (const item of items) result.push(item);
  return result;
}

function union(this: Set<unknown>, other: SetLike): Set<unknown> {
  const result = new Set(this);
  const keys = other.keys();
  for (let next = keys.next(); !next.done; next = keys.next()) result.add(next.value);
  return result;
}

function difference(this: Set<unknown>, other: SetLike): Set<unknown> {
  return new Set([...this].filter((value) => !other.has(value)));
}

function symmetricDifference(this: Set<unknown>, other: SetLike): Set<unknown> {
  const result = new Set([...this].filter((value) => !other.has(value)));
  const keys = other.keys();
  for (let next = keys.next(); !next.done; next = keys.next()) if (!this.has(next.value)) result.add(next.value);
  return result;
}

function toHex(this: Uint8Array): string {
  return Array.from(this, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Promise.withResolvers ??= withResolvers;
Array.fromAsync ??= fromAsync as typeof Array.fromAsync;
Set.prototype.union ??= union as typeof Set.prototype.union;
Set.prototype.difference ??= difference as typeof Set.prototype.difference;
Set.prototype.symmetricDifference ??= symmetricDifference as typeof Set.prototype.symmetricDifference;
Uint8Array.prototype.toHex ??= toHex;
