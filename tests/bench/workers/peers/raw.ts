/** The floor: a worker without a pool. */
import { bounce, compute, empty } from "./tasks.ts";

const TASKS: Readonly<Record<string, (value: never) => unknown>> = { bounce, compute, empty };

const scope = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown, transfer: Transferable[]): void;
};

scope.onmessage = ({ data: [id, what, value] }) => {
  const result = TASKS[what](value as never);
  scope.postMessage([id, result], result instanceof ArrayBuffer ? [result] : []);
};
