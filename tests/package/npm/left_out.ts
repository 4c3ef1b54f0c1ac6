/**
 * The tests that do not run on the npm form of the package, and why. Everything else does: a new test is in by itself.
 */

/** What else tests can run on. */
export type NodeLike = "node" | "bun";

/** Files and folders under `tests/`. */
export const FILES_LEFT_OUT: Readonly<Record<string, string>> = {
  "bench_test.ts": "compiles the kernel's sources, which is the same everywhere",
  "examples_test.ts": "runs the examples with Deno's permissions",
  "layers_test.ts": "reads the sources",
  "gate/": "tests the gate",
  "io/": "needs Deno's sockets, files, child processes",
  "package/": "tests how the package is used",
  "workers/": "needs the workers of Deno",
};

/** A test that does not run in some runtime. */
export interface LeftOut {
  readonly file: string;
  readonly name: string;
  readonly runtimes: readonly NodeLike[];
  readonly reason: string;
}

/** Single tests. */
export const TESTS_LEFT_OUT: readonly LeftOut[] = [
  ...[
    "a timeout is a number of seconds, a Temporal.Duration or an object like one",
    "years and months are refused, as they have no fixed length",
    "every kind of timeout sleeps as long as it says",
  ].map((name): LeftOut => ({ file: "time_test.ts", name, runtimes: ["node"], reason: "Node.js 20 has no Temporal" })),
];
