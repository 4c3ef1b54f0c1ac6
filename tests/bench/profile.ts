/**
 * deno task profile <bench> [--quick]
 *
 * Runs a benchmark, and the processes that it starts, with V8's sampling profiler. Writes a `.cpuprofile` for each into
 * `profiles/` and prints the functions that took most of the time. See "Reading a profile" in the README beside it.
 */
import { printTable } from "./harness.ts";
import { kernelNames, nameKernel } from "./profile_kernel.ts";
import { type CpuProfile, type Share, shares } from "./profile_shares.ts";

const SHOWN = 15;

// Benchmarks that do not measure our code at work.
const NOT_PROFILED: Readonly<Record<string, string>> = {
  size: "esbuild, which makes the bundles that it measures, is a program of its own",
  start: "it measures whole processes, of Node.js too, which end as soon as they have begun",
};

/** Puts the names of the kernel's functions into a profile, and prints its heaviest functions. */
async function show(path: string, names: readonly string[]): Promise<void> {
  const profile: CpuProfile = JSON.parse(await Deno.readTextFile(path));
  nameKernel(profile, names);
  await Deno.writeTextFile(path, JSON.stringify(profile));
  const all = shares(profile);
  const seconds = (profile.endTime - profile.startTime) / 1e6;
  const rows = all.slice(0, SHOWN).map(({ name, place, percent }: Share) => [name, place, percent.toFixed(1)]);
  printTable(`${path}, ${seconds.toFixed(1)} s`, ["function", "where", "% of the time in itself"], rows);
}

/** Runs the benchmark with the profiler on. Returns the folder of the profiles. */
async function profiled(name: string, flags: readonly string[]): Promise<string> {
  const folder = `profiles/${name}-${Date.now()}`;
  const main = new URL("main.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--cpu-prof", `--cpu-prof-dir=${folder}`, main, name, ...flags];
  const child = new Deno.Command(Deno.execPath(), { args, env: { BENCH_PROFILES: folder } }).spawn();
  const { success, code } = await child.status;
  if (!success) Deno.exit(code);
  return folder;
}

if (import.meta.main) {
  const names = Deno.args.filter((argument) => !argument.startsWith("--"));
  if (names.length !== 1) {
    console.error(`Cannot profile ${names.length} benchmarks: name one of those of 'deno task bench'`);
    Deno.exit(2);
  }
  const reason = NOT_PROFILED[names[0]];
  if (reason !== undefined) {
    console.error(`Cannot profile "${names[0]}": ${reason}`);
    Deno.exit(2);
  }
  const folder = await profiled(names[0], Deno.args.filter((argument) => argument.startsWith("--")));
  const kernel = await kernelNames();
  for await (const { name } of Deno.readDir(folder)) await show(`${folder}/${name}`, kernel);
  console.log("\nOpen the files in the Performance panel of Chrome's developer tools, or in speedscope");
}
