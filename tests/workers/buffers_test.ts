/** Buffers and views of them keep their types, wherever they are sent, and views are as fast as buffers. */
import { run } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { WorkerError, WorkerPool, type WorkerTask } from "../../core/workers/mod.ts";
import process from "node:process";
import { MessageChannel as NodeChannel, type MessagePort as NodePort } from "node:worker_threads";

/** Views of every kind, two of them on one buffer and one on a shared one. */
function views(): Record<string, unknown> {
  const bytes = Uint8Array.from({ length: 4096 }, (_, i) => i);
  return {
    bytes,
    part: bytes.subarray(1000, 3000),
    floats: new Float64Array(bytes.buffer, 8, 64),
    big: BigInt64Array.of(1n, -(2n ** 63n)),
    clamped: Uint8ClampedArray.of(1, 2),
    data: new DataView(bytes.buffer, 5, 10),
    buffer: bytes.buffer,
    nested: [new Map([["view", new Int16Array([1, -2])]]), new Set([new Uint32Array([7])]), { deep: { of: bytes } }],
    shared: new Int32Array(new SharedArrayBuffer(8)),
    resizable: new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }), 2),
  };
}

function assertViews(got: Record<string, unknown>): void {
  const made = views();
  for (const [key, view] of Object.entries(made)) {
    const back = got[key];
    assertStrictEquals(Object.getPrototypeOf(back), Object.getPrototypeOf(view), key);
    if (!ArrayBuffer.isView(view)) continue;
    const { byteOffset, byteLength } = back as DataView;
    assertEquals([byteOffset, byteLength], [view.byteOffset, view.byteLength], key);
  }
  const { bytes, part, floats, data, buffer, big, nested } = got as Record<string, Uint8Array>;
  assertEquals(got.nested, made.nested);
  assertEquals([...bytes], [...made.bytes as Uint8Array]);
  assertEquals(big, made.big as never);
  // Views of one buffer still share it.
  for (const view of [part, floats, data]) assertStrictEquals(view.buffer, bytes.buffer);
  assertStrictEquals(buffer as unknown, bytes.buffer);
  assertStrictEquals((nested as unknown as [unknown, unknown, { deep: { of: unknown } }])[2].deep.of, bytes);
}

Deno.test("views keep their types as arguments, results, items, progress, items of map and in errors", async () => {
  await using pool = new WorkerPool(1);
  const made = views();
  const shared = made.shared as Int32Array;
  const back = await pool.run((views: Record<string, unknown>) => {
    Atomics.store(views.shared as Int32Array, 0, 5);
    return views;
  }, made);
  assertViews(back);
  assertEquals(Atomics.load(back.shared as Int32Array, 0), 5);
  assertEquals(Atomics.load(shared, 0), 5);
  for await (
    const item of pool.stream(function* (views: Record<string, unknown>) {
      yield views;
    }, made)
  ) assertViews(item);
  const progress: unknown[] = [];
  await pool.runWith({ onProgress: (value) => progress.push(value) }, function (this: WorkerTask, views: unknown) {
    this.progress(views);
  }, made);
  assertViews(progress[0] as Record<string, unknown>);
  const mapped = await run(function* () {
    return yield* pool.map([made, made], (views: Record<string, unknown>) => views);
  });
  for (const each of mapped) assertViews(each);
  const error = await assertRejects(() =>
    pool.run((views: unknown) => {
      throw Object.assign(new Error("failed", { cause: views }), { views });
    }, made), WorkerError) as WorkerError;
  assertViews(error.cause as Record<string, unknown>);
  assertViews(error.data.views as Record<string, unknown>);
});

Deno.test("a Buffer of node:buffer arrives as a Uint8Array, as structured clone makes it", async () => {
  await using pool = new WorkerPool(1);
  const back = await pool.run(() => (globalThis as unknown as { Buffer: typeof Uint8Array }).Buffer.from([1, 2]));
  assertEquals([Object.getPrototypeOf(back), [...back]], [Uint8Array.prototype, [1, 2]]);
});

Deno.test("message ports that are moved to a task and back work, beside buffers that are not", async () => {
  await using pool = new WorkerPool(1);
  const { port1, port2 } = new NodeChannel();
  const transfer = [port2 as unknown as Transferable];
  const back = await pool.runWith(
    { transfer },
    function (this: WorkerTask, port: NodePort, bytes: Uint8Array) {
      port.postMessage({ at: bytes.length });
      return this.transfer({ port, bytes }, [port as unknown as Transferable]);
    },
    port2 as never,
    new Uint8Array(5000),
  );
  assertEquals(back.bytes.length, 5000);
  const got = await new Promise((resolve) => port1.once("message", resolve));
  assertEquals(got, { at: 5000 });
  const answer = new Promise((resolve) => port1.once("message", resolve));
  assertEquals(typeof back.port.on, "function");
  back.port.postMessage("back");
  assertEquals(await answer, "back");
  const closed = new Promise((resolve) => port1.once("close", resolve));
  port1.close();
  back.port.close();
  await closed;
});

Deno.test("a large typed array costs the pool about as much as its buffer", async () => {
  await using pool = new WorkerPool(1);
  const make = (kind: string, bytes: number) => {
    const view = kind === "view" ? new Uint8Array(bytes) : new ArrayBuffer(bytes);
    return { list: [view] };
  };
  async function cost(task: () => Promise<unknown>): Promise<number> {
    const before = process.cpuUsage();
    await task();
    const { user, system } = process.cpuUsage(before);
    return Math.max(1, user + system);
  }
  /** How many times the CPU time of the other task one takes: the least of some runs of each, in alternation. */
  async function ratio(task: () => Promise<unknown>, other: () => Promise<unknown>): Promise<number> {
    let [least, leastOther] = [Infinity, Infinity];
    for (let i = 0; i < 15; i++) {
      least = Math.min(least, await cost(task));
      leastOther = Math.min(leastOther, await cost(other));
    }
    return least / leastOther;
  }
  const bytes = 4_000_000;
  const [view, buffer] = [new Uint8Array(bytes), new ArrayBuffer(bytes)];
  const empty = (_: unknown) => {};
  await pool.run(make, "view", 1);
  const results = await ratio(() => pool.run(make, "view", bytes), () => pool.run(make, "buffer", bytes));
  const args = await ratio(() => pool.run(empty, view), () => pool.run(empty, buffer));
  // 30 and more if Deno visits each element; about 1 otherwise.
  assert(results < 15 && args < 15, `${results.toFixed(1)} and ${args.toFixed(1)} times as much`);
  assertInstanceOf((await pool.run(make, "view", 1)).list[0], Uint8Array);
});
