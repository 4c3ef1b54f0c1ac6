/** One attempt to run a job at a server: a coroutine that has it run there and waits for its end. */
import type { Coro } from "../../coroutine/coro.ts";
import type { MonitorException, Outcome } from "../../coroutine/errors.ts";
import { PeerLostError, PermissionError } from "../../distributed/errors.ts";
import { Timer } from "../../fiber/timer.ts";
import { DEFAULT_PRIORITY } from "../../coroutine/spawn_options.ts";
import type { Assigned, ClusterServer } from "../nodes/server.ts";
import type { JobCall } from "../protocol.ts";
import type { Job } from "./job.ts";

/** How an attempt has ended: as the coroutine did; or lost; or the server has not begun it. */
export type AttemptEnd = Outcome | { readonly kind: "not begun"; readonly isClosing: boolean };

/** What manages attempts. */
export interface AttemptOwner {
  /** The coroutine of the job was created. */
  created(attempt: Attempt, coro: Coro): void;
  /** It has ended. `value` is what the coroutine has returned, or the last value of one that was terminated. */
  ended(attempt: Attempt, end: AttemptEnd, value: unknown): void;
  /** Whether the coroutines of all jobs are wanted here. */
  readonly wantsCoros: boolean;
}

/** A server, with the attempts that are there. */
export type JobServer = ClusterServer<Attempt>;

/** See the head of this file. */
export class Attempt implements Assigned {
  readonly id: number;
  readonly job: Job;
  readonly server: JobServer;
  /** When it has begun, as far as is known here, by the scheduler's clock. */
  startedAt: number;
  /** Whether the job goes on without it: its end does not matter. */
  isSuperseded = false;
  /** Whether the server was asked to give it back. */
  isAskedBack = false;
  /** The coroutine of the job, if it is wanted. */
  coro: Coro | null = null;
  readonly #owner: AttemptOwner;
  #timer: Timer | null = null;

  constructor(id: number, job: Job, server: JobServer, owner: AttemptOwner) {
    this.id = id;
    this.job = job;
    this.server = server;
    this.#owner = owner;
    this.startedAt = server.loop.now();
  }

  get isExclusive(): boolean {
    return this.job.options.exclusive;
  }

  /** Begins. */
  begin(): void {
    // deno-lint-ignore no-this-alias
    const attempt = this;
    this.server.loop.scheduler.spawnWith({ daemon: true }, function* attempt_to_run(coro) {
      yield* attempt.#run(coro);
    });
  }

  /** Calls back after so many seconds, unless it ends or the time is set anew. */
  setTimer(seconds: number, late: () => void): void {
    this.#timer?.cancel();
    this.#timer = seconds < Infinity ? new Timer(this.server.loop, DEFAULT_PRIORITY, seconds, late) : null;
  }

  *#run(self: Coro): Generator<unknown, void, unknown> {
    const { job, server } = this;
    const { name, target, args, exclusive, isHandle } = job.options;
    const isHandleWanted = isHandle || this.#owner.wantsCoros;
    const call: JobCall = { id: this.id, name, target, args, exclusive, isHandleWanted };
    let end: AttemptEnd;
    let value: unknown;
    try {
      if (isHandleWanted) {
        this.coro = yield* server.jobs!.run(call);
        this.#owner.created(this, this.coro);
        yield* self.monitor(this.coro);
        end = (yield* self.receive<MonitorException>()).outcome;
        if (end.kind === "terminate") value = yield* this.coro.finish();
      } else {
        end = yield* server.jobs!.outcome(call);
      }
      if (end.kind === "return") value = end.value;
    } catch (error) {
      end = failureOf(error);
    }
    this.#timer?.cancel();
    this.#owner.ended(this, end, value);
  }
}

/** What it means that the coroutine of a job was not created. */
function failureOf(error: unknown): AttemptEnd {
  if (error instanceof PeerLostError) return { kind: "lost", error };
  // The server does not take jobs any more.
  if (error instanceof PermissionError) return { kind: "not begun", isClosing: true };
  return { kind: "throw", error };
}
