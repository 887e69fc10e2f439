import { readFileSync } from "node:fs";

/** Style of every page that Ballast writes; light and dark, screen and print. */
export const PAGE_STYLE: string = readFileSync(new URL("./page.css", import.meta.url), "utf8");
