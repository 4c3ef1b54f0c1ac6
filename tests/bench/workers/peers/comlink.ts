/** The worker for comlink. */
import { bounce, compute, empty } from "./tasks.ts";

const { expose, transfer } = await import(`npm:${"comlink@4.4.2"}`);
expose({ empty, compute, bounce: (buffer: ArrayBuffer) => transfer(bounce(buffer), [buffer]) });
