// deno run -A assembly/spec.ts
//
// Runs the specs in __tests__/ with as-pect under Deno, and ends with the line "N passed, N failed".

const root = new URL("../", import.meta.url);

const child = new Deno.Command(Deno.execPath(), {
  cwd: root,
  args: [
    "run",
    "-A",
    "node_modules/@as-pect/cli/lib/test.js",
    "--config",
    "assembly/as-pect.config.js",
    "--as-config",
    "assembly/as-pect.asconfig.json",
  ],
  env: { FORCE_COLOR: "0", NO_COLOR: "1" },
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let output = "";
const decoder = new TextDecoder();
for await (const chunk of child.stdout) {
  await Deno.stdout.write(chunk);
  output += decoder.decode(chunk, { stream: true });
}
const { success } = await child.status;

// deno-lint-ignore no-control-regex -- colours
const summary = output.replace(/\u001b\[\d+m/g, "").match(/\[Tests\]: (\d+) \/ (\d+)/);
const passed = Number(summary?.[1] ?? 0);
const failed = Math.max(Number(summary?.[2] ?? 0) - passed, success ? 0 : 1);
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
