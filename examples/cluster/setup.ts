/**
 * Setup of nodes and servers. A file goes to each node once. The setup of a node checks it; a node whose file is not in
 * order is not used. The setup of each server reads it into memory, where all jobs of that server find it. Status messages
 * tell what happens.
 *
 *     deno run -A examples/cluster/setup.ts [ADDRESS OF A NODE ...]
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { type ClusterStatus, Computation } from "@asyncoro/asyncoro/cluster";
import { withNodes } from "./nodes.ts";

/** A word list, as a server keeps it. */
interface Words {
  words: Set<string>;
}

/** Runs once in each node, before its servers are set up. */
function* checkWords(): Generator<unknown, void, unknown> {
  const { size } = (yield Deno.stat("words.txt")) as Deno.FileInfo;
  if (size === 0) throw new Error("The word list is empty");
}

/** Runs once in each server, before its first job. */
function* readWords(coro: Coro): Generator<unknown, void, unknown> {
  const text = (yield Deno.readTextFile("words.txt")) as string;
  (globalThis as unknown as Words).words = new Set(text.trim().split("\n"));
  console.log(`${coro.scheduler.name} has read its words`);
}

/** Runs in each server when the computation is over. */
function* forgetWords(): Generator<unknown, void, unknown> {
  (globalThis as unknown as Words).words.clear();
}

/** The words of a text that are not in the list. */
function* misspelled(_coro: Coro, text: string): Generator<unknown, string[], unknown> {
  const { words } = globalThis as unknown as Words;
  return text.split(" ").filter((word) => !words.has(word));
}

/** Adds what happens to `seen`, until the computation is closed. */
function* watch(coro: Coro, seen: Set<string>): Generator<unknown, void, unknown> {
  while (!seen.has("ComputationClosed")) {
    const { status, info } = yield* coro.receive<ClusterStatus>();
    seen.add(status);
    if (info.error !== undefined) console.error(`${status}: ${info.error.message}`, info.error.cause);
  }
}

main(function* () {
  const directory = yield Deno.makeTempDir();
  const file = `${directory}/words.txt`;
  Deno.writeTextFileSync(file, "the\nquick\nbrown\nfox\njumps\nover\nlazy\ndog\n");
  try {
    yield* withNodes(1, Deno.args, function* (network) {
      const seen = new Set<string>();
      const watcher = new Coro(watch, seen);
      const computation = new Computation({
        network,
        files: [file],
        nodeSetup: checkWords,
        serverSetup: readWords,
        serverCleanup: forgetWords,
        statusCoro: watcher,
      });
      const texts = ["the quick brwon fox", "jumps ovre the lazy dog", "the dog"];
      const lists = yield* computation.runResults(misspelled, texts);
      texts.forEach((text, i) => console.log(`${text}: ${lists[i].join(", ") || "all right"}`));
      yield* computation.close();

      yield* watcher.finish(5);
      for (const status of ["NodeInitialized", "ServerInitialized", "ServerClosed", "NodeClosed"]) {
        console.log(`${status} was ${seen.has(status) ? "told" : "not told"}`);
      }
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
