/**
 * What is stored of a job:
 *
 *     job      f64 the sequence number of the state that it replaces, or 0; the bytes that were submitted
 *     state    u8 1, the result; or u8 2, u32 length of the reason, the reason, the bytes that were submitted
 *
 * Invariant: a job is to be done if and only if the last state of its id has the sequence number that the job replaces; 0
 * stands for no state. So a job that is still in its queue when it is settled, or that comes back into it when the server
 * was killed, is recognized. To revive a dead job is to store a job that replaces the dead state.
 */
import type { SettledJob } from "../cluster/durable/job_store.ts";

/** The bytes that are added to a job or a result at most: the longest reason and what the server needs. */
export const OVERHEAD = 16 * 1024;
const LONGEST_REASON = 8 * 1024;
const JOB_HEADER = 8;
const DONE = 1;
const DEAD = 2;
const DEAD_HEADER = 5;

/** A job as it is stored. */
export interface JobRecord {
  /** The sequence number of the state that it replaces; 0: none. */
  readonly replaces: number;
  /** The bytes that were submitted. */
  readonly job: Uint8Array;
}

/** A state as it is stored. */
export interface StateRecord {
  readonly settled: SettledJob;
  /** The bytes that were submitted, of a dead job. */
  readonly job: Uint8Array;
}

export function encodeJob({ replaces, job }: JobRecord): Uint8Array {
  const bytes = new Uint8Array(JOB_HEADER + job.length);
  new DataView(bytes.buffer).setFloat64(0, replaces);
  bytes.set(job, JOB_HEADER);
  return bytes;
}

/** Reads a job. The result has a copy. */
export function decodeJob(bytes: Uint8Array): JobRecord {
  return { replaces: viewOf(bytes).getFloat64(0), job: copyOf(bytes, JOB_HEADER) };
}

export function encodeDone(result: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + result.length);
  bytes[0] = DONE;
  bytes.set(result, 1);
  return bytes;
}

/** Writes a dead job. A reason that is too long is cut. */
export function encodeDead(reason: string, job: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(LONGEST_REASON);
  const text = buffer.subarray(0, new TextEncoder().encodeInto(reason, buffer).written);
  const bytes = new Uint8Array(DEAD_HEADER + text.length + job.length);
  bytes[0] = DEAD;
  new DataView(bytes.buffer).setUint32(1, text.length);
  bytes.set(text, DEAD_HEADER);
  bytes.set(job, DEAD_HEADER + text.length);
  return bytes;
}

/** Reads a state. The result has copies. */
export function decodeState(bytes: Uint8Array): StateRecord {
  if (bytes[0] === DONE) return { settled: { kind: "done", result: copyOf(bytes, 1) }, job: new Uint8Array(0) };
  const end = DEAD_HEADER + viewOf(bytes).getUint32(1);
  const reason = new TextDecoder().decode(bytes.subarray(DEAD_HEADER, end));
  return { settled: { kind: "dead", reason }, job: copyOf(bytes, end) };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The bytes may be those of a Node Buffer, whose `slice` copies nothing. */
function copyOf(bytes: Uint8Array, start: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start));
}
