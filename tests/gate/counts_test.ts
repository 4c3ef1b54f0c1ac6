import { assertEquals } from "@std/assert";
import { denoTestCounts, formatCounts, plainCounts, stageCounts, sumCounts } from "./counts.ts";

Deno.test("denoTestCounts() reads the summary of deno test", () => {
  const read = (line: string) => denoTestCounts(`x ... ok (1ms)\n\n${line}\n`);
  assertEquals(read("ok | 5 passed | 0 failed (327ms)"), {
    passed: 5,
    failed: 0,
  });
  assertEquals(
    read("FAILED | 3 passed (2 steps) | 4 failed (1 step) | 1 ignored (3s)"),
    { passed: 3, failed: 4 },
  );
  assertEquals(
    read("ok | 12 passed (1 step) | 0 failed | 3 filtered out (9ms)"),
    { passed: 12, failed: 0 },
  );
});

Deno.test("denoTestCounts() ignores colours", () => {
  const coloured = "\n\x1b[0m\x1b[32mok\x1b[0m | 5 passed | 0 failed \x1b[0m\x1b[38;5;245m(327ms)\x1b[0m\n";
  assertEquals(denoTestCounts(coloured), { passed: 5, failed: 0 });
});

Deno.test("denoTestCounts() takes the last summary and nothing else", () => {
  const nested = "ok | 1 passed | 0 failed\nFAILED | 8 passed | 2 failed (1s)";
  assertEquals(denoTestCounts(nested), { passed: 8, failed: 2 });
  assertEquals(denoTestCounts("a test: ok | 1 passed | 0 failed"), undefined);
  assertEquals(denoTestCounts("error: Type checking failed."), undefined);
});

Deno.test("plainCounts() reads the last line of the specs", () => {
  const output = "[Summary]\n1 passed, 1 failed so far\n31 passed, 2 failed\n";
  assertEquals(plainCounts(output), { passed: 31, failed: 2 });
  assertEquals(plainCounts("Compiling 31 passed, 2 failed"), undefined);
});

Deno.test("stageCounts() counts a stage without figures only when it fails", () => {
  assertEquals(stageCounts(true, ""), { passed: 0, failed: 0 });
  assertEquals(stageCounts(false, ""), { passed: 0, failed: 1 });
});

Deno.test("stageCounts() counts every failure", () => {
  const none = { passed: 0, failed: 1 };
  assertEquals(stageCounts(false, "error: no types", denoTestCounts), none);
  assertEquals(stageCounts(true, "no summary", denoTestCounts), none);
  assertEquals(stageCounts(true, "0 passed, 0 failed", plainCounts), none);
  assertEquals(stageCounts(false, "7 passed, 0 failed", plainCounts), {
    passed: 7,
    failed: 1,
  });
  assertEquals(stageCounts(false, "7 passed, 3 failed", plainCounts), {
    passed: 7,
    failed: 3,
  });
});

Deno.test("sumCounts() sums what formatCounts() prints", () => {
  const sum = sumCounts([{ passed: 31, failed: 0 }, { passed: 8, failed: 2 }]);
  assertEquals(formatCounts(sum), "39 passed, 2 failed");
});
