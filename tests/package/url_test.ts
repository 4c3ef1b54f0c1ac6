/**
 * The examples by URL, as a user runs them who has only Deno: the sources name the package, and the `deno.json` beside
 * them maps the name. With an empty cache, and exactly the permissions in the header of each: Deno allows imports from
 * the host of the program itself.
 */
import { assertEquals } from "@std/assert";
import { examplesWithOutput, readExample } from "../helpers/examples.ts";
import { testWith } from "../io/helpers.ts";
import { serveTree } from "./tree_server.ts";
import { User } from "./user.ts";

/** These start themselves again, or a node, without the option that maps the name of the package here. */
const STARTS_ITSELF = /^(distributed\/(?!word_count)|cluster\/)/;

for (const name of examplesWithOutput().filter((name) => !STARTS_ITSELF.test(name))) {
  const { flags, programs, output } = readExample(name);
  testWith(programs, `examples/${name} runs by its URL`, async () => {
    await using tree = serveTree();
    await using user = await User.with();
    const map = `--import-map=${tree.url("deno.json")}`;
    const { code, stdout, stderr } = await user.deno(
      ...["run", "--no-prompt", ...flags, map, tree.url(`examples/${name}`)],
    );
    assertEquals([stdout, code], [output, 0], stderr);
  });
}
