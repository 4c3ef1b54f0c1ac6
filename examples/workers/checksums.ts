/**
 * SHA-256 checksums of a directory tree, computed on all cores, with a progress bar. The output is in the order of the
 * paths, in the format of `sha256sum`.
 *
 *     deno run -R examples/workers/checksums.ts [directory]
 */
import { main, until } from "@asyncoro/asyncoro";
import { WorkerPool } from "@asyncoro/asyncoro/workers";

const directory = Deno.args[0] ?? new URL("../../assembly", import.meta.url).pathname;

async function filesIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory && name !== "node_modules") files.push(...await filesIn(path));
    else if (isFile) files.push(path);
  }
  return files;
}

/** Runs in a worker: it has the permissions of the program. */
async function checksum(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

function showProgress(done: number, total: number | null): void {
  if (!Deno.stderr.isTerminal() || total === null) return;
  const bar = "#".repeat(Math.round((40 * done) / total)).padEnd(40, ".");
  Deno.stderr.writeSync(new TextEncoder().encode(`\r[${bar}] ${done}/${total}${done === total ? "\n" : ""}`));
}

main(function* () {
  using pool = new WorkerPool();
  const files = (yield* until(filesIn(directory))).sort();
  const sums = yield* pool.map(files, checksum, { onProgress: showProgress });
  files.forEach((file, i) => console.log(`${sums[i]}  ${file.slice(directory.length + 1)}`));
});
