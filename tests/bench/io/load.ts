/**
 * The load, in a process of its own: `load.ts echo PORT CONNECTIONS BYTES SECONDS`, `load.ts idle PORT CONNECTIONS` or
 * `load.ts accept PORT SECONDS`. Prints one line of JSON; `wrong` counts data that did not come back as it was sent.
 *
 * It uses callbacks of node:net, because in Deno these serve a thousand connections evenly; unevenness is then the
 * server's.
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

const [what, port, ...numbers] = Deno.args;
const [first, second, third] = numbers.map(Number);

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

async function openMany(count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(100, count - sockets.length) }, open)));
  }
  return sockets;
}

async function echo(connections: number, size: number, seconds: number): Promise<void> {
  const sockets = await openMany(connections);
  const message = Uint8Array.from({ length: size }, (_, index) => index % 251);
  const counts = new Array(connections).fill(0);
  const served = new Array(connections).fill(0);
  const times: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  let running = true;
  let wrong = 0;
  sockets.forEach((socket, index) => {
    let left = size;
    let sent = performance.now();
    socket.on("data", (data: Uint8Array) => {
      if (Buffer.compare(data, message.subarray(size - left, size - left + data.length)) !== 0) wrong++;
      left -= data.length;
      if (left > 0) return;
      const now = performance.now();
      if (now > end) running = false;
      if (!running) return;
      counts[index]++;
      if (now - start < 1000) served[index]++;
      times.push(now - sent);
      left = size;
      sent = now;
      socket.write(message);
    });
    socket.on("error", () => {});
    socket.write(message);
  });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  running = false;
  times.sort((a, b) => a - b);
  const total = counts.reduce((sum, count) => sum + count, 0);
  report({
    rate: total / ((performance.now() - start) / 1000),
    total,
    wrong,
    unserved: served.filter((count) => count === 0).length,
    p50: times[Math.floor(times.length * 0.5)] ?? Infinity,
    p99: times[Math.floor(times.length * 0.99)] ?? Infinity,
  });
}

async function idle(connections: number): Promise<void> {
  await openMany(connections);
  report({ connections });
  // The server is measured meanwhile; then this process is killed.
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

async function accept(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let total = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const socket = await open();
      const answered = new Promise((resolve) => socket.once("data", resolve));
      socket.write(new Uint8Array(1));
      await answered;
      socket.destroy();
      total++;
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  report({ rate: total / seconds, total });
}

function report(result: unknown): void {
  console.log(JSON.stringify(result));
}

if (what === "echo") await echo(first, second, third);
else if (what === "idle") await idle(first);
else await accept(first);
Deno.exit();
