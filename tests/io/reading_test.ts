/** The cost of reads, the memory they hold, and the arrays they return, in whatever pieces the bytes come. */
import { type Operation, race, run, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { AsyncFile, AsyncPipe, type AsyncSocket, type IoLimit, MessageTooLargeError } from "@asyncoro/asyncoro/io";
import { cut, FakeConn, SILENCE } from "./fake_conn.ts";
import { bytes, drive, testWith, text, turns } from "./helpers.ts";
import { fails, patterned } from "./stream_suite.ts";
import { CountedSignal } from "../helpers/counted_signal.ts";

const MIB = 1 << 20;

/** Counts the bytes that typed arrays copy and search during `work`. */
async function touched(work: () => Promise<void>): Promise<number> {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const { set, copyWithin, slice, indexOf } = prototype;
  let count = 0;
  Object.assign(prototype, {
    set(from: Uint8Array, at?: number): void {
      count += from.length;
      set.call(this, from, at);
    },
    copyWithin(to: number, from: number, end: number): Uint8Array {
      count += end - from;
      return copyWithin.call(this, to, from, end);
    },
    slice(from: number, end: number): Uint8Array {
      const result = slice.call(this, from, end);
      count += result.length;
      return result;
    },
    indexOf(this: Uint8Array, byte: number): number {
      const at = indexOf.call(this, byte);
      count += at < 0 ? this.length : at;
      return at;
    },
  });
  try {
    await work();
  } finally {
    Object.assign(prototype, { set, copyWithin, slice, indexOf });
  }
  return count;
}

function framed(length: number, announced = length): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(4 + length).fill(120);
  new DataView(frame.buffer).setUint32(0, announced);
  return frame;
}

function lineOf(length: number): Uint8Array<ArrayBuffer> {
  const line = new Uint8Array(length + 1).fill(120);
  line[length] = 10;
  return line;
}

/** A connection that brings a piece whenever the test calls for one. */
function onDemand(pieces: Iterator<Uint8Array, void>): [FakeConn, () => void] {
  let bring = (): void => {};
  const conn = new FakeConn(async () => {
    await new Promise<void>((resolve) => bring = resolve);
    return pieces.next().value ?? null;
  });
  return [conn, () => bring()];
}

interface Whole {
  readonly name: string;
  readonly data: Uint8Array;
  read(socket: AsyncSocket, limit?: IoLimit): Operation<Uint8Array | string | null>;
}

const WHOLES: Whole[] = [
  { name: "recvall", data: patterned(MIB), read: (socket, limit) => socket.recvall(MIB, limit) },
  { name: "recvMsg", data: framed(MIB), read: (socket, limit) => socket.recvMsg(limit) },
  { name: "readline", data: lineOf(MIB), read: (socket, limit) => socket.readline(limit) },
];

for (const { name, data, read } of WHOLES) {
  Deno.test(`${name}() copies and searches each byte a bounded number of times, whatever the pieces`, async () => {
    for (const piece of [1024, 10_000, 65_536]) {
      const conn = FakeConn.of(cut(data, piece));
      using socket = conn.socket();
      const count = await touched(() =>
        drive(function* () {
          assertEquals((yield* read(socket))?.length, MIB);
        })
      );
      // One copy by the test into the array, at most two as the array grows, and one search for the line feed.
      assert(count < 4.1 * MIB, `${count} in pieces of ${piece}`);
      const allocated = conn.arrays.reduce((sum, size) => sum + size, 0);
      assert(allocated < 4.1 * MIB, `${allocated} allocated for pieces of ${piece}`);
    }
  });

  Deno.test(`a ${name}() that is given up again and again does not search the same bytes each time`, async () => {
    const [conn, bring] = onDemand(cut(data, 4096));
    using socket = conn.socket();
    const count = await touched(() =>
      drive(function* () {
        for (;;) {
          try {
            assertEquals((yield* read(socket, 0))?.length, MIB);
            return;
          } catch (error) {
            assert(error instanceof TimeoutError);
          }
          bring();
          yield* turns(5);
        }
      })
    );
    assert(count < 4.1 * MIB, `${count}`);
  });
}

testWith(
  ["head"],
  "communicate(), read() and readall() of a pipe copy each byte a bounded number of times",
  async () => {
    const n = 4 * MIB;
    const reads: ((pipe: AsyncPipe) => Operation<Uint8Array>)[] = [(pipe) => pipe.read(), (pipe) => pipe.readall(n)];
    for (const read of [null, ...reads]) {
      const count = await touched(() =>
        drive(function* () {
          using pipe = new AsyncPipe("head", { args: ["-c", String(n), "/dev/zero"] });
          const data = read === null ? (yield* pipe.communicate(undefined, 20)).stdout : yield* read(pipe);
          assertEquals(data.length, n);
          yield* pipe.wait(5);
        })
      );
      assert(count < 3.1 * n, `${count} of ${n}`);
    }
  },
);

Deno.test("AsyncFile.read() copies each byte a bounded number of times", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, patterned(4 * MIB));
  const count = await touched(() =>
    drive(function* () {
      using file = yield* AsyncFile.open(path);
      assertEquals((yield* file.read()).length, 4 * MIB);
    })
  );
  await Deno.remove(path);
  assert(count < 2.1 * 4 * MIB, `${count}`);
});

Deno.test("recvall() and recvMsg() return the array that the host has filled", async () => {
  for (const piece of [50_000, MIB]) {
    const conn = FakeConn.of(cut(patterned(MIB), piece));
    using socket = conn.socket();
    await drive(function* () {
      const data = yield* socket.recvall(MIB);
      assertStrictEquals(data.buffer, conn.last);
      assertEquals(data.buffer.byteLength, MIB);
    });
    const other = FakeConn.of(cut(framed(MIB), piece));
    using framing = other.socket();
    await drive(function* () {
      const message = yield* framing.recvMsg();
      assertStrictEquals(message!.buffer, other.last);
    });
  }
});

Deno.test("a length that is announced or requested takes memory only as the bytes come", async () => {
  const reads = [(socket: AsyncSocket) => socket.recvMsg(), (socket: AsyncSocket) => socket.recvall(2 ** 40)];
  for (const read of reads) {
    let come = 0;
    const conn: FakeConn = new FakeConn(() => {
      if (conn.last !== null) assert(conn.last.byteLength <= 4 * (come + 1024), `${conn.last.byteLength} for ${come}`);
      if (come > MIB) return null;
      const piece = come === 0 ? framed(0, 16 * MIB) : new Uint8Array(1000);
      come += piece.length;
      return piece;
    });
    using socket = conn.socket();
    await drive(function* () {
      yield* fails(read(socket), Error);
    });
  }
});

Deno.test("an array that grew for a long line is not kept for the few bytes that are left", async () => {
  let finish = (_: Uint8Array): void => {};
  const more = new Promise<Uint8Array>((resolve) => finish = resolve);
  const conn = FakeConn.of([new Uint8Array([...lineOf(4 * MIB), ...bytes("ab")]), more]);
  using socket = conn.socket();
  await drive(function* () {
    assertEquals((yield* socket.readline())?.length, 4 * MIB);
    const idle = socket.readBuffer.peek(0, 0).buffer.byteLength;
    assert(idle <= 256 * 1024, `${idle} for 2 bytes that nobody waits for`);
    yield* fails(socket.readline(0.01), TimeoutError);
    assert(conn.last!.byteLength <= 256 * 1024, `${conn.last!.byteLength} to wait for more`);
    finish(bytes("c\n"));
    assertEquals(yield* socket.readline(5), "abc");
  });
});

Deno.test("a branch of a race copies only the bytes that it takes, however many have come", async () => {
  using socket = FakeConn.of([patterned(MIB), SILENCE]).socket();
  const count = await touched(() =>
    drive(function* () {
      yield* fails(socket.recvall(2 * MIB, 0.01), TimeoutError);
      for (let i = 0; i < 100; i++) {
        const data = yield* race(socket.recv(10), sleep(9));
        assertEquals(data, patterned(10 * (i + 1)).subarray(10 * i));
      }
    })
  );
  assert(count < 4 * MIB, `${count}`);
});

Deno.test("a line that is longer than the maximum is an error, terminated or not, whether its end has come or not", async () => {
  for (const pieces of [["123456"], ["123456\n"], ["12345", "6", "\n"]]) {
    for (const rounds of [0, 1, 2, 3, 4]) {
      using socket = FakeConn.of(pieces.map(bytes)).socket();
      await drive(function* () {
        for (let i = 0; i < rounds; i++) {
          // Lets a piece, or the end, come, and does not wait for it.
          yield* fails(socket.recvall(100, 0), Error);
          yield* sleep(0.001);
          if (socket.readBuffer.ended) break;
        }
        yield* fails(socket.readline({ max: 5 }), MessageTooLargeError);
        assertEquals(text(yield* socket.recvall(6)), "123456");
      });
    }
  }
});

Deno.test("a read without enough memory fails, and nothing else does", async () => {
  await drive(function* () {
    using socket = FakeConn.of([bytes("ab"), bytes("cd")]).socket();
    socket.readBuffer.lend = () => {
      throw new RangeError("Array buffer allocation failed");
    };
    const error = yield* fails(socket.recv(), RangeError);
    assertEquals(error.message, "Array buffer allocation failed");
    yield* fails(socket.recv(10, 5), RangeError);
  });
});

Deno.test("a connection whose read aborts the signal of the wait ends it", () =>
  run(function* (): Generator<unknown, void, unknown> {
    const counted = new CountedSignal();
    const conn = new FakeConn(() => {
      counted.abort("in the read");
      return SILENCE;
    });
    using socket = conn.socket();
    let thrown: unknown;
    try {
      yield* socket.recv(5, counted.signal);
    } catch (error) {
      thrown = error;
    }
    assertEquals([thrown, counted.listeners, counted.added], ["in the read", 0, 0]);
  }));
