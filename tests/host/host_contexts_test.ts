/** The means by which a host's asynchronous context is reached, each tested by itself. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import process from "node:process";
import { type ContextGlobals, contextsOf, hostContexts } from "../../core/host/async_context.ts";
import { byInternals } from "../../core/host/contexts/by_internals.ts";
import { byResources } from "../../core/host/contexts/by_resources.ts";
import { bySnapshots } from "../../core/host/contexts/by_snapshots.ts";
import { byStores } from "../../core/host/contexts/by_stores.ts";
import type { HostContexts } from "../../core/host/contexts/host_contexts.ts";

const names = new AsyncLocalStorage<string>();

/** The means by which contexts are reached: the functions of each have a text of their own. */
function meansOf(contexts: HostContexts): string {
  const known: Record<string, HostContexts> = {
    internals: byInternals({ getAsyncContext() {}, setAsyncContext() {} }),
    resources: byResources(AsyncResource),
    snapshots: bySnapshots(Variable.Snapshot),
    stores: byStores(AsyncResource),
    nothing: contextsOf({}),
  };
  const text = String(contexts.within);
  return Object.keys(known).filter((means) => String(known[means].within) === text).join();
}

function expectedMeans(): string {
  if (!("Deno" in globalThis)) {
    return !("Bun" in globalThis) && parseInt(process.versions.node) < 24 ? "stores" : "resources";
  }
  // If Deno's functions are gone, a coroutine costs about twice as much in Deno: find out what has replaced them.
  return "internals";
}

Deno.test("this host's context is reached by the cheapest means available", () => {
  assertEquals(meansOf(hostContexts), expectedMeans());
});

const { process: nodeProcess } = globalThis as ContextGlobals;

for (
  const [name, contexts] of [["of this host", hostContexts], [
    "without internals",
    contextsOf({ process: nodeProcess }),
  ]] as const
) {
  Deno.test(`a context ${name} is captured, entered and left`, () => {
    const seen: unknown[] = [];
    const captured = names.run("captured", () => contexts.capture());
    const look = { run: () => void seen.push(names.getStore()) };
    names.run("current", () => {
      const before = contexts.current();
      contexts.enter(captured, look);
      contexts.restore(before);
      look.run();
      contexts.within(captured, look.run);
      contexts.within(undefined, look.run);
      look.run();
      let error: unknown;
      try {
        contexts.within(captured, () => {
          throw "thrown";
        });
      } catch (thrown) {
        error = thrown;
      }
      seen.push(error, contexts.within(captured, () => "value"));
      look.run();
    });
    assertEquals(seen, ["captured", "current", "captured", undefined, "current", "thrown", "value", "current"]);
  });
}

/** What a host has with the proposed standard alone. */
class Variable {
  static current: string | undefined;

  static Snapshot = class {
    readonly #kept = Variable.current;

    run<T>(fn: () => T): T {
      return Variable.run(this.#kept, fn);
    }
  };

  static run<T>(value: string | undefined, fn: () => T): T {
    const outer = Variable.current;
    Variable.current = value;
    try {
      return fn();
    } finally {
      Variable.current = outer;
    }
  }
}

Deno.test("where there is only AsyncContext, what is created in a step shares its context", () => {
  const contexts = contextsOf({ AsyncContext: Variable });
  assertEquals(meansOf(contexts), "snapshots");
  const captured = Variable.run("outermost", () => contexts.capture());
  const other = Variable.run("other", () => contexts.capture());
  assert(captured !== other);
  const seen: unknown[] = [];
  contexts.enter(captured, {
    run() {
      seen.push(Variable.current);
      assertStrictEquals(contexts.current(), captured);
      assertStrictEquals(Variable.run("inner", () => contexts.capture()), captured);
      contexts.within(other, () => seen.push(Variable.current));
    },
  });
  seen.push(contexts.within(undefined, () => Variable.current), Variable.current);
  assertEquals(seen, ["outermost", "other", undefined, undefined]);
});

Deno.test("where there is no means, everything runs in the current context", () => {
  const contexts = contextsOf({});
  let ran = 0;
  contexts.enter(contexts.capture(), { run: () => void ran++ });
  contexts.restore(contexts.current());
  assertEquals([meansOf(contexts), contexts.current(), contexts.within(undefined, () => "value"), ran], [
    "nothing",
    undefined,
    "value",
    1,
  ]);
});
