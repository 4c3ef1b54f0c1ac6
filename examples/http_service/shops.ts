/** Three shops that sell books, for the example to ask: one is fast, one is slow, one never replies. */

const prices: Record<string, Record<string, number>> = {
  north: { atlas: 30, novel: 12 },
  south: { atlas: 25, novel: 15 },
  west: { atlas: 5, novel: 5 },
};

/** The shops while they are served. */
export interface Shops {
  /** Their addresses, by name. */
  readonly urls: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** Serves the shops on loopback. */
export function serveShops(): Shops {
  const end = new AbortController();
  const options = { hostname: "127.0.0.1", port: 0, signal: end.signal, onListen() {} };
  const server = Deno.serve(options, async (request) => {
    const url = new URL(request.url);
    const shop = url.pathname.slice(1);
    if (shop === "west") await new Promise<never>(() => {});
    if (shop === "south") await new Promise((resolve) => setTimeout(resolve, 200));
    const price = prices[shop]?.[url.searchParams.get("item") ?? ""];
    return price === undefined ? new Response("Not sold here", { status: 404 }) : Response.json({ price });
  });
  return {
    urls: new Map(Object.keys(prices).map((name) => [name, `http://127.0.0.1:${server.addr.port}/${name}`])),
    close: () => {
      end.abort();
      return server.finished;
    },
  };
}
