/** A file system that fails at a chosen operation, as seen by a process that crashes there. */

import { basename } from "node:path";

/** What everything throws from the moment of the crash on. */
export class Crash extends Error {
  override name = "Crash";
}

// Operations that change nothing are not counted: a crash there leaves the disk as one before the next change.
const CHANGES = /^(chmod|chown|link|remove|rename|truncate|utime|write)(Sync)?$/;

/** Is between a program and Deno's file operations, and counts those that change something. */
export class FailingFiles {
  /** How many were begun. */
  operations = 0;
  /** What was done, with the names of the files: changes, and what made sure that they are on the disk. */
  readonly trace: string[] = [];
  readonly #last: number;

  /** @param last How many operations succeed. */
  constructor(last = Infinity) {
    this.#last = last;
  }

  /** To be used like `Deno`. */
  readonly fs: typeof Deno = this.#wrap(Deno);

  #wrap<T extends object>(target: T, path = ""): T {
    return new Proxy(target, {
      get: (_, key) => {
        const member = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const of = path || String(args[0]);
          if (typeof key === "string") this.#operation(target, key, of, args);
          return this.#wrapResult(member.apply(target, args), of);
        };
      },
    });
  }

  #wrapResult(result: unknown, path: string): unknown {
    if (result instanceof Deno.FsFile) return this.#wrap(result, path);
    return result instanceof Promise ? result.then((value) => this.#wrapResult(value, path)) : result;
  }

  #operation(target: object, name: string, path: string, args: unknown[]): void {
    // Its files are closed even for who has crashed.
    if (name === "close") return;
    const isChange = CHANGES.test(name) || name.startsWith("open") && Object(args[1]).write === true;
    if (isChange || name.startsWith("sync")) this.trace.push(`${name.replace("Sync", "")} ${basename(path)}`);
    if (isChange && this.operations++ === this.#last) interrupt(target, name, args);
    if (this.operations > this.#last) throw new Crash(`Crash at change ${this.#last + 1}`);
  }
}

/** A write that is interrupted has written something. */
function interrupt(target: object, name: string, [bytes]: unknown[]): void {
  if (target instanceof Deno.FsFile && name.startsWith("write") && bytes instanceof Uint8Array) {
    target.writeSync(bytes.subarray(0, bytes.length >> 1));
  }
}
