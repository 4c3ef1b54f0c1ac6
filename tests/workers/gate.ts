/** A gate in shared memory, at which tasks wait until the test opens it. */
export interface Gate {
  /** The argument for {@linkcode atGate}. */
  readonly gate: Int32Array;
  open(): void;
}

/** A task that blocks its worker until the gate is open. */
export const atGate = (gate: Int32Array): void => void Atomics.wait(gate, 0, 0);

/** A closed gate. */
export function newGate(): Gate {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  return {
    gate,
    open(): void {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    },
  };
}
