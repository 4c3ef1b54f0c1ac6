/**
 * The streams and the subjects of a store of jobs. All start with the prefix:
 *
 *     <prefix>.job.<queue>.<id>       a job, until it is settled: stream <prefix>_jobs, one consumer a queue
 *     <prefix>.state.<queue>.<id>     how it was settled: stream <prefix>_states, the last message of the subject
 *     <prefix>.dead.<queue>.<id>      the jobs that were given up at some time, in the same stream, without contents
 *     <prefix>.changed.<queue>.<id>   what the server publishes when a state is stored
 *     <prefix>.pull.<id>              where jobs are sent to that were asked for
 */
import { describe } from "../base/describe.ts";
import { newId } from "./subjects.ts";

/** Such a string has no UTF-8 form. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The characters of a queue's name and of an id in a subject. The server has limits for both. */
const LONGEST_QUEUE = 200;
const LONGEST_ID = 1000;

/** See the head of this file. */
export class JobSubjects {
  readonly #prefix: string;
  /** The name of the stream of jobs. */
  readonly jobs: string;
  /** The name of the stream of states. */
  readonly states: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    const name = prefix.replaceAll(".", "_");
    this.jobs = `${name}_jobs`;
    this.states = `${name}_states`;
  }

  job(queue: string, id: string): string {
    return `${this.#prefix}.job.${queue}.${id}`;
  }

  state(queue: string, id: string): string {
    return `${this.#prefix}.state.${queue}.${id}`;
  }

  dead(queue: string, id: string): string {
    return `${this.#prefix}.dead.${queue}.${id}`;
  }

  changed(queue: string, id: string): string {
    return `${this.#prefix}.changed.${queue}.${id}`;
  }

  newPull(): string {
    return `${this.#prefix}.pull.${newId()}`;
  }
}

/**
 * Writes a text as a part of a subject: letters, digits and `-` stand for themselves, all other bytes are `_` and two
 * hexadecimal digits.
 */
export function toToken(text: string): string {
  let token = "";
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    token += /[A-Za-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, "0")}`;
  }
  return token;
}

/** The text that was written as this part of a subject. */
export function fromToken(token: string): string {
  const bytes = [...token.matchAll(/_(..)|./g)].map(([character, hex]) =>
    hex === undefined ? character.charCodeAt(0) : parseInt(hex, 16)
  );
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/**
 * Writes the name of a queue as a part of a subject.
 *
 * @throws {TypeError} If it is no text, or empty.
 * @throws {RangeError} If it is too long.
 */
export function queueToken(queue: unknown, action: string): string {
  return checkedToken(queue, "queue", LONGEST_QUEUE, action);
}

/** The same for an id. */
export function idToken(id: unknown, action: string): string {
  return checkedToken(id, "id", LONGEST_ID, action);
}

function checkedToken(text: unknown, name: string, longest: number, action: string): string {
  if (typeof text !== "string" || text === "" || LONE_SURROGATE.test(text)) {
    throw new TypeError(
      `Cannot ${action} as '${name}' must be a text that is not empty: current value is ${describe(text)}`,
    );
  }
  const token = toToken(text);
  if (token.length <= longest) return token;
  throw new RangeError(
    `Cannot ${action} as '${name}' has at most ${longest} bytes, where others than letters, digits and "-" count ` +
      `three times: current value has ${token.length}`,
  );
}
