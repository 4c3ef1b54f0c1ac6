/** The names by which modules of jobs import the package: in a server they lead to the files that the node runs. */

/** What is used of deno.json. */
export interface PackageConfig {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** The address of deno.json, which lies beside the files of the package. */
const CONFIG = new URL("../../../deno.json", import.meta.url);

/** Reads deno.json, from where the package was loaded. */
export async function readPackageConfig(): Promise<PackageConfig> {
  const { default: config } = await import(CONFIG.href, { with: { type: "json" } });
  return config;
}

/** The import map as a `data:` URL, so that no file has to be written and removed. */
export function importMap({ name, version, exports }: PackageConfig): string {
  const [major, minor] = version.split(".");
  const versions = [version, `${major}.${minor}`, major].flatMap((text) => [`@${text}`, `@^${text}`, `@~${text}`]);
  const names = [name, ...["", ...versions].map((version) => `jsr:${name}${version}`)];
  const imports: Record<string, string> = {};
  for (const [entry, path] of Object.entries(exports)) {
    // `entry` is "." or "./asyncio".
    for (const name of names) imports[name + entry.slice(1)] = new URL(path, CONFIG).href;
  }
  return `data:application/json,${encodeURIComponent(JSON.stringify({ imports }))}`;
}
