import { randomUUID } from "node:crypto";
import { appendAudit, createKey, readKeys, revokeKey, type Scope, toSettings } from "@ballast/api";
import type { Terminal } from "./terminal.ts";

interface KeyFiles {
  readonly keys?: string;
  readonly audit?: string;
}

/** Of the API's settings those two that say where keys and their audit log are. */
const filesOf = ({ keys, audit }: KeyFiles) => toSettings({ keys, audit }, process.env);

/** In the audit log before it is done; what cannot be recorded is not done. */
function record(path: string, action: string, facts: Record<string, string>): string {
  const at = new Date().toISOString();
  appendAudit(path, { at, requestId: randomUUID(), action, ...facts });
  return at;
}

export async function runCreateKey(
  { name, scope, ...files }: KeyFiles & { readonly name: string; readonly scope: Scope },
  terminal: Terminal,
): Promise<void> {
  const { keys, audit } = filesOf(files);
  const at = record(audit, "keys create", { name, scope });
  const { key, record: made } = await createKey(keys, { name, scope, at });
  terminal.say(`Key ${made.id}, scope ${scope}, in ${keys}. It is shown this once:`);
  terminal.result(key);
}

export async function runListKeys(files: KeyFiles, terminal: Terminal): Promise<void> {
  for (const { sha256: _, ...shown } of readKeys(filesOf(files).keys)) terminal.result(JSON.stringify(shown));
}

export async function runRevokeKey(id: string, files: KeyFiles, terminal: Terminal): Promise<void> {
  const { keys, audit } = filesOf(files);
  const { name, revokedAt } = await revokeKey(keys, id, record(audit, "keys revoke", { keyId: id }));
  terminal.say(`Key ${id} of ${name} is revoked since ${revokedAt}.`);
}
