/**
 * The rotation of one log on disk. A crash between any two steps neither loses nor duplicates a line.
 *
 *     app.log  --rename-->  app.log.0                       the log is set aside: the rotation has happened
 *     app.log.0  -->  app.log.1  -->  app.log.2 ...         settle() makes it version 1
 *     app.log.2  -->  app.log.2.gz.part  -->  app.log.2.gz  older versions are compressed
 *
 * The names of the files alone determine the next step. So settle() is both the second half of a rotation and the
 * recovery from a crash in the middle of one. A name that ends in `.part` belongs to an unfinished copy, whose original
 * still exists. With `copyTruncate` the first step is
 *
 *     app.log  --copy-->  app.log.0.part  -->  app.log.0.copy, app.log is emptied, and  -->  app.log.0
 *
 * After a crash, the copy is removed if the log still begins with the same lines, and used otherwise. In case the power
 * fails, a directory is synced before the original of a new copy is removed.
 */
import { basename, dirname, join } from "node:path";
import type { LogConfig } from "./config.ts";
import { compare, copy, copySync, gunzip, gzip } from "./contents.ts";
import { shift, type Step, type Versions, versionsOf } from "./versions.ts";

/** The functions of Deno that a rotation uses. Tests pass others, which fail. */
export type FileSystem = Pick<
  typeof Deno,
  "chmod" | "chown" | "link" | "lstat" | "lstatSync" | "open" | "readDir" | "remove" | "removeSync" | "rename"
>;

/**
 * Records whether a rotation has happened, even if the program crashes during it. `begin` is called before a rotation, and
 * `commit` after it, possibly twice; after a crash, `rollback` is called if it has not happened.
 */
export interface Journal {
  begin(): void;
  commit(): void;
  rollback(): void;
}

/** A log and its versions on disk. One process at a time may rotate it: see `log_locks.ts`. */
export class LogFiles {
  readonly #log: LogConfig;
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #name: string;

  constructor(log: LogConfig, fs: FileSystem = Deno) {
    this.#log = log;
    this.#fs = fs;
    this.#folder = dirname(log.path);
    this.#name = basename(log.path);
  }

  /** The size of the log in bytes; 0 if it does not exist. */
  async size(): Promise<number> {
    return (await this.#info(this.#name))?.size ?? 0;
  }

  /** The steps that a rotation would take. */
  async plan(): Promise<Step[]> {
    const steps = shift(this.#name, await this.#versions(), this.#log.keep);
    return [{ from: this.#name, to: `${this.#name}.0` }, ...steps];
  }

  /** Completes a rotation that a crash has interrupted, if there is one. Call it first. */
  async recover(journal: Journal): Promise<void> {
    await this.#settle(journal);
    journal.rollback();
    await this.#compressVersions();
  }

  /** Makes the log version 1. Returns `false` if it does not exist or is empty. */
  async rotate(journal: Journal): Promise<boolean> {
    await this.#settle(journal);
    journal.begin();
    const rotated = await this.#setAside();
    await (rotated ? this.#settle(journal) : journal.commit());
    await this.#compressVersions();
    return rotated;
  }

  async #setAside(): Promise<boolean> {
    const info = await this.#info(this.#name);
    if (info === null || info.isFile && info.size === 0) return false;
    if (!info.isFile) {
      const what = info.isSymlink ? "a symbolic link: name the file that it leads to" : "no file";
      throw new Error(`Cannot rotate ${this.#log.path} as it is ${what}`);
    }
    // Steps that fail without permission or space come before the first rename.
    if (this.#log.create) await this.#fillPart(`${this.#name}.part`, info, async () => {});
    if (this.#log.copyTruncate) await this.#copyAside(info);
    else await this.#move(this.#name, `${this.#name}.0`);
    await this.#syncFolder();
    return true;
  }

  async #settle(journal: Journal): Promise<void> {
    await this.#removeParts();
    await this.#decideCopy();
    await this.#decideDuplicates();
    const aside = await this.#info(`${this.#name}.0`);
    if (aside !== null) {
      journal.commit();
      try {
        if (this.#log.create) await this.#createLike(aside);
      } finally {
        // Even if the new log could not be made: the next rotation needs the name.
        for (const step of shift(this.#name, await this.#versions(), this.#log.keep)) await this.#take(step);
        await this.#syncFolder();
      }
    }
  }

  async #copyAside(info: Deno.FileInfo): Promise<void> {
    using source = await this.#fs.open(this.#log.path, { read: true, write: true });
    const copied = `${this.#name}.0.copy`;
    await this.#fillPart(`${this.#name}.0.part`, info, async (target) => {
      await copy(source, target);
      await target.sync();
      await this.#move(`${this.#name}.0.part`, copied);
      await this.#orRemove(copied, async () => {
        await this.#syncFolder();
        // Synchronous from here on, so that little is written between the last copy and the emptying.
        for (let copies = 0; copies < 10 && copySync(source, target); copies++) target.syncSync();
        source.truncateSync(0);
      });
    });
    await this.#move(copied, `${this.#name}.0`);
  }

  /** Uses a copy that a crash has left, or removes it if the log still has the same lines. */
  async #decideCopy(): Promise<void> {
    const name = `${this.#name}.0.copy`;
    if (await this.#info(name) === null) return;
    using copied = await this.#fs.open(this.#at(name));
    using log = await this.#info(this.#name) && await this.#fs.open(this.#log.path);
    const isOnlyCopy = log === null || await compare(copied.readable, log) === "different";
    if (isOnlyCopy) await this.#move(name, `${this.#name}.0`);
    else await this.#fs.remove(this.#at(name));
  }

  /** If a version exists in both forms, one is a copy of the other: removes one. */
  async #decideDuplicates(): Promise<void> {
    for (const [version, names] of await this.#versions()) {
      if (names.length === 1) continue;
      const plain = `${this.#name}.${version}`;
      using compressed = await this.#fs.open(this.#at(`${plain}.gz`));
      using original = await this.#fs.open(this.#at(plain));
      const found = await compare(gunzip(compressed), original);
      if (found === "different") {
        throw new Error(`Cannot rotate ${this.#log.path} as ${plain} and ${plain}.gz differ: rename or remove one`);
      }
      await this.#fs.remove(this.#at(found === "equal" ? plain : `${plain}.gz`));
    }
  }

  async #compressVersions(): Promise<void> {
    if (!this.#log.gzip) return;
    for (const [version, [name]] of await this.#versions()) {
      if (version >= this.#log.gzipFrom && !name.endsWith(".gz")) await this.#compress(name);
    }
  }

  async #compress(name: string): Promise<void> {
    const info = (await this.#info(name))!;
    using source = await this.#fs.open(this.#at(name));
    await this.#fillPart(`${name}.gz.part`, info, async (target) => {
      await gzip(source, target);
      if (info.mtime !== null) await target.utime(info.atime ?? info.mtime, info.mtime);
      await target.sync();
      await this.#move(`${name}.gz.part`, `${name}.gz`);
    });
    await this.#syncFolder();
    // If a program has written to it meanwhile, the next rotation tries again.
    const grown = this.#fs.lstatSync(this.#at(name)).size !== info.size;
    this.#fs.removeSync(this.#at(grown ? `${name}.gz` : name));
  }

  /** Makes an empty log, unless its writer has made one. A link never replaces a file, and is atomic. */
  async #createLike(info: Deno.FileInfo): Promise<void> {
    if (await this.#info(this.#name) !== null) return;
    const part = `${this.#name}.part`;
    await this.#fillPart(part, info, async () => {
      try {
        await this.#fs.link(this.#at(part), this.#log.path);
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    });
  }

  /**
   * Makes a file with the permissions of the original; `fill` writes and renames it. If that fails, the file is removed, so
   * that it does not fill up the disk.
   */
  async #fillPart(name: string, { mode, uid, gid }: Deno.FileInfo, fill: (file: Deno.FsFile) => Promise<void>) {
    using file = await this.#fs.open(this.#at(name), { write: true, createNew: true, mode: 0o600 });
    await this.#orRemove(name, async () => {
      if (uid !== null) await this.#fs.chown(this.#at(name), uid, gid);
      if (mode !== null) await this.#fs.chmod(this.#at(name), mode & 0o7777);
      await fill(file);
    });
    await this.#removeIfThere(name);
  }

  /** Does some work, and removes a file if it fails. */
  async #orRemove(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // The first error counts. If the file cannot be removed now, the next rotation removes it.
      await this.#removeIfThere(name).catch(() => {});
      throw error;
    }
  }

  async #removeIfThere(name: string): Promise<void> {
    if (await this.#info(name) !== null) await this.#fs.remove(this.#at(name));
  }

  async #removeParts(): Promise<void> {
    const parts = ["", ".0", ...Array.from({ length: this.#log.keep }, (_, index) => `.${index + 1}.gz`)];
    const names = new Set(parts.map((part) => `${this.#name}${part}.part`));
    for (const name of await this.#names()) if (names.has(name)) await this.#fs.remove(this.#at(name));
  }

  async #take({ from, to }: Step): Promise<void> {
    if (to === null) await this.#fs.remove(this.#at(from));
    else await this.#move(from, to);
  }

  /** Renames a file, and never replaces another. */
  async #move(from: string, to: string): Promise<void> {
    if (await this.#info(to) !== null) {
      throw new Deno.errors.AlreadyExists(`Cannot rename ${this.#at(from)} as ${to} is in its way`);
    }
    await this.#fs.rename(this.#at(from), this.#at(to));
  }

  async #versions(): Promise<Versions> {
    return versionsOf(this.#name, await this.#names(), this.#log.keep);
  }

  async #names(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of this.#fs.readDir(this.#folder)) names.push(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return names;
  }

  async #info(name: string): Promise<Deno.FileInfo | null> {
    try {
      return await this.#fs.lstat(this.#at(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  async #syncFolder(): Promise<void> {
    // Windows cannot sync a folder.
    if (Deno.build.os === "windows") return;
    using folder = await this.#fs.open(this.#folder);
    await folder.sync();
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}
