/** The kernel, and one whose memory has a maximum, so that the host really refuses to grow it. */
import { assertEquals } from "@std/assert";
import { textToBytes } from "../../core/kernel/byte_text.ts";
import { KERNEL_TEXT } from "../../core/kernel/kernel_bytes.ts";

/** The bytes in the package, without the fingerprint. */
export function kernelBytes(): Uint8Array<ArrayBuffer> {
  return textToBytes(KERNEL_TEXT);
}

/** The kernel with a maximum size of its memory: two pages have room for 4,088 slots, four for 8,184. */
export function limitedTo(pages: number): WebAssembly.Module {
  const bytes = [...kernelBytes()];
  let section = 8;
  const length = (at: number) => bytes[at] | 0;
  while (bytes[section] !== 5) {
    // Sections before this one are shorter than 2 ** 14 bytes: their length takes one or two bytes.
    const short = length(section + 1) < 0x80;
    section += short ? 2 + length(section + 1) : 3 + (length(section + 1) & 0x7f) + (length(section + 2) << 7);
  }
  assertEquals(bytes.slice(section, section + 5), [5, 3, 1, 0, 2], "one memory, no maximum, two pages");
  bytes.splice(section, 5, 5, 4, 1, 1, 2, pages);
  return new WebAssembly.Module(Uint8Array.from(bytes));
}
