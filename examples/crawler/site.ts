/** A small site to crawl, on loopback: some of its pages fail, move, or never come. */

/** A site that is being served. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

const links: Record<string, string[]> = {
  "/": ["/news", "/about", "/old-about", "/busy", "#top", "https://example.com/"],
  "/about": ["/", "/team/1", "/team/2", "/missing"],
  "/news": ["/news/1", "/news/2", "/news/1#comments", "/logo.png", "/silent"],
  "/news/1": ["2", "1"],
  "/news/2": ["/news"],
  "/busy": ["/about"],
};

/** Serves the site. */
export function serveSite(): Site {
  let requests = 0;
  const end = new AbortController();
  const options = { hostname: "127.0.0.1", port: 0, signal: end.signal, onListen() {} };
  const server = Deno.serve(options, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/old-about") return new Response(null, { status: 301, headers: { location: "/about" } });
    if (pathname === "/missing") return new Response("Not found", { status: 404 });
    if (pathname === "/logo.png") return new Response("", { headers: { "content-type": "image/png" } });
    // It is overloaded at first.
    if (pathname === "/busy" && requests++ === 0) return new Response("Try again", { status: 503 });
    if (pathname === "/silent") return new Promise<never>(() => {});
    return html(links[pathname] ?? []);
  });
  const close = () => {
    end.abort();
    return server.finished;
  };
  return { url: `http://127.0.0.1:${server.addr.port}/`, close };
}

function html(links: readonly string[]): Response {
  const body = links.map((href) => `<p><a href="${href}">${href}</a></p>`).join("\n");
  return new Response(`<!doctype html><title>Page</title>${body}`, { headers: { "content-type": "text/html" } });
}
