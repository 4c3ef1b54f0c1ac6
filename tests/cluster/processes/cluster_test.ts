/** Whole clusters: the program of a node, its servers, and a client. */
import { type Coro, sleep, until } from "@asyncoro/asyncoro";
import { JobLostError } from "@asyncoro/asyncoro/cluster";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Here, type NodeProcess, withNodes } from "./nodes.ts";
import { errorOf, type Steps } from "./servers.ts";

/** The number of the process in which it runs. */
function* pid(): Steps<number> {
  return Deno.pid;
}

Deno.test("a node serves a client: results in order, files, and nothing is left", () =>
  withNodes(function* (_coro, { node, computation, directory }) {
    Deno.writeTextFileSync(
      `${directory}/job.ts`,
      "export function* triple(_coro: unknown, n: number) { return 3 * n; }",
    );
    Deno.mkdirSync(`${directory}/node`);
    node("--directory", `${directory}/node`, "--cpus", "2");
    const jobs = computation({ files: [`${directory}/job.ts`] });
    yield* jobs.schedule(20);
    const items = Array.from({ length: 40 }, (_, i) => i);
    assertEquals(
      yield* jobs.runResults(function* (_coro: Coro, n: number) {
        return 2 * n;
      }, items),
      items.map((i) => 2 * i),
    );
    assertEquals(yield* jobs.runResult({ module: "job.ts", name: "triple" }, 14), 42);
    assertEquals([...Deno.readDirSync(`${directory}/node`)].length, 1);
    yield* jobs.close();
    while ([...Deno.readDirSync(`${directory}/node`)].length > 0) yield* sleep(0.01);
  }));
