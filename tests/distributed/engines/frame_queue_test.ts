/** Frames that wait to be written. */
import { assert, assertEquals } from "@std/assert";
import { FrameQueue } from "../../../core/distributed/engines/frame_queue.ts";
import { Random } from "../../soak/random.ts";

const KIB = 1024;

/** Takes everything, and returns copies of the host writes. */
function drain(queue: FrameQueue): Uint8Array[] {
  const writes: Uint8Array[] = [];
  while (!queue.empty) writes.push(queue.take().slice());
  queue.idle();
  return writes;
}

Deno.test("small frames are gathered for one host write", () => {
  const queue = new FrameQueue();
  for (let i = 0; i < 100; i++) queue.push(new Uint8Array(10).fill(i));
  const writes = drain(queue);
  assertEquals(writes.length, 1);
  assertEquals(writes[0], Uint8Array.from({ length: 1000 }, (_, i) => i / 10));
});

Deno.test("a large frame is not copied, nor is one alone", () => {
  const queue = new FrameQueue();
  const large = new Uint8Array(128 * KIB);
  const small = new Uint8Array(10);
  queue.push(small);
  assert(queue.take() === small);
  for (const frame of [small, large, small]) queue.push(frame);
  assert(queue.take() === small);
  assert(queue.take() === large);
  assert(queue.take() === small);
  assert(queue.empty);
});

Deno.test("a host write has 256 KiB at most, unless a frame is longer", () => {
  const queue = new FrameQueue();
  for (let i = 0; i < 50; i++) queue.push(new Uint8Array(100 * KIB));
  queue.push(new Uint8Array(500 * KIB));
  const sizes = drain(queue).map(({ length }) => length / KIB);
  assertEquals(sizes, [...new Array(25).fill(200), 500]);
});

Deno.test("all bytes come in order from many queues that share buffers", () => {
  const random = new Random(11);
  const queues = Array.from({ length: 5 }, () => ({ queue: new FrameQueue(), next: 0, seen: 0 }));
  for (let round = 0; round < 3000; round++) {
    const item = random.pick(queues);
    if (random.chance(0.6)) {
      const length = random.chance(0.05) ? random.from(1, 200 * KIB) : random.from(1, 100);
      item.queue.push(Uint8Array.from({ length }, () => item.next++));
    } else if (!item.queue.empty) {
      // Other queues are used while the host writes these bytes.
      const bytes = item.queue.take();
      const other = random.pick(queues);
      if (other !== item && !other.queue.empty) check(other, other.queue.take());
      check(item, bytes);
      if (item.queue.empty) item.queue.idle();
    }
  }

  function check(item: { seen: number }, bytes: Uint8Array): void {
    for (const byte of bytes) if (byte !== (item.seen++ & 255)) throw new Error("out of order");
  }
});

Deno.test("clear() drops all frames", () => {
  const queue = new FrameQueue();
  for (let i = 0; i < 10; i++) queue.push(new Uint8Array(1));
  queue.clear();
  assert(queue.empty);
});
