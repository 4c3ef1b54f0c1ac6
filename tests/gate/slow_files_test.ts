import { assertEquals } from "@std/assert";
import { slowestFiles } from "./slow_files.ts";

const PRINTED = [
  { text: "Check ./a_test.ts\nrunning 1 test from ./a_test.ts\n", seconds: 1 },
  { text: "it runs tests ... ok (1s)\nrunning 20 te", seconds: 4 },
  { text: "sts from ./b_test.ts\nrunning 0 tests from ./c_test.ts\n", seconds: 5 },
];

Deno.test("a file of tests takes as long as from its first line to that of the next", () => {
  assertEquals(slowestFiles(PRINTED, 9, 3), [
    { file: "./c_test.ts", seconds: 4 },
    { file: "./a_test.ts", seconds: 3 },
    { file: "./b_test.ts", seconds: 1 },
  ]);
  assertEquals(slowestFiles(PRINTED, 9, 1), [{ file: "./c_test.ts", seconds: 4 }]);
});

Deno.test("slowestFiles() ignores colours, and what does not begin a line", () => {
  const [{ text }] = PRINTED;
  const coloured =
    `running late\nnot running 1 test from ./d_test.ts\n\x1b[38;5;245mrunning 2 tests from ./e_test.ts\x1b[0m\n`;
  assertEquals(slowestFiles([{ text: coloured, seconds: 2 }], 3, 9), [{ file: "./e_test.ts", seconds: 1 }]);
  assertEquals(slowestFiles([{ text: text.replaceAll("running", "passing"), seconds: 2 }], 3, 9), []);
});
