/** The worker for piscina and tinypool. */
export { bounce, compute, empty } from "./tasks.ts";
