/** Errors of tasks keep all their parts; names that a worker does not have are explained. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { WorkerError, WorkerPool, type WorkerTask } from "../../core/workers/mod.ts";

async function collect(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function failure(pool: WorkerPool, task: (this: WorkerTask) => unknown): Promise<WorkerError> {
  return await assertRejects(() => pool.run(task), WorkerError) as WorkerError;
}

Deno.test("an AggregateError of a task keeps its errors, their classes, causes and own properties", async () => {
  await using pool = new WorkerPool(1);
  const error = await failure(pool, () => {
    class NotFound extends RangeError {
      override name = "NotFound";
      path = "/none";
    }
    const inner = new AggregateError([new TypeError("deep")], "inner");
    const errors = [new NotFound("first", { cause: new SyntaxError("why") }), inner, 42, { plain: true }];
    throw new AggregateError(errors, "several", { cause: inner });
  });
  assertEquals([error.name, error.message], ["AggregateError", "several"]);
  const [first, inner, ...rest] = error.errors as [RangeError & { path: string }, AggregateError, ...unknown[]];
  assertInstanceOf(first, RangeError);
  assertEquals([first.name, first.message, first.path], ["NotFound", "first", "/none"]);
  assertInstanceOf(first.cause, SyntaxError);
  assert(first.stack!.startsWith("RangeError: first") || first.stack!.startsWith("NotFound: first"), first.stack);
  assertInstanceOf(inner, AggregateError);
  assertInstanceOf(inner.errors[0], TypeError);
  assertEquals(rest, [42, { plain: true }]);
  // An error that occurs twice is one object.
  assertStrictEquals(error.cause, inner);
  assertStrictEquals(error.data.errors, error.errors);
});

Deno.test("Promise.any that fails in a worker has all of its errors", async () => {
  await using pool = new WorkerPool(1);
  const error = await failure(pool, () => Promise.any([1, 2].map((n) => Promise.reject(new RangeError(`no ${n}`)))));
  assertEquals(error.errors!.map((each) => (each as Error).message), ["no 1", "no 2"]);
});

Deno.test("errors of a task in a cycle, and a cause behind ten thousand others, are kept", async () => {
  await using pool = new WorkerPool(1);
  const cyclic = await failure(pool, () => {
    const outer = new AggregateError([], "outer");
    const inner = new Error("inner", { cause: outer });
    outer.errors.push(inner, outer);
    throw Object.assign(outer, { cause: inner });
  });
  const [inner, self] = cyclic.errors as [Error, unknown];
  assertStrictEquals(self, cyclic);
  assertStrictEquals(cyclic.cause, inner);
  assertStrictEquals(inner.cause, cyclic);
  let error: Error = await failure(pool, () => {
    let error = new Error("0");
    for (let i = 1; i <= 10_000; i++) error = new Error(`${i}`, { cause: error });
    throw error;
  });
  for (let i = 10_000; i > 0; i--) {
    assertEquals(error.message, `${i}`);
    error = error.cause as Error;
  }
  assertEquals([error.message, error.cause], ["0", undefined]);
});

Deno.test("a DOMException and a SuppressedError of a task are kept, alone and as causes", async () => {
  await using pool = new WorkerPool(1);
  const aborted = await failure(pool, () => {
    throw new DOMException("stop", "AbortError");
  });
  assertEquals([aborted.name, aborted.message, aborted.code], ["AbortError", "stop", 20]);
  // Node.js 20 has no SuppressedError; an error as compilers emit it works too.
  const suppress = () => {
    const error = Object.assign(new Error("both"), { name: "SuppressedError" });
    const hidden = { error: new RangeError("later"), suppressed: new DOMException("stop", "AbortError") };
    for (const [key, value] of Object.entries(hidden)) Object.defineProperty(error, key, { value });
    if (typeof SuppressedError !== "function") throw error;
    throw new SuppressedError(hidden.error, hidden.suppressed, "both");
  };
  const suppressed = await failure(pool, suppress);
  const caused = await failure(pool, () => {
    const error = Object.assign(new Error("both"), { name: "SuppressedError" });
    const hidden = { error: new RangeError("later"), suppressed: new DOMException("stop", "AbortError") };
    for (const [key, value] of Object.entries(hidden)) Object.defineProperty(error, key, { value });
    if (typeof SuppressedError !== "function") throw new Error("outer", { cause: error });
    throw new Error("outer", { cause: new SuppressedError(hidden.error, hidden.suppressed, "both") });
  });
  for (const each of [suppressed, caused.cause as SuppressedError]) {
    assertEquals([each.name, each.message], ["SuppressedError", "both"]);
    assertInstanceOf(each.error, RangeError);
    assertInstanceOf(each.suppressed, DOMException);
    assertEquals((each.suppressed as DOMException).code, 20);
  }
});

Deno.test("an error with parts that cannot be read or cloned fails the task alone, with the other parts", async () => {
  await using pool = new WorkerPool(1);
  const strange: Record<string, [(this: WorkerTask) => unknown, string]> = {
    "a stack that is no string": [() => {
      throw Object.assign(new Error("odd"), { stack: () => 1 });
    }, "odd"],
    "a stack that throws": [() => {
      throw Object.defineProperty(new Error("odd"), "stack", {
        get: () => {
          throw 1;
        },
      });
    }, "odd"],
    "prepareStackTrace": [() => {
      (Error as { prepareStackTrace?: unknown }).prepareStackTrace = (_: unknown, sites: unknown) => sites;
      try {
        throw new Error("odd");
      } finally {
        setTimeout(() => delete (Error as { prepareStackTrace?: unknown }).prepareStackTrace);
      }
    }, "odd"],
    "a message that throws": [() => {
      throw Object.defineProperty(new Error(), "message", {
        get: () => {
          throw 1;
        },
      });
    }, "(cannot be read)"],
    "a message without text": [() => {
      throw Object.assign(new Error(), { message: Object.create(null) });
    }, "(cannot be read)"],
    "a property that throws": [() => {
      throw Object.defineProperty(new Error("odd"), "path", {
        enumerable: true,
        get: () => {
          throw 1;
        },
      });
    }, "odd"],
    "errors that are no array": [() => {
      throw Object.assign(new AggregateError([], "odd"), { errors: () => 1 });
    }, "odd"],
    "errors of which one cannot be read": [() => {
      const errors = [new Error("readable")];
      Object.defineProperty(errors, 1, {
        get: () => {
          throw 1;
        },
      });
      throw Object.assign(new AggregateError([], "odd"), { errors });
    }, "odd"],
    "a revoked proxy": [() => {
      const { proxy, revoke } = Proxy.revocable(new Error("odd"), {});
      revoke();
      throw proxy;
    }, "(cannot be read)"],
    "a proxy": [() => {
      throw new Proxy(new Error("odd"), {
        ownKeys: () => {
          throw 1;
        },
      });
    }, "odd"],
    "a symbol": [() => {
      throw Symbol("odd");
    }, "Symbol(odd)"],
    "nothing": [() => {
      throw undefined;
    }, "undefined"],
    "a cause that is too deep to be cloned": [() => {
      let cause: unknown = null;
      for (let i = 0; i < 100_000; i++) cause = { cause };
      throw new Error("odd", { cause });
    }, "odd"],
    "a property that is too deep to be read": [() => {
      let path: unknown = null;
      for (let i = 0; i < 2695; i++) path = { path };
      throw Object.assign(new Error("odd"), { path });
    }, ""],
    "a rejected revoked proxy": [() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    }, ""],
    "a `then` that throws": [() =>
      Object.defineProperty({}, "then", {
        get: () => {
          throw new Error("odd");
        },
      }), "odd"],
    "a tag that throws": [() =>
      Object.defineProperty({}, Symbol.toStringTag, {
        get: () => {
          throw new Error("odd");
        },
      }), "odd"],
    "a result that throws when it is cloned": [() => ({
      get value() {
        throw new Error("odd");
      },
    }), "odd"],
  };
  for (const [name, [task, message]] of Object.entries(strange)) {
    const error = await failure(pool, task);
    assert(error.message.includes(message), `${name}: ${error.message}`);
    assertEquals(await pool.run(() => 1), 1);
  }
  assertEquals([pool.stats().started, pool.stats().crashed], [1, 0]);
});

Deno.test("a result, an item or progress too deep to be read fails its task alone, and so do arguments", async () => {
  await using pool = new WorkerPool(1);
  // So deep that it can be written, but not read: the limit differs between engines.
  const deep = (depth: number) => {
    let value: unknown = null;
    for (let i = 0; i < depth; i++) value = { value };
    return value;
  };
  let unread = 0;
  for (let depth = 2000; depth < 4000; depth += 100) {
    const others = [1, 2].map((n) => pool.run((n: number) => ({ n }), n));
    for (
      const task of [
        () => pool.run(deep, depth),
        () =>
          pool.run(
            function* (deep: () => unknown, depth: number) {
              // deno-lint-ignore no-eval -- a function is not sent
              yield (0, eval)(`(${deep})`)(depth);
            } as never,
            String(deep) as never,
            depth as never,
          ),
        () => pool.run((value: unknown) => value === null, deep(depth)),
      ]
    ) {
      try {
        await task();
      } catch (error) {
        unread++;
        const { message } = error as Error;
        assert(/too deep|could not be cloned|stack|deserialize/i.test(message), message);
      }
    }
    assertEquals(await Promise.all(others), [{ n: 1 }, { n: 2 }]);
  }
  assert(unread > 0);
  assertEquals([pool.stats().started, pool.stats().crashed], [1, 0]);
});

Deno.test("a generator whose item cannot be sent is closed, and its task fails with that", async () => {
  await using pool = new WorkerPool(1);
  for (const kind of ["sync", "async"]) {
    const closed = new Int32Array(new SharedArrayBuffer(4));
    const sync = function* (closed: Int32Array): Generator<unknown, void> {
      try {
        yield () => 1;
      } finally {
        closed[0] = 1;
      }
    };
    const async = async function* (closed: Int32Array): AsyncGenerator<unknown, void> {
      try {
        yield await (() => 1);
      } finally {
        closed[0] = 1;
      }
    };
    const stream = kind === "sync" ? pool.stream(sync, closed) : pool.stream(async, closed);
    await assertRejects(() => collect(stream), WorkerError, "could not be cloned");
    assertEquals(closed[0], 1, kind);
  }
});

Deno.test("a task that its limit stops while it sends does not shift the results of later ones", async () => {
  await using pool = new WorkerPool(1);
  for (let i = 0; i < 30; i++) {
    const late = pool.runWith({ limit: 0.002 + i / 10_000 }, function (this: WorkerTask) {
      for (;;) this.progress({ list: [1] });
    });
    await assertRejects(() => late, WorkerError, "without giving way");
    assertEquals(await pool.run((i: number) => ({ i }), i), { i });
  }
});

// deno-lint-ignore no-explicit-any -- globals of windows, and one that does not exist
type Anything = any;
declare const document: Anything;
declare const nowhere: Anything;

const OF_WINDOWS: Record<string, () => unknown> = {
  prompt: () => prompt("name"),
  alert: () => alert("hello"),
  confirm: () => confirm("sure?"),
  document: () => document.title,
  window: () => (window as Anything).name,
  localStorage: () => localStorage.getItem("a"),
  sessionStorage: () => sessionStorage.length,
};

Deno.test("the error for a name that no worker has differs from that for a variable outside the function", async () => {
  await using pool = new WorkerPool(1);
  for (const [missing, task] of Object.entries(OF_WINDOWS)) {
    const error = await failure(pool, task);
    assertEquals([error.name, error.message], [
      "ReferenceError",
      `Cannot run '${missing}' in a worker as it uses '${missing}', which no worker has: ` +
      "use it in the main thread, and send the task what it needs of it",
    ]);
  }
  const outer = 2;
  const { message } = await failure(pool, () => outer);
  assertEquals(
    message,
    "Cannot run the function in a worker as it uses 'outer', which is outside it: only its source is sent, so " +
      "pass 'outer' as an argument, import() it inside, or put it in a module and use { module, name }",
  );
});

Deno.test("names that no worker has are explained for functions of modules, methods, streams and map too", async () => {
  await using pool = new WorkerPool(1);
  const module = `data:text/javascript,${
    encodeURIComponent("export const ask = () => prompt('?'); export const lost = () => nowhere;")
  }`;
  const explained = "which no worker has: use it in the main thread";
  await assertRejects(
    () => pool.run({ module, name: "ask" }),
    WorkerError,
    `'ask' in a worker as it uses 'prompt', ${explained}`,
  );
  await assertRejects(() => pool.run({ module, name: "lost" }), WorkerError, "nowhere is not defined");
  const methods = {
    ask() {
      return prompt("?");
    },
  };
  await assertRejects(() => pool.run(methods.ask), WorkerError, `'ask' in a worker as it uses 'prompt', ${explained}`);
  const asks = function* () {
    yield prompt("?");
  };
  await assertRejects(() => collect(pool.stream(asks)), WorkerError, explained);
  const items = pool.map([1], () => document.title).stream();
  await assertRejects(() => collect(items), WorkerError, explained);
  const lost = pool.map([1], () => nowhere).stream();
  await assertRejects(() => collect(lost), WorkerError, "pass 'nowhere' as an argument");
});
