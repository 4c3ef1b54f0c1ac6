/** Whole clusters: the program of a node, its servers, and a client. */
import { Coro, sleep, until } from "@asyncoro/asyncoro";
import { type ClusterStatus, JobLostError } from "@asyncoro/asyncoro/cluster";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { eventually } from "../../distributed/pair.ts";
import { PEER_SECONDS, type Program, withNodes } from "./nodes.ts";
import { errorOf, type Steps } from "./servers.ts";

/** Jobs: they are self-contained. */
function* double(_coro: Coro, n: number): Steps<number> {
  return 2 * n;
}

function* pid(): Steps<number> {
  return Deno.pid;
}

/** Writes its process to a file, and computes for ever, unless the file is there. */
function* endlessOnce(_coro: Coro, file: string): Steps<string> {
  try {
    return `again after ${Deno.readTextFileSync(file)}`;
  } catch {
    Deno.writeTextFileSync(file, String(Deno.pid));
  }
  for (;;);
}

/** Waits for a file and returns what is in it. */
function* textOf(file: string): Steps<string> {
  for (;;) {
    try {
      const text = Deno.readTextFileSync(file);
      if (text !== "") return text;
    } catch {
      // It is not there yet.
    }
    yield* sleep(0.005);
  }
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and for which nobody has waited is a zombie.
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

function* exitCode(node: Program): Steps<number> {
  return (yield* until(node.status)).code;
}

Deno.test("a node serves a client: results in order, modules, and nothing is left in its directory", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    Deno.writeTextFileSync(`${directory}/job.ts`, "export function* triple(_: unknown, n: number) { return 3 * n; }");
    const files = `${directory}/node`;
    node("--directory", files, "--cpus", "2");
    const jobs = computation({ files: [`${directory}/job.ts`] });
    yield* jobs.schedule();
    const items = Array.from({ length: 40 }, (_, i) => i);
    assertEquals(yield* jobs.runResults(double, items), items.map((i) => 2 * i));
    assertEquals(yield* jobs.runResult({ module: "job.ts", name: "triple" }, 14), 42);
    assertEquals([...Deno.readDirSync(files)].length, 1);
    yield* jobs.close();
    yield* eventually(() => [...Deno.readDirSync(files)].length === 0);
  }));

Deno.test("kill -9 of a server: its job runs again elsewhere, or is lost without retries, and a server takes its place", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    node("--cpus", "2", `--allow-read=${directory}`, `--allow-write=${directory}`);
    const jobs = computation();
    yield* jobs.schedule();
    for (const retries of [0, 1]) {
      const file = `${directory}/${retries}`;
      const run = new Coro(function* () {
        return yield* jobs.runResults(endlessOnce, [file], { retries });
      });
      const server = yield* textOf(file);
      Deno.kill(Number(server), "SIGKILL");
      if (retries === 1) assertEquals(yield* run.finish(), [`again after ${server}`]);
      else assertInstanceOf(yield* errorOf(run.finish()), JobLostError);
    }
    yield* jobs.close();
  }));

Deno.test("kill -9 of a node: its servers end, those that compute too, its jobs run elsewhere, and its files are gone", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    const flags = [`--allow-read=${directory}`, `--allow-write=${directory}`];
    const files = `${directory}/files`;
    const first = node("--directory", files, ...flags);
    const jobs = computation();
    yield* jobs.schedule();
    const run = new Coro(function* () {
      return yield* jobs.runResults(endlessOnce, [`${directory}/pid`], { retries: 1 });
    });
    const server = Number(yield* textOf(`${directory}/pid`));
    assert(isAlive(server));
    first.kill("SIGKILL");
    yield* until(first.status);
    yield* eventually(() => !isAlive(server));
    yield* eventually(() => [...Deno.readDirSync(files)].length === 0);
    node(...flags);
    assertEquals(yield* run.finish(), [`again after ${server}`]);
    yield* jobs.close();
  }));

Deno.test("kill -9 of a client: its server ends though it computes, and the next client has its turn", () =>
  withNodes(function* (_coro, { node, client, computation, directory }) {
    const killed = client();
    yield* until(killed.printed("tcp://"));
    const files = `${directory}/files`;
    const one = node("--peer", killed.lines[0].slice("tcp://".length), "--directory", files);
    yield* until(one.printed("job in "));
    const server = Number(/job in (\d+)/.exec(one.lines.join("\n"))![1]);
    const jobs = computation();
    const waiting = new Coro(function* () {
      yield* jobs.schedule();
      return yield* jobs.runResult(pid);
    });
    yield* until(one.printed("1 client waiting"));
    assert(isAlive(server) && waiting.isAlive());
    killed.kill("SIGKILL");
    assert(server !== (yield* waiting.finish()));
    assert(!isAlive(server));
    yield* jobs.close();
    yield* eventually(() => [...Deno.readDirSync(files)].length === 0);
  }));

Deno.test("SIGTERM drains a node: a job that computes for longer than peerTimeout ends, then the node, with exit code 0", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    const one = node(`--allow-read=${directory}`);
    const jobs = computation();
    yield* jobs.schedule();
    const run = new Coro(function* () {
      return yield* jobs.runResult(function* (_coro: Coro, file: string): Steps<string> {
        console.log("begun");
        for (;;) {
          try {
            return Deno.readTextFileSync(file);
          } catch {
            // It is not there yet.
          }
        }
      }, `${directory}/go`);
    });
    yield* until(one.printed("begun"));
    one.kill("SIGTERM");
    yield* until(one.printed("Draining"));
    yield* sleep(1.3 * PEER_SECONDS);
    // The job must not read a part of it.
    Deno.writeTextFileSync(`${directory}/going`, "result");
    Deno.renameSync(`${directory}/going`, `${directory}/go`);
    assertEquals(yield* run.finish(), "result");
    assertEquals(yield* exitCode(one), 0);
    yield* jobs.close();
  }));

Deno.test("a second signal ends a node at once, though a job computes", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    const one = node(`--allow-read=${directory}`, `--allow-write=${directory}`);
    const jobs = computation();
    yield* jobs.schedule();
    const run = new Coro(function* () {
      return yield* errorOf(jobs.runResult(endlessOnce, `${directory}/pid`));
    });
    const server = Number(yield* textOf(`${directory}/pid`));
    one.kill("SIGINT");
    yield* until(one.printed("Draining"));
    one.kill("SIGTERM");
    yield* until(one.printed("Closing"));
    one.kill("SIGTERM");
    assertEquals(yield* exitCode(one), 143);
    yield* eventually(() => !isAlive(server));
    run.terminate();
    yield* jobs.close({ terminate: true, timeout: 1 });
  }));

Deno.test("a node ends after as many computations as it was to serve", () =>
  withNodes(function* (_coro, { node, computation }) {
    const one = node("--serve", "2");
    for (const name of ["first", "second"]) {
      const jobs = computation({ name });
      yield* jobs.schedule();
      assertEquals(yield* jobs.runResult(double, 1), 2);
      yield* jobs.close();
    }
    assertEquals(yield* exitCode(one), 0);
    assert(one.lines.at(-1)!.endsWith("has ended"), one.lines.join("\n"));
  }));

Deno.test("attemptTimeout ends an endless loop, and the server is replaced", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    node(`--allow-read=${directory}`, `--allow-write=${directory}`);
    const jobs = computation();
    yield* jobs.schedule();
    const file = `${directory}/pid`;
    assertEquals(
      yield* jobs.runResults(endlessOnce, [file], { attemptTimeout: 0.5, retries: 1 }),
      [`again after ${Deno.readTextFileSync(file)}`],
    );
    assert(!isAlive(Number(Deno.readTextFileSync(file))));
    yield* jobs.close();
  }));

Deno.test("a server whose setup fails is ended, and not replaced; its node is free again", () =>
  withNodes(function* (coro, { node, computation }) {
    node();
    const jobs = computation({
      statusCoro: coro,
      *serverSetup() {
        throw new RangeError("of the setup");
      },
    });
    const scheduling = new Coro(function* () {
      yield* errorOf(jobs.schedule());
    });
    const seen: string[] = [];
    const see = function* (last: string): Steps<void> {
      while (seen.at(-1) !== last) seen.push((yield* coro.receive<ClusterStatus>()).status);
    };
    yield* see("ServerClosed");
    scheduling.terminate();
    yield* jobs.close();
    yield* see("ComputationClosed");
    assertEquals(seen.filter((status) => status.startsWith("Server")), [
      "ServerDiscovered",
      "ServerIgnored",
      "ServerClosed",
    ]);
    const others = computation({ name: "others" });
    yield* others.schedule();
    assertEquals(yield* others.runResult(double, 1), 2);
    yield* others.close();
  }));
