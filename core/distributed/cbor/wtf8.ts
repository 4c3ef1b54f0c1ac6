/** WTF-8: UTF-8 that also has surrogates without a partner, each as three bytes. */

/** Returns the bytes of a string. */
export function toWtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length);
  let size = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) {
      bytes[size++] = code;
      continue;
    }
    if (code >= 0x10000) {
      bytes[size++] = 0xf0 | (code >> 18);
      bytes[size++] = 0x80 | ((code >> 12) & 0x3f);
    } else if (code >= 0x800) {
      bytes[size++] = 0xe0 | (code >> 12);
    }
    bytes[size++] = code >= 0x800 ? 0x80 | ((code >> 6) & 0x3f) : 0xc0 | (code >> 6);
    bytes[size++] = 0x80 | (code & 0x3f);
  }
  return bytes.subarray(0, size);
}

/** Returns the string of bytes, or `null` if they are not WTF-8. */
export function fromWtf8(bytes: Uint8Array): string | null {
  const parts: string[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let start = 0;
  try {
    for (let at = 0; at + 2 < bytes.length; at++) {
      if (!isSurrogate(bytes, at)) continue;
      parts.push(decoder.decode(bytes.subarray(start, at)));
      parts.push(String.fromCharCode(0xd000 | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f)));
      start = at + 3;
      at += 2;
    }
    parts.push(decoder.decode(bytes.subarray(start)));
    return parts.join("");
  } catch {
    return null;
  }
}

/** Whether there are the three bytes of a surrogate. In UTF-8, 0xed is only ever the first byte of a character. */
function isSurrogate(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xed && bytes[at + 1] >= 0xa0 && bytes[at + 1] < 0xc0 && (bytes[at + 2] & 0xc0) === 0x80;
}
