/** Commits of this repository, and one of them in a folder of its own for a while. */

/** Why the commit cannot be taken. The message is for the user. */
export class CommitError extends Error {
  override readonly name = "CommitError";
}

/**
 * The full name of a commit. By default it is where this branch has left `main`, and on `main` the commit before.
 *
 * @throws {CommitError} If there is no such commit.
 */
export async function findCommit(root: string, named?: string): Promise<string> {
  // A folder inside another repository has no commits of its own.
  if (await git(root, "rev-parse", "--show-prefix") !== "") {
    throw new CommitError(`Cannot compare with a commit as ${root} is not a checkout of git`);
  }
  const name = named ?? await defaultCommit(root);
  const commit = await git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`);
  if (commit === null) throw new CommitError(`Cannot compare with "${name}": git finds no such commit`);
  return commit;
}

async function defaultCommit(root: string): Promise<string> {
  if (await git(root, "symbolic-ref", "--quiet", "--short", "HEAD") === "main") return "HEAD~1";
  for (const main of ["main", "origin/main"]) {
    const base = await git(root, "merge-base", "HEAD", main);
    if (base !== null) return base;
  }
  throw new CommitError("Cannot choose what to compare with as no branch main is near: name a commit by --against");
}

/** A commit in a folder of its own, outside the checkout. Disposing it removes the folder. */
export class Worktree implements AsyncDisposable {
  readonly folder: string;
  readonly #root: string;

  private constructor(root: string, folder: string) {
    this.#root = root;
    this.folder = folder;
  }

  /** Adds one. */
  static async add(root: string, commit: string): Promise<Worktree> {
    const folder = await Deno.makeTempDir({ prefix: "guard" });
    const worktree = new Worktree(root, folder);
    // Hooks of the user, such as one that installs packages, have nothing to do here.
    const added = await git(root, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", folder, commit);
    if (added !== null) return worktree;
    await worktree[Symbol.asyncDispose]();
    throw new CommitError(`Cannot get the files of ${commit} out of git into ${folder}`);
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await git(this.#root, "worktree", "remove", "--force", this.folder);
    await Deno.remove(this.folder, { recursive: true }).catch(() => {}); // it is gone, as it should be
  }
}

/** The output of git; `null` if it fails. */
async function git(root: string, ...args: string[]): Promise<string | null> {
  const command = new Deno.Command("git", { args: ["-C", root, ...args], stdin: "null", stderr: "null" });
  try {
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new CommitError("Cannot compare with a commit without git");
    throw error;
  }
}
