import { UnsupportedError } from "../errors.ts";

/**
 * The `Deno` namespace, looked up when it is needed, so that importing works everywhere.
 *
 * @throws {UnsupportedError} If it lacks `name`.
 */
export function denoWith(name: keyof typeof Deno, action: string): typeof Deno {
  const deno = (globalThis as { Deno?: typeof Deno }).Deno;
  if (deno?.[name] !== undefined) return deno;
  throw new UnsupportedError(`Cannot ${action} as this runtime has no Deno.${name}: run it with Deno`);
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
  throw new UnsupportedError(`Cannot ${action} as this runtime has no ${name}: run it with Deno`);
}
