/**
 * The tests that do not run on the npm form of the package, and why. All others do, new ones included.
 */

/** The other runtimes on which tests run. */
export type NodeLike = "node" | "bun";

/** Files and folders under `tests/`. */
export const FILES_LEFT_OUT: Readonly<Record<string, string>> = {
  "bench/peers_test.ts": "starts Deno, Python, Go and Erlang",
  "bench/guard_test.ts": "starts Deno and git",
  "bench/documents_test.ts": "compiles the kernel's sources, which is the same everywhere",
  "examples_test.ts": "runs the examples with Deno's permissions",
  "cluster/": "what runs in a server is for Deno, and not in the npm form",
  "distributed/": "needs Deno's sockets, files, workers",
  "layers_test.ts": "reads the sources",
  "bench/profile_test.ts": "profiles benchmarks with Deno",
  "host/telemetry_test.ts": "needs Deno's telemetry",
  "asyncio/start_tls_test.ts": "needs Deno's sockets",
  "asyncio/stream_duel_test.ts": "starts Python, as far as Deno finds it",
  "asyncio/streams_test.ts": "needs Deno's sockets",
  "edge/cloudflare_test.ts": "runs Cloudflare's workerd",
  "edge/deno_test.ts": "runs an example that is for Deno, with Deno",
  "edge/modules_test.ts": "asks Deno which modules there are",
  "edge/workerd_test.ts": "runs Cloudflare's workerd",
  "examples/": "tests an example that is for Deno: files, locks, Temporal",
  "fiber/operation_state_test.ts": "reads the sources",
  "fiber/reaction_test.ts": "measures memory to some bytes, as Deno's engine counts it, and starts a child process",
  "gate/": "tests the gate",
  "io/": "needs Deno's sockets, files, child processes",
  "kernel/kernel_test.ts": "compiles the kernel's sources with Deno",
  "nats/": "needs Deno's files, child processes, and nats-server",
  "package/": "tests how the package is used",
  "soak/": "needs Deno's sockets, datagrams, child processes",
  "types/": "tests types, which were judged before they were written down",
  "workers/database_commits_test.ts": "needs files, and node:sqlite, which Node.js 20 does not have",
  "workers/database_model_test.ts": "needs files, and node:sqlite, which Node.js 20 does not have",
  "workers/database_parameters_test.ts": "needs files, and node:sqlite, which Node.js 20 does not have",
  "workers/database_rows_test.ts": "needs files, and node:sqlite, which Node.js 20 does not have",
  "workers/database_test.ts": "needs files, and node:sqlite, which Node.js 20 does not have",
  "workers/database_transactions_test.ts": "needs files, and node:sqlite, which Node.js 20 does not have",
  "workers/examples_test.ts": "runs the examples with Deno's permissions",
  "workers/faults_test.ts": "its workers end by Deno.exit()",
  "workers/process_test.ts": "runs programs with Deno's permissions",
  "workers/soak_test.ts": "looks at Deno's threads",
  "workers/stream_test.ts": "counts on workers that start within 50 ms",
};

/** A test that does not run in some runtime. */
export interface LeftOut {
  readonly file: string;
  readonly name: string;
  readonly runtimes: readonly NodeLike[];
  readonly reason: string;
}

const POOL = "workers/pool_test.ts";
const BOTH: readonly NodeLike[] = ["node", "bun"];

function leftOut(file: string, runtimes: readonly NodeLike[], reason: string, names: readonly string[]): LeftOut[] {
  return names.map((name) => ({ file, name, runtimes, reason }));
}

/** Single tests. */
export const TESTS_LEFT_OUT: readonly LeftOut[] = [
  ...leftOut("base/time_test.ts", ["node"], "Node.js 20 has no Temporal", [
    "a timeout is a number of seconds, a Temporal.Duration or an object like one",
    "years and months are rejected, as they have no fixed length",
    "sleep() takes every kind of timeout",
  ]),
  ...leftOut("coroutine/scheduler_test.ts", ["bun"], "Bun's stack has room for what is too much for V8's", [
    "arguments for which the engine's stack has no room leave nothing behind for the next coroutine",
  ]),
  ...leftOut("operations/zero_timeout_test.ts", BOTH, "needs Deno's sockets and files", [
    "zero or less does not wait: connect, bind and open do not begin",
    "zero or less takes what a socket, a pipe and a file have read already, and no more",
  ]),
  ...leftOut("host/driver_test.ts", BOTH, "only Deno serves its sockets more rarely than its macrotasks", [
    "a scheduler that the host wakes in its own turns rarely waits until I/O is polled",
    "with more operations than the host ends in a turn, I/O is polled whenever the budget is used up",
  ]),
  ...leftOut("patterns/stream_test.ts", BOTH, "needs Deno.serve", [
    "a server answers with the stream of a coroutine, which ends when the client has gone",
  ]),
  ...leftOut("asyncio/handles_test.ts", ["node"], "Node.js 20 has no Temporal", ["a delay may be a Temporal.Duration"]),
  ...leftOut(POOL, BOTH, "the module that the worker loads is TypeScript", [
    "asyncTask() runs functions of modules by name and by default",
    "the error of a closure over outer variables says what to do",
    "a module that throws on load, and an export that is missing, fail the task alone",
  ]),
  ...leftOut(POOL, ["bun"], "Bun's words for what cannot be cloned are others", [
    "bad input is refused at the call and does not affect the pool",
    "a result that cannot be cloned fails the task alone",
  ]),
  ...leftOut("workers/errors_test.ts", ["bun"], "Bun's words for what cannot be cloned are others", [
    "a generator whose item cannot be sent is closed, and its task fails with that",
  ]),
  ...leftOut("workers/errors_test.ts", ["bun"], "Bun can read whatever it could write", [
    "a result, an item or progress too deep to be read fails its task alone, and so do arguments",
  ]),
  ...leftOut("workers/errors_test.ts", ["bun"], "Bun's workers have prompt, alert and confirm", [
    "the error for a name that no worker has differs from that for a variable outside the function",
    "names that no worker has are explained for functions of modules, methods, streams and map too",
  ]),
  ...leftOut(POOL, BOTH, "counts on workers that have ended after a time", [
    "workers that were idle for idleTimeout end, except for min of them",
  ]),
];
