import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { HostWait } from "../../fiber/host_wait.ts";
import { WAITING } from "../../fiber/operation.ts";

/** Where the data of a reader comes from. */
export interface ReadSource {
  /** Reads on, unless a read is under way or everything was read. */
  readOn(): void;
  /** A coroutine waits for data: the read keeps the process alive, as far as the coroutine does. */
  awaitedBy(coro: Coro): void;
  /** No coroutine waits for data any more. */
  notAwaited(): void;
}

/** What a wait needs of its reader. */
interface Reader {
  readonly source: ReadSource | null;
  /** The wait has begun. */
  addWaiter(wait: DataWait): void;
  /** The wait is withdrawn. */
  removeWaiter(wait: DataWait): void;
}

/** Waits until a reader has a number of bytes. */
export class DataWait extends HostWait<void> {
  readonly label: string;
  readonly least: number;
  private readonly reader: Reader;

  constructor(reader: Reader, label: string, least: number) {
    super();
    this.label = label;
    this.least = least;
    this.reader = reader;
  }

  override get waitsFor(): string {
    return `data for ${this.reader}`;
  }

  override begin(fiber: Fiber): boolean {
    const { source } = this.reader;
    // A reader that is fed by hand does not wait for the host.
    if (source !== null) {
      this.count(fiber);
      source.awaitedBy(coroOf(fiber));
    }
    this.reader.addWaiter(this);
    return false;
  }

  override waiterChanged(): void {
    if (this.state === WAITING) this.reader.source?.awaitedBy(coroOf(this.fiber!));
  }

  override detach(): void {
    this.uncount();
    this.reader.removeWaiter(this);
  }
}
