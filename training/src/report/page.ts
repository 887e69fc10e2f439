import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** Style of every page that Ballast writes; light and dark, screen and print. */
export const PAGE_STYLE: string = read("./page.css");

/** Script of pages with charts to read values from. Pages are whole without it. */
export const PAGE_SCRIPT: string = read("./page.browser.js");

/** Content security policy of a page with that script: nothing is fetched and no other runs, whatever a name in the data holds. */
export const PAGE_POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash("sha256").update(PAGE_SCRIPT).digest("base64")}'; base-uri 'none'; form-action 'none'`;

/** Shapes of marks, which `timeChart` refers to; once in a page. */
export const MARK_SHAPES = `<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>
<g id="ahead"><circle r="5" fill="currentColor" stroke="var(--surface)" stroke-width="1.5"/></g>
<g id="after"><path d="M0-6L6 5H-6Z" fill="var(--surface)" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/></g>
<g id="refused"><path d="M-4-4L4 4M4-4L-4 4" stroke="currentColor" stroke-width="2.5" stroke-linecap="round"/></g>
</defs></svg>`;
