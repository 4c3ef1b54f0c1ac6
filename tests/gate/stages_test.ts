import { assertEquals, assertThrows } from "@std/assert";
import { selectStages, STAGES, together } from "./stages.ts";

function groups(...names: string[]): string[][] {
  return together(selectStages(names)).map((group) => group.map(({ name }) => name));
}

Deno.test("tests that start programs run beside the others, and every other stage by itself", () => {
  assertEquals(groups().at(-1), ["tests", "programs"]);
  assertEquals(groups().slice(0, -1), STAGES.slice(0, -2).map(({ name }) => [name]));
});

Deno.test("stages that are named run in the gate's order", () => {
  assertEquals(groups("tests", "fmt"), [["fmt"], ["tests"]]);
  assertEquals(groups("programs"), [["programs"]]);
  assertThrows(() => selectStages(["none"]), RangeError, 'Cannot run stage "none": stages are fmt, ');
});
