export * from "./journal.ts";
export {
  JournalCorruptError,
  JournalFullError,
  JournalLockedError,
  JournalMissingError,
  JournalNewerError,
  JournalUnusableError,
} from "./journal-file.ts";
export { openJournal } from "./journal-sqlite.ts";
export * from "./outcome.ts";
export * from "./types.ts";
