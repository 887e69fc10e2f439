import { readFileSync } from "node:fs";
import { readKeystore } from "@ballast/agent";
import { BallastError } from "@ballast/data";
import type { Wallet } from "ethers";
import type { Terminal } from "./terminal.ts";

export interface KeyOptions {
  readonly keystore: string;
  readonly passwordFile?: string | undefined;
}

export class PasswordMissingError extends BallastError {
  readonly code = "PASSWORD_MISSING";
}

/** Unlocks a keystore with the password of a file, or of the variable BALLAST_PASSWORD. */
export async function unlockKeystore(
  { keystore, passwordFile }: KeyOptions,
  terminal: Pick<Terminal, "say">,
): Promise<Wallet> {
  const password = passwordFile === undefined ? process.env.BALLAST_PASSWORD : readPassword(passwordFile);
  if (password === undefined)
    throw new PasswordMissingError(
      "The keystore's password is missing: set BALLAST_PASSWORD or give --password-file.",
    );
  const { wallet, warnings } = await readKeystore(keystore, password);
  for (const warning of warnings) terminal.say(warning);
  return wallet;
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new PasswordMissingError(
      `--password-file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); give a file this user may read.`,
    );
  }
}
