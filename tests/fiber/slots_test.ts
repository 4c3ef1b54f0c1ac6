/**
 * Who has which slot: places of those that left are passed before their slots go to others.
 */
import { assertEquals } from "@std/assert";
import { Slots } from "../../core/fiber/slots.ts";
import { Kernel } from "../../core/kernel/kernel.ts";
import type { Schedulable } from "../../core/fiber/schedulable.ts";

function entity(level: number): Schedulable {
  return { slot: -1, level } as Schedulable;
}

Deno.test("a slot that is freed is given out at once, unless its place in a queue has to be passed first", () => {
  const kernel = new Kernel();
  const slots = new Slots(kernel.queue);
  const [idle, ready, other] = [entity(4), entity(4), entity(4)];
  for (const each of [idle, ready, other]) slots.allocate(each, kernel.allocate(each.level));
  const [idleSlot, readySlot] = [idle.slot, ready.slot];
  kernel.queue.push(4, readySlot);
  slots.free(ready);
  assertEquals([ready.slot, slots.table[readySlot], slots.abandoned], [-1, undefined, 1]);
  slots.free(idle);
  slots.allocate(ready, kernel.allocate(ready.level));
  assertEquals([ready.slot, slots.table[idleSlot], slots.abandoned], [idleSlot, ready, 1]);
  assertEquals(kernel.queue.shift(4), readySlot);
  slots.pass(readySlot);
  slots.allocate(idle, kernel.allocate(idle.level));
  assertEquals([idle.slot, slots.abandoned], [readySlot, 0]);
});

Deno.test("when all places are passed, slots without an entity are free, and others are not", () => {
  const kernel = new Kernel();
  const slots = new Slots(kernel.queue);
  const gone = [0, 4, 4, 7].map(entity);
  const left = entity(4);
  for (const each of [...gone, left]) {
    slots.allocate(each, kernel.allocate(each.level));
    kernel.queue.push(each.level, each.slot);
  }
  for (const each of gone) slots.free(each);
  slots.passAll();
  assertEquals([slots.abandoned, kernel.queue.shift(4), kernel.exports.recycle()], [0, 0, 0]);
  slots.free(left);
  assertEquals(kernel.exports.recycle(), 1);
});
