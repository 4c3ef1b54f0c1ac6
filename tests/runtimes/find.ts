/**
 * The other runtimes that tests run the package on. One that is not installed makes its tests a visible skip:
 * `deno task runtimes` installs those that are on npm, and `.ci/run` installs Chromium too.
 */

/** Where `deno task runtimes` installs. */
export const RUNTIMES: URL = new URL("../../.runtimes/", import.meta.url);

/** What tests look for. */
export type Runtime = "node" | "bun" | "workerd" | "chromium";

const CANDIDATES: Readonly<Record<Runtime, readonly string[]>> = {
  node: ["node"],
  bun: [installed("@oven/bun-linux-x64/bin/bun"), installed("@oven/bun-linux-aarch64/bin/bun"), "bun"],
  workerd: [
    installed("@cloudflare/workerd-linux-64/bin/workerd"),
    installed("@cloudflare/workerd-linux-arm64/bin/workerd"),
  ],
  chromium: ["chromium", "chromium-browser", "google-chrome"],
};

function installed(path: string): string {
  return new URL(`node_modules/${path}`, RUNTIMES).pathname;
}

/** The command that starts a runtime, or `null` if it is not installed. */
export async function findRuntime(runtime: Runtime): Promise<string | null> {
  for (const command of CANDIDATES[runtime]) {
    if (await answers(command)) return command;
  }
  return null;
}

async function answers(command: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
