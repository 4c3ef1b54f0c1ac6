/**
 * Records effects from the moment this module is evaluated: calls of functions that act on the host or ask it
 * something, and additions to globals. Import it first; `report()` returns the record.
 */
const WATCHED: Readonly<Record<string, readonly string[]>> = {
  // First, as this global is made when it is first read, and then makes other globals anew.
  process: ["emitWarning", "exit", "getBuiltinModule", "nextTick", "on", "once"],
  globalThis: [
    "addEventListener",
    "BroadcastChannel",
    "clearTimeout",
    // For the stack of an error that is made while a module loads, V8 compiles all of it again: slow in a bundle.
    "Error",
    "fetch",
    "MessageChannel",
    "queueMicrotask",
    "RangeError",
    "setImmediate",
    "setInterval",
    "setTimeout",
    "SharedArrayBuffer",
    "TypeError",
    "WebSocket",
    "Worker",
  ],
  console: Object.keys(console),
  crypto: ["getRandomValues", "randomUUID"],
  "crypto.subtle": ["digest"],
  Date: ["now"],
  Deno: Object.keys(Deno),
  Math: ["random"],
  performance: ["mark", "measure", "now"],
  WebAssembly: ["compile", "compileStreaming", "Instance", "instantiate", "Memory", "Module"],
};

const BUILT_IN = { Array, ArrayBuffer, Error, Function, Map, Object, Promise, Set, String, Uint8Array, WeakMap };

const seen: string[] = [];

for (const [path, names] of Object.entries(WATCHED)) {
  const owner = path === "globalThis" ? globalThis : path.split(".").reduce(member, globalThis as unknown);
  for (const name of names) watch(owner as object, name, path === "globalThis" ? name : `${path}.${name}`);
}

function member(owner: unknown, name: string): unknown {
  return (owner as Record<string, unknown>)[name];
}

/** Records calls of a function, and `new` of a class. Other values are left alone. */
function watch(owner: object, name: string, label: string): void {
  const original = member(owner, name);
  if (typeof original !== "function") return;
  const proxy = new Proxy(original, {
    apply(target, self, args): unknown {
      seen.push(label);
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget): object {
      seen.push(`new ${label}`);
      return Reflect.construct(target, args, newTarget === proxy ? target : newTarget);
    },
  });
  Object.defineProperty(owner, name, { value: proxy, configurable: true, writable: true });
}

const known = shape();
// Some of the values that were read are made when they are first read.
seen.length = 0;

/** The names of all globals, and of the members of the built-in classes and their prototypes. */
function shape(): string[] {
  const keysOf = (owner: object, label: string) => Reflect.ownKeys(owner).map((key) => `${label}.${String(key)}`);
  return [
    ...keysOf(globalThis, "globalThis"),
    ...Object.entries(BUILT_IN).flatMap(([name, { prototype }]) => keysOf(prototype, `${name}.prototype`)),
    ...Object.entries(BUILT_IN).flatMap(([name, builtIn]) => keysOf(builtIn, name)),
  ];
}

/** The record: calls by name, and additions as `+ name`. */
export function report(): string[] {
  const calls = [...seen];
  return [...calls, ...shape().filter((name) => !known.includes(name)).map((name) => `+ ${name}`)];
}
