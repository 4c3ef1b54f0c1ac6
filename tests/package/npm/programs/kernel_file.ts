/**
 * Passes the kernel from the package's file to the edge entry point, as needed where WebAssembly may not be compiled at
 * run time, and prints the result of a coroutine.
 */
import { readFile } from "node:fs/promises";
import { init, run, sleep } from "@asyncoro/asyncoro/edge";

const file = new URL(import.meta.resolve("@asyncoro/asyncoro/kernel.wasm"));
const kernel = await WebAssembly.compile(await readFile(file));

const { customSections } = WebAssembly.Module;
class Module {
  static customSections = customSections;

  constructor() {
    throw new WebAssembly.CompileError("No kernel but that of the file");
  }
}
Object.assign(WebAssembly, { Module });

init(kernel);
const answer: string = await run(function* () {
  yield* sleep(0.001);
  return "ran";
});
console.log(answer);
