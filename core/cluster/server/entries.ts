/**
 * The entries of the package, for the modules of jobs.
 *
 * Deno loads what a program may import by a literal name together with the program, without asking for permission. So by
 * these functions, which nobody calls, a module of a job may import the package although a server may not read it.
 */

/** All that `exports` of deno.json names, but for the program of a node. */
export const ENTRIES: readonly (() => Promise<unknown>)[] = [
  () => import("../../../mod.ts"),
  () => import("../../asyncio/mod.ts"),
  () => import("../mod.ts"),
  () => import("../../distributed/mod.ts"),
  () => import("../../edge/mod.ts"),
  () => import("../../io/mod.ts"),
  () => import("../../nats/mod.ts"),
  () => import("../../testing/mod.ts"),
  () => import("../../workers/mod.ts"),
];
