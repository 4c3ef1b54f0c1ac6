/**
 * The sources as JavaScript modules and declarations, file by file: one module here is one module there.
 *
 * `deno check` checks the types; this only emits them.
 */
import ts from "typescript";

const ROOT = new URL("../../../", import.meta.url);

// The features of Node.js 20: https://node.green. `using` is compiled to older syntax.
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  types: [],
  strict: true,
  declaration: true,
  verbatimModuleSyntax: true,
  noEmitOnError: false,
  skipLibCheck: true,
  rootDir: ROOT.pathname,
  outDir: "/",
};

/** The text of every module that the entry points import, `.js` and `.d.ts`, by path. */
export async function compilePackage(entries: readonly string[]): Promise<Map<string, string>> {
  const program = await programOf(entries);
  const outputs = new Map<string, string>();
  // The compiler could rewrite the specifiers too, but then it wraps every `import(name)` in a helper function, which
  // would be missing in a worker's program, as that is sent as source.
  program.emit(undefined, (path, text) => outputs.set(path.slice(1), renameImports(text, compiledName)));
  return outputs;
}

function compiledName(specifier: string): string {
  return specifier.startsWith(".") ? specifier.replace(/\.ts$/, ".js") : specifier;
}

// The compiler's errors "Do you need to change your target library?", for a property and for a name.
const NEWER = [2550, 2583];

/** What the package uses that is newer than its target, each with its place. */
export async function findNewer(entries: readonly string[]): Promise<string[]> {
  const program = await programOf(entries);
  const sources = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(ROOT.pathname));
  const found = sources.flatMap((source) => program.getSemanticDiagnostics(source));
  return found.filter(({ code }) => NEWER.includes(code)).map(({ file, messageText }) => {
    return `${file!.fileName.slice(ROOT.pathname.length)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

const programs = new Map<string, Promise<ts.Program>>();

/** The program of these entry points, made once. */
function programOf(entries: readonly string[]): Promise<ts.Program> {
  const key = entries.join();
  if (!programs.has(key)) programs.set(key, makeProgram(entries));
  return programs.get(key)!;
}

async function makeProgram(entries: readonly string[]): Promise<ts.Program> {
  const folder = await Deno.makeTempDir();
  try {
    const denoTypes = `${folder}/deno.d.ts`;
    await Deno.writeTextFile(denoTypes, await readDenoTypes());
    return ts.createProgram([...entries.map((path) => new URL(path, ROOT).pathname), denoTypes], OPTIONS);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * The compiler's errors for a program of a user, with the options of a `tsconfig.json`. They are those of all files in
 * the program's folder, which has the package too, but not those of the libraries.
 */
export function checkProgram(file: URL, compilerOptions: Record<string, unknown>): string {
  const folder = new URL(".", file).pathname;
  const { options, errors } = ts.convertCompilerOptionsFromJson(compilerOptions, folder);
  const program = ts.createProgram([file.pathname], options);
  const sources = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(folder));
  const diagnostics = [
    ...errors,
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...sources.flatMap((
      source,
    ) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]),
  ];
  return ts.formatDiagnostics(diagnostics, {
    getCurrentDirectory: () => folder,
    getCanonicalFileName: (name) => name,
    getNewLine: () => "\n",
  });
}

/** One module as JavaScript, with every import specifier passed through `rename`. */
export function compileModule(source: string, rename: (specifier: string) => string): string {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { ...OPTIONS, declaration: false },
  });
  return renameImports(outputText, rename);
}

/** A module with every import specifier passed through `rename`. Text that only looks like an import is kept. */
export function renameImports(source: string, rename: (specifier: string) => string): string {
  let result = "";
  let end = 0;
  for (const { fileName, pos } of ts.preProcessFile(source, true, true).importedFiles) {
    // The specifier begins after its quote.
    const start = source.indexOf(fileName, pos);
    result += source.slice(end, start) + rename(fileName);
    end = start + fileName.length;
  }
  return result + source.slice(end);
}

/** The specifiers that a module imports. */
export function importsOf(source: string): string[] {
  return ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => fileName);
}

async function readDenoTypes(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["types"], stderr: "inherit" }).output();
  // The package that it refers to comes with Deno's own compiler.
  return new TextDecoder().decode(stdout).replaceAll(/^\/\/\/ <reference .*$/gm, "");
}
