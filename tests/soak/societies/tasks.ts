/**
 * asyncio, in a loop of its own: items survive cancellations, task groups end completely, and each task settles once.
 */
import {
  CancelledError,
  type EventLoop,
  gather,
  newEventLoop,
  Queue,
  Semaphore,
  sleep,
  type Task,
  taskGroup,
  timeout,
  TimeoutError,
} from "@asyncoro/asyncoro/asyncio";
import type { Society } from "../society.ts";
import { text, Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

class TaskSociety {
  readonly #world: World;
  readonly #loop: EventLoop;
  readonly #queue: Queue<number> = new Queue(5);
  readonly #permits = new Semaphore(3);
  readonly #workers: Set<Task<void>> = new Set();
  readonly #got: Set<number> = new Set();
  #inside = 0;
  #put = 0;
  // Items whose put was cancelled: they may be in the queue or not.
  readonly #doubtful: Set<number> = new Set();

  constructor(world: World, loop: EventLoop) {
    this.#world = world;
    this.#loop = loop;
  }

  *run(): Body {
    const others = [1, 2, 3].map(() => this.#loop.createTask(this.#group()));
    const producers = [1, 2].map(() => this.#loop.createTask(this.#produce()));
    for (let i = 0; i < 4; i++) this.#hire();
    yield* this.#fire();
    for (const task of [...others, ...producers]) yield* task;
    yield* this.#queue.join();
    this.#queue.shutdown();
    for (const worker of this.#workers) yield* worker;
    this.#close();
  }

  *#produce(): Body {
    while (!this.#world.over) {
      yield* sleep(this.#world.seconds(1));
      const item = this.#put++;
      try {
        // In time, or not at all.
        yield* timeout(this.#world.seconds(2), this.#putting(item));
        this.#world.done("task: put", item);
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        this.#doubtful.add(item);
      }
    }
  }

  #putting(item: number): () => Body {
    const queue = this.#queue;
    return function* (): Body {
      yield* queue.put(item);
    };
  }

  #hire(): void {
    const worker = this.#loop.createTask(this.#work());
    this.#workers.add(worker);
    let settled = 0;
    worker.addDoneCallback((task) => {
      this.#world.check(++settled === 1 && task === worker, "A task settles once", () => String(task));
    });
  }

  *#work(): Body {
    for (;;) {
      let item: number;
      try {
        item = yield* this.#queue.get();
      } catch (error) {
        if (error instanceof Error && error.name === "QueueShutDown") return;
        throw error;
      }
      this.#world.check(!this.#got.has(item), "An item is got once", () => String(item));
      this.#got.add(item);
      this.#queue.taskDone();
      this.#world.done("task: got", item);
      yield* this.#enter();
    }
  }

  *#enter(): Body {
    using _ = yield* this.#permits.hold();
    this.#inside++;
    try {
      this.#world.check(this.#inside <= 3, "No permit is made", () => `${this.#inside} of 3`);
      yield* sleep(this.#world.seconds(1) / 2);
    } finally {
      this.#inside--;
    }
  }

  /** Cancels workers at any moment, and starts others. */
  *#fire(): Body {
    while (!this.#world.over) {
      yield* sleep(this.#world.seconds(1));
      const worker = this.#world.random.pick([...this.#workers]);
      this.#workers.delete(worker);
      worker.cancel();
      const [outcome] = yield* gather([worker], { returnExceptions: true });
      const right = worker.cancelled() && outcome instanceof CancelledError;
      this.#world.check(right, "A cancelled task is cancelled", () => `${worker}: ${String(outcome)}`);
      this.#world.done("task: cancelled");
      this.#hire();
    }
  }

  /** Task groups, some of which fail: all tasks of a group have ended when it has. */
  *#group(): Body {
    const world = this.#world;
    while (!world.over) {
      const size = world.random.from(1, 4);
      const fails = world.random.chance(0.3);
      let ended = 0;
      const member = function* (fail: boolean): Body {
        try {
          yield* sleep(world.seconds(1));
          if (fail) throw new Thrown("a member");
        } finally {
          ended++;
        }
      };
      try {
        yield* taskGroup(function* (group) {
          for (let i = 0; i < size; i++) group.createTask(member(fails && i === 0));
          yield* sleep(0);
        });
        world.check(!fails, "A group fails if a member does", () => `${size} members`);
      } catch (error) {
        const right = fails && error instanceof AggregateError && error.errors.every((each) => each instanceof Thrown);
        world.check(right, "A group fails if a member does", () => text(error));
      }
      world.check(ended === size, "All tasks of a group end with it", () => `${ended} of ${size}`);
      world.done("task: group", size);
    }
  }

  #close(): void {
    const world = this.#world;
    for (let item = 0; item < this.#put; item++) {
      const holds = this.#got.has(item) || this.#doubtful.has(item);
      world.check(holds, "No item is lost", () => String(item));
    }
    const { value, waiters } = this.#permits.statistics();
    world.check(value === 3 && waiters === 0, "No permit is lost", () => `${value} of 3, ${waiters} waiting`);
  }
}

/** See the head of this file. */
export const tasks: Society = {
  name: "tasks",
  async run(world: World): Promise<void> {
    const loop = newEventLoop({ clock: world.clock ?? undefined, name: world.newName("loop") });
    loop.setExceptionHandler((_loop, context) =>
      world.violate("No error goes unseen", text(context.exception ?? context.message))
    );
    try {
      await loop.runUntilComplete(new TaskSociety(world, loop).run());
    } finally {
      loop.close();
    }
  },
};
