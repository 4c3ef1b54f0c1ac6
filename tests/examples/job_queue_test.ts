/** The example job_queue: no job is lost, however and whenever its process ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "@asyncoro/asyncoro";
import { AsyncDBCursor } from "@asyncoro/asyncoro/workers";
import { readExample } from "../helpers/examples.ts";
import { pause, text } from "../io/helpers.ts";

const NAME = "workers/job_queue.ts";
const ROOT = new URL("../../", import.meta.url);
const WAITING = "SELECT count(*) AS n FROM jobs WHERE state = 'waiting'";

interface Row {
  readonly number: number;
  readonly state: string;
  readonly attempts: number;
  readonly result: number | null;
  readonly error: string | null;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program, started in a folder with the permissions of its second command. */
class Program {
  readonly outcome: Promise<Outcome>;
  readonly child: Deno.ChildProcess;
  readonly #added = Promise.withResolvers<void>();
  #stdout = "";

  constructor(folder: string, ...args: string[]) {
    const config = `--config=${ROOT.pathname}deno.json`;
    const flags = ["--no-check", "--no-prompt", "--allow-read=.", "--allow-write=.", config];
    this.child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, readExample(NAME).url.pathname, "jobs.db", ...args],
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.outcome = this.#outcome();
  }

  async #outcome(): Promise<Outcome> {
    const errors = new Response(this.child.stderr).text();
    for await (const part of this.child.stdout) {
      this.#stdout += text(part);
      if (this.#stdout.includes("jobs added")) this.#added.resolve();
    }
    this.#added.resolve();
    return { code: (await this.child.status).code, stdout: this.#stdout, stderr: await errors };
  }

  /** Waits until it has added its jobs. */
  added(): Promise<void> {
    return this.#added.promise;
  }

  /** Sends signals when some time has passed since it has added its jobs. */
  async interrupt(ms: number, ...signals: Deno.Signal[]): Promise<Outcome> {
    await this.added();
    await pause(ms);
    for (const signal of signals) this.child.kill(signal);
    return await this.outcome;
  }
}

function query<T>(folder: string, sql: string): Promise<T[]> {
  return run(function* () {
    using cursor = new AsyncDBCursor<T>(`${folder}/jobs.db`);
    yield* cursor.execute(sql);
    return yield* cursor.fetchall();
  });
}

/** Every job must have come to the end that its number decides. */
async function check(folder: string, count: number): Promise<void> {
  const rows = await query<Row>(folder, "SELECT * FROM jobs ORDER BY id");
  assertEquals(rows.map((row) => row.number), Array.from({ length: count }, (_, i) => i + 1));
  for (const { number, state, attempts, result, error } of rows) {
    if (number % 11 === 0) {
      assertEquals([state, attempts, result, error], ["failed", 4, null, `${number} brings bad luck`]);
    } else {
      assertEquals([state, attempts, result], ["done", number % 5 === 0 ? 2 : 1, primesUpTo(number * 100)]);
    }
  }
}

const primes: number[] = [];
for (let n = 2; n < 20_000; n++) if (primes.every((prime) => prime * prime > n || n % prime !== 0)) primes.push(n);

function primesUpTo(limit: number): number {
  return primes.filter((prime) => prime <= limit).length;
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "asyncoro-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("job_queue prints its expected output", async () => {
  const { flags, url, output } = readExample(NAME);
  const args = ["run", "--no-prompt", ...flags, url.pathname];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertEquals([text(stdout), code, text(stderr)], [output, 0, ""]);
});

Deno.test("job_queue loses no job when it is killed again and again", () =>
  inFolder(async (folder) => {
    const delays = [0, 20, 60, 100, 150, 250, 400];
    for (const [i, delay] of delays.entries()) {
      const { code } = await new Program(folder, i === 0 ? "120" : "0").interrupt(delay, "SIGKILL");
      assertEquals(code, 137);
    }
    const [{ n }] = await query<{ n: number }>(folder, WAITING);
    assert(n > 0, "Expected it to be killed before all jobs were done");
    const { code, stdout, stderr } = await new Program(folder).outcome;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, "0 jobs added\n110 done, 10 failed, after 172 attempts\n");
    await check(folder, 120);
    // There is nothing left.
    assertEquals((await new Program(folder).outcome).stdout, "0 jobs added\n110 done, 10 failed, after 172 attempts\n");
  }));

Deno.test("job_queue ends at Ctrl-C and SIGTERM, and goes on from there", () =>
  inFolder(async (folder) => {
    for (const [i, signals] of ([["SIGINT"], ["SIGTERM"], ["SIGINT", "SIGINT"]] as const).entries()) {
      const { code, stderr } = await new Program(folder, i === 0 ? "60" : "0").interrupt(100 * i, ...signals);
      assertEquals([code, stderr], [signals[0] === "SIGINT" ? 130 : 143, ""]);
    }
    assertEquals((await new Program(folder).outcome).code, 0);
    await check(folder, 60);
  }));

Deno.test("a second process of job_queue on the same database does nothing", () =>
  inFolder(async (folder) => {
    const first = new Program(folder, "60");
    await first.added();
    const second = await new Program(folder, "5").outcome;
    assertEquals([second.code, second.stdout], [1, ""]);
    assertMatch(second.stderr, /database is locked/);
    assertEquals((await first.outcome).code, 0);
    await check(folder, 60);
  }));

Deno.test("job_queue adds all jobs or none", () =>
  inFolder(async (folder) => {
    for (const delay of [100, 200, 300]) {
      const program = new Program(folder, "20000");
      await pause(delay);
      program.child.kill("SIGKILL");
      await program.outcome;
    }
    const tables = await query<{ n: number }>(folder, "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'jobs'");
    if (tables[0].n === 0) return;
    const [{ n }] = await query<{ n: number }>(folder, "SELECT count(*) AS n FROM jobs");
    assertEquals(n % 20_000, 0);
  }));
