/** Async functions on Bun, with its timers and sockets. Bun runs it from this file. */
import { worksWith } from "./async_functions.ts";
import { runWorks } from "./contender.ts";
import { NODE } from "./node_host.ts";

/** As much of a socket of Bun as is used. */
interface BunSocket {
  /** How many bytes the system has taken. */
  write(data: Uint8Array): number;
  data: Uint8Array[];
}

/** As much of Bun as is used. */
declare const Bun: {
  sleep(milliseconds: number): Promise<void>;
  listen(options: {
    hostname: string;
    port: number;
    socket: Record<"open" | "data" | "drain" | "error", (socket: BunSocket, data: Uint8Array) => void>;
  }): { port: number };
};

/** Sends as much of what is left as the system takes. The rest follows when the socket drains. */
function send(socket: BunSocket): void {
  while (socket.data.length > 0) {
    const [first] = socket.data;
    const sent = socket.write(first);
    if (sent < first.length) {
      socket.data[0] = first.subarray(Math.max(0, sent));
      return;
    }
    socket.data.shift();
  }
}

function echo(): number {
  const socket = {
    open(socket: BunSocket) {
      socket.data = [];
    },
    data(socket: BunSocket, data: Uint8Array) {
      if (socket.data.length > 0) {
        socket.data.push(data.slice());
        return;
      }
      const sent = Math.max(0, socket.write(data));
      if (sent < data.length) socket.data.push(data.slice(sent));
    },
    drain: send,
    error() {}, // the client has gone
  };
  return Bun.listen({ hostname: "127.0.0.1", port: 0, socket }).port;
}

await runWorks(worksWith((milliseconds) => Bun.sleep(milliseconds)), echo, NODE);
