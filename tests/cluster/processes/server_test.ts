/** Servers in processes of their own: what a job may do, and how servers end. */
import { Coro, race, sleep } from "@asyncoro/asyncoro";
import { PeerLostError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { eventually } from "../../distributed/pair.ts";
import { errorOf, PEER_SECONDS, type Steps, withServers } from "./servers.ts";

Deno.test("a server runs functions by their source, and is a peer at the address of its node", () =>
  withServers(function* (_coro, { network, start, job }) {
    const server = yield* start("first");
    assertEquals([server.location.name, server.location.address], ["first", network.location.address]);
    assertEquals(
      yield* job(server, function* (_coro: Coro, items: Map<string, number>) {
        return [...items.values()].reduce((sum, value) => sum + value, 0);
      }, new Map([["a", 1], ["b", 2]])),
      3,
    );
    const error = yield* errorOf(job(server, function* () {
      throw new TypeError("of the job");
    }));
    assertEquals([error instanceof TypeError, error.message], [true, "of the job"]);
    server.kill();
    yield* server.ended();
  }));

Deno.test("two servers of one name are two peers", () =>
  withServers(function* (_coro, { network, start }) {
    const one = yield* start();
    const other = yield* start();
    assertEquals(one.location.name, other.location.name);
    assertEquals(one.location.equals(other.location), false);
    one.kill();
    yield* one.ended();
    yield* eventually(() => network.peers().length === 1);
    assertEquals(network.peers()[0].id, other.location.id);
    other.kill();
    yield* other.ended();
  }));

Deno.test("a job sees no secret, no files, no network and no environment", () =>
  withServers(function* (_coro, { start, job, folder, lines }) {
    Deno.writeTextFileSync(`${folder}/data.txt`, "for jobs");
    Deno.env.set("ASYNCORO_SECRET", "the secret of the tests");
    try {
      const server = yield* start();
      const seen = yield* job(server, function* (_coro: Coro, path: string) {
        const attempt = (what: () => unknown): unknown => {
          try {
            return what();
          } catch (error) {
            return (error as Error).name;
          }
        };
        return [
          Deno.readTextFileSync(`${path}/data.txt`),
          attempt(() => Deno.readTextFileSync("/etc/hostname")),
          attempt(() => Deno.readTextFileSync("/proc/self/environ")),
          attempt(() => Deno.writeTextFileSync(`${path}/new.txt`, "")),
          attempt(() => Deno.env.get("ASYNCORO_SECRET")),
          attempt(() => Deno.listen({ port: 0 })),
          attempt(() => new Deno.Command("true").outputSync()),
        ];
      }, Deno.realPathSync(folder));
      assertEquals(seen, ["for jobs", ...Array(6).fill("NotCapable")]);
      server.kill();
      yield* server.ended();
      assertEquals(lines, []);
    } finally {
      Deno.env.delete("ASYNCORO_SECRET");
    }
  }));

Deno.test("a job has the permissions of the node, and the secret is not in its environment all the same", async () => {
  Deno.env.set("ASYNCORO_SECRET", "the secret of the tests");
  try {
    await withServers(function* (_coro, { start, job }) {
      const server = yield* start();
      const secrets = yield* job(server, function* () {
        return [Deno.readTextFileSync("/etc/hostname") !== "", Deno.env.get("ASYNCORO_SECRET")];
      });
      assertEquals(secrets, [true, ""]);
      server.kill();
      yield* server.ended();
    }, { read: ["/etc/hostname"], env: true });
  } finally {
    Deno.env.delete("ASYNCORO_SECRET");
  }
});

Deno.test("a module of the folder imports the package by its names, and other files, without a permission", () =>
  withServers(function* (_coro, { start, job, folder }) {
    Deno.writeTextFileSync(
      `${folder}/job.ts`,
      `import { Coro, sleep } from "jsr:@asyncoro/asyncoro@^0.1";
       import { Network } from "@asyncoro/asyncoro/distributed";
       import { AsyncSocket } from "jsr:@asyncoro/asyncoro/io";
       import { factor } from "./other.ts";
       export function* work(coro: Coro, n: number): Generator<unknown, unknown, unknown> {
         yield* sleep(0.001);
         return [n * factor, coro instanceof Coro, Network.of() !== null, typeof AsyncSocket];
       }`,
    );
    Deno.writeTextFileSync(`${folder}/other.ts`, "export const factor: number = 2;");
    const server = yield* start();
    assertEquals(yield* job(server, { module: "job.ts", name: "work" }, 21), [42, true, true, "function"]);
    server.kill();
    yield* server.ended();
  }));

Deno.test("what a job writes to standard output goes to standard error, and what it reads has ended", () =>
  withServers(function* (_coro, { start, job, lines }) {
    const server = yield* start("s1");
    const result = yield* job(server, function* (): Steps<unknown> {
      const bytes = new TextEncoder().encode("bytes\n");
      console.log("log %d", 1, { a: 1 });
      console.info("info");
      console.table([{ b: 2 }]);
      console.dir({ c: 3 });
      console.count("count");
      console.group("group");
      console.groupEnd();
      Deno.stdout.writeSync(bytes);
      yield Deno.stdout.write(bytes);
      const { process } = globalThis as unknown as { process: typeof import("node:process") };
      process.stdout.write("process\n");
      const read = yield Deno.stdin.read(new Uint8Array(10));
      return [read, yield Array.fromAsync(process.stdin), yield Array.fromAsync(Deno.stdin.readable)];
    });
    assertEquals(result, [null, [], []]);
    assertEquals(yield* job(server, stillThere), true);
    server.kill();
    yield* server.ended();
    for (const text of ["log 1 { a: 1 }", "info", "│ 2 │", "{ c: 3 }", "count: 1", "group", "bytes", "process"]) {
      assert(lines.some((line) => line.startsWith("[s1] ") && line.includes(text)), `${text} in ${lines.join("\n")}`);
    }
  }));

/** A job that is self-contained. */
function* stillThere(): Steps<boolean> {
  return true;
}

Deno.test("errors that nobody catches are reported on standard error, and end nothing", () =>
  withServers(function* (_coro, { start, job, lines }) {
    const server = yield* start();
    yield* job(server, function* () {
      setTimeout(() => {
        throw new RangeError("of a timer");
      }, 0);
      Promise.reject(new RangeError("of a promise"));
    });
    yield* eventually(() => ["of a timer", "of a promise"].every((text) => lines.some((line) => line.includes(text))));
    assertEquals(yield* job(server, stillThere), true);
    server.kill();
    yield* server.ended();
  }));

Deno.test("a job that writes to descriptor 1 past all that loses its server, and nothing else", () =>
  withServers(function* (_coro, { network, start, job }) {
    const server = yield* start();
    const error = yield* errorOf(job(server, function* () {
      const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): unknown } };
      const { writeSync } = process.getBuiltinModule("node:fs") as typeof import("node:fs");
      writeSync(1, "x".repeat(1000));
      for (;;) yield;
    }));
    assertInstanceOf(error, PeerLostError);
    yield* server.ended();
    assertEquals(network.peers(), []);
  }));

Deno.test("a job that computes without giving way is not lost, and messages of others go on meanwhile", () =>
  withServers(function* (_coro, { network, start, job }) {
    const [busy, other] = [yield* start("busy"), yield* start("other")];
    const computing = new Coro(function* () {
      return yield* job(busy, function* (_coro: Coro, seconds: number) {
        const end = performance.now() + 1000 * seconds;
        while (performance.now() < end);
        return "done";
      }, 2 * PEER_SECONDS);
    });
    let count = 0;
    for (; computing.isAlive(); count++) {
      assertEquals(yield* job(other, stillThere), true);
      assertEquals(network.peers().length, 2);
    }
    assert(count > 10, `${count} jobs`);
    assertEquals(yield* computing.finish(), "done");
    for (const server of [busy, other]) {
      server.kill();
      yield* server.ended();
    }
  }));

Deno.test("kill -9 of a server is seen at once, by all who wait for it", () =>
  withServers(function* (_coro, { network, start, job, lines }) {
    const server = yield* start();
    const computing = new Coro(function* () {
      return yield* errorOf(job(server, function* (): Steps<void> {
        console.log("computing");
        for (;;);
      }));
    });
    yield* eventually(() => lines.length > 0);
    const before = performance.now();
    server.kill();
    yield* server.ended();
    const error = yield* computing.finish();
    assertInstanceOf(error, PeerLostError);
    assertEquals([(error as PeerLostError).reason, network.peers()], ["lost", []]);
    assert(performance.now() - before < 1000 * PEER_SECONDS, "before a silent peer would be lost");
  }));

Deno.test("signals that ask to end are for the node: a server goes on", () =>
  withServers(function* (_coro, { start, job }) {
    const server = yield* start();
    const pid = yield* job(server, function* () {
      return Deno.pid;
    });
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.kill(pid as number, signal);
    for (let i = 0; i < 20; i++) assertEquals(yield* job(server, stillThere), true);
    server.kill();
    yield* server.ended();
  }));

Deno.test("a server that ends its process itself is lost at once", () =>
  withServers(function* (_coro, { start, job }) {
    const server = yield* start();
    const error = yield* errorOf(job(server, function* () {
      Deno.exit(0);
    }));
    assertInstanceOf(error, PeerLostError);
    yield* server.ended();
  }));

Deno.test("servers leave no process, no descriptor and no operation behind", () =>
  withServers(function* (_coro, { start, job, network }) {
    const round = function* (): Steps<void> {
      const servers = [yield* start("a"), yield* start("b")];
      for (const server of servers) assertEquals(yield* job(server, stillThere), true);
      for (const server of servers) {
        server.kill();
        yield* server.ended();
      }
      yield* eventually(() => network.peers().length === 0);
    };
    yield* round();
    const before = descriptors();
    yield* round();
    yield* eventually(() => descriptors() <= before);
    assertEquals(zombies(), []);
  }));

/** How many descriptors this process has. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** The children of this process that have ended, and for which nobody has waited. */
function zombies(): string[] {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "stat=,pid=,comm=", "--ppid", String(Deno.pid)] })
    .outputSync();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line.startsWith("Z"));
}

Deno.test("a launch that is cut short leaves no process", () =>
  withServers(function* (_coro, { network, start }) {
    for (const seconds of [0, 0.02, 0.05]) assertEquals(yield* race(start(), sleep(seconds)), undefined);
    assertEquals(network.peers(), []);
    assertEquals(zombies(), []);
    const server = yield* start();
    assertEquals(network.peers().map(({ id }) => id), [server.location.id]);
    server.kill();
    yield* server.ended();
  }));

Deno.test("a server that cannot be started fails with what it has written last", () =>
  withServers(function* (_coro, { start }) {
    const error = yield* errorOf(start("s"));
    assertStringIncludes(error.message, "Cannot start server 's' as its process has ended with exit code");
    assertStringIncludes(error.message, "no-such-kind");
  }, { sys: ["no-such-kind"] }));
