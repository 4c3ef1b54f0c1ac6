/**
 * An event loop in virtual time, that notes what happens and what reaches its exception handler.
 */
import {
  allTasks,
  type Coroutine,
  type EventLoop,
  type EventLoopOptions,
  type ExceptionContext,
  newEventLoop,
} from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";

/** What a test works with. */
export class LoopLab {
  readonly clock = new VirtualClock();
  readonly loop: EventLoop;
  /** What happened, in order. */
  readonly log: unknown[] = [];
  /** What reached the exception handler. */
  readonly contexts: ExceptionContext[] = [];

  constructor(options: EventLoopOptions = {}) {
    this.loop = newEventLoop({ clock: this.clock, ...options });
    this.loop.setExceptionHandler((_loop, context) => this.contexts.push(context));
  }

  /** Notes an event. */
  note(event: unknown): void {
    this.log.push(event);
  }

  /** A callback that notes an event. */
  noting(event: unknown): () => void {
    return () => this.note(event);
  }

  /** Notes an event with the time. */
  at(event: string): void {
    this.log.push(`${Math.round(this.clock.now() * 1e6) / 1e6} ${event}`);
  }

  /** The log so far, which starts afresh. */
  takeLog(): unknown[] {
    return this.log.splice(0);
  }

  /** What reached the exception handler, which counts as expected from now on. */
  takeContexts(): ExceptionContext[] {
    return this.contexts.splice(0);
  }

  /** Runs a coroutine to its end. */
  run<T>(main: Coroutine<T>): Promise<T> {
    return this.loop.runUntilComplete(main);
  }

  /** Lets the loop run what is ready, and what that makes ready, for a number of iterations. */
  async iterate(iterations = 1): Promise<void> {
    for (let i = 0; i < iterations; i++) {
      this.loop.stop();
      await this.loop.runForever();
    }
  }
}

/** Runs a test in a lab; afterwards no task may be pending, and nothing may have reached the exception handler. */
export async function inLoop(
  test: (lab: LoopLab) => Promise<void> | void,
  options: EventLoopOptions = {},
): Promise<void> {
  const lab = new LoopLab(options);
  try {
    await test(lab);
    assertEquals([...allTasks(lab.loop)].map(String), [], "tasks are left");
  } finally {
    if (!lab.loop.isRunning()) lab.loop.close();
  }
  assertEquals(lab.takeContexts(), []);
  const { timers, hostOperations } = lab.loop.scheduler.stats();
  assertEquals({ timers, hostOperations }, { timers: 0, hostOperations: 0 });
}

/** Runs a coroutine as the main one of a test in a lab. */
export function loopTest(
  name: string,
  main: (lab: LoopLab) => Generator<unknown, void, unknown>,
  options: EventLoopOptions = {},
): void {
  Deno.test(name, () => inLoop((lab) => lab.run(main(lab)), options));
}
