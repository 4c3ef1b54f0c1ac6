import { assertEquals, assertThrows } from "@std/assert";
import { FrameWriter, MalformedFrameError, MAX_HANDSHAKE_FRAME } from "../../../core/distributed/session/frame.ts";
import { FrameSplitter } from "../../../core/distributed/session/frame_splitter.ts";
import { Random } from "../../soak/random.ts";

/** A frame of kind 5 with so many bytes in all. */
function frameOf(total: number): Uint8Array {
  return new FrameWriter(5, total - 5).bytes(new Uint8Array(total - 5).fill(total)).frame;
}

/** The frames that come of the chunks. */
function split(splitter: FrameSplitter, chunks: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const chunk of chunks) splitter.push(chunk, (frame) => frames.push(frame.slice()));
  return frames;
}

Deno.test("FrameSplitter finds the frames in whatever chunks they come", () => {
  const random = new Random(7);
  for (let round = 0; round < 300; round++) {
    const frames = Array.from({ length: random.from(1, 6) }, () => frameOf(random.from(5, 300)));
    const all = Uint8Array.from(frames.flatMap((frame) => [...frame]));
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < all.length;) {
      const length = random.chance(0.3) ? random.from(1, 3) : random.from(1, 400);
      chunks.push(all.subarray(at, at += length));
    }
    assertEquals(split(new FrameSplitter(), chunks), frames);
  }
});

Deno.test("FrameSplitter takes one byte after the other", () => {
  const frames = [frameOf(5), frameOf(100)];
  const bytes = frames.flatMap((frame) => [...frame]).map((byte) => Uint8Array.of(byte));
  assertEquals(split(new FrameSplitter(), bytes), frames);
});

Deno.test("FrameSplitter refuses a length beyond the limit as soon as it is there", () => {
  const huge = Uint8Array.of(255, 255, 255, 255);
  assertThrows(() => split(new FrameSplitter(), [huge]), MalformedFrameError, "too long");
  const splitter = new FrameSplitter();
  split(splitter, [huge.subarray(0, 3)]);
  assertThrows(() => split(splitter, [huge.subarray(3)]), MalformedFrameError, "too long");
  assertThrows(() => split(new FrameSplitter(), [frameOf(MAX_HANDSHAKE_FRAME + 1)]), MalformedFrameError);
  assertEquals(split(new FrameSplitter(), [frameOf(MAX_HANDSHAKE_FRAME)]).length, 1);
});

Deno.test("FrameSplitter refuses a frame without a kind", () => {
  assertThrows(() => split(new FrameSplitter(), [new Uint8Array(4)]), MalformedFrameError, "no kind");
});

Deno.test("FrameSplitter looks at its limit for each frame", () => {
  const splitter = new FrameSplitter();
  const sizes: number[] = [];
  const both = Uint8Array.from([...frameOf(20), ...frameOf(2000)]);
  splitter.push(both, (frame) => {
    sizes.push(frame.length);
    splitter.limit = 4096;
  });
  assertEquals(sizes, [20, 2000]);
});

Deno.test("FrameSplitter keeps no more than has come of a frame", () => {
  const splitter = new FrameSplitter();
  splitter.limit = 1 << 20;
  splitter.push(frameOf(1 << 20).subarray(0, 100), () => {});
  const { held } = splitter as unknown as { held: Uint8Array };
  assertEquals(held.length <= 256, true);
});

Deno.test("FrameSplitter passes nothing more once it is stopped, not even of the same chunk", () => {
  const splitter = new FrameSplitter();
  let frames = 0;
  splitter.push(Uint8Array.from([...frameOf(20), ...frameOf(20), 0, 0]), () => {
    frames++;
    splitter.stop();
  });
  splitter.push(frameOf(20), () => frames++);
  assertEquals(frames, 1);
});
