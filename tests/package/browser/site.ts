/** Pages on loopback, each with one program and its own Content-Security-Policy. */
import { bundle, type Program } from "../bundle.ts";

/** A page: its program and its policy. */
export interface PageSource {
  readonly program: Program;
  /** The policy, sent as a header. */
  readonly policy: string;
  /** How it loads the program: as a module, or as a classic script. */
  readonly format?: "esm" | "iife";
}

/** A server of pages. */
export interface Site {
  /** The address of the page with this name. */
  url(name: string): string;
  stop(): Promise<void>;
}

const KERNEL = new URL("../../../core/kernel/kernel.wasm", import.meta.url);

/** Serves pages by name, and the kernel as `/kernel.wasm`. */
export async function serveSite(pages: Readonly<Record<string, PageSource>>): Promise<Site> {
  const files = new Map<string, () => Response>();
  const kernel = Deno.readFileSync(KERNEL);
  files.set("/kernel.wasm", () => new Response(kernel, { headers: { "content-type": "application/wasm" } }));
  for (const [name, { program, policy, format = "esm" }] of Object.entries(pages)) {
    const { code } = await bundle(program, format);
    const type = format === "esm" ? ` type="module"` : "";
    const html = `<!doctype html><title>${name}</title><script${type} src="/${name}.js"></script>`;
    const headers = { "content-type": "text/html", "content-security-policy": policy };
    files.set(`/${name}`, () => new Response(html, { headers }));
    files.set(`/${name}.js`, () => new Response(code, { headers: { "content-type": "text/javascript" } }));
  }
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    return files.get(new URL(url).pathname)?.() ?? new Response(null, { status: 404 });
  });
  return { url: (name) => `http://127.0.0.1:${server.addr.port}/${name}`, stop: () => server.shutdown() };
}
