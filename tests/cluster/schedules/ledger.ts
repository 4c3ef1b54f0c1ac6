/** What must hold of the jobs of a cluster, whatever happens to it: each of them is written down here. */
import type { ClusterStatus } from "@asyncoro/asyncoro/cluster";

/** Something has happened that must not. */
export class Violation extends Error {
  override name = "Violation";
}

/** How often a job may be begun, and how often it was. */
interface Entry {
  readonly most: number;
  begun: number;
  settled: number;
}

/** The order of the messages about one subject: each is followed by one of these, or by nothing. */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  "": ["NodeDiscovered", "ServerDiscovered", "CoroCreated"],
  NodeDiscovered: ["NodeInitialized", "NodeIgnored", "NodeClosed", "NodeLost"],
  NodeInitialized: ["NodeClosed", "NodeLost"],
  NodeIgnored: [],
  NodeClosed: ["NodeDiscovered"],
  NodeLost: ["NodeDiscovered"],
  ServerDiscovered: ["ServerInitialized", "ServerIgnored", "ServerClosed", "ServerLost"],
  ServerInitialized: ["ServerClosed", "ServerLost"],
  ServerIgnored: ["ServerClosed", "ServerLost"],
  ServerClosed: [],
  ServerLost: [],
  CoroCreated: ["MonitorException"],
  MonitorException: [],
};

/** See the head of this file. */
export class Ledger {
  /** What was violated first, where it could not be thrown. */
  violation: Violation | null = null;
  readonly #jobs: Map<number, Entry> = new Map();
  /** The exclusive job that runs at each server. */
  readonly #running: Map<string, number> = new Map();
  readonly #status: Map<unknown, string> = new Map();
  lost = 0;
  returned = 0;

  /** A job is made, which may be begun so often. Returns its number. */
  made(most: number): number {
    const id = this.#jobs.size + 1;
    this.#jobs.set(id, { most, begun: 0, settled: 0 });
    return id;
  }

  /** A server begins a job. */
  began(id: number, server: string, exclusive: boolean): void {
    const entry = this.#jobs.get(id)!;
    entry.begun++;
    if (entry.begun > entry.most) this.#violated(`Job ${id} has begun ${entry.begun} times instead of ${entry.most}`);
    if (!exclusive) return;
    const other = this.#running.get(server);
    if (other !== undefined) this.#violated(`Jobs ${other} and ${id} run at ${server} at the same time`);
    this.#running.set(server, id);
  }

  /** A server ends a job. */
  ended(id: number, server: string): void {
    if (this.#running.get(server) === id) this.#running.delete(server);
  }

  /** Whether the client was told of the end of a job. */
  isSettled(id: number): boolean {
    return this.#jobs.get(id)!.settled > 0;
  }

  /** The client is told of the end of a job. */
  settled(id: number): void {
    if (++this.#jobs.get(id)!.settled > 1) this.#violated(`Job ${id} was settled again`);
  }

  /** The client was told something. */
  status({ status, info }: ClusterStatus): void {
    if (status.startsWith("Computation")) return;
    const subject = info.coro ?? (status.startsWith("Server") ? info.server?.id : info.location?.id);
    if (subject === undefined) return;
    const before = this.#status.get(subject) ?? "";
    if (!AFTER[before].includes(status)) this.#violated(`${status} of ${subject} comes after ${before || "nothing"}`);
    this.#status.set(subject, status);
  }

  /** Nothing is left: each job was settled, and each coroutine that was created has been told to have ended. */
  check(): void {
    for (const [id, { settled }] of this.#jobs) {
      if (settled !== 1) this.#violated(`Job ${id} was settled ${settled} times`);
    }
    for (const [subject, status] of this.#status) {
      if (
        ["CoroCreated", "NodeInitialized", "ServerInitialized", "NodeDiscovered", "ServerDiscovered"].includes(status)
      ) {
        this.#violated(`The last that was told of ${subject} is ${status}`);
      }
    }
    if (this.violation !== null) throw this.violation;
  }

  #violated(message: string): void {
    this.violation ??= new Violation(message);
  }
}
