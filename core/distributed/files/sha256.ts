import { builtin } from "../../host/capability.ts";

/** A SHA-256 hash that is being made. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** The bytes of a hash. */
export const HASH_BYTES = 32;

/** Begins a hash. */
export function sha256(): Sha256 {
  const { createHash } = builtin("node:crypto", "transfer files") as typeof import("node:crypto");
  return createHash("sha256");
}

/** Whether two hashes are the same. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
