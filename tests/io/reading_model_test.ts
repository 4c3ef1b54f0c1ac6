/** Random pieces against random reads that are pre-empted at random: the bytes are the same and in order. */
import { Coro, type Operation, race, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { AsyncSocket, type IoLimit } from "@asyncoro/asyncoro/io";
import { FakeConn, type Piece } from "./fake_conn.ts";
import { drive, pause, seeded, turns } from "./helpers.ts";

type Random = (below: number) => number;

/** A part of the stream: a line or a message, which is read as a whole, or raw bytes, which are read in parts. */
interface Section {
  readonly kind: "line" | "message" | "raw";
  /** Its bytes in the stream. */
  readonly wire: Uint8Array;
  /** The bytes of the value that is read. */
  readonly content: Uint8Array;
}

const SIZES = [0, 1, 3, 100, 2000, 70_000];

function randomBytes(next: Random): Uint8Array<ArrayBuffer> {
  const size = SIZES[next(SIZES.length)];
  return Uint8Array.from({ length: size + next(size + 1) }, () => next(256));
}

function section(next: Random): Section {
  const content = randomBytes(next);
  switch (next(3)) {
    case 0: {
      // Printable text, so that its bytes survive the decoding.
      for (let i = 0; i < content.length; i++) content[i] = 32 + content[i] % 90;
      const end = next(2) === 0 ? [10] : [13, 10];
      return { kind: "line", content, wire: joined([content, new Uint8Array(end)]) };
    }
    case 1: {
      const head = new Uint8Array(4);
      new DataView(head.buffer).setUint32(0, content.length);
      return { kind: "message", content, wire: joined([head, content]) };
    }
    default:
      return { kind: "raw", content, wire: content };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Pieces of random sizes, after random delays. */
function* piecesOf(wire: Uint8Array, next: Random): Generator<Piece | Promise<Piece>, void, unknown> {
  for (let at = 0; at < wire.length;) {
    const size = 1 + next([1, 50, 3000, 100_000][next(4)]);
    const piece = wire.slice(at, at + size);
    at += size;
    yield next(10) === 0 ? pause(next(2)).then(() => piece) : piece;
  }
}

function socketOver(pieces: Iterable<Piece | Promise<Piece>>, kind: string): AsyncSocket {
  if (kind === "connection") return FakeConn.of(pieces).socket();
  const iterator = pieces[Symbol.iterator]();
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(await value as Uint8Array);
    },
  });
  return AsyncSocket.from({ readable, writable: new WritableStream() });
}

/** A read, and a function that returns the bytes of its value. */
interface Reading {
  make(limit: IoLimit): Operation<unknown>;
  bytes(value: unknown): Uint8Array;
}

/** Makes a read of the current section, of which `left` bytes were not read yet. */
function reading(socket: AsyncSocket, kind: Section["kind"], left: number, next: Random): Reading {
  if (kind === "line") {
    return {
      make: (limit) => socket.readline(limit),
      bytes: (line) => new TextEncoder().encode(line as string),
    };
  }
  const bytes = (value: unknown) => value as Uint8Array;
  if (kind === "message") return { make: (limit) => socket.recvMsg(limit), bytes };
  const size = 1 + next(left);
  if (next(3) === 0) return { make: (limit) => socket.recvall(size, limit), bytes };
  if (next(2) === 0) return { make: (limit) => socket.recv(size, limit), bytes };
  const buffer = new Uint8Array(size);
  return {
    make: (limit) => socket.recvInto(buffer, limit),
    bytes: (count) => buffer.slice(0, count as number),
  };
}

/** One attempt to read, which may be pre-empted. Returns the bytes that were read, `null` if there were none. */
function* attempt({ make, bytes }: Reading, next: Random): Generator<unknown, Uint8Array | null, unknown> {
  let got: Uint8Array | null = null;
  const reader = new Coro(function* () {
    const way = next(3);
    const value = way === 0
      ? yield* make(next(3) / 1000)
      : way === 1
      ? yield* race(make(10), sleep(next(2) / 1000))
      : yield* make(10);
    if (value !== undefined) got = bytes(value);
  });
  yield* turns(next(5));
  if (next(6) === 0) yield* sleep(next(2) / 1000);
  const fate = next(8);
  if (fate < 2) reader.terminate();
  else if (fate < 4) reader.throw(new RangeError("pre-empted"));
  try {
    yield* reader.finish();
  } catch (error) {
    if (!(error instanceof TimeoutError) && !(error instanceof RangeError)) throw error;
  }
  return got;
}

for (const over of ["connection", "stream"]) {
  Deno.test(`reads of all kinds over a ${over} that are pre-empted at random return the bytes that came, and these stay unchanged`, async () => {
    for (const seed of [21, 22, 23, 24]) {
      const next = seeded(seed);
      const sections = Array.from({ length: 40 }, () => section(next));
      const wire = joined(sections.map((each) => each.wire));
      using socket = socketOver(piecesOf(wire, seeded(seed + 100)), over);
      const kept: [Uint8Array, Uint8Array][] = [];
      await drive(function* (coro) {
        // Ignores the errors of readers that fail before `finish` is called.
        coro.scheduler.onError = () => {};
        for (const { kind, content } of sections) {
          for (let at = 0, whole = false; kind === "raw" ? at < content.length : !whole;) {
            const left = content.length - at;
            const got = yield* attempt(reading(socket, kind, left, next), next);
            if (got === null) continue;
            whole = true;
            kept.push([got, content.subarray(at, at + (kind === "raw" ? got.length : left))]);
            at += got.length;
          }
        }
        assertEquals((yield* socket.recv(1, 5)).length, 0);
      });
      // Compared only now, to detect a later read that wrote over the array of an earlier one.
      kept.forEach(([got, expected], index) => assertSame(got, expected, `seed ${seed}, read ${index}`));
    }
  });
}

function assertSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assertEquals(actual.length, expected.length, what);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  assertEquals(at, -1, `${what}: bytes differ from position ${at} on`);
}
