/**
 * What it costs to read much: of any length, and in small pieces. CPU time of this process, as others share the
 * machine; the peer is another process.
 */
import { cpuUsage } from "node:process";
import { type Operation, run } from "@asyncoro/asyncoro";
import { AsyncPipe, AsyncSocket } from "@asyncoro/asyncoro/io";
import { has, testCertificate } from "../../io/helpers.ts";
import { type Effort, median, printTable, times } from "../harness.ts";

type Reading<T> = Generator<unknown, T, unknown>;

const MEGABYTES = [5, 20, 80, 320];
const FRAME = 16 * 1024 * 1024;
const PIECE = 1024;
const SENDER = new URL("sender.ts", import.meta.url).pathname;

/** Seconds of CPU that this process has used, all threads. */
function cpu(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

/** A connection to a process that sends so many bytes, a frame of them or a line if it is to be one. */
function* connected(tls: boolean, form: "zeros" | "frame" | "line", length: number): Reading<[Deno.Conn, AsyncPipe]> {
  const where = { hostname: "127.0.0.1", port: 0 };
  const listener = tls ? Deno.listenTls({ ...where, ...testCertificate() }) : Deno.listen(where);
  const args = ["run", "-A", "--no-check", "--quiet", SENDER, String((listener.addr as Deno.NetAddr).port)];
  if (tls) args.push("--tls");
  const streams = { stdin: "null", stdout: "null", stderr: "inherit" } as const;
  const sender = new AsyncPipe(Deno.execPath(), { args: [...args, form, String(length)], ...streams });
  const conn = yield listener.accept();
  listener.close();
  return [conn as Deno.Conn, sender];
}

/** The same connection, in pieces. */
function inPieces(conn: Deno.Conn): Deno.Conn {
  return {
    read: (buffer: Uint8Array) => conn.read(buffer.length > PIECE ? buffer.subarray(0, PIECE) : buffer),
    write: (data: Uint8Array) => conn.write(data),
    close: () => conn.close(),
  } as Deno.Conn;
}

/** Seconds of CPU for a read over a connection. */
function* overConnection(
  tls: boolean,
  form: "zeros" | "frame" | "line",
  length: number,
  read: (socket: AsyncSocket) => Operation<unknown> | Reading<unknown>,
  pieces = false,
): Reading<number> {
  const [conn, sender] = yield* connected(tls, form, length);
  const socket = AsyncSocket.from(pieces ? inPieces(conn) : conn);
  const before = cpu();
  yield* read(socket);
  const used = cpu() - before;
  socket.close();
  yield* sender.wait();
  return used;
}

function* overPipe(length: number, read: (pipe: AsyncPipe) => Operation<unknown>): Reading<number> {
  using pipe = new AsyncPipe("head", { args: ["-c", String(length), "/dev/zero"], stdin: "null", stderr: "null" });
  const before = cpu();
  yield* read(pipe);
  return cpu() - before;
}

/** What the reading gives. */
function measure(reading: Reading<number>): Promise<number> {
  return run(function* () {
    return yield* reading;
  });
}

/** Receives so many bytes as they come. */
function* received(socket: AsyncSocket, length: number): Reading<void> {
  for (let got = 0; got < length;) got += (yield* socket.recv()).length;
}

const WAYS: Readonly<Record<string, (length: number) => Reading<number>>> = {
  "pipe, `communicate`": (length) => overPipe(length, (pipe) => pipe.communicate()),
  "pipe, `read`": (length) => overPipe(length, (pipe) => pipe.read()),
  "TCP, `recvall`": (length) => overConnection(false, "zeros", length, (socket) => socket.recvall(length)),
  "TCP, `readline`": (length) => overConnection(false, "line", length, (socket) => socket.readline({ max: length })),
  "TLS, `recvall`": (length) => overConnection(true, "zeros", length, (socket) => socket.recvall(length)),
};

const IN_PIECES: Readonly<Record<string, boolean>> = { "TCP": false, "TLS": true };

/** Reads to the end of 5 to 320 MB, and a frame of 16 MiB that comes in pieces of 1 KiB. */
export async function benchReading({ rounds, scale }: Effort): Promise<void> {
  const withTls = has("openssl");
  const sizes = scale < 1 ? MEGABYTES.slice(0, -1) : MEGABYTES;
  const ways = Object.entries(WAYS).filter(([name]) => withTls || !name.startsWith("TLS"));
  const table: string[][] = [];
  for (const [name, way] of ways) {
    const figures = await perMegabyte(way, sizes, rounds);
    table.push([
      name,
      ...figures.map((figure) => figure.toFixed(2)),
      times(Math.max(...figures) / Math.min(...figures)),
    ]);
  }
  const columns = sizes.map((size) => `${size} MB`);
  printTable("Reading much: milliseconds of CPU per MB", ["", ...columns, "worst / best"], table);

  const frames: string[][] = [];
  for (const [name, tls] of Object.entries(IN_PIECES).filter(([name]) => withTls || name !== "TLS")) {
    frames.push([name, ...await frameInPieces(tls, rounds)]);
  }
  const header = ["", "`recvMsg`", "`recv`", "ratio"];
  printTable("A frame of 16 MiB in pieces of 1 KiB: milliseconds of CPU", header, frames);
}

async function perMegabyte(
  way: (length: number) => Reading<number>,
  sizes: readonly number[],
  rounds: number,
): Promise<number[]> {
  const results = sizes.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, size] of sizes.entries()) {
      const seconds = await measure(way(size * 1e6));
      if (round >= 0) results[index].push(seconds * 1000 / size);
    }
  }
  return results.map(median);
}

async function frameInPieces(tls: boolean, rounds: number): Promise<string[]> {
  const messages: number[] = [];
  const plain: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const message = await measure(overConnection(tls, "frame", FRAME, (socket) => socket.recvMsg(), true));
    const all = await measure(overConnection(tls, "frame", FRAME, (socket) => received(socket, FRAME + 4), true));
    if (round < 0) continue;
    messages.push(message * 1000);
    plain.push(all * 1000);
  }
  const ratio = median(messages.map((message, round) => message / plain[round]));
  return [median(messages).toFixed(0), median(plain).toFixed(0), times(ratio)];
}
