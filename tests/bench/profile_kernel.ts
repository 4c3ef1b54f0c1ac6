/**
 * Names for the kernel's functions in a profile. The published kernel has none, as they would make it a sixth larger,
 * and V8 calls its functions by their numbers. Compiled again with names, its code is the same, byte for byte.
 */
import { compileKernel } from "../../assembly/compile.ts";
import type { CpuProfile } from "./profile_shares.ts";

const KERNEL = new URL("../../core/kernel/kernel.wasm", import.meta.url);
const CUSTOM_SECTION = 0;
const FUNCTION_NAMES = 1;
const HEADER_BYTES = 8;

/** Reads the section defined in https://webassembly.github.io/spec/core/appendix/custom.html#name-section. */
class Reader {
  constructor(readonly bytes: Uint8Array, public at: number) {}

  number(): number {
    for (let value = 0, shift = 0;; shift += 7) {
      const byte = this.bytes[this.at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  text(): string {
    const length = this.number();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  /** The start of the first section, or subsection, of this kind. */
  find(kind: number): number {
    for (;;) {
      const start = this.at;
      const found = this.bytes[this.at++];
      const size = this.number();
      if (found === kind) return start;
      this.at += size;
    }
  }
}

/** The names of the kernel's functions by number; none if its sources do not compile to this kernel. */
export async function kernelNames(): Promise<readonly string[]> {
  const [compiled, kernel] = [await compileKernel({}, ["--debug"]), await Deno.readFile(KERNEL)];
  const reader = new Reader(compiled, HEADER_BYTES);
  const codeEnd = reader.find(CUSTOM_SECTION);
  if (!compiled.subarray(0, codeEnd).every((byte, at) => byte === kernel[at])) return [];
  reader.text();
  reader.find(FUNCTION_NAMES);
  const names: string[] = [];
  for (let left = reader.number(); left > 0; left--) names[reader.number()] = reader.text();
  return names;
}

/** Replaces numbers by names, if the profile contains one kernel only. */
export function nameKernel(profile: CpuProfile, names: readonly string[]): void {
  const frames = profile.nodes.map((node) => node.callFrame).filter(({ url }) => url.startsWith("wasm:"));
  if (new Set(frames.map(({ url }) => url)).size !== 1) return;
  for (const frame of frames) {
    const number = /^wasm-function\[(\d+)\]$/.exec(frame.functionName)?.[1];
    frame.functionName = names[Number(number)] ?? frame.functionName;
  }
}
