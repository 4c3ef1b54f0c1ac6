import { assert, assertEquals, assertThrows } from "@std/assert";
import { describeFlags, FlagError, parseConfig, parseFlags } from "../../../core/cluster/node/node_flags.ts";

Deno.test("flags have values of their kind", () => {
  const args = [
    "--host",
    "0.0.0.0",
    "--port=9700",
    "--cpus",
    "-1",
    "--discover",
    "--peer",
    "a:1",
    "--peer=b:2",
    "--heartbeat=0.5",
  ];
  assertEquals(parseFlags(args), {
    host: "0.0.0.0",
    port: 9700,
    cpus: -1,
    discover: true,
    peer: ["a:1", "b:2"],
    heartbeat: 0.5,
  });
  assertEquals(parseFlags([]), {});
});

Deno.test("permissions take a list after =, and lists add up", () => {
  assertEquals(parseFlags(["--allow-net", "--allow-read=/a,/b", "--allow-read=/c"]), {
    "allow-net": true,
    "allow-read": ["/a", "/b", "/c"],
  });
});

Deno.test("an unknown flag is named, as is one with a wrong value", () => {
  const refuse = (args: string[], message: string) => assertThrows(() => parseFlags(args), FlagError, message);
  refuse(["--prot", "1"], "no flag --prot");
  refuse(["-p"], "no flag -p");
  refuse(["--port", "x"], `--port needs an integer: current value is "x"`);
  refuse(["--port=1.5"], `--port needs an integer: current value is "1.5"`);
  refuse(["--peer-timeout=soon"], "--peer-timeout needs a number of seconds");
  refuse(["--port"], "--port needs an integer");
  refuse(["--name", "--discover"], `--name needs a value, NAME: current value is "--discover"`);
  refuse(["--discover=1"], "--discover needs no value");
  refuse(["--allow-net", "a"], "no argument 'a'");
  refuse(["--secret", "sixteen or more characters"], "no flag --secret");
});

Deno.test("a file of JSON has the same names", () => {
  assertEquals(parseConfig('{"port":1,"peer":["a:1"],"allow-net":["b"],"discover":false}', "f"), {
    port: 1,
    peer: ["a:1"],
    "allow-net": ["b"],
    discover: false,
  });
  const refuse = (text: string, message: string) => assertThrows(() => parseConfig(text, "f"), FlagError, message);
  refuse('{"prot":1}', "no flag 'prot' in f");
  refuse('{"peer":"a:1"}', `'peer' in f needs a value, HOST:PORT: current value is "a:1"`);
  refuse('{"port":1.5}', "'port' in f needs an integer: current value is 1.5");
  refuse("[]", "f must hold an object");
  refuse("{", "f is not valid JSON");
});

Deno.test("the help has a line for each flag", () => {
  assert(/^ {2}--secret-file FILE +\S.*secret/m.test(describeFlags()));
  assertEquals(describeFlags().split("\n").length, 25);
});
