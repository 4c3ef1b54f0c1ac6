/** The cryptography of a network: the host's, or that of a simulation. */
import { builtin } from "../host/capability.ts";
import type { Engine, EngineSimulation, LinkTrust } from "./engine.ts";
import type { Hmac, LinkSecurity, RandomBytes } from "./session/cryptography.ts";

/** What the sessions and links of a network use. */
export interface Cryptography {
  /** HMAC-SHA-256. */
  readonly hmac: Hmac;
  /** A source of random bytes. */
  readonly random: RandomBytes;
  /** How links are protected. */
  readonly securityOf: (trust: LinkTrust) => LinkSecurity;
  /** The versions of the protocol that a simulation has this side say it speaks. */
  readonly versions: readonly [number, number] | undefined;
}

const NO_KEY = new Uint8Array(0);

/** The cryptography for a secret; `null`: none. It keeps the secret where nothing shows it. */
export function cryptographyOf(secret: string | null, engines: readonly Engine[]): Cryptography {
  const simulation = simulationOf(engines);
  const hmac: Hmac = simulation === undefined ? hostHmac() : (key, data) => simulation.hmac(key, data);
  const random: RandomBytes = (count) => simulation?.random(count) ?? crypto.getRandomValues(new Uint8Array(count));
  const key = secret === null ? NO_KEY : new TextEncoder().encode(secret);
  const securityOf = ({ trusted, encrypted }: LinkTrust): LinkSecurity => {
    const usedKey = trusted ? NO_KEY : key;
    return {
      prove: (data) => hmac(usedKey, data),
      sealed: usedKey.length > 0 && encrypted !== true,
    };
  };
  return { hmac, random, securityOf, versions: simulation?.versions };
}

/** What a simulation gives to the network; `undefined` if no engine simulates. */
export function simulationOf(engines: readonly Engine[]): EngineSimulation | undefined {
  return engines.find(({ simulation }) => simulation !== undefined)?.simulation;
}

function hostHmac(): Hmac {
  const { createHmac } = builtin("node:crypto", "join a network") as typeof import("node:crypto");
  return (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest());
}
