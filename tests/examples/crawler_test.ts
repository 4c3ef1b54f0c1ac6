/** The example crawler against sites that this test serves: each page once, politely, whatever pages and users do. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { start } from "../helpers/serving.ts";
import { eventually, text } from "../io/helpers.ts";

type Handler = (path: string, request: Request) => Response | Promise<Response>;

/** A site, and how often each of its pages was requested. */
class Site {
  readonly requests = new Map<string, number>();
  readonly url: string;
  underWay = 0;
  most = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #end = new AbortController();

  constructor(handler: Handler) {
    const options = { hostname: "127.0.0.1", port: 0, signal: this.#end.signal, onListen() {} };
    this.#server = Deno.serve(options, async (request) => {
      const { pathname, search } = new URL(request.url);
      const path = pathname + search;
      this.requests.set(path, (this.requests.get(path) ?? 0) + 1);
      this.most = Math.max(this.most, ++this.underWay);
      try {
        return await handler(path, request);
      } finally {
        this.underWay--;
      }
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#server.finished;
  }
}

function page(...links: string[]): Response {
  const body = links.map((link) => `<a class="x" href="${link}">x</a>`).join("");
  return new Response(body, { headers: { "content-type": "text/html; charset=utf-8" } });
}

async function outcome(child: Deno.ChildProcess): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

function crawl(url: string) {
  return outcome(start("crawler.ts", url));
}

Deno.test("crawler visits each page once, by whatever link it is reached", async () => {
  await using site: Site = new Site((path) => {
    if (path === "/moved") return new Response(null, { status: 302, headers: { location: "/a#x" } });
    return page(
      "/",
      "/a",
      "a#one",
      "./a#two",
      "/moved",
      "/b?x=1",
      "/b?x=2",
      "http://[",
      "mailto:x@y",
      "ftp://127.0.0.1/",
    );
  });
  const { code, stdout } = await crawl(site.url);
  assertEquals([code, stdout], [0, "5 pages visited, 0 failed\n"]);
  assertEquals([...site.requests].sort(), [["/", 1], ["/a", 1], ["/b?x=1", 1], ["/b?x=2", 1], ["/moved", 1]]);
});

Deno.test("crawler has at most 20 requests under way", async () => {
  const release = Promise.withResolvers<void>();
  await using site = new Site(async (path) => {
    if (path === "/") return page(...Array.from({ length: 60 }, (_, i) => `/${i}`));
    if (site.underWay === 20) release.resolve();
    await release.promise;
    return page();
  });
  const { code, stdout } = await crawl(site.url);
  assertEquals([code, stdout, site.most], [0, "61 pages visited, 0 failed\n", 20]);
});

Deno.test("crawler tries again what fails for a moment, and reports what fails for good, in any way", async () => {
  await using site: Site = new Site((path) => {
    const attempt = site.requests.get(path);
    switch (path) {
      case "/":
        return page("/503", "/busy", "/404", "/large", "/image", "/loop", "/good");
      case "/503":
        return new Response("", { status: 503 });
      case "/busy":
        return attempt === 3 ? page("/more") : new Response("", { status: 429 });
      case "/404":
        return new Response("", { status: 404 });
      case "/large":
        return new Response("x".repeat(1_000_001), page());
      case "/image":
        return new Response(`<a href="/wrong">`, { headers: { "content-type": "image/png" } });
      case "/loop":
        return new Response(null, { status: 301, headers: { location: "/loop" } });
      default:
        return page();
    }
  });
  const { code, stdout } = await crawl(site.url);
  assertEquals(stdout.trim().split("\n"), [
    "/404: status 404",
    "/503: status 503",
    "/large: more than 1000000 characters",
    "6 pages visited, 3 failed",
  ]);
  assertEquals(code, 0);
  const attempts = ["/503", "/busy", "/404", "/large", "/more"].map((path) => site.requests.get(path));
  assertEquals(attempts, [3, 3, 1, 1, 1]);
});

Deno.test("crawler reports a site that is not there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { code, stdout } = await crawl(`http://127.0.0.1:${port}`);
  assertMatch(stdout, /^\/: .*refused.*\n0 pages visited, 1 failed\n$/s);
  assertEquals(code, 0);
});

/** A site whose pages lead to ever more pages, and are held back until `release` is called. */
function endless(): { site: Site; release: () => void } {
  const released = Promise.withResolvers<void>();
  const site: Site = new Site(async (path) => {
    if (path !== "/") await released.promise;
    return page(...Array.from({ length: 30 }, (_, i) => `${path}/${i}`.replace("//", "/")));
  });
  return { site, release: released.resolve };
}

Deno.test("Ctrl-C lets crawler finish the pages that are under way, and no others", async () => {
  const { site, release } = endless();
  await using _ = site;
  const child = start("crawler.ts", site.url);
  const ending = outcome(child);
  await eventually(() => site.underWay === 20, "20 requests are under way");
  child.kill("SIGINT");
  // It has stopped when no more are to go.
  await new Promise((resolve) => setTimeout(resolve, 300));
  release();
  const { code, stdout } = await ending;
  assertEquals([code, stdout], [130, "21 pages visited, 0 failed\nStopped: 610 pages were not visited\n"]);
  assertEquals(site.requests.size, 21);
});

Deno.test("a second Ctrl-C ends crawler at once, and so does SIGTERM", async () => {
  for (const signals of [["SIGINT", "SIGINT"], ["SIGTERM"]] as const) {
    const { site } = endless();
    await using _ = site;
    const child = start("crawler.ts", site.url);
    const ending = outcome(child);
    await eventually(() => site.underWay === 20, "20 requests are under way");
    for (const signal of signals) {
      child.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const { code, stderr } = await ending;
    assertEquals(code, signals[0] === "SIGINT" ? 130 : 143, stderr);
    assert(!stderr.includes("rror"), stderr);
  }
});

Deno.test("crawler refuses what is no URL", async () => {
  const { code, stdout, stderr } = await crawl("nonsense");
  assertEquals([code, stdout, stderr], [2, "", 'Cannot crawl "nonsense": give the URL of a page\n']);
});
