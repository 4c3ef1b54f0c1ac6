/**
 * The cost of reading much data: of any length, and in small pieces. It is the CPU time of this process, as others
 * share the machine; the peer is another process. Compared with plain async/await: the pieces are kept and joined at
 * the end, or put into an array of the right length.
 */
import { cpuUsage } from "node:process";
import { run } from "@asyncoro/asyncoro";
import { AsyncPipe, AsyncSocket } from "@asyncoro/asyncoro/io";
import { has, testCertificate } from "../../io/helpers.ts";
import { type Effort, median, printTable, times } from "../harness.ts";

const MEGABYTES = [5, 20, 80, 320];
const FRAME = 16 * 1024 * 1024;
const PIECE = 1024;
const SENDER = new URL("sender.ts", import.meta.url).pathname;

/** What the peer sends: so many bytes, a frame of so many, or a line. */
type Form = "bytes" | "frame" | "line";

/** Does the work once. Returns seconds of CPU time. */
type Work = (length: number) => Promise<number>;

/** The same work, by coroutines and in plain async/await. */
interface Way {
  readonly name: string;
  readonly ours: Work;
  readonly native: Work;
}

/** The CPU time of this process while a function runs, all threads, in seconds. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = cpuUsage();
  await work();
  const { user, system } = cpuUsage(before);
  return (user + system) / 1e6;
}

/** The CPU time to read what a peer sends over a connection, in seconds. */
async function overConnection(
  tls: boolean,
  form: Form,
  length: number,
  read: (conn: Deno.Conn) => Promise<unknown>,
): Promise<number> {
  const where = { hostname: "127.0.0.1", port: 0 };
  const listener = tls ? Deno.listenTls({ ...where, ...testCertificate() }) : Deno.listen(where);
  const port = String((listener.addr as Deno.NetAddr).port);
  const args = ["run", "-A", "--no-check", "--quiet", SENDER, port, ...tls ? ["--tls"] : [], form, String(length)];
  const sender = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null" }).spawn();
  const conn = await listener.accept();
  listener.close();
  const used = await cpuOf(() => read(conn));
  await sender.status;
  return used;
}

/** Reads over a connection with a socket of ours, and closes it. */
function ours(read: (socket: AsyncSocket) => Generator<unknown, unknown, unknown>): (conn: Deno.Conn) => Promise<void> {
  return (conn) =>
    run(function* () {
      using socket = AsyncSocket.from(conn);
      yield* read(socket);
    });
}

/** Reads so many bytes into an array of that length. */
async function exactly(conn: Deno.Conn, length: number): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  for (let got = 0; got < length;) got += (await conn.read(all.subarray(got)))!;
  conn.close();
  return all;
}

/** Reads everything. */
async function collected(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function pipeOptions(length: number): { args: string[]; stdin: "null"; stdout: "piped"; stderr: "null" } {
  return { args: ["-c", String(length), "/dev/zero"], stdin: "null", stdout: "piped", stderr: "null" };
}

const recvall = (tls: boolean): Omit<Way, "name"> => ({
  ours: (length) =>
    overConnection(
      tls,
      "bytes",
      length,
      ours(function* (socket) {
        yield* socket.recvall(length);
      }),
    ),
  native: (length) => overConnection(tls, "bytes", length, (conn) => exactly(conn, length)),
});

const WAYS: readonly Way[] = [
  {
    name: "pipe, `communicate`",
    ours: (length) =>
      cpuOf(() =>
        run(function* () {
          yield* new AsyncPipe("head", pipeOptions(length)).communicate();
        })
      ),
    native: (length) =>
      cpuOf(async () => {
        const child = new Deno.Command("head", pipeOptions(length)).spawn();
        await Promise.all([collected(child.stdout), child.status]);
      }),
  },
  { name: "TCP, `recvall`", ...recvall(false) },
  {
    name: "TCP, `readline`",
    ours: (length) =>
      overConnection(
        false,
        "line",
        length,
        ours(function* (socket) {
          yield* socket.readline({ max: length });
        }),
      ),
    native: (length) =>
      overConnection(false, "line", length, async (conn) => {
        new TextDecoder().decode(await collected(conn.readable));
      }),
  },
  { name: "TLS, `recvall`", ...recvall(true) },
];

/** The same connection, read in pieces. */
function inPieces(conn: Deno.Conn): Deno.Conn {
  return {
    read: (buffer: Uint8Array) => conn.read(buffer.length > PIECE ? buffer.subarray(0, PIECE) : buffer),
    write: (data: Uint8Array) => conn.write(data),
    close: () => conn.close(),
  } as Deno.Conn;
}

const frame = (tls: boolean, read: (socket: AsyncSocket) => Generator<unknown, unknown, unknown>): Promise<number> =>
  overConnection(tls, "frame", FRAME, (conn) => ours(read)(inPieces(conn)));

function* message(socket: AsyncSocket): Generator<unknown, void, unknown> {
  yield* socket.recvMsg();
}

function* pieces(socket: AsyncSocket): Generator<unknown, void, unknown> {
  for (let got = 0; got < FRAME + 4;) got += (yield* socket.recv()).length;
}

/** Reads to the end of 5 to 320 MB, and a frame of 16 MiB that comes in pieces of 1 KiB. */
export async function benchReading({ rounds, scale }: Effort): Promise<void> {
  const transports = ["TCP", "TLS"].filter((name) => name === "TCP" || has("openssl"));
  const sizes = scale < 1 ? MEGABYTES.slice(0, -1) : MEGABYTES;
  const much: string[][] = [];
  for (const way of WAYS) {
    if (!way.name.startsWith("TLS") || transports.includes("TLS")) {
      much.push([way.name, ...await bySize(way, sizes, rounds)]);
    }
  }
  const columns = sizes.map((size) => `${size} MB`);
  printTable("Reading much: milliseconds of CPU per MB, and against async/await", ["", ...columns], much);

  const frames: string[][] = [];
  for (const name of transports) frames.push([name, ...await inSmallPieces(name === "TLS", rounds)]);
  const header = ["", "`recvMsg`", "`recv`", "ratio"];
  printTable("A frame of 16 MiB in pieces of 1 KiB: milliseconds of CPU", header, frames);
}

async function bySize(way: Way, sizes: readonly number[], rounds: number): Promise<string[]> {
  const cells: string[] = [];
  for (const size of sizes) {
    const results = await alternately(rounds, way.ours, way.native, size * 1e6);
    const perMegabyte = median(results.map(([ours]) => ours * 1000 / size));
    cells.push(`${perMegabyte.toFixed(2)} (${times(median(results.map(([ours, native]) => ours / native)))})`);
  }
  return cells;
}

/**
 * The seconds of both, after a round to warm up. Each is first in its turn, as the second one finds memory that is
 * warm.
 */
async function alternately(rounds: number, first: Work, second: Work, length: number): Promise<[number, number][]> {
  const results: [number, number][] = [];
  for (let round = -1; round < rounds; round++) {
    const swapped = round % 2 !== 0;
    const before = await (swapped ? second : first)(length);
    const after = await (swapped ? first : second)(length);
    if (round >= 0) results.push(swapped ? [after, before] : [before, after]);
  }
  return results;
}

async function inSmallPieces(tls: boolean, rounds: number): Promise<string[]> {
  const [ours, recv] = [message, pieces].map((read): Work => () => frame(tls, read));
  const results = await alternately(rounds, ours, recv, FRAME);
  const of = (figure: (result: [number, number]) => number): number => median(results.map(figure));
  const ratio = times(of(([message, all]) => message / all));
  return [(of(([message]) => message) * 1000).toFixed(0), (of(([, all]) => all) * 1000).toFixed(0), ratio];
}
