import { assertEquals } from "@std/assert";
import { bar, progressBar } from "../../core/cluster/progress.ts";

Deno.test("a bar shows how much is done", () => {
  assertEquals(bar("work", 0, 10), `work [${" ".repeat(30)}] 0/10`);
  assertEquals(bar("work", 5, 10), `work [${"#".repeat(15)}${" ".repeat(15)}] 5/10`);
  assertEquals(bar("work", 10, 10), `work [${"#".repeat(30)}] 10/10`);
  assertEquals(bar("work", 0, 0), `work [${" ".repeat(30)}] 0/0`);
});

Deno.test("it is drawn now and then, at the end too, and on a terminal only", () => {
  for (const isTerminal of [true, false]) {
    const written: string[] = [];
    let time = 0;
    const draw = progressBar("work", { isTerminal: () => isTerminal, write: (text) => written.push(text) }, () => time);
    for (let done = 1; done <= 10; done++, time += 30) draw(done, 10, false);
    draw(10, 10, true);
    const counts = written.map((text) => /\d+\/\d+/.exec(text)![0]);
    assertEquals(counts, isTerminal ? ["1/10", "5/10", "9/10", "10/10"] : []);
    assertEquals(written.filter((text) => text.endsWith("\n")).length, isTerminal ? 1 : 0);
  }
});
