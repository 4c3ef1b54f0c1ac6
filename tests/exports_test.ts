/**
 * The public names of the entry points: whoever adds or drops one does so on purpose.
 */
import * as main from "@asyncoro/asyncoro";
import * as testing from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";

Deno.test("mod.ts exports at least the names of the core", () => {
  const names = [
    "AsynCoro",
    "ChannelClosedError",
    "Coro",
    "DeadlockError",
    "HotSwapException",
    "MonitorException",
    "Operation",
    "Scheduler",
    "TimeoutError",
    "UnsupportedError",
    "all",
    "call",
    "current",
    "main",
    "race",
    "run",
    "sleep",
    "until",
    "withTimeout",
  ];
  for (const name of names) assert(name in main, `${name} is missing`);
  assertStrictEquals(main.AsynCoro, main.Scheduler);
});

Deno.test("testing/mod.ts exports its names", () => {
  assertEquals(Object.keys(testing).sort(), ["VirtualClock", "runVirtual"]);
});

Deno.test("error classes are errors with their own name", () => {
  for (const name of ["ChannelClosedError", "TimeoutError", "UnsupportedError"] as const) {
    const error = new main[name]("why");
    assert(error instanceof Error);
    assertEquals([error.name, error.message], [name, "why"]);
  }
  assertEquals(new main.DeadlockError("why").name, "DeadlockError");
});

Deno.test("Coro has asyncoro's methods in camelCase", () => {
  const methods = ["sleep", "suspend", "resume", "wakeup", "send", "deliver", "receive", "recv", "setDaemon"];
  methods.push("hotSwappable", "hotSwap", "monitor", "notify", "throw", "terminate", "value", "finish", "isAlive");
  for (const method of methods) {
    assertEquals(typeof main.Coro.prototype[method as keyof main.Coro], "function", method);
  }
});
