/**
 * The npm form of the package: ES modules with declarations, without dependencies.
 */
import { compilePackage } from "./compile.ts";
import { finishDeclarations } from "./declarations.ts";
import { ENTRIES, manifest } from "./manifest.ts";

const ROOT = new URL("../../../", import.meta.url);
const COPIED = ["README.md", "LICENSE", "CHANGELOG.md", "core/kernel/kernel.wasm"];

/** Writes the package into a folder, replacing its contents. Returns the paths of its files. */
export async function writePackage(folder: URL): Promise<string[]> {
  const sources = Object.values(ENTRIES);
  const compiled = await compilePackage(sources);
  const modules = [...compiled].filter(([path]) => path.endsWith(".js"));
  const declarations = await finishDeclarations(compiled, sources);
  const texts = new Map([...modules, ...declarations, ["package.json", `${JSON.stringify(manifest(), null, 2)}\n`]]);
  await removeIfThere(folder);
  for (const [path, text] of texts) await write(new URL(path, folder), new TextEncoder().encode(text));
  for (const path of COPIED) await write(new URL(path, folder), await Deno.readFile(new URL(path, ROOT)));
  return [...texts.keys(), ...COPIED].sort();
}

async function write(file: URL, bytes: Uint8Array): Promise<void> {
  await Deno.mkdir(new URL("./", file), { recursive: true });
  await Deno.writeFile(file, bytes);
}

async function removeIfThere(folder: URL): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
