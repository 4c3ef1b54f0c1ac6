/** The assertions about types hold for identical types only. */
import { assert, assertEquals } from "@std/assert";
import { type Equal, expectType } from "./expect_type.ts";

Deno.test("Equal<A, B> distinguishes types that are assignable to each other", () => {
  expectType<true>()({} as Equal<number, number>);
  expectType<true>()({} as Equal<{ a: string }[], { a: string }[]>);
  expectType<true>()({} as Equal<string | null, null | string>);
  expectType<false>()({} as Equal<number, string>);
  expectType<false>()({} as Equal<number, number | null>);
  expectType<false>()({} as Equal<number, 1>);
  expectType<false>()({} as Equal<number, never>);
  expectType<false>()({} as Equal<unknown, string>);
  expectType<false>()({} as Equal<string[], readonly string[]>);
  expectType<false>()({} as Equal<{ a: string }, { a?: string }>);
  // deno-lint-ignore no-explicit-any -- what a test must not take for anything else
  expectType<[false, false, false]>()({} as [Equal<any, string>, Equal<unknown, any>, Equal<any, never>]);
});

Deno.test("expectType<T>()(value) compiles for a value of exactly that type", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const uses = ["<number>()(1 + 1)", "<unknown>()(1 + 1)", "<number | null>()(1 + 1)", "<string>()(1 + 1)"];
  const lines = uses.map((use) => `expectType${use};`);
  await Deno.writeTextFile(
    file,
    `import { expectType } from "${import.meta.resolve("./expect_type.ts")}";\n${lines.join("\n")}`,
  );
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["check", file], env: { NO_COLOR: "1" } })
    .output();
  const errors = new TextDecoder().decode(stderr);
  await Deno.remove(file);
  assertEquals(code, 1);
  // All uses but the first must not compile.
  assertEquals(errors.match(/Expected 3 arguments, but got 1/g)?.length, 3, errors);
  assert(!errors.includes(lines[0]), errors);
});
