/** What must agree before a version is published, and what documents and workflows say about this tree. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { publishedFiles } from "./registry.ts";

const ROOT = new URL("../../", import.meta.url);
const WORKFLOWS = [".github/workflows/ci.yml", ".github/workflows/publish.yml"];
const PAPERS = ["CONTRIBUTING.md", "SECURITY.md", ...WORKFLOWS];

function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** The matches of the first group of `pattern` in `text`, each once. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, match]) => match))];
}

Deno.test("the newest heading of the changelog is that of the version", async () => {
  assertMatch(config.version, /^\d+\.\d+\.\d+$/);
  const [newest] = found(await read("CHANGELOG.md"), /^## (\S+)/gm);
  assertEquals(newest, config.version);
});

Deno.test("the README has at most 12 KiB", async () => {
  const { size } = await Deno.stat(new URL("README.md", ROOT));
  assert(size <= 12 * 1024, `it has ${size} bytes`);
});

Deno.test("the README names no other version of the package", async () => {
  const named = found(await read("README.md"), /@asyncoro\/asyncoro@\^?([\d.]*\d)/g);
  assertEquals(named.filter((version) => !config.version.startsWith(version)), []);
});

Deno.test("no published file mentions another version", async () => {
  for (const [path, bytes] of await publishedFiles()) {
    if (!path.endsWith(".ts")) continue;
    const named = found(new TextDecoder().decode(bytes), /asyncoro@\^?([\d.]*\d)/g);
    assertEquals(named.filter((version) => !config.version.startsWith(version)), [], path);
  }
});

Deno.test("workflows and documents for contributors are not published", async () => {
  const paths = [...(await publishedFiles()).keys()];
  assertEquals(paths.filter((path) => /^\/(\.|tests|examples|assembly|CONTRIBUTING|SECURITY)/.test(path)), []);
});

Deno.test("workflows and documents name tasks that exist", async () => {
  for (const path of ["README.md", "examples/README.md", "tests/bench/README.md", ...PAPERS]) {
    const tasks = found(await read(path), /\b(?:deno|deno@2) task ([a-z]+)/g);
    assertEquals(tasks.filter((task) => !Object.hasOwn(config.tasks, task)), [], path);
  }
});

Deno.test("workflows and documents name files that exist", async () => {
  for (const path of PAPERS) {
    const named = found(
      await read(path),
      /(?:`|run: )((?:\.?[\w-]+\/)*\.?[\w-]+(?:\.(?:ts|md|json|wasm|yml)|\/run|\/))`?/g,
    );
    for (const file of named.filter((name) => name.includes("/") || name.endsWith(".json"))) {
      assert(await exists(file), `${path}: ${file} is not there`);
    }
  }
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
}

Deno.test("a version is published after the gate, with provenance, and without a token", async () => {
  const workflow = await read(".github/workflows/publish.yml");
  assertMatch(workflow, /^ {2}gate:\n {4}uses: \.\/\.github\/workflows\/ci\.yml$/m);
  const jobs = [...workflow.matchAll(/^ {2}(\w+):\n((?: {4}.*\n|\n)+)/gm)].map(([, name, body]) => ({ name, body }));
  const publishing = jobs.filter(({ body }) => /run: .*\bpublish\b/.test(body));
  assertEquals(publishing.map(({ name }) => name), ["jsr", "npm"]);
  for (const { name, body } of publishing) {
    assertMatch(body, /^ {4}needs: \[gate, version\]$/m, name);
    assertMatch(body, /^ {6}id-token: write$/m, name);
  }
  assert(!workflow.includes("secrets."), "a token is a secret that can be stolen");
  assertMatch(await read(".github/workflows/ci.yml"), /^ {6}- run: \.ci\/run$/m);
});
