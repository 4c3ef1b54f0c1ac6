/** Short ASCII strings that came before: names of properties come again and again, and need not be made again. */

const SLOTS = 1024;
const LONGEST = 24;

const strings: string[] = new Array(SLOTS).fill("");

/**
 * Returns the string that bytes are, or `null` if it is not known.
 *
 * @param bytes Where the bytes are.
 * @param start Where they start.
 * @param length How many they are.
 */
export function recall(bytes: Uint8Array, start: number, length: number): string | null {
  if (length > LONGEST || length === 0) return null;
  const known = strings[slotOf(bytes, start, length)];
  if (known.length !== length) return null;
  for (let i = 0; i < length; i++) {
    if (known.charCodeAt(i) !== bytes[start + i]) return null;
  }
  return known;
}

/** Keeps a string that was read from bytes, if it is short and ASCII. */
export function remember(text: string, bytes: Uint8Array, start: number, length: number): void {
  // Text of as many units as bytes is ASCII.
  if (length <= LONGEST && length > 0 && text.length === length) strings[slotOf(bytes, start, length)] = text;
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const ends = bytes[start] ^ (bytes[start + length - 1] << 3);
  return (ends ^ (bytes[start + (length >> 1)] << 5) ^ (length << 1)) & (SLOTS - 1);
}
