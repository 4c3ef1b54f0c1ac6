import { describe } from "../base/describe.ts";
import { setKernelModule } from "./kernel.ts";
import { KERNEL_FINGERPRINT } from "./kernel_bytes.ts";

/**
 * Gives the package its kernel as a compiled module, for runtimes that forbid compiling at run time. Call it before the
 * first coroutine. Other runtimes do not need it, and it has no effect there.
 *
 * Calling it again has no effect. Existing schedulers keep their kernel, which is the same.
 *
 * @param module The `kernel.wasm` of this version of the package, as the runtime imports it.
 * @throws {TypeError} If `module` is anything else: bytes, a promise, an instance, another module, or the kernel of
 * another version.
 */
export function init(module: WebAssembly.Module): void {
  const fingerprint = fingerprintOf(module);
  if (fingerprint === KERNEL_FINGERPRINT) return setKernelModule(module);
  throw new TypeError(
    "Cannot set the kernel as 'module' is not the kernel of this version of the package: take kernel.wasm and the code " +
      `from the same version, current value is ${
        fingerprint === null ? "another module" : `kernel ${fingerprint}`
      }, not kernel ${KERNEL_FINGERPRINT}`,
  );
}

/** The fingerprint in a section of the module; `null` if it has none. */
function fingerprintOf(module: unknown): string | null {
  let sections: ArrayBuffer[];
  try {
    // Recognizes a module of another realm too, which `instanceof` does not.
    sections = WebAssembly.Module.customSections(module as WebAssembly.Module, "asyncoro");
  } catch {
    throw new TypeError(
      `Cannot set the kernel as 'module' must be a WebAssembly.Module${remedy(module)}: current value is ${
        describe(module)
      }`,
    );
  }
  return sections.length === 0 ? null : new TextDecoder().decode(sections[0]);
}

function remedy(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  if (value instanceof Promise) return ", await the promise first";
  if (value instanceof WebAssembly.Instance) return ", give the module from which the instance was made";
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return ", compile the bytes with WebAssembly.compile()";
  }
  if (value instanceof Response) return ", compile the response with WebAssembly.compileStreaming()";
  if ("module" in value) return ", give its property 'module'";
  if ("default" in value) return ", give the default export and not the namespace";
  return "";
}
