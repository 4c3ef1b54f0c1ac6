/** The program of a page that compiles the kernel from a file that it fetches. */
import { init, run, sleep } from "@asyncoro/asyncoro/edge";
import { page } from "./page.ts";

/** Runs a coroutine on the fetched kernel. `compiledHere` counts kernels that were compiled all the same. */
async function fetched(): Promise<unknown> {
  let compiledHere = 0;
  WebAssembly.Module = new Proxy(WebAssembly.Module, {
    construct(target, args: [BufferSource]): WebAssembly.Module {
      compiledHere++;
      return new target(...args);
    },
  });
  init(await WebAssembly.compileStreaming(fetch("/kernel.wasm")));
  const value = await run(function* () {
    yield* sleep(0.001);
    return "ran";
  });
  return { value, compiledHere };
}

page.scenarios = { fetched };
