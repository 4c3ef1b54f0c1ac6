/** Async functions on Node.js, with its streams, events, timers and sockets. It runs as a bundle, and in tests on Deno. */
import { EventEmitter, on, once } from "node:events";
import { createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { many } from "../harness.ts";
import { worksWith } from "./async_functions.ts";
import { runWorks, type Works } from "./contender.ts";
import { NODE } from "./node_host.ts";
import { SUBSCRIBERS } from "./works.ts";

/** Its works, by name. */
export const works: Works = {
  ...worksWith(sleep),

  /** A stream with room for one object. */
  "queue": async (amount) => {
    const stream = new PassThrough({ objectMode: true, highWaterMark: 1 });
    const producer = async () => {
      for (let i = 0; i < amount; i++) {
        if (!stream.write(i)) await once(stream, "drain");
      }
      stream.end();
    };
    const produced = producer();
    let sum = 0;
    for await (const item of stream) sum += item;
    await produced;
    return sum;
  },

  "broadcast": async (amount) => {
    const messages = amount / SUBSCRIBERS;
    const emitter = new EventEmitter();
    emitter.setMaxListeners(0);
    const listeners = many(SUBSCRIBERS, async () => {
      let [taken, inOrder] = [0, 0];
      for await (const [message] of on(emitter, "message")) {
        if (message === inOrder) inOrder++;
        if (++taken === messages) break;
      }
      return inOrder;
    });
    for (let i = 0; i < messages; i++) {
      emitter.emit("message", i);
      await null;
    }
    return (await Promise.all(listeners)).reduce((sum, inOrder) => sum + inOrder, 0);
  },
};

function serve(socket: Socket): void {
  socket.on("data", (data) => socket.write(data));
  socket.on("error", () => {}); // the client has gone
}

async function echo(): Promise<number> {
  const server = createServer({ noDelay: true }, serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

// A bundle is another file than this one.
if (!import.meta.url.endsWith("/node.ts")) await runWorks(works, echo, NODE);
