/**
 * Fetches many URLs, a few at a time, with a line that shows the progress.
 *
 *     deno run --allow-net examples/io/download.ts [--parallel=4] URL...
 */
import { Coro, main, until } from "@asyncoro/asyncoro";

interface Result {
  readonly url: string;
  readonly text: string;
}

const results: Result[] = [];

/** Takes URLs from the front until there are none. */
function* fetcher(_coro: Coro, urls: string[], total: number) {
  for (let url = urls.shift(); url !== undefined; url = urls.shift()) {
    // If this coroutine is pre-empted, `finally` aborts the request.
    const controller = new AbortController();
    try {
      const response = yield* until(fetch(url, { signal: controller.signal }), 30);
      const body = yield* until(response.bytes(), 30);
      results.push({ url, text: `${response.status} ${body.length} bytes` });
    } catch (error) {
      results.push({ url, text: `failed: ${(error as Error).message}` });
    } finally {
      controller.abort();
    }
    const line = `\r${results.length} of ${total} done${results.length === total ? "\n" : ""}`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }
}

main(function* () {
  const options = Deno.args.filter((arg) => arg.startsWith("--parallel="));
  const urls = Deno.args.filter((arg) => !arg.startsWith("--"));
  const parallel = Number(options[0]?.split("=")[1] ?? 4);
  const waiting = [...urls];
  const fetchers = Array.from({ length: parallel }, () => new Coro(fetcher, waiting, urls.length));
  for (const each of fetchers) yield* each.finish();
  results.sort((a, b) => urls.indexOf(a.url) - urls.indexOf(b.url));
  for (const { url, text } of results) console.log(`${url}: ${text}`);
});
