/**
 * UDP sockets of `node:dgram`, which Deno has without a flag.
 */
import type { Socket } from "node:dgram";
import { builtin } from "../../host/capability.ts";
import { keepAlive } from "../../host/runtime.ts";
import type { Bytes } from "../stream/byte_queue.ts";

/** Where and how to bind a datagram socket. */
export interface DatagramOptions {
  /** The local address; all of IPv4 by default. With an IPv6 address it is an IPv6 socket. */
  readonly hostname?: string;
  /** The local port; 0 takes any free one. */
  readonly port: number;
  /** Lets other sockets bind the same address, for multicast. */
  readonly reuseAddress?: boolean;
  /** Whether datagrams may be sent to broadcast addresses. */
  readonly broadcast?: boolean;
  /**
   * The number of datagrams that are kept until they are received; the newest are dropped if there are more. 1,024 by
   * default.
   */
  readonly capacity?: number;
}

/** The address of a datagram's sender or recipient. */
export interface DatagramAddr {
  /** Always `"udp"`. */
  readonly transport: "udp";
  /** The address. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

type Dgram = typeof import("node:dgram");

/**
 * Returns a function that binds a socket.
 *
 * @throws {UnsupportedError} If the runtime has no node:dgram.
 */
export function datagramBinder(options: DatagramOptions): () => Promise<Socket> {
  const dgram = builtin("node:dgram", "bind a datagram socket") as Dgram;
  return () => bindSocket(dgram, options);
}

function bindSocket(dgram: Dgram, options: DatagramOptions): Promise<Socket> {
  const { hostname = "0.0.0.0", port, reuseAddress, broadcast } = options;
  const socket = dgram.createSocket({ type: hostname.includes(":") ? "udp6" : "udp4", reuseAddr: reuseAddress });
  // Deno applies `ref` and `unref` only when it begins to wait for the next datagram. So the socket is unreferenced
  // once, before the first wait, and something else keeps the process alive.
  socket.unref();
  const release = keepAlive();
  return new Promise<Socket>((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.bind(port, hostname, () => {
      socket.off("error", fail);
      if (broadcast) socket.setBroadcast(true);
      resolve(socket);
    });
  }).finally(release);
}

/** Converts an address of Node's. */
export function datagramAddr({ address, port }: { address: string; port: number }): DatagramAddr {
  return { transport: "udp", hostname: address, port };
}

/** Returns the bytes as a plain Uint8Array: some methods of Node's subclass behave differently. */
export function plainBytes(data: Uint8Array): Bytes {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
