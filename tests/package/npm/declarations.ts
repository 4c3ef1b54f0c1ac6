/**
 * Declarations that every compiler understands, whatever its libraries: they use no types of Deno or the web directly.
 */
import { importsOf } from "./compile.ts";

// Names that not every compiler knows, the import that replaces each, and its file at the package's root.
const STAND_INS: readonly [RegExp, string, string][] = [
  [/\bDeno\.\w/, "* as Deno", "deno_types.d.ts"],
  [/\bWebAssembly\.\w/, "{ WebAssembly }", "web_types.d.ts"],
  [/\bTransferable\b/, "{ Transferable }", "web_types.d.ts"],
];
const COMMENT = /\/\*[\s\S]*?\*\//g;

/** The declarations of the modules that the entry points import, fit for any compiler, by path. */
export async function finishDeclarations(
  compiled: ReadonlyMap<string, string>,
  entries: readonly string[],
): Promise<Map<string, string>> {
  const finished = new Map<string, string>();
  const visit = (path: string): void => {
    if (finished.has(path)) return;
    const text = compiled.get(path)!;
    finished.set(path, finish(path, text));
    for (const specifier of importsOf(text).filter(isRelative)) visit(resolve(path, declarationOf(specifier)));
  };
  for (const entry of entries) visit(declarationOf(entry.replace(/^\.\//, "")));
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

function isRelative(specifier: string): boolean {
  return specifier.startsWith(".");
}

function declarationOf(path: string): string {
  return path.replace(/(\.d)?\.ts$|\.js$/, ".d.ts");
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, new URL(from, "file:///")).pathname.slice(1);
}
