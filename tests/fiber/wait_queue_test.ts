/** The queue of operations that wait for the same thing. */
import { assertEquals } from "@std/assert";
import { isQueued, pushFront, type QueueLinks, WaitQueue } from "../../core/fiber/wait_queue.ts";

class Entry implements QueueLinks {
  nextWaiter: QueueLinks | null = null;
  prevWaiter: QueueLinks | null = null;

  constructor(readonly name: string) {}
}

function drain(queue: WaitQueue<Entry>): string {
  let names = "";
  for (let entry = queue.shift(); entry !== null; entry = queue.shift()) names += entry.name;
  return names;
}

Deno.test("entries come out in the order of push, those of pushFront before them", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => new Entry(name));
  const queue = new WaitQueue<Entry>();
  pushFront(queue, b);
  queue.push(c);
  pushFront(queue, a);
  queue.push(d);
  assertEquals(queue.length, 4);
  assertEquals(drain(queue), "abcd");
  assertEquals(queue.length, 0);
});

Deno.test("any entry can be removed, however it was added", () => {
  for (let removed = 0; removed < 4; removed++) {
    const entries = ["a", "b", "c", "d"].map((name) => new Entry(name));
    const queue = new WaitQueue<Entry>();
    for (const i of [1, 0]) pushFront(queue, entries[i]);
    for (const i of [2, 3]) queue.push(entries[i]);
    queue.remove(entries[removed]);
    assertEquals(isQueued(entries[removed]), false);
    queue.push(entries[removed]);
    assertEquals(drain(queue), "abcd".replace("abcd"[removed], "") + "abcd"[removed]);
  }
});
