import { assertEquals, assertThrows } from "@std/assert";
import { checkPermissions, permissionFlags, type ServerPermissions } from "../../../core/cluster/node/permissions.ts";

const flagsOf = (permissions: ServerPermissions) => permissionFlags(checkPermissions(permissions), "/job");

Deno.test("a server may read its folder and nothing else, and loads modules from Deno's cache only", () => {
  const least = ["--no-prompt", "--cached-only", "--allow-read=/job"];
  assertEquals(flagsOf({}), least);
  assertEquals(flagsOf({ net: false, read: false, import: [], env: undefined, run: [] }), least);
});

Deno.test("permissions are those of deno run", () => {
  assertEquals(flagsOf({ net: ["a:1", "b"], env: true, sys: ["hostname"] }), [
    "--no-prompt",
    "--cached-only",
    "--allow-env",
    "--allow-net=a:1,b",
    "--allow-read=/job",
    "--allow-sys=hostname",
  ]);
  assertEquals(flagsOf({ import: ["jsr.io"], read: ["/data"] }), [
    "--no-prompt",
    "--allow-import=jsr.io",
    "--allow-read=/job,/data",
  ]);
  assertEquals(flagsOf({ import: true, read: true }), ["--no-prompt", "--allow-import", "--allow-read"]);
});

Deno.test("what is no permission is refused, with the name", () => {
  const refuse = (permissions: unknown, message: string) =>
    assertThrows(() => checkPermissions(permissions), TypeError, message);
  refuse({ network: true }, "no option 'network': use env, ffi, import, net");
  refuse({ net: "a" }, `have no comma: current value is "a"`);
  refuse({ read: ["/a,b"] }, `have no comma: current value is "/a,b"`);
  refuse({ read: [""] }, `permission 'read' must be`);
  refuse({ env: [1] }, "current value is 1");
  refuse(null, "'options' must be an object");
});
