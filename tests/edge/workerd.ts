/** Cloudflare's runtime for tests: a real process that serves a bundle on a port of its own. */
import { findRuntime } from "../runtimes/find.ts";

const ROOT = new URL("../../", import.meta.url);
const workerd = await findRuntime("workerd");

/** A running `workerd`. */
export interface Server {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** The output so far. */
  output(): string;
  /** Its resident memory, in bytes. */
  memory(): number;
  /** Its CPU time, in seconds. */
  processorSeconds(): number;
  stop(): Promise<void>;
}

/** A test that needs `workerd`: visibly skipped where it is not installed. */
export function testWorkerd(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: workerd === null, fn });
}

/** Runs Deno. Throws its output if it fails. */
export async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT.pathname,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`deno ${args.join(" ")}\n${errors}`);
  return output;
}

/** Serves the worker of a `wrangler.jsonc` while `use` runs. */
export async function withServer(config: string, use: (server: Server) => Promise<void>): Promise<void> {
  const child = new Deno.Command(workerd!, {
    args: ["serve", "--control-fd=1", "--socket-addr=http=127.0.0.1:0", config],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, seen: () => void) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      output += chunk;
      seen();
    }
    seen();
  };
  const started = Promise.withResolvers<void>();
  const collected = Promise.all([
    collect(child.stdout, () => started.resolve()),
    collect(child.stderr, () => {}),
  ]);
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await child.status;
    await collected;
  };
  try {
    await started.promise;
    const port = Number(/"port":(\d+)/.exec(output)?.[1]);
    if (!(port > 0)) {
      await stop();
      throw new Error(`workerd does not serve ${config}:\n${output}`);
    }
    const memory = () => {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]);
    };
    const processorSeconds = () => {
      // In ticks of 10 ms: fields 14 and 15, counted after the name, which may contain any characters.
      const fields = Deno.readTextFileSync(`/proc/${child.pid}/stat`).split(") ")[1].split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    };
    await use({ url: `http://127.0.0.1:${port}`, port, output: () => output, memory, processorSeconds, stop });
  } finally {
    await stop();
  }
}

/** The settings of a worker. */
export interface WorkerOptions {
  readonly date?: string;
  readonly flags?: readonly string[];
}

/** Bundles a worker and serves it while `use` runs. */
export async function withWorker(
  source: URL,
  { date = "2026-11-01", flags = [] }: WorkerOptions,
  use: (server: Server) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "asyncoro-" });
  try {
    await deno("bundle", "--quiet", "--external=./kernel.wasm", `--output=${folder}/bundle.js`, source.pathname);
    await Deno.copyFile(new URL("core/kernel/kernel.wasm", ROOT), `${folder}/kernel.wasm`);
    const config = {
      name: "asyncoro-test",
      main: "bundle.js",
      no_bundle: true,
      compatibility_date: date,
      compatibility_flags: flags,
    };
    await Deno.writeTextFile(`${folder}/wrangler.json`, JSON.stringify(config));
    await withServer(`${folder}/wrangler.json`, use);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
