/** Promises that are rejected when nobody looks, and what the host says to that. */
import process from "node:process";
import { settle } from "./lab.ts";

/** The errors of promises that the host reports as unhandled while `body` runs and until all has settled. */
export async function unhandled(
  body: (later: (message: string) => Promise<never>) => Promise<void>,
): Promise<string[]> {
  const messages: string[] = [];
  const gates: (() => void)[] = [];
  const listener = (reason: unknown): void => {
    messages.push((reason as Error).message);
  };
  // A promise that is rejected when the body has ended.
  const later = (message: string): Promise<never> => {
    const { promise, reject } = Promise.withResolvers<never>();
    gates.push(() => reject(new Error(message)));
    return promise;
  };
  process.on("unhandledRejection", listener);
  try {
    await body(later);
    for (const reject of gates) reject();
    for (let i = 0; i < 5; i++) await settle();
  } finally {
    process.off("unhandledRejection", listener);
  }
  return messages;
}

/** A thenable that is no promise, around one. */
export function wrapped<T>(promise: Promise<T>): PromiseLike<T> {
  return { then: (onValue, onError) => promise.then(onValue, onError) };
}
