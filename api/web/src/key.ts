const NAME = "ballast-key";
let key: string | undefined;

/** The reader's API key, kept until this tab is closed; empty where there is none. */
export function apiKey(): string {
  try {
    key ??= sessionStorage.getItem(NAME) ?? "";
  } catch {
    // A browser may refuse to keep anything; then the key lasts as long as the page.
  }
  return key ?? "";
}

export function setApiKey(value: string): void {
  key = value.trim();
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // Kept nowhere, as `apiKey` says.
  }
}
