import { UnsupportedError } from "../base/errors.ts";
import { hostName } from "./runtime.ts";

/** The error of whoever needs what this runtime does not have. `action` completes "Cannot ...". */
export function unsupported(action: string, capability: string): UnsupportedError {
  return new UnsupportedError(`Cannot ${action} as ${hostName()} has no ${capability}: run it with Deno`);
}
