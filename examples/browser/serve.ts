/**
 * Bundles the animation beside it and serves the page, until it is interrupted:
 *
 *     deno run --allow-read --allow-run --allow-net=127.0.0.1 examples/browser/serve.ts [port]
 *
 * The kernel is WebAssembly that is compiled in the page. A Content-Security-Policy must allow that, and nothing more.
 */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

/** The command that a page's author runs once: `deno bundle --platform browser --minify -o main.js main.ts`. */
async function bundle(): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", new URL("main.ts", import.meta.url).pathname],
    stderr: "inherit",
  }).output();
  if (!success) Deno.exit(1);
  return stdout;
}

const script = await bundle();
const page = await Deno.readFile(new URL("index.html", import.meta.url));
const port = Number(Deno.args[0] ?? 8000);
Deno.serve({
  hostname: "127.0.0.1",
  port,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}/`),
}, ({ url }) => {
  const headers = { "content-security-policy": POLICY };
  switch (new URL(url).pathname) {
    case "/":
      return new Response(page, { headers: { ...headers, "content-type": "text/html" } });
    case "/main.js":
      return new Response(script, { headers: { ...headers, "content-type": "text/javascript" } });
    default:
      return new Response(null, { status: 404, headers });
  }
});
