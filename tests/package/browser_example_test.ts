/** The browser's example, served and bundled as its header says. */
import { assert, assertEquals } from "@std/assert";
import { findRuntime } from "../runtimes/find.ts";
import { Chromium } from "./browser/chromium.ts";

const chromium = await findRuntime("chromium");
const ROOT = new URL("../../", import.meta.url);
const SCRIPT = "examples/browser/serve.ts";

/** The command in the header, without the port. */
async function command(): Promise<string[]> {
  const source = await Deno.readTextFile(new URL(SCRIPT, ROOT));
  const line = source.split("\n").find((line) => line.includes("deno run ") && line.includes(SCRIPT))!;
  return line.slice(line.indexOf("deno run ") + "deno ".length, line.indexOf(SCRIPT)).trim().split(" ");
}

/** Starts the example. Returns its address, and a function that stops it. */
async function serve(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...await command(), "--no-prompt", SCRIPT, "0"],
    cwd: ROOT.pathname,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  const stop = async () => {
    child.kill();
    await reader.cancel();
    await child.status;
  };
  return { url: value.trim(), stop };
}

/** Repeats a question until the answer is true. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let left = 200; !await condition(); left--) {
    assert(left > 0, "It did not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const PAINTED = `canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)`;

Deno.test({ name: "examples/browser draws balls that bounce", ignore: chromium === null }, async () => {
  const server = await serve();
  const browser = await Chromium.start(chromium!);
  try {
    const page = await browser.open(server.url);
    await page.click(100, 150);
    await eventually(() => page.evaluate(`(${PAINTED})(document.querySelector("canvas"))`));
    await eventually(() => page.evaluate(`/^[1-9]\\d* bounces, /.test(document.querySelector("output").textContent)`));
    assertEquals(page.problems, []);
  } finally {
    await browser.close();
    await server.stop();
  }
});
