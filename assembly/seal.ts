// The seal of a kernel: a custom section at the module's end that says which kernel it is. Whoever is handed a compiled
// module can tell by it whether the module is the very one that its code was built with.

/** The name of the custom section. */
export const SECTION = "asyncoro";

/** What the section says of a kernel: the first 64 bits of its SHA-256, in hexadecimal. */
export async function sealOf(wasm: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", wasm));
  return digest.subarray(0, 8).toHex();
}

/** The kernel with its seal. */
export function sealed(wasm: Uint8Array<ArrayBuffer>, seal: string): Uint8Array<ArrayBuffer> {
  const [name, text] = [SECTION, seal].map((part) => new TextEncoder().encode(part));
  // A custom section: 0, its size, the length of its name, its name, anything. Each number here is a single byte.
  return Uint8Array.from([...wasm, 0, 1 + name.length + text.length, name.length, ...name, ...text]);
}
