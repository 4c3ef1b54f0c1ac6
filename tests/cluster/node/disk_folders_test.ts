/** Folders for the files of computations, on the disk. */
import { run } from "@asyncoro/asyncoro";
import { FileTransferError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";
import { DiskFolders } from "../../../core/cluster/node/disk_folders.ts";
import { thrown } from "../../distributed/acceptance/world.ts";
import type { JobFolder } from "../../../core/cluster/node/job_folder.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Runs a program with a folder, and removes what is left. */
async function withFolder(program: (folder: JobFolder) => Generator<unknown, void, unknown>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(function* () {
      // The directory is made if it is not there.
      yield* program(yield* new DiskFolders(`${directory}/a/b`).create());
    });
    assertEquals([...Deno.readDirSync(`${directory}/a/b`)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("files are written in pieces, and removed with the folder", async () => {
  await withFolder(function* (folder) {
    yield* folder.write("a.txt", bytes("one, "), false);
    yield* folder.write("b.txt", bytes("other"), true);
    yield* folder.write("a.txt", bytes("two"), true);
    assertEquals(Deno.readTextFileSync(`${folder.path}/a.txt`), "one, two");
    assertEquals(Deno.readTextFileSync(`${folder.path}/b.txt`), "other");
    yield* folder.remove();
  });
});

Deno.test("a file that was not complete is closed and removed", async () => {
  await withFolder(function* (folder) {
    yield* folder.write("a.txt", bytes("one"), false);
    yield* folder.remove();
  });
});

Deno.test("each computation has a folder of its own", async () => {
  await run(function* () {
    const folders = new DiskFolders();
    const [one, other] = [yield* folders.create(), yield* folders.create()];
    assert(one.path !== other.path);
    yield* one.remove();
    yield* other.remove();
  });
});

Deno.test("nothing is written outside the folder, and no file twice", async () => {
  await withFolder(function* (folder) {
    for (const name of ["", ".", "..", "../a", "a/b", "a\\b", "c:d", "a\0"]) {
      assert((yield* thrown(() => folder.write(name, bytes("x"), true))) instanceof TypeError, name);
    }
    yield* folder.write("a.txt", bytes("first"), true);
    assert((yield* thrown(() => folder.write("a.txt", bytes("second"), true))) instanceof FileTransferError);
    assertEquals(Deno.readTextFileSync(`${folder.path}/a.txt`), "first");
    yield* folder.remove();
  });
});
