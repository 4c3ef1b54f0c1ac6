/** Helpers of the tests of I/O: running with a time limit, certificates, finding installed programs. */
import { type Coro, type CoroFunction, Scheduler } from "@asyncoro/asyncoro";

/**
 * Runs a coroutine on a scheduler of its own, for at most 20 seconds, and checks that no host operation stays counted.
 */
export async function drive<R>(target: CoroFunction<[], R>): Promise<R> {
  const scheduler = new Scheduler({ name: "io test" });
  try {
    return await scheduler.spawn(target).value(20);
  } finally {
    await scheduler.terminate();
    const { hostOperations } = scheduler.stats();
    // deno-lint-ignore no-unsafe-finally -- the leak has to fail the test
    if (hostOperations !== 0) throw new Error(`${hostOperations} host operations are still counted`);
  }
}

/** Waits outside the scheduler. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until a condition holds. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await holds()) return;
    await pause(10);
  }
  throw new Error(`Never came true: ${what}`);
}

/** Whether a program is installed. */
export function has(program: string): boolean {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  return (Deno.env.get("PATH") ?? "").split(separator).some((directory) => {
    try {
      return Deno.statSync(`${directory}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Registers a test that needs real programs; it is ignored, visibly, where one is missing. */
export function testWith(programs: readonly string[], name: string, fn: () => Promise<unknown>): void {
  const missing = programs.filter((program) => !has(program));
  const suffix = missing.length > 0 ? ` (skipped: no ${missing.join(", ")})` : "";
  Deno.test({ name: name + suffix, ignore: missing.length > 0, fn: async () => void await fn() });
}

/** A certificate for localhost, and the authority that has signed it. */
export interface TestCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

let certificate: TestCertificate | null = null;

/** Returns a certificate, which openssl makes at the first call. */
export function testCertificate(): TestCertificate {
  if (certificate !== null) return certificate;
  const dir = Deno.makeTempDirSync();
  const openssl = (...args: string[]) => {
    const { success, stderr } = new Deno.Command("openssl", { args, cwd: dir, stderr: "piped", stdout: "null" })
      .outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority");
  openssl("req", ...key, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost");
  Deno.writeTextFileSync(
    `${dir}/extensions`,
    "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
  );
  const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions"];
  openssl("x509", "-req", "-in", "request.pem", ...signing, "-out", "cert.pem");
  const read = (name: string) => Deno.readTextFileSync(`${dir}/${name}`);
  certificate = { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
  Deno.removeSync(dir, { recursive: true });
  return certificate;
}

/** Returns a generator of pseudo-random numbers, the same for the same seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Gives the other coroutines `count` turns. */
export function* turns(count: number): Generator<undefined, void, unknown> {
  for (let i = 0; i < count; i++) yield;
}

/** Encodes a text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Decodes bytes. */
export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Waits until a coroutine is waiting. */
export function* untilWaiting(coro: Coro): Generator<undefined, void, unknown> {
  for (let i = 0; i < 1000 && coro.scheduler.dump().find(({ id }) => id === coro.id)?.state !== "waiting"; i++) yield;
}
