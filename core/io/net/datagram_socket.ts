/**
 * UDP sockets of `node:dgram`, which Deno has without a flag.
 */
import type { Socket } from "node:dgram";
import { builtin } from "../../host/capability.ts";
import { keepAlive } from "../../host/timers.ts";
import type { Bytes } from "../stream/byte_queue.ts";
import type { DatagramAddr, DatagramOptions } from "./datagram_options.ts";

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
