/** The worker for workerpool. */
import { bounce, compute, empty } from "./tasks.ts";

const { default: workerpool } = await import(`npm:${"workerpool@9.3.3"}`);
workerpool.worker({ bounce, compute, empty });
