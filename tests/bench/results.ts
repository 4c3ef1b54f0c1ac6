/**
 * Measurements that documents show: stored as JSON, from which texts and charts are made.
 *
 * Invariant, which a test checks: the documents show what the pages make of the stored results.
 */
import { cpus, totalmem } from "node:os";

/** A measurement that documents show: how its figures become text and charts, always the same ones. */
export interface Page<T> {
  /** Names the section between `<!-- bench:name -->` and `<!-- /bench:name -->`. */
  readonly name: string;
  /** The name of the stored result, if it is another than this one's. */
  readonly result?: string;
  /** The document that shows it, `tests/bench/README.md` by default. */
  readonly document?: string;
  /** The section's text. */
  markdown(result: T): string;
  /** SVG text by file name. */
  svgs?(result: T): Readonly<Record<string, string>>;
}

/** The system on which something was measured. */
export interface Machine {
  /** Year, month, day. */
  readonly date: string;
  readonly deno: string;
  readonly v8: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly gibibytes: number;
}

/** This machine. */
export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: navigator.hardwareConcurrency,
    gibibytes: Math.round(totalmem() / 2 ** 30),
  };
}

/** A machine, in a sentence. */
export function described({ date, deno, v8, system, processor, cores, gibibytes }: Machine): string {
  return `${date}, ${processor}, ${cores} cores, ${gibibytes} GiB, ${system}, Deno ${deno}, V8 ${v8}`;
}

const ROOT = new URL("../../", import.meta.url);
const RESULTS = new URL("results/", import.meta.url);

/** The document that shows a page, by its path from the root. */
function documentOf<T>(page: Page<T>): string {
  return page.document ?? "tests/bench/README.md";
}

/** Stores a result, and writes its text and charts. */
export async function publish<T>(page: Page<T>, result: T): Promise<void> {
  await Deno.mkdir(RESULTS, { recursive: true });
  await Deno.writeTextFile(new URL(`${page.name}.json`, RESULTS), JSON.stringify(result, null, 2) + "\n");
  await render(page);
}

/** Writes the text and charts of a stored result. */
export async function render<T>(page: Page<T>): Promise<void> {
  const result = await kept(page);
  for (const [file, svg] of Object.entries(page.svgs?.(result) ?? {})) {
    await Deno.writeTextFile(new URL(file, RESULTS), svg);
  }
  const document = new URL(documentOf(page), ROOT);
  await Deno.writeTextFile(document, withSection(await Deno.readTextFile(document), page, result));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", document.pathname] }).output();
}

/** The parts of a page that do not match its stored result: none, if all is current. */
export async function outdated<T>(page: Page<T>): Promise<string[]> {
  const result = await kept(page);
  const parts: string[] = [];
  for (const [file, svg] of Object.entries(page.svgs?.(result) ?? {})) {
    if (await Deno.readTextFile(new URL(file, RESULTS)) !== svg) parts.push(file);
  }
  const name = documentOf(page);
  const text = await Deno.readTextFile(new URL(name, ROOT));
  if (plain(text) !== plain(withSection(text, page, result))) parts.push(name);
  return parts;
}

async function kept<T>(page: Page<T>): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(`${page.result ?? page.name}.json`, RESULTS)));
}

function withSection<T>(text: string, page: Page<T>, result: T): string {
  const [start, end] = [`<!-- bench:${page.name} -->`, `<!-- /bench:${page.name} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot show "${page.name}": no section from ${start} to ${end}`);
  return `${text.slice(0, from + start.length)}\n\n${page.markdown(result).trim()}\n\n${text.slice(to)}`;
}

/** The text without what a formatter changes: the widths of lines and of columns. */
function plain(text: string): string {
  return text.replaceAll(/-{2,}/g, "--").replaceAll(/\s+/g, " ");
}
