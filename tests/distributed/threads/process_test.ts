/** Programs with threads: when they end, and their permissions. */
import { assertEquals, assertStringIncludes } from "@std/assert";

const CONFIG = new URL("../../../deno.json", import.meta.url).pathname;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that starts a thread with a module beside this one. It is killed after 20 seconds. */
async function runWithThread(program: string, module: string, ...flags: string[]): Promise<Outcome> {
  const source = `
    import { main, run, sleep } from "@asyncoro/asyncoro";
    import { Network } from "@asyncoro/asyncoro/distributed";
    function* start() {
      const network = yield* Network.join({ secret: null });
      yield* network.startThreads(new URL(${JSON.stringify(new URL(module, import.meta.url).href)}), 1);
      console.log("started");
      return network;
    }
    ${program}`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const args = ["run", "--no-check", "--no-prompt", "--no-lock", `--config=${CONFIG}`, ...flags, file];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      env: { NO_COLOR: "1" },
      stdin: "null",
      signal: AbortSignal.timeout(20_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    await Deno.remove(file);
  }
}

const PROGRAMS = {
  "when main() is done": "main(start);",
  "when nothing is left but the network": "await run(start); console.log('done');",
  "when it leaves": "main(function* () { yield* (yield* start()).leave(); console.log('left'); });",
  "when its scheduler is terminated":
    "import { Scheduler } from '@asyncoro/asyncoro'; await run(start); await Scheduler.instance().terminate();",
};
const PRINTED = ["started\nthe thread ends\n", "started\ndone\nthe thread ends\n", "started\nthe thread ends\nleft\n"];

for (const [i, [when, program]] of Object.entries(PROGRAMS).entries()) {
  Deno.test(`a program ends ${when}, and its threads with it`, async () => {
    const { code, stdout, stderr } = await runWithThread(program, "./ending.ts", "--allow-net", "--allow-read");
    assertEquals([code, stdout, stderr], [0, PRINTED[i % 3], ""]);
  });

  Deno.test(`a program ends ${when}, though a thread is busy`, async () => {
    const { code, stderr } = await runWithThread(program, "./spinning.ts", "--allow-net", "--allow-read");
    assertEquals([code, stderr], [0, ""]);
  });
}

Deno.test("a coroutine that waits for a thread keeps the process alive", async () => {
  const program = `
    import { Coro } from "@asyncoro/asyncoro";
    main(function* () {
      const network = yield* start();
      const server = yield* Coro.locate("server", 10, network.peers()[0]);
      console.log(yield* server.ask({ do: "spin", seconds: 0.5 }));
    });`;
  const { stdout, stderr } = await runWithThread(program, "./server.ts", "--allow-net", "--allow-read");
  assertEquals([stdout, stderr], ["started\ndone\n", ""]);
});

Deno.test("without permission to read its module, a thread is not started", async () => {
  const { code, stdout, stderr } = await runWithThread("main(start);", "./ending.ts", "--allow-net");
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "--allow-read");
});
