import { type Market, type RawMarket, syntheticSource, toMarket, unixMillis } from "@ballast/data";
import { DEFAULT_TRAIN_CONFIG, type TrainConfig } from "./train.ts";

export const START = unixMillis(Date.UTC(2021, 0, 1));
const NOW = unixMillis(Date.UTC(2026, 0, 1));

/** The raw seeded synthetic market, for tests that edit it. */
export const syntheticRaw = (seed: number, hours: number, assets: readonly string[]): Promise<RawMarket> =>
  syntheticSource({ seed, hours, start: START, assets }).load({});

export const clean = (raw: RawMarket): Market => toMarket(raw, { now: NOW, allowOneAsset: true }).market;

/** A training small enough for a unit test. */
export const SMALL_CONFIG: TrainConfig = {
  ...DEFAULT_TRAIN_CONFIG,
  maxRows: 2000,
  hidden: [6],
  batchRows: 256,
  maxEpochs: 3,
  folds: 2,
  calibrationTimes: 60,
};
