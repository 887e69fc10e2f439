import { figure, percent } from "./format.ts";

/** Why, in a sentence, by the decision's reason. One that is not here speaks for itself. */
const REASONS: Readonly<Record<string, string>> = {
  "inside-band": "every weight is inside its band",
  breach: "a weight had left its band",
  "breach-forecast": "a weight was too likely to leave its band",
  "cheaper-later": "gas should be cheaper soon, and there is time",
  "no-forecast": "there was no forecast to go by",
  "stale-data": "the market data were too old",
  paused: "the vault is paused",
  cooldown: "the vault's cooldown had not passed",
  "too-small": "the trades would have been too small",
  "no-pool": "there was no pool to trade in",
  "trading-halted": "the vault allowed no trading",
  "no-network": "the vault has no breach network",
  "model-inactive": "the vault's model is not active",
  "score-too-low": "the vault's own network scored the danger too low",
  "too-few-notaries": "too few notaries signed the market",
  "trigger-crossed": "a weight was beyond the policy's trigger",
  "inside-trigger": "no weight was beyond the policy's trigger",
  "trigger-widened": "the trigger was widened, as waiting seemed better",
  "no-history": "there was too little history",
  "calendar-due": "the policy's hour had come",
  "not-due": "the policy's hour had not come",
  "no-trade-edge": "a weight had left its no-trade region",
  "floor-near": "the cushion above the floor had shrunk",
  "cushion-grown": "the cushion above the floor had grown",
  "inside-tolerance": "the exposure was near enough to the wanted one",
  "away-from-target": "a trade would have led away from its target",
  "worth-its-cost": "acting was worth its cost",
  "gas-is-cheap": "gas was cheap enough to act early",
  "gas-above-cap": "gas was dearer than acting was worth",
};
export const reasonText = (reason: string): string => REASONS[reason] ?? reason.replaceAll("-", " ");

export const STAGES: Readonly<Record<string, string>> = {
  decided: "decided",
  signed: "signed",
  attested: "attested on chain",
  submitted: "sent",
  executed: "executed",
  rejected: "refused by the vault",
  abandoned: "abandoned",
};

const bps = (value: number) => `${figure(value)} bp`;
const times = (value: number) => `${figure(value)} ×`;
const share = (value: number) => percent(value, 2);
const yesNo = (value: number) => (value === 0 ? "no" : "yes");
const seconds = (value: number) => `${figure(value)} s`;
const gwei = (value: number) => `${figure(value)} gwei`;

/** What each of a decision's numbers is, and how it is written. */
const NUMBERS: Readonly<Record<string, readonly [words: string, write: (value: number) => string]>> = {
  breachProbability: ["Probability that a weight leaves its band within the policy's horizon", share],
  actingFeesBps: ["Pool fees of trading now", bps],
  actingGasBps: ["Gas of trading now", bps],
  waitingGasBps: ["The same gas at the lowest base fee expected within a day", bps],
  waitingTrackingErrorBps24h: ["Tracking error over a day if nothing is traded", bps],
  actingTrackingErrorBps24h: ["Tracking error over a day after trading now", bps],
  waitingRiskBps24h: ["What a day's waiting costs at the policy's risk aversion", bps],
  gasOverMedian: ["Base fee over its past week's median", times],
  gasOverUsual: ["Base fee over its past week's median", times],
  gasOverLowestAhead: ["Base fee over the lowest expected while there is time to wait", times],
  gasSavedByWaiting: ["Gas saved by waiting for the cheapest hour", share],
  gasGwei: ["Gas price now", gwei],
  usualGasGwei: ["Usual gas price", gwei],
  highestGasGwei: ["Dearest gas at which the policy acts", gwei],
  volatilityOverUsual: ["Forecast volatility over the usual one", times],
  score: ["Score of the vault's own network (1024 is a factor of two in variance)", figure],
  minScore: ["Score from which the vault lets a trade go ahead of a breach", figure],
  notariesWanted: ["Notaries that must sign the market", figure],
  turnover: ["Share of the vault that is sold", share],
  shareOfWantedTrades: ["Share of the wanted trades that the vault's limits allow", share],
  feesBps: ["Pool fees of the planned trades", bps],
  tradesAwayFromTarget: ["Trades that would lead away from their target", figure],
  cooldownLeftSeconds: ["Cooldown left", seconds],
  dataAgeSeconds: ["Age of the market data", seconds],
  hasForecast: ["Was there a forecast", yesNo],
  hasHistory: ["Was there enough history", yesNo],
  triggerFactor: ["Trigger over its fixed width", times],
  widestDeviation: ["Largest distance of a weight from its target", share],
  narrowestTrigger: ["Narrowest trigger", share],
  widthsAway: ["Distance from target, in widths of the no-trade region", times],
  width: ["Width of the no-trade region", figure],
  assetsTraded: ["Assets to be traded", figure],
  exposure: ["Share in risky assets", share],
  wantedExposure: ["Wanted share in risky assets", share],
  value: ["Value of the vault", figure],
  peak: ["Highest value so far", figure],
  floor: ["Floor", figure],
  cushion: ["Value above the floor", figure],
  fallToFloor: ["Fall of the risky assets that would reach the floor", share],
  gapRisk24h: ["Probability of falling through the floor within a day", share],
};

/** `someNumberBps` as `some number bps`. */
const spelt = (name: string) =>
  name.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/^./, (c) => c.toUpperCase());

/** A number of a decision in words, and as it is written; null where it was not finite. */
export function numberWords(name: string, value: number | null): readonly [string, string] {
  const within = /^breachProbability(\d+)h$/.exec(name);
  if (within !== null)
    return [
      `Probability that a weight leaves its band within ${within[1]} h`,
      value === null ? "–" : share(value),
    ];
  const [words, write] = NUMBERS[name] ?? [spelt(name), figure];
  return [words, value === null ? "without bound" : write(value)];
}
