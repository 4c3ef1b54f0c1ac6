/** The program as one runs it, with exactly the permissions that its header names. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { gunzip, LogFolder } from "./log_folder.ts";

const PROGRAM = new URL("../../../examples/logrotate.ts", import.meta.url);
const posix = Deno.build.os !== "windows";

/** `deno run [these] examples/logrotate.ts`, as the header says. */
function permissions(): string[] {
  return /^ \* {5}deno run (.*) examples\/logrotate\.ts/m.exec(Deno.readTextFileSync(PROGRAM))![1].split(" ");
}

/** A run of the program. */
class Run {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;

  constructor(...args: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", ...permissions(), PROGRAM.pathname, ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = this.#child.output();
  }

  /** Sends a signal, if it still runs. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async ended(): Promise<{ code: number; out: string[]; errors: string[] }> {
    const { code, stdout, stderr } = await this.#output;
    const lines = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "");
    return { code, out: lines(stdout), errors: lines(stderr) };
  }
}

async function configure(folder: LogFolder, ...logs: object[]): Promise<string> {
  await Deno.writeTextFile(folder.at("config.json"), JSON.stringify({ logs }));
  return folder.at("config.json");
}

/** Polls until the condition holds. It has no limit: the runner of the tests has one. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== null;
  } catch {
    return false;
  }
}

/** All that is in a log and its versions, oldest first, compressed or not. */
async function everything(folder: LogFolder, name: string): Promise<string> {
  const texts: string[] = [];
  for (let version = 999; version >= 1; version--) {
    const path = folder.at(`${name}.${version}`);
    if (exists(`${path}.gz`)) texts.push(await gunzip(await Deno.readFile(`${path}.gz`)));
    else if (exists(path)) texts.push(await Deno.readTextFile(path));
  }
  return texts.join("") + (exists(folder.at(name)) ? await Deno.readTextFile(folder.at(name)) : "");
}

Deno.test("real logs are rotated by interval and by size while they are written, and SIGTERM ends it", async () => {
  await using folder = await LogFolder.make();
  const config = await configure(
    folder,
    { path: "a.log", keep: 900, create: true, gzip: true, policies: [{ type: "interval", every: 0.2 }] },
    {
      path: "b.log",
      keep: 900,
      policies: [
        { type: "size", maxBytes: 100, checkEvery: 0.1 },
        { type: "size", maxBytes: 120, checkEvery: 0.1 },
        { type: "daily" },
      ],
    },
    { path: "c.log", keep: 900, policies: [{ type: "size", maxBytes: 100, watch: true }] },
  );
  const run = new Run(config);
  const logs = ["a.log", "b.log", "c.log"];
  const written: string[] = [];
  await until(async () => {
    const line = `line ${written.length}\n`;
    written.push(line);
    for (const name of logs) await folder.write(name, line);
    return ["a.log.4.gz", "b.log.4", "c.log.3"].every((name) => exists(folder.at(name)));
  });
  run.kill(posix ? "SIGTERM" : "SIGKILL");
  const { code, out, errors } = await run.ended();
  assertEquals(errors, []);
  if (posix) assertEquals(code, 143);
  for (const name of logs) assertEquals(await everything(folder, name), written.join(""));
  assertMatch(
    out[0],
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*[abc]\.log: rotated \d+ bytes \((every 0\.2 s|over 100 bytes)\)$/,
  );
});

// Compressing it takes a second or so.
async function largeLog(folder: LogFolder): Promise<string> {
  const numbers = crypto.getRandomValues(new Uint32Array(16_000));
  const piece = Array.from(
    { length: 80 },
    (_, round) => numbers.map((number) => Math.imul(number, 2 * round + 1)).join("\n"),
  );
  const text = Array(2).fill(piece.join("\n")).join("\n") + "\n";
  await Deno.writeTextFile(folder.at("app.log"), text);
  return text;
}

const LARGE = {
  path: "app.log",
  keep: 3,
  gzip: true,
  copyTruncate: true,
  policies: [{ type: "size", maxBytes: 1, checkEvery: 0.1 }],
};

for (const [signal, exitCode] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
  Deno.test({
    name: `${signal} in the middle of a slow rotation lets it end`,
    ignore: !posix,
    async fn() {
      await using folder = await LogFolder.make();
      const text = await largeLog(folder);
      const run = new Run(await configure(folder, LARGE));
      await until(() => exists(folder.at("app.log.1.gz.part")));
      run.kill(signal);
      const { code, out, errors } = await run.ended();
      assertEquals([code, errors, out.length], [exitCode, [], 1]);
      assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name).sort(), [
        "app.log",
        "app.log.1.gz",
        "app.log.lock",
        "config.json",
        "logrotate.state.json",
        "logrotate.state.json.lock",
      ]);
      assert(await everything(folder, "app.log") === text, "the log has changed");
    },
  });
}

for (const [signal, exitCode] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGKILL", 137]] as const) {
  Deno.test({
    name: `${signal} sent again and again ends it in the middle, and the next run takes up what was left`,
    ignore: !posix,
    async fn() {
      await using folder = await LogFolder.make();
      const text = await largeLog(folder);
      const config = await configure(folder, LARGE);
      const run = new Run(config);
      await until(() => exists(folder.at("app.log.1.gz.part")));
      const signals = setInterval(() => run.kill(signal), 5);
      const { code } = await run.ended().finally(() => clearInterval(signals));
      assertEquals([code, exists(folder.at("app.log.1.gz.part"))], [exitCode, true]);
      const next = await new Run("--once", config).ended();
      assertEquals([next.code, next.errors], [0, []]);
      assert(!exists(folder.at("app.log.1")) && !exists(folder.at("app.log.1.gz.part")), "something is left over");
      assert(await everything(folder, "app.log") === text, "the log has changed");
    },
  });
}

Deno.test("--once does what is due, --dry-run only prints it", async () => {
  await using folder = await LogFolder.make();
  const size = { type: "size", maxBytes: 5 };
  const config = await configure(
    folder,
    { path: "a.log", keep: 1, policies: [size, { type: "interval", every: 1000 }] },
    { path: "b.log", policies: [size] },
  );
  await folder.write("a.log", "many bytes\n");
  await folder.write("a.log.1", "old\n");
  await folder.write("b.log", "few\n");
  const dry = await new Run("--once", "--dry-run", config).ended();
  assertEquals([dry.code, dry.errors, dry.out.length], [0, [], 1]);
  const message = dry.out[0].slice(dry.out[0].indexOf(" ") + 1);
  const steps = "a.log -> a.log.0, remove a.log.1, a.log.0 -> a.log.1";
  assertEquals(message, `${folder.at("a.log")}: would rotate 11 bytes (over 5 bytes): ${steps}`);
  assertEquals([await everything(folder, "a.log"), exists(folder.at("logrotate.state.json"))], [
    "old\nmany bytes\n",
    false,
  ]);
  const { code, out } = await new Run("--once", config).ended();
  assertEquals([code, out.length, await everything(folder, "a.log"), await everything(folder, "b.log")], [
    0,
    1,
    "many bytes\n",
    "few\n",
  ]);
});

Deno.test("a failure is reported, the others go on, and --once ends with 1", async () => {
  await using folder = await LogFolder.make();
  await Deno.mkdir(folder.at("a.log"));
  await folder.write("a.log/file", "");
  await folder.write("b.log", "many bytes\n");
  const size = { type: "size", maxBytes: 5 };
  const config = await configure(folder, { path: "a.log", policies: [size] }, { path: "b.log", policies: [size] });
  const { code, out, errors } = await new Run("--once", config).ended();
  assertEquals([code, out.length, errors.length], [1, 1, 1]);
  assert(errors[0].endsWith(`Cannot rotate ${folder.at("a.log")} as it is no file`), errors[0]);
});

Deno.test("a log that cannot be watched is reported, and the others go on", async () => {
  await using folder = await LogFolder.make();
  const config = await configure(
    folder,
    { path: "nowhere/a.log", policies: [{ type: "size", maxBytes: 1, watch: true }] },
    { path: "b.log", policies: [{ type: "interval", every: 0.2 }] },
  );
  await folder.write("b.log", "1\n");
  const run = new Run(config);
  await until(() => exists(folder.at("b.log.1")));
  run.kill("SIGTERM");
  const { errors } = await run.ended();
  assertEquals(errors.length, 1);
  assert(errors[0].includes(`${folder.at("nowhere/a.log")}: cannot be watched: `), errors[0]);
});

Deno.test("a wrong command line or configuration ends it with 2", async () => {
  await using folder = await LogFolder.make();
  for (const args of [[], ["--onse", "a.json"], ["a.json", "b.json"]]) {
    const { code, errors } = await new Run(...args).ended();
    assertEquals([code, errors], [2, ["Usage: logrotate.ts [--once] [--dry-run] config.json"]]);
  }
  const config = await configure(folder, { path: "a.log", kep: 1 });
  const { code, errors } = await new Run(config).ended();
  assertEquals([code, errors], [2, [
    `Cannot use ${config}:`,
    'logs[0].kep: is unknown; did you mean "keep"?',
    "logs[0].policies: is missing",
  ]]);
});

Deno.test("of two rotators with state files of their own one rotates a log, and the other says why it does not", async () => {
  await using folder = await LogFolder.make();
  await folder.write("app.log", "line\n");
  const configs = ["one", "two"].map((name) => folder.at(`${name}.json`));
  for (const file of configs) {
    const policies = [{ type: "size", maxBytes: 1, checkEvery: 0.05 }];
    const log = { path: "app.log", create: true, keep: 100, policies };
    await Deno.writeTextFile(file, JSON.stringify({ state: `${file}.state`, logs: [log] }));
  }
  const first = new Run(configs[0]);
  await until(() => exists(folder.at("app.log.1")));
  const second = await new Run("--once", configs[1]).ended();
  assertEquals([second.code, second.out], [1, []]);
  for (const line of second.errors) {
    assertMatch(line, /app\.log: Cannot rotate .*app\.log as another log rotator works with it$/);
  }
  assert(second.errors.length > 0);
  first.kill(posix ? "SIGTERM" : "SIGKILL");
  await first.ended();
  await folder.write("app.log", "another\n");
  assertEquals((await new Run("--once", configs[1]).ended()).code, 0);
  assertEquals(await everything(folder, "app.log"), "line\nanother\n");
});
