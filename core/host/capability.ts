import { unsupported } from "./unsupported.ts";

/**
 * The `Deno` namespace, looked up when it is needed, so that importing works everywhere.
 *
 * @throws {UnsupportedError} If it lacks `name`.
 */
export function denoWith(name: keyof typeof Deno, action: string): typeof Deno {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  if (deno?.[name] !== undefined) return deno;
  throw unsupported(action, `Deno.${name}`);
}

/**
 * A module built into the runtime, looked up when it is needed.
 *
 * @throws {UnsupportedError} If the runtime has no such module.
 */
export function builtin(name: string, action: string): unknown {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const module = process?.getBuiltinModule?.(name);
  if (module !== undefined && module !== null) return module;
  throw unsupported(action, name);
}
