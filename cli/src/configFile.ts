import { readFileSync } from "node:fs";
import { BadConfigError } from "@ballast/training";

/** The text of a file of settings. Error: BadConfigError where it cannot be read. */
export function readConfigText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BadConfigError(path, "", `cannot be read (${code}). Give --config a file of YAML.`);
  }
}
