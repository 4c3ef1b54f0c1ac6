/**
 * What discovery sends in a datagram:
 *
 *     magic 4 ("aco1"), sender 8, port u16, length of the host name u8, host name, beacon
 *
 * The sender is random bytes, by which it tells its own packets, which it receives as well, from those of others.
 * The host name is empty if the sender listens at all of its addresses: then the address that the datagram came from is
 * the one to dial. Nothing in a packet is authenticated here: the beacon is the network's, which does that, and an
 * address is only where to dial, as the peer there has to prove itself.
 */
import { isHostname, isLoopback, isWildcard, tcpAddress } from "./tcp_address.ts";

/** The bytes that a beacon may have. */
export const MAX_BEACON = 1024;

/** The bytes that tell one sender from another. */
export const SENDER_BYTES = 8;

/** A packet. */
export interface DiscoveryPacket {
  /** What the sender tells its own packets by: `SENDER_BYTES`. */
  readonly sender: Uint8Array;
  /** The host name under which the sender is reached; empty if it is the address that the packet came from. */
  readonly hostname: string;
  /** The port that the sender listens at. */
  readonly port: number;
  /** The bytes of the network. */
  readonly beacon: Uint8Array;
}

const MAGIC = new TextEncoder().encode("aco1");
const MAX_HOSTNAME = 255;
const HEADER = MAGIC.length + SENDER_BYTES + 3;

/** The bytes of a packet. */
export function encodePacket({ sender, hostname, port, beacon }: DiscoveryPacket): Uint8Array {
  const host = new TextEncoder().encode(hostname);
  return Uint8Array.of(...MAGIC, ...sender, port >> 8, port & 255, host.length, ...host, ...beacon);
}

/** The packet that the bytes are; `null` if they are not one. It holds copies. */
export function decodePacket(bytes: Uint8Array): DiscoveryPacket | null {
  if (bytes.length < HEADER || bytes.length > HEADER + MAX_HOSTNAME + MAX_BEACON) return null;
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return null;
  const [high, low, hostBytes] = bytes.subarray(HEADER - 3, HEADER);
  const port = (high << 8) | low;
  const end = HEADER + hostBytes;
  if (port === 0 || end > bytes.length || bytes.length - end > MAX_BEACON) return null;
  const hostname = new TextDecoder().decode(bytes.subarray(HEADER, end));
  if (hostname !== "" && !isHostname(hostname)) return null;
  return { sender: bytes.slice(MAGIC.length, HEADER - 3), hostname, port, beacon: bytes.slice(end) };
}

/**
 * The address to dial for a packet that came from the address `source`; `null` if there is none that can be reached from
 * here: a loopback address is another machine's own, and a wildcard is no address.
 */
export function addressOf({ hostname, port }: DiscoveryPacket, source: string): string | null {
  if (hostname === "") return tcpAddress(source, port);
  if (isWildcard(hostname) || (isLoopback(hostname) && !isLoopback(source))) return null;
  return tcpAddress(hostname, port);
}
