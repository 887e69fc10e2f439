import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { HOUR_MS, openArtefactStore, unixMillis } from "@ballast/data";
import { afterAll } from "vitest";
import { chooseBackend } from "../src/backend.ts";
import { type Dataset, toDataset } from "../src/dataset.ts";
import { datasetBytes } from "../src/jobs/dataset-bytes.ts";
import type { Trial } from "../src/jobs/trial.ts";
import { clean, SMALL_CONFIG, START, syntheticRaw } from "../src/markets.fixture.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "ballast-trials-"));
  folders.push(folder);
  return folder;
}

const HOURS = 2600;
export const market = clean(await syntheticRaw(11, HOURS, ["BTC", "ETH"]));
export const until = unixMillis(START + HOURS * HOUR_MS);
export const dataset: Dataset = await toDataset(market, { until, maxRows: SMALL_CONFIG.maxRows });

/** Configurations that differ in what they learn, with one seed, on a data set stored in `artefacts`. */
export async function newTrials(artefacts: string, count: number, epochs = 2): Promise<Trial[]> {
  const { name, version } = await chooseBackend("wasm", () => {});
  const store = await openArtefactStore(artefacts);
  const root = await store.put(datasetBytes(dataset), "dataset");
  store.close();
  return Array.from({ length: count }, (_, i) => ({
    dataset: root,
    config: { ...SMALL_CONFIG, members: 1, learningRate: 0.001 * (i + 1) },
    seed: 5,
    epochs,
    backend: `${name} ${version}`,
  }));
}
