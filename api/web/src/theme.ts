import { h } from "./dom.ts";

const KEY = "ballast-theme";
const NEXT: Readonly<Record<string, string>> = { system: "light", light: "dark", dark: "system" };
const WORDS: Readonly<Record<string, string>> = { system: "as the system", light: "light", dark: "dark" };

/** A switch between the system's colours, light and dark; the choice is kept in this browser. */
export function themeSwitch(onChange: () => void): HTMLElement {
  let theme = read();
  const button = h("button", { type: "button", class: "theme", id: "theme" });
  const apply = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = { system: "◐", light: "☀", dark: "☾" }[theme] ?? "";
    button.setAttribute("aria-label", `Colours: ${WORDS[theme]}. Change`);
    button.title = `Colours: ${WORDS[theme]}`;
  };
  button.addEventListener("click", () => {
    theme = NEXT[theme] ?? "system";
    write(theme);
    apply();
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  apply();
  return button;
}

/** A browser may refuse to keep anything; then the choice lasts as long as the page. */
function read(): string {
  try {
    const kept = localStorage.getItem(KEY) ?? "system";
    return kept in NEXT ? kept : "system";
  } catch {
    return "system";
  }
}

function write(theme: string): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Kept nowhere, as `read` says.
  }
}
