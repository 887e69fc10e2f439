import { OfflineError, ProblemError, readFile } from "./api.ts";
import { h } from "./dom.ts";
import { apiKey } from "./key.ts";

/**
 * A link to a file of the service. Without a key it is a link like any other; a browser sends no key along, so that with
 * one the file is read here and saved under its name.
 * @param opens whether the plain link shows the file in place of saving it
 */
export function fileLink(path: string, name: string, text: string, opens = false): HTMLElement {
  const link = h("a", { href: path, download: opens ? undefined : name, click: follow }, text);
  const state = h("span", { class: "file-state", role: "status" });
  let isBusy = false;

  async function follow(event: Event): Promise<void> {
    if (apiKey() === "") return;
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    state.className = "file-state";
    state.textContent = "Reading…";
    try {
      save(await readFile(path), name);
      state.textContent = `Saved as ${name}.`;
    } catch (error) {
      state.classList.add("bad");
      state.textContent = `Not saved. ${toRemedy(error)}`;
    }
    isBusy = false;
  }
  return h("p", {}, link, " ", state);
}

function toRemedy(error: unknown): string {
  if (error instanceof OfflineError) return `${error.message} Try again once it does.`;
  if (error instanceof ProblemError && (error.status === 401 || error.status === 403))
    return `${error.message} Reload this page to give another key.`;
  return `${error instanceof Error ? error.message : error} Try again.`;
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  h("a", { href: url, download: name }).click();
  // The browser begins to read it only after this turn.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
