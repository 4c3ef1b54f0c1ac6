/** The address of a peer that is reached through another: the address of that one, `#`, and its id. */

/** Makes one. `relayId` is the id of the peer at the address `base`. */
export function relayedAddress(base: string, relayId: string): string {
  return `${base}#${relayId}`;
}

/** The id of the peer through which the peer is reached; `null` if an engine reaches it. */
export function relayIdOf(address: string): string | null {
  return /#([0-9a-f]{32})$/.exec(address)?.[1] ?? null;
}

/** The address without that id. */
export function withoutRelay(address: string): string {
  return address.replace(/#[0-9a-f]{32}$/, "");
}
