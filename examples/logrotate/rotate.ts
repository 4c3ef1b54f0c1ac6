/**
 * The rotation of one log on disk, such that a crash between any two steps loses and doubles nothing.
 *
 *     app.log  --rename-->  app.log.0                       the log is taken aside: the rotation has happened
 *     app.log.0  -->  app.log.1  -->  app.log.2 ...         settle() makes it a version
 *     app.log.2  -->  app.log.2.gz.part  -->  app.log.2.gz  older ones are compressed
 *
 * What is to be done next is told by the names of the files alone. So settle() is at once the second half of a rotation
 * and the recovery from a crash in the middle of one. A name that ends in `.part` is of something unfinished, whose
 * original is still there. With `copyTruncate` the first step is
 *
 *     app.log  --copy-->  app.log.0.part  -->  app.log.0.copy, app.log is emptied, and  -->  app.log.0
 *
 * and a crash leaves a copy of which the log still has the original (then it is dropped), or has no longer (then it is
 * used). Directories are synced before anything is removed of which there is a new copy, for when the power fails.
 */
import { basename, dirname, join } from "node:path";
import type { LogConfig } from "./config.ts";
import { compare, copy, copySync, gunzip, gzip } from "./contents.ts";
import { shift, type Step, type Versions, versionsOf } from "./versions.ts";

/** What a rotation uses of Deno; tests put one in between that fails. */
export type FileSystem = Pick<
  typeof Deno,
  "chmod" | "chown" | "link" | "lstat" | "lstatSync" | "open" | "readDir" | "remove" | "removeSync" | "rename"
>;

/**
 * Who must know exactly whether a rotation has happened, even if the program crashes during it: is told that one
 * begins, then that it has happened (perhaps twice), or after a crash that it has not.
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

  /** Bytes in the log; 0 if there is none. */
  async size(): Promise<number> {
    return (await this.#info(this.#name))?.size ?? 0;
  }

  /** What a rotation would do. */
  async plan(): Promise<Step[]> {
    const steps = shift(this.#name, await this.#versions(), this.#log.keep);
    return [{ from: this.#name, to: `${this.#name}.0` }, ...steps];
  }

  /** Brings to its end what was begun before a crash, if anything was. To be called at the start. */
  async recover(journal: Journal): Promise<void> {
    await this.#settle(journal);
    journal.rollback();
    await this.#compressVersions();
  }

  /** Makes the log version 1. Answers `false` if there is none, or an empty one. */
  async rotate(journal: Journal): Promise<boolean> {
    await this.#settle(journal);
    journal.begin();
    const rotated = await this.#takeAside();
    await (rotated ? this.#settle(journal) : journal.commit());
    await this.#compressVersions();
    return rotated;
  }

  async #takeAside(): Promise<boolean> {
    const info = await this.#info(this.#name);
    if (info === null || info.isFile && info.size === 0) return false;
    if (!info.isFile) {
      const what = info.isSymlink ? "a symbolic link: name the file that it leads to" : "no file";
      throw new Error(`Cannot rotate ${this.#log.path} as it is ${what}`);
    }
    // What can fail for want of permission or room is tried before anything is renamed.
    if (this.#log.create) await this.#fillPart(`${this.#name}.part`, info, async () => {});
    if (this.#log.copyTruncate) await this.#copyAside(info);
    else await this.#move(this.#name, `${this.#name}.0`);
    await this.#syncFolder();
    return true;
  }

  async #settle(journal: Journal): Promise<void> {
    await this.#removeParts();
    await this.#decideCopy();
    await this.#decideDoubles();
    const aside = await this.#info(`${this.#name}.0`);
    if (aside !== null) {
      journal.commit();
      try {
        if (this.#log.create) await this.#createLike(aside);
      } finally {
        // Even if there is no new log: what is aside must not be in the way of the next rotation.
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
      await this.#unlessFails(copied, async () => {
        await this.#syncFolder();
        // Nothing waits from here on, so that little is written between the last look and the emptying.
        for (let looks = 0; looks < 10 && copySync(source, target); looks++) target.syncSync();
        source.truncateSync(0);
      });
    });
    await this.#move(copied, `${this.#name}.0`);
  }

  /** A copy whose original is still in the log is of no use: it would be there twice. */
  async #decideCopy(): Promise<void> {
    const name = `${this.#name}.0.copy`;
    if (await this.#info(name) === null) return;
    using copied = await this.#fs.open(this.#at(name));
    using log = await this.#info(this.#name) && await this.#fs.open(this.#log.path);
    const isOnlyCopy = log === null || await compare(copied.readable, log) === "different";
    if (isOnlyCopy) await this.#move(name, `${this.#name}.0`);
    else await this.#fs.remove(this.#at(name));
  }

  /** Of a version in both forms, one is a copy of the other. */
  async #decideDoubles(): Promise<void> {
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
    // If somebody still writes to it, the next rotation will try again.
    const grown = this.#fs.lstatSync(this.#at(name)).size !== info.size;
    this.#fs.removeSync(this.#at(grown ? `${name}.gz` : name));
  }

  /** An empty log, unless its writer was quicker. A link never replaces what is there, and is complete at once. */
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
   * Makes a file that whoever may read and write the original may, and nobody else; `fill` fills it and gives it
   * another name. Nothing of it stays under this name: if the disk is full, it would stay so.
   */
  async #fillPart(name: string, { mode, uid, gid }: Deno.FileInfo, fill: (file: Deno.FsFile) => Promise<void>) {
    using file = await this.#fs.open(this.#at(name), { write: true, createNew: true, mode: 0o600 });
    await this.#unlessFails(name, async () => {
      if (uid !== null) await this.#fs.chown(this.#at(name), uid, gid);
      if (mode !== null) await this.#fs.chmod(this.#at(name), mode & 0o7777);
      await fill(file);
    });
    await this.#removeIfThere(name);
  }

  /** Does something; if it fails, a file that is of no use then is removed. */
  async #unlessFails(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // The first error counts: the next rotation removes what could not be removed now.
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

  /** Renames, and never over something that is there. */
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
    // Windows cannot.
    if (Deno.build.os === "windows") return;
    using folder = await this.#fs.open(this.#folder);
    await folder.sync();
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}
