import { isoTime, unixMillis } from "@ballast/data";
import type { Checkpoint } from "./store.ts";

/** What a reader of the record must know, counted instead of repeated. */
export interface NoteBook {
  add(text: string, at: number): void;
  /** In the order of their first occurrence. */
  lines(): string[];
  entries(): Checkpoint["notes"];
}

export function openNotes(resumed: Checkpoint["notes"] = []): NoteBook {
  const notes = new Map(resumed);
  return {
    add(text, at) {
      const known = notes.get(text);
      notes.set(text, { count: (known?.count ?? 0) + 1, first: known?.first ?? at, last: at });
    },
    lines: () => toLines([...notes]),
    entries: () => [...notes],
  };
}

const toLines = (notes: Checkpoint["notes"]): string[] =>
  notes.map(([text, { count, first, last }]) => {
    const since = isoTime(unixMillis(first));
    return count === 1
      ? `${since}: ${text}`
      : `${since} to ${isoTime(unixMillis(last))}, ${count} times: ${text}`;
  });
