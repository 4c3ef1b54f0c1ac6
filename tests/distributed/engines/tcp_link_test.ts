/** Links over a connection that the test controls. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CLOSING_SECONDS, LOW_WATER, type StreamConn, TcpLink } from "../../../core/distributed/engines/tcp_link.ts";
import { withTimers } from "./host_timers.ts";
import { frameOf } from "./link_end.ts";

interface Pending<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** A connection whose host operations the test ends. */
class FakeConn implements StreamConn {
  readonly log: string[] = [];
  readonly written: Uint8Array[] = [];
  readonly buffers: Uint8Array[] = [];
  reading: Pending<number | null> | null = null;
  writing: Pending<number> | null = null;
  ending: Pending<void> | null = null;

  read(buffer: Uint8Array): Promise<number | null> {
    assert(this.reading === null, "one read at a time");
    this.buffers.push(buffer);
    return new Promise((resolve, reject) => this.reading = { resolve, reject });
  }

  write(bytes: Uint8Array): Promise<number> {
    assert(this.writing === null, "one write at a time");
    this.written.push(bytes.slice());
    return new Promise((resolve, reject) => this.writing = { resolve, reject });
  }

  closeWrite(): Promise<void> {
    assert(this.writing === null, "the stream is ended after the writes");
    this.log.push("closeWrite");
    return new Promise((resolve, reject) => this.ending = { resolve, reject });
  }

  close(): void {
    this.log.push("close");
    for (const pending of [this.reading, this.writing, this.ending]) {
      pending?.reject(new Deno.errors.Interrupted("closed"));
    }
  }

  ref(): void {
    this.log.push("ref");
  }

  unref(): void {
    this.log.push("unref");
  }

  /** The host has read so many bytes; `null`: the end. */
  async arrive(count: number | null): Promise<void> {
    const { reading } = this;
    this.reading = null;
    reading!.resolve(count);
    await turn();
  }

  /** The host has taken so many bytes; all by default. */
  async take(count: number = this.written.at(-1)!.length): Promise<void> {
    const { writing } = this;
    this.writing = null;
    writing!.resolve(count);
    await turn();
  }
}

async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await null;
}

/** A link that has been started, its connection, and a record of its callbacks. */
function started(): { conn: FakeConn; link: TcpLink; calls: string[] } {
  const conn = new FakeConn();
  const link = new TcpLink(conn);
  const calls: string[] = [];
  start(link, calls);
  return { conn, link, calls };
}

function start(link: TcpLink, calls: string[]): void {
  link.start(
    (bytes) => calls.push(`frame ${bytes.length}`),
    () => calls.push(`drained at ${link.queued}`),
    (reason) => calls.push(`closed ${reason?.message ?? null}`),
  );
}

// --- receiving ------------------------------------------------------------------------------------------------

Deno.test("a link reads nothing before it is started, and one piece after the other then", async () => {
  const conn = new FakeConn();
  const link = new TcpLink(conn);
  assertEquals(conn.reading, null);
  const calls: string[] = [];
  start(link, calls);
  await conn.arrive(10);
  await conn.arrive(20);
  await conn.arrive(null);
  assertEquals(calls, ["frame 10", "frame 20", "closed null"]);
  assertEquals(conn.log, ["unref", "close"]);
});

Deno.test("the buffer of a link grows while reads fill it, and is small again when they are small", async () => {
  const { conn } = started();
  const least = conn.buffers[0].length;
  for (let i = 0; i < 8; i++) await conn.arrive(conn.buffers.at(-1)!.length);
  assertEquals(conn.buffers.at(-1)!.length, 256 * 1024);
  assert(conn.buffers.at(-1) === conn.buffers.at(-2), "the same buffer is used again");
  for (let i = 0; i < 10; i++) await conn.arrive(1);
  assertEquals(conn.buffers.at(-1)!.length, least);
});

Deno.test("an error of a read ends the link once", async () => {
  const { conn, link, calls } = started();
  link.write(frameOf(10, 1));
  conn.reading!.reject(new Deno.errors.ConnectionReset("reset"));
  await turn();
  assertEquals(calls, ["closed reset"]);
  assertEquals(link.queued, 0);
  link.close();
  await turn();
  assertEquals(calls.length, 1);
});

// --- sending --------------------------------------------------------------------------------------------------

Deno.test("frames that are written while the host writes go in one host write", async () => {
  const { conn, link } = started();
  for (let i = 1; i <= 4; i++) link.write(frameOf(10 * i, i));
  assertEquals(conn.written.map(({ length }) => length), [10]);
  assertEquals(link.queued, 100);
  await conn.take();
  assertEquals(conn.written.map(({ length }) => length), [10, 90]);
  assertEquals(link.queued, 90);
  await conn.take();
  assertEquals(link.queued, 0);
  assertEquals(conn.writing, null);
});

Deno.test("what the host has not taken of a write follows in the next, before other frames", async () => {
  const { conn, link } = started();
  const frames = [frameOf(100, 1), frameOf(50, 2), frameOf(60, 3)];
  for (const frame of frames) link.write(frame.slice());
  const seen: number[] = [];
  for (const count of [30, 1, 69, 100, 10]) {
    seen.push(...conn.written.at(-1)!.subarray(0, count));
    await conn.take(count);
    assertEquals(link.queued, 210 - seen.length);
  }
  assertEquals(seen, frames.flatMap((frame) => [...frame]));
});

Deno.test("drained is called when the queue has fallen to the low-water mark after having been above", async () => {
  const { conn, link, calls } = started();
  link.write(frameOf(LOW_WATER, 1));
  await conn.take();
  assertEquals(calls, []);
  link.write(frameOf(LOW_WATER, 1));
  link.write(frameOf(10, 1));
  await conn.take(9);
  assertEquals(calls, []);
  await conn.take(1);
  assertEquals(calls, [`drained at ${LOW_WATER}`]);
  await conn.take();
  assertEquals(calls.length, 1);
});

Deno.test("a queue that has drained before the link was started is told when it is started", async () => {
  const conn = new FakeConn();
  const link = new TcpLink(conn);
  link.write(frameOf(LOW_WATER + 1, 1));
  await conn.take();
  const calls: string[] = [];
  start(link, calls);
  assertEquals(calls, []);
  await turn();
  assertEquals(calls, ["drained at 0"]);
});

Deno.test("an error of a write ends the link once, also if it was not started", async () => {
  const { conn, link, calls } = started();
  link.write(frameOf(10, 1));
  conn.writing!.reject(new Deno.errors.BrokenPipe("broken"));
  await turn();
  assertEquals(calls, ["closed broken"]);

  const other = new FakeConn();
  const late = new TcpLink(other);
  late.write(frameOf(10, 1));
  other.writing!.reject(new Deno.errors.BrokenPipe("broken"));
  await turn();
  const lateCalls: string[] = [];
  start(late, lateCalls);
  assertEquals(lateCalls, []);
  await turn();
  assertEquals(lateCalls, ["closed broken"]);
});

Deno.test("a link that ended before it was started and is closed at once calls nobody", async () => {
  const conn = new FakeConn();
  const link = new TcpLink(conn);
  link.write(frameOf(10, 1));
  conn.writing!.reject(new Deno.errors.BrokenPipe("broken"));
  await turn();
  const calls: string[] = [];
  start(link, calls);
  link.close();
  await turn();
  assertEquals(calls, []);
});

// --- closing --------------------------------------------------------------------------------------------------

Deno.test("a link that has written nothing frees its descriptor at once", async () => {
  const { conn, link, calls } = started();
  link.close();
  assertEquals(conn.log, ["unref", "close"]);
  await turn();
  assertEquals(calls, []);
});

Deno.test("a closed link sends the rest, ends its stream, and waits for the end of the peer's", () =>
  withTimers(async () => {
    const { conn, link, calls } = started();
    for (let i = 0; i < 3; i++) link.write(frameOf(10, i));
    link.close();
    // It keeps the process alive meanwhile.
    assertEquals(conn.log, ["unref", "ref"]);
    link.write(frameOf(10, 9));
    await conn.arrive(100);
    await conn.take();
    await conn.take();
    assertEquals(conn.written.map(({ length }) => length), [10, 20]);
    assertEquals(conn.log.slice(2), ["closeWrite"]);
    conn.ending!.resolve();
    await conn.arrive(100);
    assertEquals(conn.log.slice(2), ["closeWrite"]);
    await conn.arrive(null);
    assertEquals(conn.log.slice(2), ["closeWrite", "close"]);
    assertEquals(calls, []);
  }));

Deno.test("a closed link that is done with its own stream last frees its descriptor then", () =>
  withTimers(async () => {
    const { conn, link } = started();
    link.write(frameOf(10, 1));
    link.close();
    await conn.arrive(null);
    await conn.take();
    assertEquals(conn.log.slice(2), ["closeWrite"]);
    conn.ending!.resolve();
    await turn();
    assertEquals(conn.log.slice(2), ["closeWrite", "close"]);
  }));

Deno.test("a closed link whose peer takes nothing, or never ends, frees its descriptor after some seconds", () =>
  withTimers(async (timers) => {
    for (const taken of [false, true]) {
      const { conn, link, calls } = started();
      link.write(frameOf(10, 1));
      if (taken) await conn.take();
      link.close();
      const timer = timers.at(-1)!;
      assertEquals(timer.seconds, CLOSING_SECONDS);
      await turn();
      assert(!conn.log.includes("close"));
      timer.fire();
      assertEquals(conn.log.at(-1), "close");
      await turn();
      assertEquals(calls, []);
    }
  }));

Deno.test("a closed link frees its descriptor at once if the connection fails, and leaves no timer", () =>
  withTimers(async (timers) => {
    for (const operation of ["reading", "writing"] as const) {
      const { conn, link, calls } = started();
      link.write(frameOf(10, 1));
      link.close();
      conn[operation]!.reject(new Deno.errors.ConnectionReset("reset"));
      await turn();
      assertEquals(conn.log.at(-1), "close");
      assert(timers.at(-1)!.stopped);
      assertEquals(calls, []);
    }
  }));

Deno.test("the host may have closed the connection already", async () => {
  const { conn, calls } = started();
  conn.close = () => {
    throw new Deno.errors.BadResource("closed");
  };
  await conn.arrive(null);
  assertEquals(calls.length, 1);
  assertStringIncludes(calls[0], "null");
});
