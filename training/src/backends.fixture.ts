import type { Backend } from "@ballast/model";
import { type BackendName, chooseBackend } from "./backend.ts";

/** Those of the named backends that start on this machine; prints which, and why the others do not. */
export async function availableBackends(
  what: string,
  names: readonly BackendName[] = ["wasm", "cpu", "tfjs-node"],
): Promise<Backend[]> {
  const available: Backend[] = [];
  const absent: string[] = [];
  for (const name of names) {
    const backend = await chooseBackend(name, () => {});
    if (backend.name === name) available.push(backend);
    else absent.push(backend.reason);
  }
  const present = available.map(({ name, version }) => `${name} ${version}`).join(", ");
  console.log(`${what} is tested on ${[present || "none", ...absent].join("; ")}`);
  return available;
}
