import { assert } from "@std/assert";

/** Waits until a condition holds, and fails if that takes seconds. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert(holds());
}
