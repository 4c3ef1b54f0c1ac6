/** ByteQueue: the bytes that have come and were not taken yet. */
import { assert, assertEquals } from "@std/assert";
import { ByteQueue } from "../../core/io/stream/byte_queue.ts";
import { seeded } from "./helpers.ts";

/** Counts the bytes that the methods of typed arrays move or search during `work`. */
function counted(methods: ("set" | "copyWithin" | "slice" | "indexOf")[], work: () => void): number {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const originals = methods.map((name) => prototype[name]);
  let bytes = 0;
  methods.forEach((name, i) => {
    prototype[name] = function (this: Uint8Array, ...args: unknown[]) {
      const result = originals[i].apply(this, args);
      if (name === "set") bytes += (args[0] as Uint8Array).length;
      else if (name === "copyWithin") bytes += (args[2] as number) - (args[1] as number);
      else if (name === "slice") bytes += result.length;
      else bytes += result < 0 ? this.length : result + 1;
      return result;
    };
  });
  try {
    work();
  } finally {
    methods.forEach((name, i) => prototype[name] = originals[i]);
  }
  return bytes;
}

function fill(queue: ByteQueue, count: number, size: number, wanted = Infinity): void {
  const room = queue.lend(size, wanted);
  queue.filled(Math.min(count, room.length));
}

/** The length of the array that the queue holds. */
function capacity(queue: ByteQueue): number {
  return queue.peek(0, 0).buffer.byteLength;
}

Deno.test("a ByteQueue returns the bytes that it got, after any sequence of calls, and they stay unchanged", () => {
  for (const seed of [1, 2, 3, 4]) {
    const next = seeded(seed);
    const queue = new ByteQueue();
    let expected: number[] = [];
    let counter = 0;
    const taken: [Uint8Array, number[]][] = [];
    const fresh = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => counter++);
    let room: Uint8Array | null = null;
    const sizes = [1, 10, 1000, 70_000];
    const upTo = (): number => next(Math.min(expected.length, sizes[next(4)]) + 1);
    for (let step = 0; step < 1000; step++) {
      const what = next(12);
      if (what < 4) {
        // The host may write at any time, into the room that it was lent.
        if (room === null) {
          const size = 1 + next(2000);
          room = queue.lend(size, next(2) === 0 ? Infinity : expected.length + 1 + next(100_000));
          assert(room.length > 0, "Expected room");
        } else {
          const data = fresh(next(Math.min(room.length, 20_000) + 1));
          room.set(data);
          queue.filled(data.length);
          expected.push(...data);
          room = null;
        }
      } else if (what < 7) {
        const count = upTo();
        taken.push([queue.take(count), expected.slice(0, count).map((byte) => byte & 255)]);
        expected = expected.slice(count);
      } else if (what < 8) {
        const count = upTo();
        queue.skip(count);
        expected = expected.slice(count);
      } else if (what < 9) {
        const data = fresh(next(300));
        queue.prepend(data);
        expected.unshift(...data);
      } else if (what < 10 && room === null) {
        const data = fresh(next(3000));
        queue.append(data);
        expected.push(...data);
      } else if (what < 11) {
        assertEquals(queue.lineFeed(), expected.findIndex((byte) => (byte & 255) === 10));
      } else if (expected.length > 0) {
        const at = next(expected.length);
        assertEquals(queue.at(at), expected[at] & 255);
      }
      assertEquals(queue.available, expected.length);
    }
    assertEquals([...queue.peek(0, queue.available)], expected.map((byte) => byte & 255));
    for (const [bytes, values] of taken) assertEquals([...bytes], values);
  }
});

Deno.test("a ByteQueue moves bytes a bounded number of times, in whatever pieces they come and go", () => {
  const n = 1 << 20;
  for (const piece of [100, 1024, 65_536]) {
    const gathered = new ByteQueue();
    const moved = counted(["set", "copyWithin", "slice"], () => {
      while (gathered.available < n) fill(gathered, piece, 1024);
      assertEquals(gathered.take(n).length, n);
    });
    assert(moved < 3 * n, `gathering ${n} bytes in pieces of ${piece} moved ${moved}`);

    // The same with a byte taken in between.
    const shifted = new ByteQueue();
    const shiftedMoved = counted(["set", "copyWithin"], () => {
      for (let total = 0; total < n; total += piece) {
        fill(shifted, piece, 1024);
        shifted.skip(1);
      }
    });
    assert(shiftedMoved < 3 * n, `with bytes taken in between, pieces of ${piece} moved ${shiftedMoved}`);
    // The same with as many bytes as just fit into the array, and as many taken as come.
    const standing = new ByteQueue();
    standing.append(new Uint8Array(n));
    const steady = counted(["set", "copyWithin"], () => {
      for (let total = 0; total < n; total += piece) {
        standing.skip(piece);
        while (standing.available < n) fill(standing, n - standing.available, 1024);
      }
    });
    assert(steady < 6 * n, `with ${n} bytes standing, pieces of ${piece} moved ${steady}`);
  }
});

Deno.test("a ByteQueue of known length gets an array of that length and returns it without a copy", () => {
  const n = 1_000_000;
  const queue = new ByteQueue();
  while (queue.available < n) fill(queue, 50_000, 1024, n);
  assertEquals(capacity(queue), n);
  const copied = counted(["set", "copyWithin", "slice"], () => assertEquals(queue.take(n).length, n));
  assertEquals(copied, 0);
});

Deno.test("a ByteQueue returns a large array without a copy although a few more bytes have come", () => {
  const queue = new ByteQueue();
  const n = 1_000_000;
  while (queue.available < n + 10) fill(queue, n + 10 - queue.available, 65_536);
  const copied = counted(["set", "copyWithin", "slice"], () => assertEquals(queue.take(n).length, n));
  assertEquals([copied, queue.available], [10, 10]);
});

Deno.test("a ByteQueue allocates for an announced length only as the bytes come", () => {
  const queue = new ByteQueue();
  for (let come = 4; come < 1_000_000; come += 1000) {
    fill(queue, come === 4 ? 4 : 1000, 1024, 2 ** 32);
    assert(capacity(queue) <= 4 * (queue.available + 1024), `${capacity(queue)} for ${queue.available}`);
  }
});

Deno.test("a ByteQueue that grew frees its memory when few bytes are left, and when room is lent", () => {
  const queue = new ByteQueue();
  queue.append(new Uint8Array(16 << 20));
  while (queue.available > 100) queue.skip(Math.min(50_000, queue.available - 100));
  assert(capacity(queue) <= 256 * 1024, `${capacity(queue)} for 100 bytes`);
  queue.lend(1024, Infinity);
  assert(capacity(queue) <= 4 * 1124, `${capacity(queue)} for 100 bytes and room for 1024`);
  queue.filled(0);
  queue.skip(100);
  queue.lend(1024, Infinity);
  assertEquals(queue.available, 0);
});

Deno.test("a ByteQueue searches each byte only once for a line feed", () => {
  const queue = new ByteQueue();
  const n = 1 << 18;
  const searched = counted(["indexOf"], () => {
    while (queue.available < n) {
      fill(queue, 1000, 1024);
      assertEquals(queue.lineFeed(), -1);
      assertEquals(queue.lineFeed(), -1);
    }
    queue.append(new Uint8Array([10]));
    assertEquals(queue.lineFeed(), queue.available - 1);
    queue.skip(5);
    assertEquals(queue.lineFeed(), queue.available - 1);
  });
  assert(searched < n + 2000, `${searched} of ${n}`);
});

Deno.test("the arrays that a ByteQueue returned, empty ones included, can be transferred", () => {
  const queue = new ByteQueue();
  for (const count of [0, 3, 0]) {
    const bytes = queue.take(Math.min(count, queue.available));
    structuredClone(bytes, { transfer: [bytes.buffer] });
    queue.append(new Uint8Array(3));
  }
  assertEquals(new ByteQueue().take(0).length, 0);
  assertEquals(queue.take(3).length, 3);
});

Deno.test("an array that a ByteQueue returned while the host was writing can be transferred, and nothing is lost", () => {
  const queue = new ByteQueue();
  queue.append(new Uint8Array(3000));
  const room = queue.lend(1000, Infinity);
  const bytes = queue.take(3000);
  room.set([1, 2, 3]);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  queue.filled(3);
  assertEquals([...queue.take(3)], [1, 2, 3]);
});
