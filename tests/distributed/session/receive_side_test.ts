import { assertEquals, assertThrows } from "@std/assert";
import { MalformedFrameError } from "../../../core/distributed/session/frame.ts";
import { ReceiveSide } from "../../../core/distributed/session/receive_side.ts";

const operation = (value: number, length = 1) => new Uint8Array(length).fill(value);

/** A receive side, and what arrives at it. */
function receiver(maxOperation = 1000) {
  const side = new ReceiveSide(maxOperation);
  const arrived: number[] = [];
  const deliver = (bytes: Uint8Array) => arrived.push(bytes[0]) > 0;
  return {
    side,
    arrived,
    data: (first: number, ...values: number[]) =>
      side.takeData({ first, ack: 0, operations: values.map((value) => operation(value)) }, 0, deliver),
    part: (sequence: number, total: number, offset: number, length: number) =>
      side.takePart({ sequence, ack: 0, total, offset, bytes: operation(sequence, length) }, 0, deliver),
  };
}

Deno.test("ReceiveSide passes on each operation once", () => {
  const { side, arrived, data } = receiver();
  data(1, 1, 2, 3);
  data(2, 2, 3, 4);
  data(1, 1);
  assertEquals(arrived, [1, 2, 3, 4]);
  assertEquals([side.received, side.duplicates], [4, 3]);
});

Deno.test("ReceiveSide drops what is behind a gap and asks once for what is missing", () => {
  const { side, arrived, data } = receiver();
  data(1, 1);
  data(3, 3);
  assertEquals(side.asksResend, true);
  side.asksResend = false;
  data(4, 4);
  assertEquals(side.asksResend, false);
  side.takeData({ first: 5, ack: 0, operations: [operation(5)] }, 0.6, () => true);
  assertEquals(side.asksResend, true);
  data(2, 2, 3);
  assertEquals(arrived, [1, 2, 3]);
});

Deno.test("ReceiveSide finds a lost tail by the last sequence number that was written", () => {
  const { side, data } = receiver();
  data(1, 1);
  side.checkTail(1, 0);
  assertEquals(side.asksResend, false);
  side.checkTail(0, 0);
  assertEquals(side.asksResend, false);
  side.checkTail(2, 0);
  assertEquals(side.asksResend, true);
});

Deno.test("ReceiveSide puts parts together", () => {
  const { side, arrived, part } = receiver();
  part(1, 10, 0, 4);
  part(1, 10, 4, 4);
  assertEquals([arrived, side.received, side.assembled], [[], 0, 8]);
  part(1, 10, 8, 2);
  assertEquals([arrived, side.received, side.assembled], [[1], 1, 0]);
  part(1, 10, 0, 4);
  part(1, 10, 4, 6);
  assertEquals([arrived, side.duplicates], [[1], 1]);
});

Deno.test("ReceiveSide asks for the part that is missing and goes on from it", () => {
  const { side, arrived, part } = receiver();
  part(1, 10, 0, 4);
  part(1, 10, 8, 2);
  assertEquals([side.asksResend, side.assembled], [true, 4]);
  part(1, 10, 4, 4);
  part(1, 10, 8, 2);
  assertEquals(arrived, [1]);
});

Deno.test("ReceiveSide begins an operation again on another link", () => {
  const { side, arrived, part } = receiver();
  part(1, 10, 0, 4);
  side.resume();
  part(1, 10, 4, 6);
  assertEquals([side.asksResend, side.assembled], [true, 0]);
  part(1, 10, 0, 10);
  assertEquals(arrived, [1]);
});

Deno.test("ReceiveSide refuses an operation above its limit before it takes anything of it", () => {
  const { side, arrived, part } = receiver(100);
  assertThrows(() => part(1, 101, 0, 4), MalformedFrameError, "too large");
  const operations = [operation(1), operation(2, 101)];
  assertThrows(() => side.takeData({ first: 1, ack: 0, operations }, 0, () => true), MalformedFrameError);
  assertEquals([arrived, side.received, side.assembled], [[], 0, 0]);
  part(1, 100, 0, 50);
  assertThrows(() => part(1, 90, 50, 40), MalformedFrameError, "differ");
});

Deno.test("ReceiveSide stops when its session ends while an operation is passed on", () => {
  const side = new ReceiveSide(10);
  let arrived = 0;
  side.takeData({ first: 1, ack: 0, operations: [operation(1), operation(2)] }, 0, () => ++arrived < 1);
  assertEquals([arrived, side.received], [1, 1]);
});
