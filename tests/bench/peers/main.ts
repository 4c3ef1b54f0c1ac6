/**
 * deno task bench:peers [--quick] [--write] [--only work,...] [--peers name,...] [--rounds n] [--seed n]
 *
 * The same works on our library, on the floor, on native async functions and on every peer that is installed, and a
 * table of the figures. With --write the results are stored and written into the documents that show them.
 */
import { parsedOrExit } from "../arguments.ts";
import { publish, render } from "../results.ts";
import { measure } from "./measure.ts";
import { type Options, parseOptions } from "./options.ts";
import { figuresPage, peersPage } from "./page.ts";

async function benchPeers(options: Options): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "peers" });
  try {
    const findings = await measure(options, folder);
    console.log(`\n${peersPage.markdown(findings)}`);
    if (options.write) {
      await publish(peersPage, findings);
      await render(figuresPage);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await benchPeers(parsedOrExit(parseOptions));
