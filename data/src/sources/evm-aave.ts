import { Interface } from "ethers";
import type { Exogenous } from "../market.ts";
import type { Hex, UnixMillis } from "../units.ts";
import type { BlockTag, EvmNode } from "./evm.ts";
import { UnexpectedAnswerError } from "./evm-errors.ts";
import { toExogenous } from "./evm-series.ts";

const RATES = `uint256 liquidityRate, uint256 variableBorrowRate, uint256 stableBorrowRate,
  uint256 averageStableBorrowRate, uint256 liquidityIndex, uint256 variableBorrowIndex, uint40 lastUpdateTimestamp`;
/** AaveProtocolDataProvider of either version: the same function, answered differently. */
const PROVIDER = {
  2: new Interface([
    `function getReserveData(address asset) view returns (uint256 availableLiquidity, uint256 totalStableDebt,
       uint256 totalVariableDebt, ${RATES})`,
  ]),
  3: new Interface([
    `function getReserveData(address asset) view returns (uint256 unbacked, uint256 accruedToTreasuryScaled,
       uint256 totalAToken, uint256 totalStableDebt, uint256 totalVariableDebt, ${RATES})`,
  ]),
} as const;
const TOKEN = new Interface(["function decimals() view returns (uint8)"]);
const RAY = 1e27;
const VERSION_BY_WORDS: ReadonlyMap<number, AaveVersion> = new Map([
  [10, 2],
  [12, 3],
]);

export type AaveVersion = keyof typeof PROVIDER;

export interface AaveReserve {
  readonly version: AaveVersion;
  readonly asset: Hex;
  readonly blockNumber: number;
  readonly time: UnixMillis;
  readonly decimals: number;
  /** Smallest units of the asset: what depositors are owed. */
  readonly supplied: bigint;
  /** Smallest units: variable and stable debt. */
  readonly borrowed: bigint;
  /** borrowed / supplied, from 0; 0 for an empty reserve. */
  readonly utilisation: number;
  /** Nominal yearly rates (APR), 0.05 is 5 % a year. */
  readonly supplyRateAnnual: number;
  readonly variableBorrowRateAnnual: number;
  readonly stableBorrowRateAnnual: number;
}

/**
 * State of an Aave v2 or v3 reserve at one block, read from the market's protocol data provider. In v2 supplied is
 * available liquidity plus all debt (Aave v2 white paper, 1.2); in v3 the supply of the aToken. Which version the
 * provider is of shows in the length of its answer.
 * @throws UnexpectedAnswerError, and what `EvmNode.read` throws
 */
export const fetchAaveReserve = async (
  node: EvmNode,
  request: { readonly dataProvider: Hex; readonly asset: Hex; readonly block?: BlockTag },
): Promise<AaveReserve> => {
  const { dataProvider, asset, block = "latest" } = request;
  const { number, time } = await node.block(block);
  const name = "getReserveData";
  const [answer, [decimals]] = await Promise.all([
    node.call({ to: dataProvider, face: PROVIDER[3], name, args: [asset], block: number }),
    node.read({ to: asset, face: TOKEN, name: "decimals", block: number }),
  ]);
  const version = VERSION_BY_WORDS.get((answer.length - 2) / 64);
  if (version === undefined) throw new UnexpectedAnswerError(dataProvider, name, (answer.length - 2) / 2);
  const data = PROVIDER[version].decodeFunctionResult(name, answer).toObject() as Record<string, bigint>;

  const borrowed = data.totalStableDebt! + data.totalVariableDebt!;
  const supplied = version === 2 ? data.availableLiquidity! + borrowed : data.totalAToken!;
  return {
    version,
    asset,
    blockNumber: number,
    time,
    decimals: Number(decimals),
    supplied,
    borrowed,
    utilisation: supplied === 0n ? 0 : Number(borrowed) / Number(supplied),
    supplyRateAnnual: Number(data.liquidityRate) / RAY,
    variableBorrowRateAnnual: Number(data.variableBorrowRate) / RAY,
    stableBorrowRateAnnual: Number(data.stableBorrowRate) / RAY,
  };
};

/** Utilisation and variable borrow rate of one reserve over several blocks: `aave.<asset>.utilisation`, `….borrow_rate`. */
export const toReserveSeries = (asset: string, states: readonly AaveReserve[]): readonly Exogenous[] => {
  const prefix = `aave.${asset.toLowerCase()}`;
  const series = (name: string, unit: string, value: (state: AaveReserve) => number) =>
    toExogenous(
      `${prefix}.${name}`,
      unit,
      states.map((state) => ({ publishedAt: state.time, value: value(state) })),
    );
  return [
    series("utilisation", "1", (state) => state.utilisation),
    series("borrow_rate", "per year", (state) => state.variableBorrowRateAnnual),
  ];
};
