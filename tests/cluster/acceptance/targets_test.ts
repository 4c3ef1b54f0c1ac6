/** What can be a job, and what is refused before anything happens. */
import type { Coro } from "@asyncoro/asyncoro";
import { Computation, type ComputationOptions } from "@asyncoro/asyncoro/cluster";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { eventually, thrown, withCluster } from "./world.ts";

const WORK = new URL("./files/work.ts", import.meta.url);
const HELPER = new URL("./files/helper.ts", import.meta.url);

// deno-lint-ignore no-explicit-any -- most of what is passed here is wrong
type Any = any;

Deno.test(
  "modules in files are found by name, path and URL, and use the package and each other",
  withCluster(1, function* (_coro, { network }, node) {
    const computation = new Computation({ network, files: [WORK, HELPER.pathname] });
    yield* computation.schedule(20);
    for (const module of ["work.ts", WORK, WORK.href, WORK.pathname]) {
      assertEquals(yield* computation.runResult({ module, name: "work" }, 5), [15, true]);
    }
    assertEquals(yield* computation.runResult({ module: "work.ts" }, "text"), "TEXT");
    for (let i = 1; i <= 3; i++) assertEquals(yield* computation.runResult({ module: "work.ts", name: "count" }), i);
    for (const name of ["nothere", "five", "arrow", "constructor", "__proto__"]) {
      assertInstanceOf(yield* thrown(computation.runResult({ module: "work.ts", name })), TypeError);
    }
    const reads = yield* computation.runResult(function* (_coro: Coro): Generator<unknown, unknown, unknown> {
      const { Coro } = (yield import("@asyncoro/asyncoro")) as { Coro: unknown };
      return [typeof Coro, Deno.readTextFileSync("helper.ts").includes("triple")];
    });
    assertEquals(reads, ["function", true]);
    assertEquals(node.files.length, 1);
    yield* computation.close();
    assertEquals(node.files, []);
  }),
);

Deno.test(
  "a job may only read its files, does not know the secret, and prints to the node, whatever it writes to",
  withCluster(1, function* (_coro, { network }, node) {
    const computation = new Computation({ network, files: [HELPER] });
    yield* computation.schedule(20);
    const before = computation.servers();
    const refused = yield* computation.runResult(function* (): Generator<unknown, unknown, unknown> {
      const attempts: Record<string, () => unknown> = {
        read: () => Deno.readTextFileSync("/etc/passwd"),
        parent: () => [...Deno.readDirSync("..")],
        write: () => Deno.writeTextFileSync("helper.ts", ""),
        env: () => Deno.env.get("ASYNCORO_SECRET"),
        run: () => new Deno.Command("ls").outputSync(),
        net: () => Deno.listen({ port: 0 }),
        sys: () => Deno.hostname(),
        kill: () => Deno.kill(Deno.ppid, "SIGCONT"),
        environment: () => Deno.readTextFileSync("/proc/self/environ"),
      };
      return Object.entries(attempts).map(([name, attempt]) => {
        try {
          attempt();
          return name;
        } catch (error) {
          return (error as Error).name;
        }
      });
    });
    assertEquals(new Set(refused as string[]), new Set(["NotCapable"]));

    yield* computation.runResult(function* (): Generator<unknown, void, unknown> {
      const bytes = (text: string) => new TextEncoder().encode(`${text}-x\n`);
      for (const name of ["log", "info", "debug", "warn", "error", "trace", "group"] as const) {
        console[name](`${name}-x`);
      }
      console.groupEnd();
      console.table(["table-x"]);
      console.dir({ dir: "dir-x" });
      console.count("count-x");
      Deno.stdout.writeSync(bytes("writeSync"));
      yield Deno.stdout.write(bytes("write"));
      const writer = Deno.stdout.writable.getWriter();
      yield writer.write(bytes("writable"));
      writer.releaseLock();
      const { default: process } = (yield import("node:process")) as {
        default: { stdout: { write(text: string): void } };
      };
      process.stdout.write("process-x\n");
      Deno.stdin.readSync(new Uint8Array(9));
    });
    const ways = "log info debug warn error trace group table dir count writeSync write writable process".split(" ");
    // What one server prints arrives in order.
    yield* computation.runResult(function* (): Generator<unknown, void, unknown> {
      console.log("all is printed");
    });
    assertEquals(computation.servers().map(String), before.map(String));
    yield* computation.close();
    yield* eventually("all is printed", () => node.printed.includes("all is printed"));
    for (const way of ways) assertStringIncludes(node.printed, `${way}-x`);
  }),
);

Deno.test(
  "what is wrong is refused at once",
  withCluster(0, function* (_coro, { network }) {
    const make = (options: Any) => () => new Computation({ network, ...options } as ComputationOptions);
    const types: Any[] = [
      ...[{ network: 1 }, { nme: 1 }, { name: 5 }, { name: "" }, { files: "x" }, { files: [5] }, { files: [""] }, {
        files: ["/"],
      }],
      ...[{ files: [new URL("ftp://host/file")] }, {
        files: [HELPER, new URL("./files/other/helper.ts", import.meta.url)],
      }],
      ...[{ nodes: {} }, { nodes: [5] }, { nodes: [{ name: 5 }] }, { nodes: [{ nme: "x" }] }, { statusCoro: 5 }],
      ...[{ nodeSetup: 5 }, { nodeSetup: () => 1 }, { serverSetup: async () => {} }, { serverCleanup: function () {} }],
      ...[{ serverSetup: { module: "nothere.ts" } }, { disableNodes: 1 }, { disableServers: "x" }, { retries: "1" }],
      ...[{ attemptTimeout: "x" }, { attemptTimeout: NaN }, { store: 5 }, { store: {} }],
    ];
    for (const options of types) {
      const error = assertThrows(make(options));
      assert(error instanceof TypeError || error instanceof RangeError, Deno.inspect(options));
    }
    const both: Any[] = [{ retries: -1 }, { retries: 1.5 }, { nodes: [{ cpus: 0 }] }, { nodes: [{ cpus: 1.5 }] }];
    for (const options of [...both, { nodes: [{ memory: -1 }] }, { nodes: [{ platform: "(" }] }]) {
      const error = assertThrows(make(options));
      assert(error instanceof TypeError || error instanceof RangeError);
    }

    const computation = new Computation({ network });
    const targets: Any[] = [
      ...[undefined, null, 5, "name", {}, { module: 5 }, { module: "" }, { module: "work.ts" }, { module: WORK }],
      ...[{ module: "https://host/work.ts", name: 5 }, () => 1, function () {}, async function () {}, class {}],
      ...[async function* () {}, function* () {}.bind(null), Math.max, Array.prototype.values],
    ];
    for (const target of targets) {
      for (const method of ["run", "runAsync", "runResult"] as const) {
        assertThrows(() => computation[method](target), TypeError);
      }
      for (const method of ["runResults", "results"] as const) {
        assertThrows(() => computation[method](target, [1]), TypeError);
      }
      assertThrows(() => computation.runAt(network.location, target), TypeError);
    }
    const job = function* (_coro: Coro, _item?: Any) {};
    for (const where of [undefined, null, "127.0.0.1:9705", {}, network.location.address] as Any[]) {
      for (const method of ["runAt", "runAsyncAt", "runResultAt"] as const) {
        assertThrows(() => computation[method](where, job), TypeError);
      }
      for (const method of ["suspend", "resume", "restart", "enableNode", "enableServer"] as const) {
        assertThrows(() => computation[method](where), TypeError);
      }
    }
    for (const method of ["enableNode", "enableServer"] as const) {
      assertStringIncludes(
        assertThrows(() => computation[method](network.location, { f: job })).message,
        "setupArgs[0].f",
      );
    }
    const unsendable = assertThrows(() => computation.runAsync(job as Any, { a: [job] }), TypeError);
    assertStringIncludes(unsendable.message, "args[0].a[0]");
    for (const items of [undefined, null, 5, {}] as Any[]) {
      assertThrows(() => computation.runResults(job, items), TypeError);
    }
    for (
      const options of [null, 5, { concurrency: 0 }, { concurrency: "1" }, { retries: -1 }, { attemptTimeout: NaN }, {
        x: 1,
      }] as Any[]
    ) {
      for (const method of ["runResults", "results"] as const) {
        const error = assertThrows(() => computation[method](job, [1], options));
        assert(error instanceof TypeError || error instanceof RangeError);
      }
    }
    for (const options of [null, 5, { terminate: 1 }, { timeout: NaN }, { x: 1 }] as Any[]) {
      assertThrows(() => computation.close(options), TypeError);
    }
    for (const limit of [NaN, "x", {}] as Any[]) assertThrows(() => computation.schedule(limit), TypeError);
    assertEquals(computation.stats(), {
      nodes: 0,
      servers: 0,
      waiting: 0,
      running: 0,
      done: 0,
      failed: 0,
      lost: 0,
      retried: 0,
    });
    yield* computation.close();
  }),
);
