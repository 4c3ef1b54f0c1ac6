import { assertEquals, assertThrows } from "@std/assert";
import { MalformedFrameError } from "../../../core/distributed/session/frame.ts";
import { SendSide } from "../../../core/distributed/session/send_side.ts";
import { decodeData, decodePart } from "../../../core/distributed/session/session_frames.ts";

const operation = (value: number, length = 3) => new Uint8Array(length).fill(value);
const firstBytes = (frame: Uint8Array) => decodeData(frame).operations.map((bytes) => bytes[0]);

Deno.test("SendSide writes all that fits into one frame", () => {
  const side = new SendSide();
  for (let i = 1; i <= 5; i++) side.enqueue(operation(i));
  // The frame has 21 bytes before the operations, and each operation 4 before its 3.
  assertEquals(firstBytes(side.nextFrame(21 + 3 * 7, 0, 0)), [1, 2, 3]);
  assertEquals(decodeData(side.nextFrame(1000, 0, 9)), { first: 4, ack: 9, operations: [operation(4), operation(5)] });
  assertEquals(side.hasMore, false);
});

Deno.test("SendSide withdraws only what has no sequence number yet", () => {
  const side = new SendSide();
  const tickets = [1, 2, 3, 4].map((value) => side.enqueue(operation(value)));
  assertEquals(side.withdraw(tickets[1]), true);
  assertEquals(side.withdraw(tickets[1]), false);
  assertEquals(side.queuedBytes, 9);
  assertEquals(firstBytes(side.nextFrame(21 + 7, 0, 0)), [1]);
  assertEquals(side.withdraw(tickets[0]), false);
  assertEquals(side.withdraw(tickets[3]), true);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [3]);
  assertEquals(side.assigned, 2);
  assertEquals(side.hasMore, false);
  assertEquals(side.withdraw(tickets[2]), false);
  assertEquals(side.withdraw(99), false);
});

Deno.test("SendSide is empty when all that is unsent was withdrawn", () => {
  const side = new SendSide();
  const tickets = [1, 2].map((value) => side.enqueue(operation(value)));
  side.withdraw(tickets[1]);
  side.withdraw(tickets[0]);
  assertEquals([side.hasMore, side.queuedBytes], [false, 0]);
  assertEquals(side.withdraw(side.enqueue(operation(3))), true);
});

Deno.test("SendSide sends again what is not acknowledged, with the same sequence numbers", () => {
  const side = new SendSide();
  for (let i = 1; i <= 4; i++) side.enqueue(operation(i));
  side.nextFrame(1000, 0, 0);
  assertEquals(side.acknowledge(2), 2);
  assertEquals(side.acknowledge(1), 0);
  side.resume();
  side.enqueue(operation(5));
  const { first, operations } = decodeData(side.nextFrame(1000, 0, 0));
  assertEquals([first, operations.length, side.resent], [3, 3, 2]);
});

Deno.test("SendSide skips what is acknowledged while it is being sent again", () => {
  const side = new SendSide();
  for (let i = 1; i <= 3; i++) side.enqueue(operation(i));
  side.nextFrame(1000, 0, 0);
  side.resume();
  side.acknowledge(2);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [3]);
  assertThrows(() => side.acknowledge(4), MalformedFrameError);
});

Deno.test("SendSide sends in parts what does not fit into a frame, also to a frame of another size", () => {
  const side = new SendSide();
  side.enqueue(operation(1, 100));
  side.enqueue(operation(2));
  const first = decodePart(side.nextFrame(29 + 40, 0, 0));
  assertEquals([first.sequence, first.total, first.offset, first.bytes.length], [1, 100, 0, 40]);
  assertEquals(decodePart(side.nextFrame(29 + 40, 0, 0)).offset, 40);
  assertEquals(side.lastWritten, 0);
  assertEquals(decodePart(side.nextFrame(1000, 0, 0)).offset, 80);
  assertEquals(side.lastWritten, 1);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [2]);
  side.resume();
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [1, 2]);
});

Deno.test("SendSide resends an operation from the byte that is missing", () => {
  const side = new SendSide();
  side.enqueue(operation(1, 100));
  while (side.hasMore) side.nextFrame(29 + 40, 0, 0);
  side.resume(40);
  assertEquals(decodePart(side.nextFrame(29 + 40, 0, 0)).offset, 40);
  assertThrows(() => side.resume(100), MalformedFrameError);
  side.acknowledge(1);
  assertThrows(() => side.resume(1), MalformedFrameError);
});

Deno.test("SendSide drops everything at the end", () => {
  const side = new SendSide();
  for (let i = 1; i <= 4; i++) side.enqueue(operation(i));
  side.nextFrame(21 + 7, 0, 0);
  side.clear();
  assertEquals([side.hasMore, side.queuedBytes], [false, 0]);
});

Deno.test("SendSide writes what is in the background when nothing else is to be written, one a frame", () => {
  const side = new SendSide();
  side.enqueueBackground(operation(11));
  side.enqueueBackground(operation(12));
  side.enqueue(operation(1));
  side.enqueue(operation(2));
  assertEquals([side.hasOnlyBackground, side.queuedBytes, side.backgroundBytes], [false, 12, 6]);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [1, 2]);
  assertEquals(side.hasOnlyBackground, true);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [11]);
  side.enqueue(operation(3));
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [3]);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [12]);
  assertEquals([side.hasMore, side.assigned], [false, 5]);
  assertEquals(side.acknowledge(3), 3);
  assertEquals([side.queuedBytes, side.backgroundBytes], [6, 3]);
  assertEquals(side.acknowledge(5), 2);
  assertEquals([side.queuedBytes, side.backgroundBytes], [0, 0]);
});

Deno.test("SendSide resends what was in the background in its place", () => {
  const side = new SendSide();
  side.enqueueBackground(operation(11, 100));
  const { sequence, bytes } = decodePart(side.nextFrame(29 + 60, 0, 0));
  assertEquals([sequence, bytes.length], [1, 60]);
  side.enqueue(operation(1));
  side.enqueueBackground(operation(12));
  side.resume();
  assertEquals(side.hasOnlyBackground, false);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [11, 1]);
  assertEquals(firstBytes(side.nextFrame(1000, 0, 0)), [12]);
  side.clear();
  side.enqueueBackground(operation(13));
  side.clear();
  assertEquals([side.hasMore, side.queuedBytes, side.backgroundBytes], [false, 0, 0]);
});
