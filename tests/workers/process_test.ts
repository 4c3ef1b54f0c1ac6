/** Whole programs with pools: when they end, their permissions, and from where the package is loaded. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
const WORKERS = new URL("core/workers/mod.ts", ROOT).href;
const MAIN = new URL("mod.ts", ROOT).href;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** Runs a program to its end; it is killed after 20 seconds. */
async function runProgram(source: string, ...flags: string[]): Promise<Outcome> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const start = performance.now();
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "--no-config", "--no-lock", ...flags, file],
      env: { NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(20_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr), seconds: (performance.now() - start) / 1000 };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("an idle pool does not keep the process alive, and needs no permission", async () => {
  const { code, stdout, stderr } = await runProgram(`
    import { WorkerPool, AsyncDBCursor } from "${WORKERS}";
    import { main } from "${MAIN}";
    main(function* () {
      const pool = new WorkerPool(2);
      console.log(yield* pool.map([1, 2, 3], (n) => n * n));
      const cursor = new AsyncDBCursor(pool, ":memory:");
      yield* cursor.execute("SELECT 7 AS n");
      console.log(yield* cursor.fetchone());
    });
  `);
  assertEquals([code, stdout, stderr], [0, "[ 1, 4, 9 ]\n{ n: 7 }\n", ""]);
});

Deno.test("a daemon in a transaction does not keep the process alive", async () => {
  const directory = await Deno.makeTempDir();
  for (const when of ["begin", "body", "commit"]) {
    const path = JSON.stringify(`${directory}/${when}.db`);
    const lock = when === "commit" ? "BEGIN; SELECT * FROM t" : "BEGIN EXCLUSIVE";
    const { code, stdout, stderr } = await runProgram(
      `
      import { AsyncDBCursor } from "${WORKERS}";
      import { run, Scheduler, sleep } from "${MAIN}";
      await run(function* () {
        const db = new AsyncDBCursor(${path}, { busyTimeout: 60 });
        const other = new AsyncDBCursor(${path});
        yield* db.execute("CREATE TABLE t (n)");
        if ("${when}" !== "body") yield* other.executescript("${lock}");
        Scheduler.instance().spawnWith({ daemon: true }, function* () {
          yield* db.transaction(function* () {
            yield* db.execute("INSERT INTO t VALUES (1)");
            if ("${when}" === "body") yield* sleep(60);
          }, "${when}" === "begin" ? "immediate" : "deferred");
        });
        yield* sleep(0.2);
      });
      console.log("ended");
    `,
      "-A",
    );
    assertEquals([code, stdout, stderr], [0, "ended\n", ""], when);
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a task keeps the process alive until it is done", async () => {
  const { code, stdout } = await runProgram(`
    import { WorkerPool } from "${WORKERS}";
    const pool = new WorkerPool(1);
    const nap = () => new Promise((resolve) => setTimeout(resolve, 300, "done"));
    pool.run(nap).then(console.log);
  `);
  assertEquals([code, stdout], [0, "done\n"]);
});

Deno.test("the task of a daemon does not keep the process alive", async () => {
  const { code, stdout, seconds } = await runProgram(`
    import { WorkerPool } from "${WORKERS}";
    import { Scheduler } from "${MAIN}";
    const pool = new WorkerPool(1);
    await pool.run(() => 1);
    Scheduler.instance().spawnWith({ daemon: true }, function* () {
      yield* pool.asyncTask(() => new Promise((resolve) => setTimeout(resolve, 15_000)));
    });
    setTimeout(() => console.log("end"), 50);
  `);
  assertEquals([code, stdout], [0, "end\n"]);
  assert(seconds < 10);
});

Deno.test("a worker in an endless loop does not keep the process alive once its task has timed out", async () => {
  const { code, stdout, seconds } = await runProgram(`
    import { WorkerPool } from "${WORKERS}";
    const pool = new WorkerPool(1, { grace: 0.05 });
    await pool.runWith({ timeout: 0.1 }, () => { for (;;); }).catch((error) => console.log(error.name));
    console.log(await pool.run(() => "next"));
    await pool.terminate();
  `);
  assertEquals([code, stdout], [0, "TimeoutError\nnext\n"]);
  assert(seconds < 10);
});

Deno.test("importing works without workers, and creating a pool throws the name of what is missing", async () => {
  const { code, stdout, stderr } = await runProgram(`
    Object.assign(process, { getBuiltinModule: undefined });
    delete globalThis.Worker;
    const { WorkerPool, AsyncDBCursor } = await import("${WORKERS}");
    for (const make of [() => new WorkerPool(1), () => new AsyncDBCursor(":memory:")]) {
      try { make(); } catch (error) { console.log(error.name + ": " + error.message); }
    }
  `);
  const line = "UnsupportedError: Cannot make a pool of workers as this runtime has no workers " +
    "(node:worker_threads): run it with Deno\n";
  assertEquals([code, stdout, stderr], [0, line + line, ""]);
});

Deno.test("permissions are those of the program unless others are asked for", async () => {
  const source = (options: string) => `
    import { WorkerPool } from "${WORKERS}";
    const pool = new WorkerPool(1, ${options});
    const read = () => {
      try {
        return typeof Deno.readTextFileSync(Deno.cwd() + "/none");
      } catch (error) {
        return error.name;
      }
    };
    console.log(await pool.run(read));
    await pool.run(() => Deno.exit(3)).catch((error) => console.log(error.message));
    console.log(await pool.run((n) => n, 42));
  `;
  const end = "The worker ended with code 3 while the task ran\n42\n";
  const inherited = await runProgram(source("{}"), "--allow-read");
  assertEquals([inherited.code, inherited.stdout], [0, `NotFound\n${end}`]);
  const none = await runProgram(source('{ permissions: "none" }'), "--allow-read", "--unstable-worker-options");
  assertEquals([none.code, none.stdout], [0, `NotCapable\n${end}`]);
});

Deno.test("workers with permissions of their own explain missing names, and keep errors whole", async () => {
  const { code, stdout, stderr } = await runProgram(
    `
    import { WorkerPool } from "${WORKERS}";
    const pool = new WorkerPool(1, { permissions: "none" });
    const outer = 1;
    const aggregate = () => { throw new AggregateError([new TypeError("inner")], "outer"); };
    for (const task of [() => prompt("?"), () => localStorage.length, () => outer]) {
      await pool.run(task).catch((error) => console.log(error.message.split(":")[0]));
    }
    await pool.run(aggregate).catch(({ errors }) => console.log(errors[0] instanceof TypeError, errors[0].message));
    await pool.terminate();
  `,
    "--unstable-worker-options",
  );
  const lines = [
    "Cannot run the function in a worker as it uses 'prompt', which no worker has",
    "Cannot run the function in a worker as it uses 'localStorage', which no worker has",
    "Cannot run the function in a worker as it uses 'outer', which is outside it",
    "true inner",
  ];
  assertEquals([code, stdout.trim().split("\n")], [0, lines], stderr);
});

Deno.test("workers work when the package comes from a URL", async () => {
  const serve = async (request: Request) => {
    const path = new URL(request.url).pathname.slice(1);
    const source = await Deno.readTextFile(new URL(path, ROOT)).catch(() => null);
    if (source === null) return new Response(null, { status: 404 });
    return new Response(source, { headers: { "content-type": "application/typescript" } });
  };
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve);
  const host = `127.0.0.1:${server.addr.port}`;
  const { code, stdout, stderr } = await runProgram(
    `import { WorkerPool } from "http://${host}/core/workers/mod.ts";
     console.log(await new WorkerPool(1).run((n) => n + 1, 41));`,
    `--allow-import=${host}`,
    "--reload",
  );
  assertEquals([code, stdout], [0, "42\n"], stderr);
});

Deno.test("an uncaught error in a task of main() is printed and sets the exit code", async () => {
  const { code, stderr } = await runProgram(`
    import { WorkerPool } from "${WORKERS}";
    import { main } from "${MAIN}";
    main(function* () {
      yield* new WorkerPool(1).asyncTask(() => { throw new RangeError("from afar"); });
    });
  `);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "from afar");
});
