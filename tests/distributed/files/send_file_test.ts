/** Sending files, and deleting them. */
import { assertEquals } from "@std/assert";
import { withTwo } from "./fixture.ts";

const MIB = 2 ** 20;

Deno.test(
  "a file arrives under its name, with its mode and its time",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("tool", 3 * MIB + 17);
    Deno.chmodSync(source, 0o751);
    Deno.utimeSync(source, 1_000_000_000, 1_234_567_890);
    const sent = await a.run((network) => network.sendFile(b.location, source));
    assertEquals(sent, { path: "tool", bytes: 3 * MIB + 17, unchanged: false });
    assertEquals(fixture.inboxEntries(), ["tool"]);
    assertEquals(Deno.readFileSync(`${fixture.inbox}/tool`), Deno.readFileSync(source));
    const { mode, mtime } = Deno.statSync(`${fixture.inbox}/tool`);
    assertEquals([mode! & 0o777, mtime!.getTime()], [0o751, 1_234_567_890_000]);
  }),
);
