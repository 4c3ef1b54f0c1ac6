// Two odd 32-bit constants and two shifts that spread each bit over the word; others would do as well.
const SPREAD = 0x2c1b3c6d;
const STIR = 0x297a2d39;

/**
 * A hash of 32 bytes that depends on every byte of key and data. It stands for HMAC-SHA-256 in simulations, as it takes a
 * fraction of the time. It is not secure.
 */
export function keyedHash(key: Uint8Array, data: Uint8Array): Uint8Array {
  let a = absorb(absorb(0x6a09e667, key), data);
  const b = absorb(absorb(0xbb67ae85, key), data) | 1;
  // Byte by byte: V8 keeps small arrays in its heap as long as nobody asks for their buffer.
  const hash = new Uint8Array(32);
  for (let i = 0; i < hash.length; i += 4) {
    const word = finish(a = a + b | 0);
    hash[i] = word;
    hash[i + 1] = word >>> 8;
    hash[i + 2] = word >>> 16;
    hash[i + 3] = word >>> 24;
  }
  return hash;
}

function absorb(state: number, bytes: Uint8Array): number {
  // The length, so that key and data cannot be divided in another way.
  let hash = state ^ bytes.length;
  for (let i = 0; i < bytes.length; i++) {
    hash = Math.imul(hash ^ bytes[i], SPREAD);
    hash ^= hash >>> 15;
  }
  return hash;
}

function finish(word: number): number {
  const hash = Math.imul(word ^ (word >>> 17), SPREAD);
  return Math.imul(hash ^ (hash >>> 13), STIR);
}
