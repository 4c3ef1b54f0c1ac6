/** This tree, served on loopback as a code host serves it. */

const ROOT = new URL("../../", import.meta.url);

/** A running server of the tree. */
export interface TreeServer extends AsyncDisposable {
  /** The address of a file of the tree. */
  url(path: string): string;
}

/** Serves sources and `deno.json`. */
export function serveTree(): TreeServer {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    const type = path.endsWith(".ts") ? "text/typescript" : path === "deno.json" ? "application/json" : null;
    const file = type === null ? null : await Deno.readFile(new URL(path, ROOT)).catch(() => null);
    return file === null
      ? new Response(null, { status: 404 })
      : new Response(file, { headers: { "content-type": type! } });
  });
  return {
    url: (path) => `http://127.0.0.1:${server.addr.port}/${path}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
