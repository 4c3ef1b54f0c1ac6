/** The cryptography of a network: the host's, or that of a simulation. */
import { builtin } from "../host/capability.ts";
import type { Engine } from "./engine.ts";
import type { Hmac, LinkSecurity, RandomBytes } from "./session/cryptography.ts";

/** What the sessions and links of a network use. */
export interface Cryptography {
  /** HMAC-SHA-256. */
  readonly hmac: Hmac;
  /** A source of random bytes. */
  readonly random: RandomBytes;
  /** How links of an engine are protected. */
  readonly securityOf: (engine: Engine) => LinkSecurity;
}

const NO_KEY = new Uint8Array(0);

/** The cryptography for a secret; `null`: none. It keeps the secret where nothing shows it. */
export function cryptographyOf(secret: string | null, _engines: readonly Engine[]): Cryptography {
  const hmac = hostHmac();
  const random: RandomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
  const key = secret === null ? NO_KEY : new TextEncoder().encode(secret);
  const securityOf = (engine: Engine): LinkSecurity => {
    const usedKey = engine.trusted ? NO_KEY : key;
    return {
      prove: (data) => hmac(usedKey, data),
      sealed: usedKey.length > 0 && engine.encrypted !== true,
    };
  };
  return { hmac, random, securityOf };
}

function hostHmac(): Hmac {
  const { createHmac } = builtin("node:crypto", "join a network") as typeof import("node:crypto");
  return (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest());
}
