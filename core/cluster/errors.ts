/** The errors of a cluster. */
import { addErrorClass } from "../distributed/cbor/error_classes.ts";

/** A job was lost: its server or node was lost, or it took too long, each time that it was run. */
export class JobLostError extends Error {
  /** Always `"JobLostError"`. */
  override name = "JobLostError";
  /** How often it was run. */
  readonly attempts: number;

  /**
   * Creates the error.
   *
   * @param message What has happened.
   * @param attempts How often the job was run.
   */
  constructor(message: string, attempts: number) {
    super(message);
    this.attempts = attempts;
  }
}

/** The setup of a node or of a server has failed; `cause` is what it has thrown. */
export class SetupError extends Error {
  /** Always `"SetupError"`. */
  override name = "SetupError";
}

/** No server is, or will be, where a job is to run. */
export class NoServerError extends Error {
  /** Always `"NoServerError"`. */
  override name = "NoServerError";
}

for (const Class of [JobLostError, SetupError, NoServerError]) addErrorClass(Class);
