/** `deno task profile` writes profiles that show where the time went. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compileKernel } from "../../assembly/compile.ts";
import { kernelNames, nameKernel } from "./profile_kernel.ts";
import { type CpuProfile, shares } from "./profile_shares.ts";

const PROGRAM = new URL("profile.ts", import.meta.url).pathname;

async function profile(cwd: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", PROGRAM, ...args], cwd });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("a benchmark is profiled, and the table names the functions that took the time", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const { code, text } = await profile(cwd, "locks", "--quick");
    assertEquals(code, 0, text);
    assertStringIncludes(text, "% of the time in itself");
    const folder = [...Deno.readDirSync(`${cwd}/profiles`)][0].name;
    const files = [...Deno.readDirSync(`${cwd}/profiles/${folder}`)];
    assert(files.length > 0);
    for (const { name } of files) {
      const written: CpuProfile = JSON.parse(await Deno.readTextFile(`${cwd}/profiles/${folder}/${name}`));
      assert(shares(written).some(({ place }) => place.includes("fiber.ts") || place.includes("run_loop.ts")), name);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("profiling an unknown benchmark lists the benchmarks", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const { code, text } = await profile(cwd, "nonsense");
    assertEquals(code, 2);
    assertStringIncludes(text, "switches");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("profiling a benchmark that does not run this package's code explains why not", async () => {
  const { code, text } = await profile(".", "start");
  assertEquals(code, 2);
  assertStringIncludes(text, 'Cannot profile "start": it measures whole processes');
});

Deno.test("the kernel's functions get the names of its sources, unless there are two kernels", async () => {
  const names = await kernelNames();
  // A function that wasm exports is called by its number.
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(await compileKernel()));
  for (const [name, file] of [["turn", "ready"], ["recycle", "slots"], ["arm", "timers"]]) {
    assertEquals(names[Number((exports[name] as () => number).name)], `${file}/${name}`);
  }
  const turn = names.indexOf("ready/turn");
  const frame = (url: string) => ({ functionName: `wasm-function[${turn}]`, url, lineNumber: 0 });
  const named = (...urls: string[]) => {
    const nodes = urls.map((url, id) => ({ id, callFrame: frame(url) }));
    nameKernel({ nodes, samples: [], timeDeltas: [], startTime: 0, endTime: 0 }, names);
    return nodes.map((node) => node.callFrame.functionName);
  };
  assertEquals(named("wasm://wasm/1", "wasm://wasm/1"), ["ready/turn", "ready/turn"]);
  assertEquals(named("wasm://wasm/1", "wasm://wasm/2"), [`wasm-function[${turn}]`, `wasm-function[${turn}]`]);
});

Deno.test("shares add up the samples of a function, and leave out idle time", () => {
  const frame = (functionName: string) => ({
    functionName,
    url: functionName === "(idle)" ? "" : "a/b.ts",
    lineNumber: 4,
  });
  const nodes = [{ id: 1, callFrame: frame("one") }, { id: 2, callFrame: frame("(idle)") }, {
    id: 3,
    callFrame: frame("two"),
  }];
  const found = shares({ nodes, samples: [1, 2, 3, 1], timeDeltas: [10, 100, 10, 20], startTime: 0, endTime: 140 });
  assertEquals(found, [{ name: "one", place: "a/b.ts:5", percent: 75 }, {
    name: "two",
    place: "a/b.ts:5",
    percent: 25,
  }]);
});
