/** The memory of goroutines and of Erlang's processes, where Go and Erlang are installed. */

const LANGUAGES = [
  { name: "goroutine", command: "go", before: ["run"], script: "goroutines.go" },
  { name: "Erlang process", command: "escript", before: [], script: "processes.erl" },
];

/** Resident bytes of each, of so many. */
export async function otherLanguages(count: number): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const { name, command, before, script } of LANGUAGES) {
    for (const [kind, wait] of [["receiving", "receive"], ["sleeping", "sleep"]]) {
      const path = new URL(`others/${script}`, import.meta.url).pathname;
      const bytes = await printed(command, [...before, path, kind, String(count)]);
      if (bytes !== null) found[`${name} in \`${wait}\``] = bytes;
    }
  }
  return found;
}

/** The number that a command prints; `null` if there is no such command. */
async function printed(name: string, args: readonly string[]): Promise<number | null> {
  try {
    const { success, stdout } = await new Deno.Command(name, { args: [...args], stderr: "inherit" }).output();
    if (!success) throw new Error(`${name} ${args.join(" ")} failed`);
    return Number(new TextDecoder().decode(stdout));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
