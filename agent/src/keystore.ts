import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { BallastError, type Hex } from "@ballast/data";
import { encryptKeystoreJson, isKeystoreJson, Wallet } from "ethers";

/** What an unlocked keystore gives. */
export interface UnlockedKey {
  readonly wallet: Wallet;
  readonly address: Hex;
  /** Statements the user should read once, e.g. that others on this machine can read the file. */
  readonly warnings: readonly string[];
}

export class KeystoreMissingError extends BallastError {
  readonly code = "KEYSTORE_MISSING";
  readonly path: string;
  constructor(path: string) {
    super(`there is no keystore at ${path}; create one, or give the path of yours`);
    this.path = path;
  }
}

export class KeystoreExistsError extends BallastError {
  readonly code = "KEYSTORE_EXISTS";
  readonly path: string;
  constructor(path: string) {
    super(`${path} exists already and may hold a key; choose another path`);
    this.path = path;
  }
}

export class KeystoreUnreadableError extends BallastError {
  readonly code = "KEYSTORE_UNREADABLE";
  readonly path: string;
  readonly reason: string;
  constructor(path: string, reason: string) {
    super(`the keystore ${path} cannot be used: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

export class WrongPasswordError extends BallastError {
  readonly code = "WRONG_PASSWORD";
  readonly path: string;
  constructor(path: string) {
    super(
      `the password does not open the keystore ${path}; type it again, and mind a trailing space or newline`,
    );
    this.path = path;
  }
}

export class EmptyPasswordError extends BallastError {
  readonly code = "EMPTY_PASSWORD";
  constructor() {
    super("the password is empty, and the keystore would protect nothing; choose one");
  }
}

export class InvalidKeyError extends BallastError {
  readonly code = "INVALID_KEY";
  constructor() {
    super("this is no private key; give 32 bytes as 0x-hexadecimal");
  }
}

const errorCode = (error: unknown): string => String((error as { code?: unknown }).code);

const errorPath = (error: unknown): unknown => (error as { path?: unknown }).path;

/**
 * Opens an encrypted JSON keystore (Web3 Secret Storage, version 3, as geth and ethers write it). No message of
 * its errors holds the password or the key. Throws KeystoreMissingError, KeystoreUnreadableError or WrongPasswordError.
 */
export async function readKeystore(path: string, password: string): Promise<UnlockedKey> {
  let text: string;
  let mode: number;
  try {
    // One handle: the mode is that of the file which was read, whatever stands at the path by then.
    await using file = await open(path, "r");
    text = await file.readFile("utf8");
    mode = (await file.stat()).mode & 0o777;
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw new KeystoreMissingError(path);
    const reason = `${errorCode(error)}; give a file this user may read`;
    throw new KeystoreUnreadableError(path, reason);
  }
  if (!isKeystoreJson(text))
    throw new KeystoreUnreadableError(path, "it is no encrypted JSON keystore of version 3");
  let wallet: Wallet;
  try {
    const unlocked = await Wallet.fromEncryptedJson(text, password);
    wallet = new Wallet(unlocked.privateKey);
  } catch (error) {
    // The cause is dropped on purpose: nothing that came near the secret goes into a log.
    if (error instanceof Error && /incorrect password/.test(error.message))
      throw new WrongPasswordError(path);
    throw new KeystoreUnreadableError(path, "its contents are damaged; restore it from a backup");
  }
  const isExposed = process.platform !== "win32" && (mode & 0o077) !== 0;
  const warning = `others on this machine can read ${path} (mode ${mode.toString(8)}); run: chmod 600 ${path}`;
  return { wallet, address: wallet.address as Hex, warnings: isExposed ? [warning] : [] };
}

/**
 * Encrypts a key into a new file that only its owner can read; an existing file is never overwritten.
 * Throws KeystoreExistsError, EmptyPasswordError, InvalidKeyError or KeystoreUnreadableError.
 * @param scryptN Work factor of the password's derivation, a power of two; 131,072 where absent, as geth has it.
 */
export async function createKeystore(
  path: string,
  privateKey: Hex,
  password: string,
  scryptN = 131_072,
): Promise<Hex> {
  if (password === "") throw new EmptyPasswordError();
  let wallet: Wallet;
  try {
    wallet = new Wallet(privateKey);
  } catch {
    throw new InvalidKeyError();
  }
  const text = await encryptKeystoreJson(wallet, password, { scrypt: { N: scryptN, r: 8, p: 1 } });
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    if (errorCode(error) === "EEXIST" && errorPath(error) === path) throw new KeystoreExistsError(path);
    throw new KeystoreUnreadableError(path, `${errorCode(error)}; give a folder this user may write to`);
  }
  return wallet.address as Hex;
}
