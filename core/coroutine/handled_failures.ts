/**
 * Who knows of the failure of a coroutine, so that nobody else need be told.
 *
 * A wait in `finish()` that was handed the error may be cut short before it gets it, and then gives its claim back. When
 * no claim is left, the failure is nobody's again.
 */
import { SPENT } from "../fiber/operation.ts";
import { Finish } from "../operations/finish.ts";

/** Somebody has the error for certain. */
const TOLD: unique symbol = Symbol("told");

/** The waits that have been handed the error (one, or several), unless somebody has it for certain; `null`: nobody. */
export type Claims = null | Finish | Set<Finish> | typeof TOLD;

/** The claims with one more: that of a wait, or of anybody else, who has the error for certain. */
export function addClaim(claims: Claims, by: unknown): Claims {
  if (claims === TOLD || !(by instanceof Finish)) return TOLD;
  if (claims === null) return by;
  const waits = claims instanceof Finish ? new Set([claims]) : claims;
  // One that is through and has not given its claim back has got the error. The oldest will do: they must not pile up.
  const { value: oldest } = waits.values().next();
  return oldest?.state === SPENT ? TOLD : waits.add(by);
}

/** The claims without that of a wait which was cut short. */
export function withoutClaim(claims: Claims, by: Finish): Claims {
  if (claims === by) return null;
  if (!(claims instanceof Set)) return claims;
  claims.delete(by);
  return claims.size === 0 ? null : claims;
}
