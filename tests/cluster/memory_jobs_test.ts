/** The store of jobs in memory: the suite of all stores, in virtual time. */
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { jobStoreSuite } from "./job_store_suite.ts";
import { MemoryJobs } from "./memory_jobs.ts";

jobStoreSuite({
  name: "memory",
  run: (test) =>
    runVirtual(function* () {
      const store = new MemoryJobs(0.9);
      yield* test(store, store);
    }),
});
