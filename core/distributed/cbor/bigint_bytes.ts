/** A bigint that is not negative, as bytes: the most significant first, none of them a leading zero. */

/** Returns the bytes; none for 0. */
export function toBigEndian(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const digits = value.toString(16);
  const bytes = new Uint8Array((digits.length + 1) >> 1);
  for (let end = digits.length, at = bytes.length - 1; at >= 0; end -= 2, at--) {
    bytes[at] = parseInt(digits.slice(Math.max(0, end - 2), end), 16);
  }
  return bytes;
}

/** Returns the bigint of bytes, which may begin with zeros. */
export function fromBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const digits = new Array<string>(bytes.length);
  for (let i = 0; i < bytes.length; i++) digits[i] = HEX[bytes[i]];
  return BigInt("0x" + digits.join(""));
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
