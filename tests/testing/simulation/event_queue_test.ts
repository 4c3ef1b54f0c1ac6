import { assertEquals } from "@std/assert";
import { EventQueue, type SimulatedEvent } from "../../../core/testing/simulation/event_queue.ts";
import { Random } from "../../soak/random.ts";

function event(): SimulatedEvent {
  return { time: 0, tie: 0, happen: () => {} };
}

Deno.test("events come in the order of their times, those of one time in that of their ties", () => {
  const random = new Random(7);
  for (let round = 0; round < 50; round++) {
    const queue = new EventQueue();
    const added: SimulatedEvent[] = [];
    const taken: SimulatedEvent[] = [];
    const earlier = (a: SimulatedEvent, b: SimulatedEvent) => a.time - b.time || a.tie - b.tie;
    for (let i = 0; i < 200; i++) {
      if (random.chance(0.6) || added.length === taken.length) {
        const next = event();
        queue.add(next, random.below(20), random.next());
        added.push(next);
      } else {
        const left = added.filter((each) => !taken.includes(each)).sort(earlier);
        assertEquals(queue.earliest, left[0].time);
        taken.push(queue.take());
        assertEquals(taken.at(-1) === left[0], true);
      }
    }
    queue.clear();
    assertEquals(queue.earliest, Infinity);
  }
});
