/** `node --import ./bench/register_loader.mjs FILE.ts`: runs TypeScript as the package ships it, see the two loaders. */
import { register } from "node:module";

register("./strip_loader.mjs", import.meta.url);
register("./eager_loader.ts", import.meta.url);
