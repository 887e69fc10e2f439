import { DevnetError } from "./devnet-rpc.ts";

export class DevnetConfigError extends DevnetError {
  readonly code = "DEVNET_CONFIG";
  readonly field: string;
  constructor(field: string, remedy: string) {
    super(`devnet configuration, ${field}: ${remedy}`);
    this.field = field;
  }
}

export interface DevnetAsset {
  readonly symbol: string;
  /** Whose features the vault scores it by: the market's asset behind a wrapped token; the symbol where absent. */
  readonly ticker?: string | undefined;
  readonly decimals: number;
  /** US dollars for one whole token at the start. */
  readonly price: number;
  /** Fee tier of the pool against the base token, hundredths of a bip: 100, 500, 3000 or 10000. */
  readonly poolFee: number;
  /** WAD. */
  readonly targetWeight: bigint;
  /** Half-width of the band, WAD. */
  readonly band: bigint;
}

export interface DevnetConfig {
  /** Taken to be worth one US dollar. */
  readonly base: { readonly symbol: string; readonly decimals: number };
  readonly assets: readonly DevnetAsset[];
  /** WAD; with the assets' targets exactly 1e18. */
  readonly baseTargetWeight: bigint;
  readonly baseBand: bigint;
  /** Value of the vault at the start, spread over the target weights. */
  readonly navUsd: number;
  /**
   * Depth of each pool: US dollars that, paid into it at the start, raise the asset's price by 2 %. The liquidity
   * spans the full range, so a purchase of q dollars moves the price by about 2 % · q / depth, and costs half that.
   */
  readonly poolDepthUsd: number;
  /** Unix seconds of the first bar close. The chain is set up within the hour before it. */
  readonly startTime: number;
  /** The EAS schema of decisions, as text. */
  readonly decisionSchema: string;
  /** Further EAS schemas to register, as text: revocable, without a resolver. */
  readonly schemas?: readonly string[] | undefined;
  readonly vault: {
    readonly cooldownSeconds: number;
    /** WAD. */
    readonly maxTurnover: bigint;
    /** WAD. */
    readonly maxSlippage: bigint;
    readonly maxOracleAgeSeconds: number;
    /** Before these three, and over `DEFAULT_SETTINGS`. */
    readonly settings?: Partial<VaultSettings> | undefined;
  };
  /** Also deploys Aave v3 and v2; about 80 more transactions. */
  readonly withAave?: boolean | undefined;
  readonly chainId?: number | undefined;
  readonly port?: number | undefined;
}

/** The vault's settings: see `struct Settings` of `sol/Types.sol`, which explains each. */
export interface VaultSettings {
  readonly cooldown: number;
  readonly budgetWindow: number;
  readonly maxTurnoverPpm: number;
  readonly turnoverBudgetPpm: number;
  readonly maxSlippagePpm: number;
  readonly lossBudgetPpm: number;
  readonly crossTolerancePpm: number;
  readonly probationTurnoverPpm: number;
  readonly maxDecisionAge: number;
  readonly probation: number;
  readonly twapWindow: number;
  readonly maxDisagreementPpm: number;
  readonly entryFeePpm: number;
  readonly exitFeePpm: number;
  readonly minScore: number;
  readonly scoreHorizon: number;
  readonly notaryThreshold: number;
}

const DAY = 86_400;

/**
 * A vault that may turn over its whole value and lose 1 % of it in a week. Models are not on probation for long, as a
 * replay is short. The market arrives in a pool `twapWindow` seconds before it is reported, as arbitrage would have
 * it, so that the average over the window agrees with the feeds.
 */
export const DEFAULT_SETTINGS: VaultSettings = {
  cooldown: 3_600,
  budgetWindow: 7 * DAY,
  maxTurnoverPpm: 500_000,
  turnoverBudgetPpm: 1_000_000,
  maxSlippagePpm: 10_000,
  lossBudgetPpm: 10_000,
  crossTolerancePpm: 5_000,
  probationTurnoverPpm: 100_000,
  maxDecisionAge: 7_200,
  probation: DAY,
  twapWindow: 300,
  maxDisagreementPpm: 20_000,
  entryFeePpm: 3_000,
  exitFeePpm: 1_000,
  minScore: 0,
  scoreHorizon: 2,
  notaryThreshold: 2,
};

const WAD_PER_PPM = 10n ** 12n;

/** @throws DevnetConfigError for a share that is no whole number of parts per million */
export const toSettings = ({ vault }: DevnetConfig): VaultSettings => {
  const toPpm = (field: "maxTurnover" | "maxSlippage"): number => {
    const wad = vault[field];
    if (wad % WAD_PER_PPM !== 0n)
      throw new DevnetConfigError(
        `vault.${field}`,
        `${wad} is no multiple of 1e12: round it to parts per million`,
      );
    return Number(wad / WAD_PER_PPM);
  };
  return {
    ...DEFAULT_SETTINGS,
    ...vault.settings,
    cooldown: vault.cooldownSeconds,
    maxTurnoverPpm: toPpm("maxTurnover"),
    maxSlippagePpm: toPpm("maxSlippage"),
  };
};

const POOL_FEES = [100, 500, 3_000, 10_000];

/** @throws DevnetConfigError */
export const checkPrice = (price: number, field: string): number => {
  // Below, a feed of 8 decimals answers zero; above, `toFixed` gives up decimals for an exponent.
  if (!(price >= 1e-8 && price < 1e15))
    throw new DevnetConfigError(field, `${price} is no price in US dollars`);
  return price;
};

/** @throws DevnetConfigError for what the contracts themselves would not name */
export const checkConfig = (config: DevnetConfig): void => {
  if (config.assets.length === 0) throw new DevnetConfigError("assets", "name at least one");
  for (const { symbol, price, poolFee } of config.assets) {
    checkPrice(price, `price of ${symbol}`);
    if (!POOL_FEES.includes(poolFee)) {
      throw new DevnetConfigError(`poolFee of ${symbol}`, `${poolFee} is none of ${POOL_FEES.join(", ")}`);
    }
  }
};
