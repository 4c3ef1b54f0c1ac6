/** What `init()` accepts, and what happens where WebAssembly may not be compiled. */
import { Coro, init, run } from "@asyncoro/asyncoro/edge";
import { assertEquals, assertThrows } from "@std/assert";
import { runProgram } from "../helpers/program.ts";

const bytes = await Deno.readFile(new URL(import.meta.resolve("@asyncoro/asyncoro/kernel.wasm")));
const module = new WebAssembly.Module(bytes);

Deno.test("init() accepts the package's kernel.wasm, repeatedly, before and after the first coroutine", async () => {
  init(module);
  init(module);
  const first = await run(function* () {
    return 1;
  });
  init(new WebAssembly.Module(bytes));
  const second = await run(function* () {
    return yield* new Coro(function* () {
      return 2;
    }).finish();
  });
  assertEquals([first, second], [1, 2]);
});

const WRONG: readonly [string, unknown, string][] = [
  ["nothing", undefined, ": current value is undefined"],
  ["a path", "./kernel.wasm", ': current value is "./kernel.wasm"'],
  ["bytes", bytes, ", compile the bytes with WebAssembly.compile(): current value is an object of Uint8Array"],
  [
    "a buffer",
    bytes.buffer,
    ", compile the bytes with WebAssembly.compile(): current value is an object of ArrayBuffer",
  ],
  ["a promise", WebAssembly.compile(bytes), ", await the promise first: current value is an object of Promise"],
  [
    "an instance",
    new WebAssembly.Instance(module),
    ", give the module from which the instance was made: current value is an object of WebAssembly.Instance",
  ],
  [
    "what instantiate() gives",
    await WebAssembly.instantiate(bytes),
    ", give its property 'module': current value is an object",
  ],
  [
    "a response",
    new Response(bytes),
    ", compile the response with WebAssembly.compileStreaming(): current value is an object of Response",
  ],
  [
    "a module's namespace",
    { __proto__: null, default: module },
    ", give the default export and not the namespace: current value is an object",
  ],
];

for (const [what, value, rest] of WRONG) {
  Deno.test(`init() rejects ${what} and says what to do`, () => {
    assertThrows(
      () => init(value as WebAssembly.Module),
      TypeError,
      `Cannot set the kernel as 'module' must be a WebAssembly.Module${rest}`,
    );
  });
}

Deno.test("init() rejects a module that is not the kernel, or that is of another version", () => {
  const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  assertThrows(
    () => init(empty),
    TypeError,
    "Cannot set the kernel as 'module' is not the kernel of this version of the package: take kernel.wasm and the code " +
      "from the same version, current value is another module, not kernel ",
  );
  const other = Uint8Array.from(bytes);
  other.set(new TextEncoder().encode("0123456789abcdef"), other.length - 16);
  assertThrows(() => init(new WebAssembly.Module(other)), TypeError, "current value is kernel 0123456789abcdef, not ");
});

Deno.test("where WebAssembly may not be compiled the error names init(), which then helps", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { init, Scheduler } from "@asyncoro/asyncoro/edge";
    import { run, UnsupportedError } from "@asyncoro/asyncoro";
    const { Module } = WebAssembly;
    const kernel = new Module(Uint8Array.from(atob("${
    btoa(String.fromCharCode(...bytes))
  }"), (char) => char.charCodeAt(0)));
    WebAssembly.Module = class {
      static customSections = Module.customSections;
      constructor() {
        throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
      }
    };
    for (const attempt of [() => new Scheduler(), () => run(function* () {})]) {
      try {
        attempt();
      } catch (error) {
        console.log(error instanceof UnsupportedError, error.message.includes("init()"), String(error.cause));
      }
    }
    init(kernel);
    console.log(await run(function* () { return "works"; }));
  `);
  const refusals = "true true CompileError: Wasm code generation disallowed by embedder\n";
  assertEquals(stdout, `${refusals}${refusals}works\n`, stderr);
  assertEquals(code, 0);
});

Deno.test("importing the edge entry point has no observable side effects", async () => {
  const { code, stdout, stderr } = await runProgram(`
    const touched = [];
    const watch = (holder, name) => {
      const original = holder[name];
      // Node.js has no Worker here.
      if (original === undefined) return;
      holder[name] = new Proxy(original, {
        apply: (target, self, args) => (touched.push(name), Reflect.apply(target, self, args)),
        construct: (target, args) => (touched.push(name), Reflect.construct(target, args)),
      });
    };
    for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch", "Worker", "atob",
      "MessageChannel", "addEventListener"]) watch(globalThis, name);
    for (const name of ["Module", "Instance", "compile", "instantiate"]) watch(WebAssembly, name);
    for (const name of ["now"]) { watch(performance, name); watch(Date, name); }
    watch(Math, "random");
    watch(crypto, "getRandomValues");
    const before = Object.getOwnPropertyNames(globalThis).sort().join();
    await import("@asyncoro/asyncoro/edge");
    console.log(JSON.stringify(touched), Object.getOwnPropertyNames(globalThis).sort().join() === before);
  `);
  assertEquals(stdout, "[] true\n", stderr);
  assertEquals(code, 0);
});
