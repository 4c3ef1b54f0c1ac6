/**
 * A JSR registry on loopback that has one package: exactly the files that a publish of this tree would send.
 *
 * Deno takes its address from `JSR_URL`. What it asks for is described at https://jsr.io/docs/api.
 */
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** A registry that is being served. */
export interface Registry {
  /** For `JSR_URL`. */
  readonly url: string;
  /** Paths of the files it has, from the package's root. */
  readonly paths: readonly string[];
  /** Stops it. */
  stop(): Promise<void>;
}

/** The files that `deno publish` would send, by path from the root, which begins with a slash. */
async function publishedFiles(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: ROOT.pathname,
    env: { NO_COLOR: "1" },
  }).output();
  const output = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`deno publish --dry-run failed:\n${output}`);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const line of output.split("\n")) {
    const [url] = line.trim().split(" ");
    if (url.startsWith(ROOT.href)) files.set(url.slice(ROOT.href.length - 1), await Deno.readFile(new URL(url)));
  }
  return files;
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256-${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Serves the package. */
export async function serveRegistry(): Promise<Registry> {
  const files = await publishedFiles();
  const { name, version, exports } = config;
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of files) manifest[path] = { size: bytes.length, checksum: await checksum(bytes) };
  const [scope, shortName] = name.slice(1).split("/");
  const pages: Record<string, unknown> = {
    [`/${name}/meta.json`]: { scope, name: shortName, latest: version, versions: { [version]: {} } },
    [`/${name}/${version}_meta.json`]: { manifest, exports },
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname in pages) return Response.json(pages[pathname]);
    const file = files.get(pathname.slice(`/${name}/${version}`.length));
    if (file === undefined) return new Response(null, { status: 404 });
    const type = pathname.endsWith(".ts") ? "text/typescript" : "application/octet-stream";
    return new Response(file, { headers: { "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    paths: [...files.keys()],
    stop: () => server.shutdown(),
  };
}
