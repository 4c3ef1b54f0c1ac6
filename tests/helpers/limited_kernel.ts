/** The kernel, and one whose memory may not grow as it likes, so that the host really refuses. */
import { assertEquals } from "@std/assert";
import { KERNEL_BASE64 } from "../../core/kernel/kernel_bytes.ts";

/** The bytes that the package carries. */
export function kernelBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(KERNEL_BASE64), (character) => character.charCodeAt(0));
}

/** The kernel with a maximum in its memory's limits: with two pages it has room for 4,088, with four for 8,184. */
export function limitedTo(pages: number): WebAssembly.Module {
  const bytes = [...kernelBytes()];
  let section = 8;
  const length = (at: number) => bytes[at] | 0;
  while (bytes[section] !== 5) {
    // Sections before this one are shorter than 2 ** 14 bytes: a length is one or two bytes.
    const short = length(section + 1) < 0x80;
    section += short ? 2 + length(section + 1) : 3 + (length(section + 1) & 0x7f) + (length(section + 2) << 7);
  }
  assertEquals(bytes.slice(section, section + 5), [5, 3, 1, 0, 2], "one memory, no maximum, two pages");
  bytes.splice(section, 5, 5, 4, 1, 1, 2, pages);
  return new WebAssembly.Module(Uint8Array.from(bytes));
}
