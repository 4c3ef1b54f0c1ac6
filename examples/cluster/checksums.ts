/**
 * Checksums of the files of a directory, computed by the servers of a cluster. Each file is read here as soon as a server
 * can take it, so that a large directory needs little memory. The output is in the order of the paths, in the format of
 * `sha256sum`.
 *
 *     deno run -A examples/cluster/checksums.ts [--directory PATH] [ADDRESS OF A NODE ...]
 */
import { type Coro, main, until } from "@asyncoro/asyncoro";
import { Computation } from "@asyncoro/asyncoro/cluster";
import { parseArgs } from "node:util";
import { withNodes } from "./nodes.ts";

const { values, positionals } = parseArgs({ options: { directory: { type: "string" } }, allowPositionals: true });
const directory = values.directory ?? new URL("../../assembly", import.meta.url).pathname;

/** Runs in a server: it is sent as source, and uses nothing but its arguments. */
function* checksum(_coro: Coro, bytes: Uint8Array<ArrayBuffer>): Generator<unknown, string, unknown> {
  const digest = (yield crypto.subtle.digest("SHA-256", bytes)) as ArrayBuffer;
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function filesIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory && name !== "node_modules") files.push(...await filesIn(path));
    else if (isFile) files.push(path);
  }
  return files;
}

function* contentsOf(files: readonly string[]): Generator<Uint8Array<ArrayBuffer>, void, unknown> {
  for (const file of files) yield Deno.readFileSync(file);
}

main(function* () {
  const files = (yield* until(filesIn(directory))).sort();
  yield* withNodes(1, positionals, function* (network) {
    const computation = new Computation({ network, retries: 2 });
    const sums = yield* computation.runResults(checksum, contentsOf(files), { progress: true });
    files.forEach((file, i) => console.log(`${sums[i]}  ${file.slice(directory.length + 1)}`));
    yield* computation.close();
  });
});
