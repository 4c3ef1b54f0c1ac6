/** What the sessions need of cryptography. It is injected, so that a simulation is exact and the secret stays outside. */

/** HMAC-SHA-256: 32 bytes. */
export type Hmac = (key: Uint8Array, data: Uint8Array) => Uint8Array;

/** Returns so many random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** How a link is protected. Both ends of a link have the same. */
export interface LinkSecurity {
  /** HMAC-SHA-256 with the secret of the network as key; with an empty key on a link that needs no secret. */
  readonly prove: (data: Uint8Array) => Uint8Array;
  /** Whether each frame has a MAC: on links that others can write to, with a secret and without TLS. */
  readonly sealed: boolean;
}

/** Compares in a time that depends on the length only. */
export function equalTags(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
