/**
 * Bytes as text, for the kernel in a program's code.
 *
 * A byte below 92 is one printable character; any other one is a space or `!`, for 92 or 184, and the character of the
 * rest. Where bytes repeat, the text does, so that it compresses better than base64, in which a character has bits of two
 * bytes. The smallest bytes, which are the most frequent ones in a kernel, are small letters, as these are in code.
 */
const FIRST = 35; // "#": the quotation mark is not used
const RANGE = 92; // the characters up to "~"
const ZERO = 66; // the byte 0 is "e", which is so far behind "#"
const PREFIX = 31; // and how many times RANGE is to be added

/** Returns the text of some bytes. */
export function bytesToText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte >= RANGE) text += String.fromCharCode(PREFIX + Math.floor(byte / RANGE));
    text += String.fromCharCode(FIRST + (byte + ZERO) % RANGE);
  }
  return text;
}

/** Returns the bytes of a text that `bytesToText` has made. */
export function textToBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let base = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < FIRST) {
      base = (code - PREFIX) * RANGE;
      continue;
    }
    bytes.push(base + (code - FIRST + RANGE - ZERO) % RANGE);
    base = 0;
  }
  return Uint8Array.from(bytes);
}
