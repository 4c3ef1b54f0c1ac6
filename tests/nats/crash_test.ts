/**
 * Jobs survive crashes of the server, of who works and of who submits. `NATS_JOBS=4000 deno test -A` runs it with more jobs
 * than the gate does.
 */
import { all, until, withTimeout } from "@asyncoro/asyncoro";
import type { JobStore } from "@asyncoro/asyncoro/nats";
import { natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { assert, assertEquals } from "@std/assert";
import { drive } from "../io/helpers.ts";
import { natsTest } from "./two_peers.ts";

const COUNT = Number(Deno.env.get("NATS_JOBS") ?? 400);
const PROGRAM = new URL("./job_process.ts", import.meta.url).pathname;

/** A process, and the lines that it has printed. */
class Process {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;

  constructor(port: number, ...args: string[]) {
    const run = ["run", "-A", "--no-check", "--quiet", PROGRAM, `${port}`, ...args];
    this.#child = new Deno.Command(Deno.execPath(), { args: run, stdin: "null", stdout: "piped" }).spawn();
    this.#reading = this.#read();
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#reading;
    await this.#child.status;
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + part).split("\n");
      text = lines.pop()!;
      this.lines.push(...lines);
    }
  }
}

/** Waits until so many jobs are settled. They are done about in their order. */
function* untilDone(store: JobStore, count: number): Generator<unknown, void, unknown> {
  yield* withTimeout(60, store.wait("squares", `job ${count}`));
}

natsTest("jobs survive when the server, workers and who submits are killed: each has one result", async (server) => {
  const connection = await server.connect();
  const store = natsJobs({ connection, jetstream, jetstreamManager, leaseSeconds: 1 });
  const processes: Process[] = [];
  const start = (...args: string[]) => {
    const process = new Process(server.port, ...args);
    processes.push(process);
    return process;
  };
  try {
    await drive(function* () {
      const submitter = start("submit", `${COUNT}`);
      const workers = [start("work"), start("work")];
      yield* untilDone(store, Math.floor(COUNT * 0.1));
      yield* until(submitter.kill());
      // What was submitted is submitted again, and the rest, while the server is killed.
      const submitting = Array.from(
        { length: COUNT },
        (_, i) => store.submit("squares", `job ${i}`, Uint8Array.of(i >> 8, i)),
      );
      const crash = (async () => {
        await server.kill();
        await server.restart();
      })();
      const isNew = yield* all(...submitting);
      yield* until(crash);
      assert(isNew.filter((each) => !each).length >= submitter.lines.length, "an id is one job");
      yield* untilDone(store, Math.floor(COUNT * 0.5));
      yield* until(workers[0].kill());
      workers[0] = start("work");
      yield* until((async () => {
        await server.kill();
        await server.restart();
      })());
      for (let i = 0; i < COUNT; i++) {
        const settled = yield* withTimeout(60, store.wait("squares", `job ${i}`));
        assertEquals(settled, { kind: "done", result: new TextEncoder().encode(`${i ** 2}`) });
      }
      while ((yield* store.pending("squares")) > 0) yield;
      // What is recorded twice would have two messages: the stream counts all that there ever were.
      const { state } = yield* until((yield* until(jetstreamManager(connection))).streams.info("asyncoro_states"));
      assertEquals([state.messages, state.last_seq], [COUNT, COUNT]);
    });
  } finally {
    for (const process of processes) await process.kill().catch(() => {});
    await connection.close();
  }
});
