import { REBALANCE_GAS } from "@ballast/agent";
import { type Static, Type } from "typebox";
import { TRAINING } from "../config.ts";
import {
  atLeastZero,
  BadConfigError,
  checkAgainst,
  closed,
  path,
  positive,
  readYaml,
  tickers,
  time,
  whole,
} from "../schema.ts";

const ticker = "^[A-Z0-9]+$";
const fraction = Type.Number({ minimum: 0, maximum: 1, description: "a share from 0 to 1" });
const rate = Type.Number({ minimum: 0, exclusiveMaximum: 1, description: "a share from 0 to below 1" });
const shares = Type.Record(
  Type.String({ pattern: ticker }),
  Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: "a share between 0 and 1" }),
  { ...closed, description: "a share for each ticker, as {USDC: 0.5, BTC: 0.5}" },
);
const BANDS = "a half-width between 0 and 1, or one for each ticker";
const band = Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: BANDS });
const label = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
  description: "a name of letters, digits, dots and dashes: a folder is called so",
});
const RATES = {
  fee: Type.Optional(rate),
  spread: Type.Optional(rate),
  mev: Type.Optional(rate),
  depth: Type.Optional(positive),
  reserve: Type.Optional(positive),
};
const ROUTE = "{kind: public, tolerance, attackDollars}, {kind: private, leak} or {kind: batch, surplus}";
const route = Type.Union(
  [
    Type.Object({ kind: Type.Literal("public"), tolerance: rate, attackDollars: atLeastZero }, closed),
    Type.Object({ kind: Type.Literal("private"), leak: rate }, closed),
    Type.Object({ kind: Type.Literal("batch"), surplus: rate }, closed),
  ],
  { description: ROUTE },
);

/** What a backtest's file may hold. The static type is derived from it, never written beside it. */
const BacktestFileSchema = Type.Object(
  {
    data: Type.Optional(Type.Object({ bars: Type.Optional(path), store: Type.Optional(path) }, closed)),
    assets: Type.Optional(tickers),
    from: Type.Optional(time),
    until: Type.Optional(time),
    portfolio: Type.Optional(
      Type.Object(
        {
          nav: Type.Optional(positive),
          base: Type.Optional(Type.String({ pattern: ticker, description: "a ticker in capitals, as USDC" })),
          targets: Type.Optional(shares),
          bands: Type.Optional(Type.Union([band, shares], { description: BANDS })),
        },
        closed,
      ),
    ),
    vault: Type.Optional(
      Type.Object(
        {
          cooldownSeconds: Type.Optional(whole(0, 10_000_000)),
          maxTurnover: Type.Optional(fraction),
          maxSlippage: Type.Optional(fraction),
          crossTolerance: Type.Optional(fraction),
          minScore: Type.Optional(whole(0, 1024)),
        },
        closed,
      ),
    ),
    latency: Type.Optional(whole(0, 10_000)),
    costs: Type.Optional(
      Type.Object(
        {
          kind: Type.Optional(
            Type.Enum(["constant", "pool", "market"], { description: "constant, pool or market" }),
          ),
          ...RATES,
          route: Type.Optional(route),
          windowDays: Type.Optional(positive),
          attestation: Type.Optional(
            Type.Enum(["off-chain", "on-chain"], { description: "off-chain or on-chain" }),
          ),
          assets: Type.Optional(
            Type.Record(Type.String({ pattern: ticker }), Type.Object(RATES, closed), closed),
          ),
        },
        closed,
      ),
    ),
    gas: Type.Optional(
      Type.Object(
        {
          tipGwei: Type.Optional(atLeastZero),
          baseFeeGwei: Type.Optional(atLeastZero),
          etherDollars: Type.Optional(positive),
          perRebalance: Type.Optional(atLeastZero),
          perSwap: Type.Optional(atLeastZero),
          perAttestation: Type.Optional(atLeastZero),
        },
        closed,
      ),
    ),
    model: Type.Optional(
      Type.String({
        minLength: 1,
        description: "none, linear, network, champion, a model's file, or its id in quotes",
      }),
    ),
    artefacts: Type.Optional(path),
    retraining: Type.Optional(
      Type.Object(
        {
          everyDays: Type.Optional(positive),
          leastDays: Type.Optional(positive),
          backend: Type.Optional(
            Type.Enum(["tfjs-node", "wasm", "cpu"], { description: "tfjs-node, wasm or cpu" }),
          ),
          training: Type.Optional(Type.Partial(Type.Object(TRAINING), closed)),
        },
        closed,
      ),
    ),
    halts: Type.Optional(
      Type.Array(
        Type.Object({ from: time, until: time }, { ...closed, description: "from and until, two times" }),
        { description: "a list of {from, until}" },
      ),
    ),
    policies: Type.Optional(
      Type.Array(
        Type.Object(
          {
            label: Type.Optional(label),
            name: label,
            parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
          },
          { ...closed, description: "a name, with a label and parameters where wanted" },
        ),
        { minItems: 1, description: "a list of {name, parameters}" },
      ),
    ),
    checkpointBars: Type.Optional(whole(1, 1_000_000)),
    journal: Type.Optional(Type.Boolean({ description: "true or false" })),
    out: Type.Optional(path),
  },
  closed,
);

export type BacktestFile = Static<typeof BacktestFileSchema>;

type Whole<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

/** A file with every default filled in. */
export interface BacktestPlan {
  readonly data: NonNullable<BacktestFile["data"]>;
  /** Of the market: what models learn from, and ether for the price of gas; the portfolio's own among them. */
  readonly assets: readonly string[];
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly portfolio: Whole<NonNullable<BacktestFile["portfolio"]>>;
  readonly vault: Whole<Omit<NonNullable<BacktestFile["vault"]>, "minScore">> & {
    readonly minScore?: number | undefined;
  };
  readonly latency: number;
  readonly costs: Whole<Omit<NonNullable<BacktestFile["costs"]>, "depth" | "reserve" | "assets">> &
    Pick<NonNullable<BacktestFile["costs"]>, "depth" | "reserve" | "assets">;
  readonly gas: Whole<NonNullable<BacktestFile["gas"]>>;
  readonly model: string;
  readonly artefacts: string;
  readonly retraining: Required<Pick<NonNullable<BacktestFile["retraining"]>, "everyDays" | "leastDays">> &
    Pick<NonNullable<BacktestFile["retraining"]>, "training" | "backend">;
  readonly halts: NonNullable<BacktestFile["halts"]>;
  readonly policies: readonly {
    readonly label: string;
    readonly name: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  }[];
  readonly checkpointBars: number;
  readonly journal: boolean;
  readonly out: string;
}

/** Reads YAML, or JSON as a part of it. `source` is the name in messages. Error: BadConfigError. */
export const readBacktestFile = (text: string, source: string): BacktestFile =>
  checkAgainst(BacktestFileSchema, readYaml(text, source), source);

/**
 * Later files win, key by key, and within the sections key by key, too; `data`, targets, bands, halts and policies are
 * taken whole. Error: BadConfigError.
 */
export function toBacktestPlan(...files: readonly BacktestFile[]): BacktestPlan {
  const merged: BacktestFile = Object.assign({}, ...files);
  const section = <K extends "portfolio" | "vault" | "costs" | "gas" | "retraining">(
    key: K,
  ): NonNullable<BacktestFile[K]> => Object.assign({}, ...files.map((file) => file[key]));
  const { targets, bands = 0.02, nav = 1_000_000, base = "USDC" } = section("portfolio");
  if (targets === undefined)
    throw new BadConfigError(
      "portfolio",
      "targets",
      "is missing; give a share for each ticker, or --assets.",
    );
  if (targets[base] === undefined)
    throw new BadConfigError("portfolio", "targets", `has no share for the base asset ${base}; give it one.`);
  const policies = (merged.policies ?? [{ name: "threshold" }]).map(
    ({ name, label = name, parameters = {} }) => ({
      label,
      name,
      parameters,
    }),
  );
  const twice = policies.find(({ label: one }, i) => policies.findIndex((other) => other.label === one) < i);
  if (twice !== undefined)
    throw new BadConfigError("policies", twice.label, "comes twice; give each a label of its own.");
  return {
    data: merged.data ?? { store: ".ballast/market" },
    assets: [
      ...new Set([...Object.keys(targets).filter((asset) => asset !== base), ...(merged.assets ?? [])]),
    ].sort(),
    from: merged.from,
    until: merged.until,
    portfolio: { nav, base, targets, bands },
    vault: {
      cooldownSeconds: 3_000,
      maxTurnover: 0.5,
      maxSlippage: 0.01,
      crossTolerance: 0.0125,
      ...section("vault"),
    },
    latency: merged.latency ?? 1,
    costs: {
      kind: "constant",
      fee: 0.0005,
      spread: 0,
      mev: 0,
      route: { kind: "public", tolerance: 0.003, attackDollars: 20 },
      windowDays: 30,
      attestation: "off-chain",
      ...section("costs"),
    },
    gas: {
      tipGwei: 1,
      baseFeeGwei: 20,
      etherDollars: 2_000,
      perRebalance: REBALANCE_GAS.fixed,
      perSwap: REBALANCE_GAS.perSwap,
      perAttestation: 0,
      ...section("gas"),
    },
    model: merged.model ?? "none",
    artefacts: merged.artefacts ?? ".ballast/artefacts",
    retraining: { everyDays: 30, leastDays: 120, ...section("retraining") },
    halts: merged.halts ?? [],
    policies,
    checkpointBars: merged.checkpointBars ?? 1_000,
    journal: merged.journal ?? false,
    out: merged.out ?? ".ballast/backtest",
  };
}
