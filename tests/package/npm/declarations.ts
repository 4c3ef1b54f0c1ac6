/**
 * Declarations that every compiler understands, whatever its libraries: they use no types of Deno or the web directly.
 */
import { reachableFrom } from "./reachable.ts";
import { stripInternal } from "./strip_internal.ts";

// Names that not every compiler knows, the import that replaces each, and its file at the package's root.
const STAND_INS: readonly [RegExp, string, string][] = [
  [/\bDeno\.\w/, "* as Deno", "deno_types.d.ts"],
  [/\bWebAssembly\.\w/, "{ WebAssembly }", "web_types.d.ts"],
  [/\bTransferable\b/, "{ Transferable }", "web_types.d.ts"],
];
const COMMENT = /\/\*[\s\S]*?\*\//g;

/** The public declarations that the entry points need, fit for any compiler, by path. */
export async function finishDeclarations(
  compiled: ReadonlyMap<string, string>,
  entries: readonly string[],
): Promise<Map<string, string>> {
  const declarations = [...compiled].filter(([path]) => path.endsWith(".d.ts"));
  const stripped = new Map(declarations.map(([path, text]) => [path, stripInternal(text)]));
  const paths = entries.map((entry) => entry.replace(/^\.\/|\.ts$/g, "") + ".d.ts");
  const finished = new Map<string, string>();
  for (const [path, text] of reachableFrom(paths, stripped)) finished.set(path, finish(path, text));
  for (const [, , file] of STAND_INS) finished.set(file, await Deno.readTextFile(new URL(file, import.meta.url)));
  return finished;
}

function finish(path: string, text: string): string {
  const code = text.replaceAll(COMMENT, "");
  const head: string[] = [];
  if (/\b(asyncDispose|dispose|Disposable|AsyncDisposable)\b/.test(code)) {
    head.push(`/// <reference lib="esnext.disposable" />`);
  }
  const root = "../".repeat(path.split("/").length - 1) || "./";
  for (const [mention, names, file] of STAND_INS) {
    if (mention.test(code)) head.push(`import type ${names} from "${root}${file}";`);
  }
  return [...head, text].join("\n");
}
