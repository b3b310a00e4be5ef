/** `node --import ./bench/register_loader.mjs FILE.ts`: runs TypeScript as the package ships it, see `strip_loader.mjs`. */
import { register } from "node:module";

register("./strip_loader.mjs", import.meta.url);
