/** Programs whose logs were recorded on CPython 3.13: ours has to give the same, event for event. */
import { assertEquals } from "@std/assert";
import { logOf, RECORD, type Recorded } from "./cpython_duel.ts";

const lines = Deno.readTextFileSync(RECORD).trim().split("\n");

lines.forEach((line, index) => {
  const { program, log } = JSON.parse(line) as Recorded;
  Deno.test(`recorded program ${index + 1} does what it does on CPython`, async () => {
    assertEquals(await logOf(program), log);
  });
});
