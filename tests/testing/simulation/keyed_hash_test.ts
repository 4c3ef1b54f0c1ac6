import { assert, assertEquals } from "@std/assert";
import { keyedHash } from "../../../core/testing/simulation/keyed_hash.ts";
import { Random } from "../../soak/random.ts";

/** How many bits differ. */
function difference(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) for (let left = a[i] ^ b[i]; left > 0; left >>= 1) bits += left & 1;
  return bits;
}

Deno.test("a keyed hash has 32 bytes and depends on key and data alone", () => {
  const [key, data] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
  const hash = keyedHash(key, data);
  assertEquals(hash.length, 32);
  keyedHash(data, key);
  assertEquals(keyedHash(key.slice(), data.slice()), hash);
});

Deno.test("each bit of key and data changes about half of the bits, and so does where the key ends", () => {
  const random = new Random(1);
  for (const length of [0, 1, 3, 4, 5, 16, 33, 200]) {
    const bytes = Uint8Array.from({ length: length + 40 }, () => random.below(256));
    const at = (end: number, all = bytes) => keyedHash(all.subarray(0, end), all.subarray(end));
    const hash = at(length);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      const bits = difference(at(length, changed), hash);
      assert(bits > 70 && bits < 186, `bit ${bit} of ${8 * bytes.length} changes ${bits} of 256 bits`);
    }
    assert(difference(at(length + 1), hash) > 70);
  }
});

Deno.test("hashes of many short texts do not collide", () => {
  const seen = new Set<string>();
  const key = new TextEncoder().encode("a key");
  for (let i = 0; i < 50_000; i++) {
    seen.add(String(keyedHash(key, new TextEncoder().encode(`text ${i}`)).subarray(0, 16)));
  }
  assertEquals(seen.size, 50_000);
});
