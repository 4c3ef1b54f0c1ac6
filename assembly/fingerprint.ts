// The fingerprint of a kernel: a custom section at the end of the module, which identifies it. With it, code that is given
// a compiled module can check that the module belongs to the same version.

/** The name of the custom section. */
export const SECTION = "asyncoro";

/** The content of the section: the first 64 bits of the SHA-256 of the kernel, in hexadecimal. */
export async function fingerprintOf(wasm: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", wasm));
  return digest.subarray(0, 8).toHex();
}

/** Appends the fingerprint to a kernel. */
export function withFingerprint(wasm: Uint8Array<ArrayBuffer>, fingerprint: string): Uint8Array<ArrayBuffer> {
  const [name, text] = [SECTION, fingerprint].map((part) => new TextEncoder().encode(part));
  // A custom section: 0, its size, the length of its name, its name, its content. Each number here is a single byte.
  return Uint8Array.from([...wasm, 0, 1 + name.length + text.length, name.length, ...name, ...text]);
}
