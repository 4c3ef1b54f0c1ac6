/**
 * deno task runtimes
 *
 * Installs the runtimes that are on npm, at the versions below, into a folder of their own that git ignores. It needs
 * npm; what is there already is left alone. No install script of any package is run.
 */
import { RUNTIMES } from "./find.ts";

const VERSIONS: Readonly<Record<string, string>> = {
  bun: "1.4.5",
  workerd: "1.20261117.1",
};

const wanted = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
await Deno.mkdir(RUNTIMES, { recursive: true });
// npm installs where it finds a package.json, or else somewhere above.
await Deno.writeTextFile(new URL("package.json", RUNTIMES), JSON.stringify({ private: true }));
const { success } = await new Deno.Command("npm", {
  args: ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefer-offline", ...wanted],
  cwd: RUNTIMES,
  stdin: "null",
}).spawn().status;
if (!success) Deno.exit(1);
