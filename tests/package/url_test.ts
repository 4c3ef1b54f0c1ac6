/**
 * The examples by URL, as somebody runs them who has nothing but Deno: the sources name the package, and `deno.json`
 * beside them says where it is. With an empty cache, and exactly the permissions that the header of each names: Deno
 * imports from the host of the program itself without being told to.
 */
import { assertEquals } from "@std/assert";
import { examplesWithOutput, readExample } from "../helpers/examples.ts";
import { testWith } from "../io/helpers.ts";
import { serveTree } from "./tree_server.ts";
import { User } from "./user.ts";

for (const name of examplesWithOutput()) {
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
