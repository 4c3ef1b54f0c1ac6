/** The kernel's bytes as text. */
import { assert, assertEquals } from "@std/assert";
import { withFingerprint } from "../../assembly/fingerprint.ts";
import { bytesToText, textToBytes } from "../../core/kernel/byte_text.ts";
import { KERNEL_FINGERPRINT, KERNEL_TEXT } from "../../core/kernel/kernel_bytes.ts";

Deno.test("every byte comes back from its text, which is printable ASCII without quotation marks", () => {
  const bytes = Uint8Array.from({ length: 512 }, (_, i) => i);
  const text = bytesToText(bytes);
  assertEquals(textToBytes(text), bytes);
  assert(/^[ !#-~]*$/.test(text));
  assertEquals(textToBytes(""), new Uint8Array());
});

Deno.test("the text of the kernel has the bytes of kernel.wasm before its fingerprint", async () => {
  const wasm = await Deno.readFile(new URL("../../core/kernel/kernel.wasm", import.meta.url));
  assertEquals(withFingerprint(textToBytes(KERNEL_TEXT), KERNEL_FINGERPRINT), wasm);
});
