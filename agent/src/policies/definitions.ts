import { type Static, type TObject, Type } from "typebox";
import { define, number, type PolicyDefinition, whole } from "./definition.ts";
import { insuredPolicy } from "./insured.ts";
import { PolicyParameterError } from "./parameters.ts";
import { patientPolicy } from "./patient.ts";
import { PREDICTIVE_DEFAULTS, predictivePolicy } from "./predictive.ts";
import { type ReactiveParameters, RULES, reactivePolicy, type TriggerWidth } from "./reactive.ts";
import { FIXED_THRESHOLD } from "./trigger.ts";

const TRIGGER = {
  width: Type.Enum(["band", "absolute", "relative"], {
    default: "band",
    description:
      "band, absolute or relative: what size is a share of: the vault's band, one, or the target weight",
  }),
  size: number(
    1,
    { minimum: 0, maximum: 10 },
    "a number from 0 to 10: half-width of the trigger, in units of width",
  ),
  keep: number(
    0,
    { minimum: 0, maximum: 1 },
    "a number from 0 to 1: where a trade ends, as a share of the trigger; 0 is the target, 1 the edge",
  ),
};
const everyHours = (initial: number) =>
  whole(initial, 1, 8_760, "a whole number from 1 to 8760: hours between two looks, counted since 1970");
const gasPower = number(
  0.25,
  { minimum: 0, maximum: 2 },
  "a number from 0 to 2: the trigger is as many times wider as gas is dearer than usual, to this power",
);
const volatilityPower = (initial: number, of: string) =>
  number(
    initial,
    { minimum: -2, maximum: 2 },
    `a number from -2 to 2: the trigger is as many times wider as ${of} is above usual, to this power`,
  );

type Trigger = Static<TObject<typeof TRIGGER>>;

/** Refuses what overlaps zero whatever the targets: of two holdings one has a target of a half or less. */
function toRule(policy: string, { width, size, keep }: Trigger): ReactiveParameters {
  const least = width === "absolute" ? 0.5 : 1;
  if (width !== "band" && size >= least)
    throw new PolicyParameterError(
      policy,
      "size",
      size,
      `with width ${width} the trigger overlaps a weight of zero and is never crossed from above it; give less than ${least}`,
    );
  const of: TriggerWidth =
    width === "absolute" ? { kind: width, points: size } : { kind: width, share: size };
  return { width: of, keep, everyHours: 0, surface: FIXED_THRESHOLD };
}

export const DEFINITIONS: readonly PolicyDefinition[] = [
  define({
    name: "constant-mix",
    summary: "back to target at every look",
    source: "Perold & Sharpe 1988",
    forecast: "unused",
    parameters: {},
    build: () => reactivePolicy("constant-mix", RULES.constantMix, {}),
  }),
  define({
    name: "threshold",
    summary: "back towards target when a weight is beyond a fixed trigger",
    source: "Masters 2003; Leland 1999 for ending at the edge",
    forecast: "unused",
    parameters: TRIGGER,
    build: (parameters) => reactivePolicy("threshold", toRule("threshold", parameters), parameters),
  }),
  define({
    name: "calendar",
    summary: "back to target every so many hours",
    source: "Arnott & Lovell 1993",
    forecast: "unused",
    parameters: { everyHours: everyHours(168) },
    build: (parameters) => reactivePolicy("calendar", { ...RULES.calendar, ...parameters }, parameters),
  }),
  define({
    name: "calendar-threshold",
    summary: "looks every so many hours, and trades when a weight is then beyond its trigger",
    source: "Jaconetti, Kinniry & Zilbering 2010",
    forecast: "unused",
    parameters: { ...TRIGGER, everyHours: everyHours(24) },
    build: (parameters) =>
      reactivePolicy(
        "calendar-threshold",
        { ...toRule("calendar-threshold", parameters), everyHours: parameters.everyHours },
        parameters,
      ),
  }),
  define({
    name: "volatility-adjusted",
    summary: "a threshold whose trigger follows the volatility of the day past",
    source: "Masters 2003, whose trigger depends on volatility",
    forecast: "unused",
    parameters: { ...TRIGGER, volatilityPower: volatilityPower(0.5, "the volatility of the day past") },
    build: (parameters) =>
      reactivePolicy(
        "volatility-adjusted",
        {
          ...toRule("volatility-adjusted", parameters),
          surface: { ...FIXED_THRESHOLD, volatilityPower: parameters.volatilityPower },
          volatility: "trailing",
        },
        parameters,
      ),
  }),
  define({
    name: "gas-widened",
    summary: "a threshold whose trigger is wider while gas is dearer than its week's median",
    source: "Morton & Pliska 1995: the width grows with the fourth root of a fixed cost",
    forecast: "unused",
    parameters: { ...TRIGGER, gasPower },
    build: (parameters) =>
      reactivePolicy(
        "gas-widened",
        {
          ...toRule("gas-widened", parameters),
          surface: { ...FIXED_THRESHOLD, gasPower: parameters.gasPower },
        },
        parameters,
      ),
  }),
  define({
    name: "trigger-surface",
    summary: "a threshold whose trigger reads gas now, gas ahead and the forecast volatility",
    source: "this project; the fixed threshold is its special case",
    forecast: "optional",
    parameters: {
      ...TRIGGER,
      gasPower,
      gasFallWeight: number(
        -0.5,
        { minimum: -10, maximum: 10 },
        "a number from -10 to 10: below 0 the trigger widens where gas is expected to fall, by this power of the fall",
      ),
      volatilityPower: volatilityPower(0, "the forecast volatility"),
    },
    build({ gasPower, gasFallWeight, volatilityPower, ...trigger }) {
      const surface = { gasPower, gasFallWeight, volatilityPower };
      return reactivePolicy(
        "trigger-surface",
        { ...toRule("trigger-surface", trigger), surface },
        { ...trigger, ...surface },
      );
    },
  }),
  define({
    name: "no-trade",
    summary: "the optimal no-trade region for the pool's fee and the gas of a rebalance at its present price",
    source: "Leland 1999; Rogers 2004; Morton & Pliska 1995; Eastham & Hastings 1988",
    forecast: "unused",
    parameters: {
      riskAversion: number(
        2,
        { minimum: 0.01, maximum: 1_000 },
        "a number from 0.01 to 1000: relative risk aversion; the higher, the narrower the region",
      ),
      gasUnits: number(
        500_000,
        { minimum: 0, maximum: 1e8 },
        "a number from 0 to 100000000: units of gas of one rebalance, its attestation included",
      ),
    },
    build: (parameters) =>
      reactivePolicy(
        "no-trade",
        { ...RULES.threshold, width: { kind: "no-trade", ...parameters } },
        parameters,
      ),
  }),
  define({
    name: "cppi",
    summary: "portfolio insurance: holds a multiple of what the vault is worth above a floor",
    source: "Black & Jones 1987; Perold 1986; Estep & Kritzman 1988 for the ratchet",
    forecast: "optional",
    parameters: {
      multiplier: number(
        3,
        { exclusiveMinimum: 1, maximum: 100 },
        "a number above 1, at most 100: exposure per unit of cushion; a fall of 1/multiplier between two looks breaks the floor",
      ),
      floor: number(
        0,
        { minimum: 0, maximum: 1e15 },
        "a number from 0: value to be kept, in units of the base asset",
      ),
      ratchet: number(
        0.8,
        { minimum: 0, exclusiveMaximum: 1 },
        "a number from 0 to below 1: the floor follows this share of the highest value so far",
      ),
      most: number(
        1,
        { exclusiveMinimum: 0, maximum: 1 },
        "a number above 0, at most 1: largest share held in all but the base asset",
      ),
      peak: number(
        0,
        { minimum: 0, maximum: 1e15 },
        "a number from 0: highest value so far, in units of the base asset; it is carried on by itself",
      ),
      tolerance: number(
        0.02,
        { minimum: 0, maximum: 1 },
        "a number from 0 to 1: points of weight by which the exposure may be off",
      ),
    },
    build: insuredPolicy,
  }),
  define({
    name: "predictive",
    summary: "acts ahead of a breach that is forecast, and waits for cheaper gas while there is time",
    source: "this project; first passage of the forecast distribution",
    forecast: "optional",
    parameters: {
      horizonHours: number(
        PREDICTIVE_DEFAULTS.horizonHours,
        { exclusiveMinimum: 0, maximum: 8_760 },
        "a number above 0, at most 8760: hours it looks ahead",
      ),
      actAt: number(
        PREDICTIVE_DEFAULTS.actAt,
        { minimum: 0, maximum: 1 },
        "a number from 0 to 1: probability of a breach within horizonHours at which it acts",
      ),
      returnTo: number(
        PREDICTIVE_DEFAULTS.returnTo,
        { minimum: 0, maximum: 1 },
        "a number from 0 to 1: where a trade ends, as a share of the band",
      ),
      patienceHours: number(
        PREDICTIVE_DEFAULTS.patienceHours,
        { exclusiveMinimum: 0, maximum: 8_760 },
        "a number above 0, at most 8760: hours it may wait for cheaper gas",
      ),
      patienceAt: number(
        PREDICTIVE_DEFAULTS.patienceAt,
        { minimum: 0, maximum: 1 },
        "a number from 0 to 1: probability of a breach within patienceHours from which it no longer waits",
      ),
      dearGas: number(
        PREDICTIVE_DEFAULTS.dearGas,
        { exclusiveMinimum: 0, maximum: 1_000 },
        "a number above 0, at most 1000: gas is dear above this multiple of what it will be, or usually is",
      ),
    },
    build: predictivePolicy,
  }),
  define({
    name: "patient",
    summary:
      "counts what waiting costs: caps the price of gas by the deviation, and trades what is worth its swap",
    source: "this project; Morton & Pliska 1995 for the fixed cost, Moser 1956 for the reservation price",
    forecast: "optional",
    relookMinutes: 3,
    parameters: {
      size: number(
        0.5,
        { minimum: 0.01, maximum: 10 },
        "a number from 0.01 to 10: width at which a rebalance is worth its usual cost, as a share of the narrowest band",
      ),
      capPower: number(
        1,
        { minimum: 0, maximum: 20 },
        "a number from 0 to 20: the highest price of gas it pays goes as the deviation to this power; 0 sets no cap",
      ),
      levelPower: number(
        0.4,
        { minimum: 0, maximum: 2 },
        "a number from 0 to 2: the width grows as the expected price of gas over levelGwei to this power",
      ),
      levelGwei: number(
        20,
        { minimum: 0.001, maximum: 1e6 },
        "a number from 0.001 to 1000000: price of gas at which the width is size, in gwei",
      ),
      selects: whole(1, 0, 1, "0 or 1: 1 trades only the assets that are worth their swap, 0 all of them"),
    },
    build: patientPolicy,
  }),
];
