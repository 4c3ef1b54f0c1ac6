/**
 * Resources that outlive an epoch. Workers are expensive to start, and Deno frees their memory late or never, so that a
 * pool for each epoch would hide leaks of the library itself.
 */
import { WorkerPool } from "@asyncoro/asyncoro/workers";
import { has, type TestCertificate, testCertificate } from "../io/helpers.ts";

export class Resources {
  #pool: WorkerPool | null = null;
  #databasePool: WorkerPool | null = null;
  /** The pool, started on first use. */
  get pool(): WorkerPool {
    return this.#pool ??= new WorkerPool(2, { name: "soak", grace: 0.05, queueLimit: 100 });
  }

  /** A pool whose workers are never crashed, as they keep connections. */
  get databasePool(): WorkerPool {
    return this.#databasePool ??= new WorkerPool(2, { name: "soak databases", grace: 30 });
  }

  /** The certificate for TLS; `null` where openssl, which makes it, is missing. */
  get certificate(): TestCertificate | null {
    return has("openssl") ? testCertificate() : null;
  }

  /** Ends what was started. */
  async close(): Promise<void> {
    await this.#pool?.terminate();
    await this.#databasePool?.terminate();
  }
}
