/**
 * The shared suite of all streams. It is registered for each kind of stream, with a function that makes a pair: the
 * near side is ours, the far side is Deno's own or another program.
 */
import { all, Coro, type Operation, race, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ClosedError, EOFError, type IoLimit } from "@asyncoro/asyncoro/io";
import { bytes, drive, pause, seeded, testWith, text, turns } from "./helpers.ts";
import { CountedSignal } from "../helpers/counted_signal.ts";

/** Our side. */
export interface Near {
  recv(max: number, limit?: IoLimit): Operation<Uint8Array>;
  recvall(size: number, limit?: IoLimit): Operation<Uint8Array>;
  readline(limit?: IoLimit): Operation<string | null>;
  sendall(data: Uint8Array | string, limit?: IoLimit): Operation<unknown>;
  end(): Operation<void>;
  close(): void;
}

/** The other side. */
export interface Far {
  write(data: Uint8Array): Promise<void>;
  end(): Promise<void>;
  /** Returns the bytes that come, `null` at the end. */
  read(): Promise<Uint8Array | null>;
  close(): void;
}

/** Both sides, and a function that disposes of everything else. */
export interface Pair {
  readonly near: Near;
  readonly far: Far;
  dispose?(): Promise<void> | void;
}

/** A kind of stream. */
export interface StreamKind {
  readonly name: string;
  /** Programs that it needs. */
  readonly needs?: string[];
  /** Whether the near side can be written to. */
  readonly writes: boolean;
  open(): Promise<Pair>;
}

/** Registers the suite for a kind. */
export function streamSuite(kind: StreamKind): void {
  const check = (name: string, body: (near: Near, far: Far) => Promise<void>) =>
    testWith(kind.needs ?? [], `${kind.name} ${name}`, async () => {
      const { near, far, dispose } = await kind.open();
      try {
        await body(near, far);
      } finally {
        near.close();
        far.close();
        await dispose?.();
      }
    });
  readingSuite(check);
  cancellingSuite(check);
  if (kind.writes) writingSuite(check);
}

type Check = (name: string, body: (near: Near, far: Far) => Promise<void>) => void;

function readingSuite(check: Check): void {
  check("receives some bytes, a number of bytes, a line", async (near, far) => {
    await far.write(bytes("hello\r\nwörld\nlast"));
    await far.end();
    await drive(function* () {
      assertEquals(text(yield* near.recv(3)), "hel");
      assertEquals(yield* near.readline(), "lo");
      assertEquals(text(yield* near.recvall(3)), "wö");
      assertEquals(yield* near.readline(), "rld");
      assertEquals(yield* near.readline(), "last");
      assertEquals(yield* near.readline(), null);
      assertEquals((yield* near.recv(10)).length, 0);
    });
  });

  check("distinguishes the end of the stream, a timeout and a short stream", async (near, far) => {
    await drive(function* () {
      yield* fails(near.recv(10, 0.02), TimeoutError);
      yield* fails(near.recv(10, 0), TimeoutError);
      yield* until(far.write(bytes("abc")));
      yield* until(far.end());
      const error = yield* fails(near.recvall(5, 5), EOFError);
      assertEquals(text(error.partial), "abc");
      assertEquals((yield* near.recv(10, 5)).length, 0);
      assertEquals((yield* near.recvall(0)).length, 0);
    });
  });

  check("returns lines that come byte by byte, and long ones", async (near, far) => {
    const long = "x".repeat(200_000);
    await drive(function* () {
      const reader = new Coro(function* () {
        return [yield* near.readline(10), yield* near.readline(10), yield* near.readline(10)];
      });
      for (const byte of bytes("zwölf\r\n")) yield* until(far.write(Uint8Array.of(byte)));
      yield* until(Promise.all([far.write(bytes(`\n${long}\n`))]));
      assertEquals(yield* reader.finish(), ["zwölf", "", long]);
    });
  });

  check("wakes a reader when the peer closes", async (near, far) => {
    await drive(function* () {
      const reader = new Coro(function* () {
        return yield* near.recv(10, 10);
      });
      yield* sleep(0.02);
      far.close();
      assertEquals((yield* reader.finish()).length, 0);
    });
  });

  check("serves several readers in order", async (near, far) => {
    await drive(function* () {
      const readers = ["a", "b", "c"].map((name) =>
        new Coro(function* () {
          return name + (yield* near.readline(10));
        })
      );
      yield* sleep(0.02);
      yield* until(far.write(bytes("1\n2\n3\n")));
      const results: string[] = [];
      for (const reader of readers) results.push(yield* reader.finish());
      assertEquals(results, ["a1", "b2", "c3"]);
    });
  });

  check("wakes all its waiters when it is closed by another coroutine, twice", async (near) => {
    await drive(function* () {
      const readers = [0, 1].map(() =>
        new Coro(function* () {
          yield* fails(near.recv(10, 10), ClosedError);
        })
      );
      yield* sleep(0.02);
      near.close();
      near.close();
      for (const reader of readers) yield* reader.finish();
      yield* fails(near.recv(10), ClosedError);
      yield* fails(near.readline(0), ClosedError);
    });
  });

  check("moves much data, in reads of any size", async (near, far) => {
    const data = patterned(1_000_000);
    await drive(function* () {
      const written = far.write(data).then(() => far.end());
      const next = seeded(7);
      let at = 0;
      while (at < data.length) {
        const size = Math.min(data.length - at, 1 + next(50_000));
        const part = next(2) === 0 ? yield* near.recv(size, 10) : yield* near.recvall(size, 10);
        assertSame(part, data.subarray(at, at + part.length));
        at += part.length;
      }
      assertEquals((yield* near.recv(1, 10)).length, 0);
      yield* until(written);
    });
  });
}

function cancellingSuite(check: Check): void {
  const operations: [string, (near: Near, limit?: IoLimit) => Operation<unknown>, string][] = [
    ["recv", (near, limit) => near.recv(100, limit), ""],
    ["recvall", (near, limit) => near.recvall(8, limit), "abc"],
    ["readline", (near, limit) => near.readline(limit), "abc"],
  ];
  for (const [name, make, first] of operations) {
    check(`loses nothing when ${name} times out`, async (near, far) => {
      if (first) await far.write(bytes(first));
      await drive(function* () {
        yield* fails(make(near, 0.03), TimeoutError);
        yield* until(far.write(bytes("defgh\n")));
        assertEquals(text(yield* near.recvall(first.length + 6, 5)), `${first}defgh\n`);
      });
    });

    check(`loses nothing when ${name} is terminated, thrown into, raced and aborted`, async (near, far) => {
      if (first) await far.write(bytes(first));
      await drive(function* () {
        const ended = new Coro(function* () {
          yield* make(near);
        });
        yield* sleep(0.02);
        ended.terminate();
        yield* ended.finish();
        const thrown = new Coro(function* () {
          yield* make(near);
        });
        yield* sleep(0.01);
        thrown.throw(new RangeError("mine"));
        yield* fails(thrown.finish(), RangeError);
        yield* race(make(near), sleep(0.01));
        const counted = new CountedSignal();
        yield* race(make(near, counted.signal), sleep(0.01));
        setTimeout(() => counted.abort(new SyntaxError("reason")), 10);
        yield* fails(make(near, counted.signal), SyntaxError);
        assertEquals([counted.listeners, counted.added], [0, 2]);
        yield* fails(make(near, { timeout: 5, signal: counted.signal }), SyntaxError);
        assertEquals(counted.added, 2);
        yield* until(far.write(bytes("defgh\n")));
        assertEquals(text(yield* near.recvall(first.length + 6, 5)), `${first}defgh\n`);
      });
    });
  }

  check("loses no byte, whenever a read is pre-empted", async (near, far) => {
    const data = patterned(40_000);
    await drive(function* (coro) {
      // Ignores the errors of readers that fail before `finish` is called.
      coro.scheduler.onError = () => {};
      yield* preempted(near, far, data, seeded(20_260_101));
    });
  });
}

/** Reads everything with coroutines that are pre-empted at any moment, in any way. */
export function* preempted(
  near: Pick<Near, "recv" | "recvall">,
  far: Far,
  data: Uint8Array,
  next: (below: number) => number,
): Generator<unknown, void, unknown> {
  const writing = writePieces(far, data, next);
  const got: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): void => {
    got.push(part);
    length += part.length;
  };
  while (length < data.length) {
    const size = 1 + next(700);
    const read = (limit: IoLimit) =>
      next(2) === 0 ? near.recv(size, limit) : near.recvall(Math.min(size, data.length - length), limit);
    const reader = new Coro(function* () {
      switch (next(3)) {
        case 0:
          keep(yield* read(next(3) / 1000));
          break;
        case 1: {
          const part = yield* race(read(10), sleep(next(2) / 1000));
          if (part !== undefined) keep(part);
          break;
        }
        default:
          keep(yield* read(10));
      }
    });
    yield* turns(next(6));
    if (next(4) === 0) yield* sleep(next(3) / 1000);
    const fate = next(9);
    if (fate < 3) reader.terminate();
    else if (fate < 5) reader.throw(new RangeError("pre-empted"));
    try {
      yield* reader.finish();
    } catch (error) {
      if (!(error instanceof TimeoutError) && !(error instanceof RangeError)) throw error;
    }
  }
  yield* until(writing);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of got) {
    whole.set(part, at);
    at += part.length;
  }
  assertSame(whole, data);
}

async function writePieces(far: Far, data: Uint8Array, next: (below: number) => number): Promise<void> {
  for (let at = 0; at < data.length;) {
    const end = Math.min(data.length, at + 1 + next(900));
    await far.write(data.subarray(at, end));
    at = end;
    if (next(5) === 0) await pause(next(3));
  }
}

function writingSuite(check: Check): void {
  check("sends all, empty data included", async (near, far) => {
    await drive(function* () {
      yield* near.sendall("");
      yield* near.sendall(new Uint8Array(0), 5);
      yield* near.sendall("häh", 5);
      yield* near.end();
      assertEquals(text(yield* until(readAll(far))), "häh");
    });
  });

  check("half-closes both ways: each side still sends when the other has ended", async (near, far) => {
    await drive(function* () {
      yield* near.sendall("ours");
      yield* near.end();
      yield* near.end();
      assertEquals(text(yield* until(readAll(far))), "ours");
      yield* fails(near.sendall("more"), ClosedError);
      yield* until(far.write(bytes("theirs")));
      yield* until(far.end());
      assertEquals(text(yield* near.recvall(6, 5)), "theirs");
      assertEquals((yield* near.recv(1, 5)).length, 0);
    });
  });

  check("still sends when the peer has half-closed", async (near, far) => {
    await drive(function* () {
      yield* until(far.end());
      assertEquals((yield* near.recv(1, 5)).length, 0);
      yield* near.sendall("late");
      yield* near.end();
      assertEquals(text(yield* until(readAll(far))), "late");
    });
  });

  check("waits for a slow reader, buffers little, and does not mix the bytes of several writers", async (near, far) => {
    const [a, b] = [new Uint8Array(6_000_000).fill(65), new Uint8Array(6_000_000).fill(66)];
    await drive(function* () {
      const writers = [a, b].map((data) =>
        new Coro(function* () {
          yield* near.sendall(data, 15);
        })
      );
      yield* sleep(0.05);
      assert(writers.every((writer) => writer.isAlive()), "Expected writers to wait for the reader");
      const closer = new Coro(function* () {
        yield* all(writers);
        yield* near.end();
      });
      const got = yield* until(readAll(far), 15);
      assertEquals(got.length, a.length + b.length);
      assertEquals(got.indexOf(66), a.length);
      assertEquals(got.lastIndexOf(65), a.length - 1);
      yield* closer.finish();
    });
  });

  check("times out, terminates and closes while a send waits for room", async (near) => {
    const much = new Uint8Array(12_000_000);
    await drive(function* () {
      yield* fails(near.sendall(much, 0.05), TimeoutError);
      const writer = new Coro(function* () {
        yield* near.sendall(much);
      });
      yield* sleep(0.01);
      writer.terminate();
      yield* writer.finish();
      const other = new Coro(function* () {
        yield* fails(near.sendall(much), ClosedError);
      });
      yield* sleep(0.01);
      near.close();
      yield* other.finish();
      yield* fails(near.sendall("x"), ClosedError);
    });
  });

  check("fails a write to a peer that has left with the host's error, and nothing else", async (near, far) => {
    await drive(function* () {
      far.close();
      const error = yield* fails(sendForEver(near), Error);
      assert(/BrokenPipe|ConnectionReset|UnexpectedEof|Interrupted|TypeError/.test(error.name), error.name);
      yield* fails(near.sendall("more"), Error);
    });
  });
}

function* sendForEver(near: Near): Generator<unknown, void, unknown> {
  for (;;) yield* near.sendall(new Uint8Array(65_536), 10);
}

/** Waits for a failure of that class and returns the error. */
export function* fails<E extends Error>(
  work: Operation<unknown> | Generator<unknown, unknown, unknown>,
  // deno-lint-ignore no-explicit-any -- constructors of errors differ
  kind: new (...args: any[]) => E,
): Generator<unknown, E, unknown> {
  let value: unknown;
  try {
    value = yield* work;
  } catch (error) {
    assertInstanceOf(error, kind);
    return error as E;
  }
  throw new Error(`Expected ${kind.name}, got ${String(value)}`);
}

/** Reads everything to the end. */
export async function readAll(far: Far): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let part = await far.read(); part !== null; part = await far.read()) parts.push(part.slice());
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Bytes whose values depend on their position. */
export function patterned(length: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) data[i] = (i * 31 + (i >> 8) * 17 + (i >> 16)) & 255;
  return data;
}

function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  assertEquals(at, -1, `bytes differ from position ${at} on`);
}

/** A connection of Deno's as the far side. */
export function farConn(conn: Deno.Conn): Far {
  const buffer = new Uint8Array(65_536);
  let closed = false;
  return {
    async write(data) {
      for (let sent = 0; sent < data.length;) sent += await conn.write(data.subarray(sent));
    },
    end: () => conn.closeWrite(),
    async read() {
      const count = await conn.read(buffer);
      return count === null ? null : buffer.subarray(0, count);
    },
    close() {
      if (!closed) conn.close();
      closed = true;
    },
  };
}
