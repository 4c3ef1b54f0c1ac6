/**
 * A UDP socket for one multicast group, by `node:dgram`. It keeps no process alive.
 *
 * Several processes of a machine share the port, and each of them gets every packet. A packet passes no router. If the
 * group is that of the loopback interface, it does not leave the machine.
 */
import type { Socket, SocketOptions } from "node:dgram";
import { builtin, denoWith } from "../../host/capability.ts";
import { plainBytes } from "../../io/net/datagram_socket.ts";
import { isLoopback } from "./tcp_address.ts";

type Dgram = typeof import("node:dgram");

/** Which group, and how. */
export interface MulticastPlan {
  /** The IPv4 address of the group. */
  readonly group: string;
  /** The UDP port. */
  readonly port: number;
  /** The IPv4 address of the interface to use; `null` leaves that to the system. */
  readonly networkInterface: string | null;
}

/** See the head of this file. */
export class MulticastSocket {
  readonly #plan: MulticastPlan;
  readonly #socket: Socket;
  #joined = false;
  #closed = false;

  /**
   * Binds the port.
   *
   * @param received Called with each packet and the address that it came from. The bytes are valid during the call.
   * @throws {Deno.errors.NotCapable} If the program must not use the port or the group.
   * @throws {Deno.errors.AddrInUse} If another program uses the port and does not share it.
   */
  constructor(plan: MulticastPlan, received: (packet: Uint8Array, source: string) => void) {
    const { group, port } = this.#plan = plan;
    const dgram = builtin("node:dgram", "discover peers") as Dgram;
    checkPermission(`${group}:${port}`);
    this.#socket = dgram.createSocket({ type: "udp4", reuseAddr: true, lookup: asIs });
    // Deno applies this when it begins to wait for a packet, and later has no effect.
    this.#socket.unref();
    let failure: Error | null = null;
    this.#socket.on("error", (error) => {
      failure ??= error;
      this.close();
    });
    // Without a lookup the port is bound at once, or it fails at once.
    this.#socket.bind(port, "0.0.0.0");
    if (failure !== null) throw bindError(failure, port);
    const onLoopback = plan.networkInterface !== null && isLoopback(plan.networkInterface);
    this.#socket.on("message", (packet, { address }) => {
      // Linux passes on what came for the group through any interface.
      if (!onLoopback || isLoopback(address)) received(plainBytes(packet), address);
    });
  }

  /** Whether it is of no more use: it was closed, or has failed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a packet to the group. What cannot be sent, as there is no network at the moment, is lost. */
  send(packet: Uint8Array): void {
    if (this.#closed || !this.#join()) return;
    this.#socket.send(packet, this.#plan.port, this.#plan.group, () => {});
  }

  /** Closes it. Calling it again has no effect. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  /** Joins the group. Returns whether it has: it cannot as long as the machine has no network. */
  #join(): boolean {
    if (this.#joined) return true;
    const { group, networkInterface } = this.#plan;
    try {
      this.#socket.addMembership(group, networkInterface ?? undefined);
      if (networkInterface !== null) this.#socket.setMulticastInterface(networkInterface);
      this.#joined = true;
    } catch {
      // The next packet tries again.
    }
    return this.#joined;
  }
}

const asIs: SocketOptions["lookup"] = (address, _family, done) => done(null, address, 4);

/** Converts an error of Node's to one of Deno's, with a message that says what to do. */
function bindError(cause: Error & { readonly code?: string }, port: number): Error {
  if (cause.code !== "EADDRINUSE") return cause;
  return new Deno.errors.AddrInUse(
    `Cannot discover peers as another program uses the UDP port ${port} alone: choose another 'discoveryPort'`,
    { cause },
  );
}

/** Deno refuses to send without this permission, and does not say why. */
function checkPermission(host: string): void {
  const { permissions, errors } = denoWith("permissions", "discover peers");
  if (permissions.requestSync({ name: "net", host }).state === "granted") return;
  throw new errors.NotCapable(
    `Cannot discover peers as it requires net access to "${host}": run it with --allow-net=${host} as well`,
  );
}
