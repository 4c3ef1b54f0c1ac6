/**
 * node run.js <modules of tests, and the names of tests to leave out of each, as JSON>
 *
 * Runs the tests that the modules declare, one after the other, as `deno test` would, and prints their results. The
 * last line has the reports in JSON. The process must then end by itself: if something keeps it alive, a test has left
 * that behind.
 */
import "./newer.ts";
import { pathToFileURL } from "node:url";
import { type Declared, declared } from "./declared.ts";

/** A module of tests. */
export interface TestModule {
  readonly path: string;
  /** The names of the tests to leave out. */
  readonly leftOut: readonly string[];
}

/** What is reported of a module. */
export interface Report {
  readonly passed: number;
  /** The tests that failed, and their errors. */
  readonly failed: { readonly name: string; readonly error: string }[];
  /** The tests that were left out. */
  readonly leftOut: string[];
}

const LIMIT_MS = 60_000;

const modules: readonly TestModule[] = JSON.parse(process.argv[2]);

async function runAll(): Promise<Report[]> {
  const reports: Report[] = [];
  for (const module of modules) reports.push(await runModule(module));
  return reports;
}

async function runModule({ path, leftOut }: TestModule): Promise<Report> {
  await import(pathToFileURL(path).href);
  const report: Report = { passed: 0, failed: [], leftOut: [] };
  let passed = 0;
  for (const test of declared.splice(0)) {
    if (leftOut.includes(test.name)) {
      report.leftOut.push(test.name);
      console.log(`left out  ${test.name}`);
      continue;
    }
    const start = performance.now();
    const error = await failureOf(test);
    const ms = Math.round(performance.now() - start);
    if (error === null) passed++;
    else report.failed.push({ name: test.name, error });
    console.log(`${error === null ? "ok      " : "FAILED  "}  ${test.name} (${ms} ms)`);
  }
  return { ...report, passed };
}

async function failureOf(test: Declared): Promise<string | null> {
  // It also keeps the event loop alive while a test waits for something that does not, as `deno test` does.
  let limit: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    limit = setTimeout(() => reject(new Error(`It takes longer than ${LIMIT_MS / 1000} seconds`)), LIMIT_MS);
  });
  try {
    await Promise.race([test.fn(), late]);
    return null;
  } catch (error) {
    return error instanceof Error ? error.stack || String(error) : String(error);
  } finally {
    clearTimeout(limit);
  }
}

runAll().then((reports) => {
  if (reports.some(({ failed }) => failed.length > 0)) process.exitCode = 1;
  console.log(JSON.stringify(reports));
});
