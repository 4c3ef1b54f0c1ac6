/** A folder with a log `app.log` and its old versions, whose every line is a different one. */
import { assertEquals } from "@std/assert";
import type { LogConfig } from "../../../examples/logrotate/config.ts";

/** A folder of its own, gone when it is disposed of. */
export class LogFolder {
  readonly path: string;
  #line = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes one; `quick` for many of them, where the disk need not be a real one: syncing takes long on a busy disk. */
  static async make({ quick = false } = {}): Promise<LogFolder> {
    const dir = quick && Deno.build.os === "linux" ? "/dev/shm" : undefined;
    const path = await Deno.makeTempDir({ prefix: "asyncoro-", dir }).catch(() =>
      Deno.makeTempDir({ prefix: "asyncoro-" })
    );
    return new LogFolder(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** So many lines that were never there before. */
  takeLines(count: number): string {
    return Array.from({ length: count }, () => `line ${++this.#line}\n`).join("");
  }

  /** Appends, as a writer of logs does. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.at(name), text, { append: true });
  }

  /** Makes an old version. */
  async old(version: number, compressed = false): Promise<void> {
    const text = this.takeLines(3);
    if (compressed) await Deno.writeFile(this.at(`app.log.${version}.gz`), await gzip(text));
    else await this.write(`app.log.${version}`, text);
  }

  /** Adds a compressed form of a version, or the beginning of one. */
  async double(version: number, part: number): Promise<void> {
    const bytes = await gzip(await Deno.readTextFile(this.at(`app.log.${version}`)));
    await Deno.writeFile(this.at(`app.log.${version}.gz`), bytes.subarray(0, bytes.length * part));
  }

  /** What is in the log ("" if there is none) and its versions, newest first; and what is aside. */
  async contents(): Promise<[string[], string | null]> {
    const names = [...Deno.readDirSync(this.path)].map(({ name }) => name);
    const numbers = names.flatMap((name) => /^app\.log\.([1-9]\d*)(\.gz)?$/.exec(name)?.[1] ?? []).map(Number);
    const read = (name: string) => names.includes(name) ? Deno.readTextFile(this.at(name)) : null;
    const contents = [await read("app.log") ?? ""];
    for (const number of new Set(numbers.toSorted((a, b) => a - b))) {
      contents.push(
        await read(`app.log.${number}`) ?? await gunzip(await Deno.readFile(this.at(`app.log.${number}.gz`))),
      );
    }
    return [contents, await read("app.log.0")];
  }

  /** Nothing but the log and its versions is there, each version once, and compressed if it is to be. */
  async assertTidy({ keep, gzip, gzipFrom }: LogConfig): Promise<void> {
    const versions = new Set<number>();
    for await (const { name } of Deno.readDir(this.path)) {
      if (name === "app.log") continue;
      const [, number, compressed] = /^app\.log\.([1-9]\d*)(\.gz)?$/.exec(name) ?? [];
      assertEquals(Number(number) <= keep, true, `${name} is left over`);
      assertEquals(versions.has(Number(number)), false, `${name} is there twice`);
      versions.add(Number(number));
      if (gzip && Number(number) >= gzipFrom) assertEquals(compressed, ".gz", `${name} is not compressed`);
    }
  }
}

/** Compresses. */
export async function gzip(text: string): Promise<Uint8Array> {
  return await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
}

/** Decompresses. */
export async function gunzip(bytes: Uint8Array): Promise<string> {
  return await new Response(new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
