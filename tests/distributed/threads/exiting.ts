/** The module of a thread that ends in its top level. */
import process from "node:process";

process.exit(7);
