/** The pool's side of the responses of a worker: reads them from the ring and from the port. */
import type { WorkerError } from "../errors.ts";
import { unseal } from "../remote/envelope.ts";
import { CODE, type ErrorNote, WORD } from "../remote/protocol.ts";
import { Ring } from "../remote/ring.ts";
import { unreadableError } from "./pool_errors.ts";
import { toWorkerError } from "./revive_error.ts";

/** Stands for a value that could not be read. */
export class Unreadable {
  readonly error: WorkerError;

  constructor(error: WorkerError) {
    this.error = error;
  }
}

/** See the head of this file. */
export class ResponseReader {
  /** The kind of the response that was read last. */
  code = 0;
  /** The id of its task. */
  id = 0;
  /** Its value: an {@linkcode Unreadable}, or a `WorkerError` if the code says that it is an error. */
  value: unknown = undefined;
  readonly #control: Int32Array;
  readonly #ring: Ring;
  readonly #receiveMessage: () => { message: unknown } | undefined;

  /** `receiveMessage` takes the next message from the port. */
  constructor(control: Int32Array, words: Int32Array, receiveMessage: () => { message: unknown } | undefined) {
    this.#control = control;
    this.#ring = new Ring(control, words, WORD.OUT_HEAD, WORD.OUT_TAIL);
    this.#receiveMessage = receiveMessage;
  }

  /** How many words were read so far (mod 2^32). */
  get position(): number {
    return this.#ring.at;
  }

  /** Whether there is a response. */
  filled(): boolean {
    return this.#ring.filled();
  }

  /** Reads a response. There must be one. */
  read(): void {
    const ring = this.#ring;
    const code = this.code = ring.take();
    this.id = ring.take();
    const isError = code === CODE.FAIL || code === CODE.UNREAD || code === CODE.CRASH;
    this.value = isError ? this.#readError() : ring.takeValue(this.#receive);
  }

  #readError(): WorkerError {
    const notes = this.#receive(this.#ring.take());
    return notes instanceof Unreadable ? notes.error : toWorkerError(notes as ErrorNote[]);
  }

  /** The value that travelled by port under this number. */
  readonly #receive = (number: number): unknown => {
    try {
      for (;;) {
        const content = unseal(this.#receiveMessage()!.message);
        if (content.has(number)) return content.get(number);
      }
    } catch (cause) {
      return new Unreadable(unreadableError(cause));
    }
  };

  /** Gives the worker the room back of the responses that were read. */
  release(): void {
    this.value = undefined;
    this.#ring.release();
    Atomics.notify(this.#control, WORD.OUT_TAIL);
  }
}
