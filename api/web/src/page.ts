import type { Run } from "./api.ts";
import type { Child } from "./dom.ts";

/** What a page may know of its surroundings. */
export interface Context {
  /** The run that was chosen; undefined where there is none yet. */
  readonly run: string | undefined;
  readonly runs: readonly Run[];
  /** What follows the page's name in the address, and its query. */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** What the reader chose on a page; setting one shows the page anew. */
  readonly choices: { get(name: string): string | undefined; set(name: string, value: string): void };
  /** Reads the page's data again after so many ms, unless the reader has left it. */
  readonly again: (ms: number) => void;
  /** Says something to screen readers. */
  readonly announce: (text: string) => void;
}

/** `view` is shown again where `load` comes to read something new. */
export interface Page<T> {
  readonly title: string;
  load(context: Context): Promise<T>;
  view(data: T, context: Context): Child;
}
