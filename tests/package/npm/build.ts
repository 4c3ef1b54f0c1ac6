/**
 * deno task npm
 *
 * Writes the npm form of the package into `npm/`, which git ignores: `npm publish ./npm` would send it.
 */
import { writePackage } from "./package.ts";

const folder = new URL("../../../npm/", import.meta.url);
const paths = await writePackage(folder);
console.log(`npm: ${paths.length} files in ${folder.pathname}`);
