import type { Body } from "../base/generator.ts";
import type { Operation } from "./operation.ts";

/** A suspended caller, and the operation that called (`null` for a plain `yield generator`). */
export interface Frame {
  readonly body: Body;
  readonly via: Operation<unknown> | null;
}
