import { assertEquals } from "@std/assert";
import { Job } from "../../../core/cluster/jobs/job.ts";
import { JobQueue } from "../../../core/cluster/jobs/job_queue.ts";
import type { Location } from "../../../core/distributed/location.ts";

const place = (id: string) => ({ id }) as Location;

function job(order: number, where: string | null = null): Job {
  const options = {
    name: `job ${order}`,
    target: { source: "" },
    args: new Uint8Array(),
    where: where === null ? null : place(where),
    exclusive: true,
    retries: 0,
    attemptTimeout: Infinity,
    isHandle: false,
    mayWait: false,
  };
  return new Job(options, order, { settled: () => {} });
}

const any = () => true;
const orderOf = (job: Job | null) => job?.order ?? null;

Deno.test("a server takes the first of the jobs for any place, for its node and for itself", () => {
  const queue = new JobQueue();
  for (const [order, where] of [[1, "b"], [2, "node"], [3, null], [4, "a"]] as const) queue.push(job(order, where));
  assertEquals(queue.length, 4);
  assertEquals([1, 2, 3, 4].map(() => orderOf(queue.take(["a", "node"], any))), [2, 3, 4, null]);
  assertEquals(orderOf(queue.take(["b", "other"], any)), 1);
  assertEquals(queue.length, 0);
});

Deno.test("a job that comes back is the first", () => {
  const queue = new JobQueue();
  const first = job(1);
  queue.push(first);
  queue.push(job(2));
  assertEquals(queue.take(["a", "node"], any), first);
  queue.unshift(first);
  assertEquals(queue.has(first), true);
  assertEquals([1, 2].map(() => orderOf(queue.take(["a", "node"], any))), [1, 2]);
  assertEquals(queue.has(first), false);
});

Deno.test("a job that is not acceptable stays", () => {
  const queue = new JobQueue();
  queue.push(job(1));
  assertEquals(queue.take(["a", "node"], () => false), null);
  assertEquals(queue.length, 1);
});

Deno.test("jobs can be removed, one, those for a place, or all", () => {
  const queue = new JobQueue();
  const jobs = [job(1), job(2, "a"), job(3), job(4, "a"), job(5, "b")];
  for (const each of jobs) queue.push(each);
  queue.remove(jobs[2]);
  assertEquals(queue.drain(place("a")), [jobs[1], jobs[3]]);
  assertEquals(queue.drain(place("a")), []);
  assertEquals(queue.drain(null), [jobs[0], jobs[4]]);
  assertEquals(queue.length, 0);
});
