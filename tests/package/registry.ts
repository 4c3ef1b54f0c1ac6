/**
 * A JSR registry on loopback that has one package: exactly the files that publishing this tree would send.
 *
 * Deno reads its address from `JSR_URL`. Its interface is described at https://jsr.io/docs/api.
 */
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** Files by path from the package's root, with a slash in front. */
export type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** A running registry. */
export interface Registry extends AsyncDisposable {
  /** The address, for `JSR_URL`. */
  readonly url: string;
  /** The files. A file that is changed here no longer matches its checksum in the registry. */
  readonly files: Files;
  /** Computes the checksums again. */
  sign(): Promise<void>;
}

let published: Promise<Files> | null = null;

/** The files that `deno publish` would send. */
export function publishedFiles(): Promise<Files> {
  return published ??= readPublished();
}

async function readPublished(): Promise<Files> {
  const { stderr, success } = await new Deno.Command(Deno.execPath(), {
    // The gate checks the types of what would be published in a stage of its own.
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT.pathname,
    env: { NO_COLOR: "1" },
  }).output();
  const output = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`deno publish --dry-run failed:\n${output}`);
  const files: Files = new Map();
  for (const line of output.split("\n")) {
    const [url] = line.trim().split(" ");
    if (url.startsWith(ROOT.href)) files.set(url.slice(ROOT.href.length - 1), await Deno.readFile(new URL(url)));
  }
  return files;
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `sha256-${new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex()}`;
}

/** The registry's metadata of the package and of its version, by path. */
async function describePackage(files: Files): Promise<Record<string, unknown>> {
  const { name, version, exports } = config;
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of files) manifest[path] = { size: bytes.length, checksum: await checksum(bytes) };
  const [scope, shortName] = name.slice(1).split("/");
  return {
    [`/${name}/meta.json`]: { scope, name: shortName, latest: version, versions: { [version]: {} } },
    [`/${name}/${version}_meta.json`]: { manifest, exports },
  };
}

/** Serves the package. */
export async function serveRegistry(): Promise<Registry> {
  const files: Files = new Map(await publishedFiles());
  let pages = await describePackage(files);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname in pages) return Response.json(pages[pathname]);
    const file = files.get(pathname.slice(`/${config.name}/${config.version}`.length));
    if (file === undefined) return new Response(null, { status: 404 });
    const type = pathname.endsWith(".ts") ? "text/typescript" : "application/octet-stream";
    return new Response(file, { headers: { "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    files,
    sign: async () => {
      pages = await describePackage(files);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
