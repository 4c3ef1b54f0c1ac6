/**
 * Capabilities of the host that not every runtime has, looked up when they are needed, so that importing the package
 * works everywhere.
 */
import { UnsupportedError } from "../base/errors.ts";
import { hostName } from "./runtime.ts";

/** The error for a capability that this runtime lacks. `action` completes "Cannot ...". */
export function unsupported(action: string, capability: string): UnsupportedError {
  return new UnsupportedError(`Cannot ${action} as ${hostName()} has no ${capability}: run it with Deno`);
}

/**
 * The `Deno` namespace.
 *
 * @throws {UnsupportedError} If it lacks `name`.
 */
export function denoWith(name: keyof typeof Deno, action: string): typeof Deno {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  if (deno?.[name] !== undefined) return deno;
  throw unsupported(action, `Deno.${name}`);
}

/**
 * A module that is built into the runtime, such as `node:tls`.
 *
 * @throws {UnsupportedError} If the runtime has no such module.
 */
export function builtin(name: string, action: string): unknown {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const module = process?.getBuiltinModule?.(name);
  if (module !== undefined && module !== null) return module;
  throw unsupported(action, name);
}
