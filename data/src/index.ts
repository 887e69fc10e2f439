export {
  ArtefactCorruptError,
  ArtefactMissingError,
  type ArtefactStore,
  BadArtefactKindError,
  openArtefactStore,
} from "./artefacts.ts";
export { BadBarKeyError, type BarKey, intervalLabel, parseInterval } from "./bar-key.ts";
export {
  ChampionHistoryError,
  type ChampionRegistry,
  type NewPromotion,
  NoChampionError,
  NothingToRollBackError,
  openChampions,
  type Promotion,
} from "./champions.ts";
export { DiskFullError, replaceFile } from "./durable-file.ts";
export * from "./errors.ts";
export {
  DivisionByZeroError,
  formatWad,
  fromUnits,
  fromWad,
  mulDivDown,
  mulDivUp,
  NegativeAmountError,
  NotFiniteError,
  toUnitsDown,
  toWadDown,
  toWadNearest,
  toWadUp,
} from "./fixed.ts";
export { AmbiguousIntervalError, GapTooLongError, MisalignedTimesError, NoOverlapError } from "./grid.ts";
export {
  canonicalJson,
  isMerkleProof,
  keccak,
  merkleProof,
  merkleRoot,
  NotCanonicalError,
} from "./hash.ts";
export * from "./market.ts";
export { type ParquetColumn, writeParquet } from "./parquet-file.ts";
export { NotEnoughHistoryError, UnknownSeriesError } from "./past.ts";
export {
  DuplicateSeriesError,
  describeReport,
  type Finding,
  type FindingKind,
  MixedQuotesError,
  OneAssetError,
  type QualityOptions,
  type QualityReport,
  toMarket,
  UnknownAssetError,
} from "./quality.ts";
export { BadSeedError, type Random, randomFromState, seededRandom } from "./random.ts";
export type { TimeRange } from "./ranges.ts";
export {
  BadValueError,
  ConflictingDuplicatesError,
  CrossedBarsError,
  EmptyMarketError,
  FutureBarError,
  StaleSeriesError,
} from "./series.ts";
export {
  MalformedSnapshotError,
  type Snapshot,
  type SnapshotContent,
  snapshotBytes,
  snapshotFromBytes,
  snapshotRoot,
} from "./snapshot.ts";
export {
  type CcxtOptions,
  ccxtSource,
  NoBarsError,
  UnknownSymbolError,
  UnsupportedIntervalError,
} from "./sources/ccxt.ts";
export {
  ExchangeRefusedError,
  ExchangeUnavailableError,
  NoNetworkError,
  RateLimitedError,
  UnknownExchangeError,
} from "./sources/ccxt-client.ts";
export { MalformedFileError, TruncatedFileError } from "./sources/columns.ts";
export {
  type BlockTag,
  connectEvm,
  type EvmBlock,
  type EvmNode,
  type EvmOptions,
  evmProvider,
  fetchBlockAt,
  type ViewCall,
} from "./sources/evm.ts";
export { type AaveReserve, type AaveVersion, fetchAaveReserve, toReserveSeries } from "./sources/evm-aave.ts";
export {
  type ChainlinkHistory,
  type ChainlinkRange,
  type ChainlinkRound,
  fetchChainlinkRounds,
  toFeedSeries,
} from "./sources/evm-chainlink.ts";
export {
  CallRevertedError,
  NoContractError,
  RpcRefusedError,
  RpcUnreachableError,
  UnexpectedAnswerError,
  WrongChainError,
} from "./sources/evm-errors.ts";
export { type BaseFeeRange, fetchBaseFees } from "./sources/evm-fees.ts";
export { BadObservationError, type Observation, toExogenous } from "./sources/evm-series.ts";
export {
  fetchPoolSwaps,
  type PoolFlow,
  type PoolSwap,
  type SwapRange,
  toFlowSeries,
  toPoolFlows,
} from "./sources/evm-swaps.ts";
export {
  fetchPoolState,
  PoolHistoryTooShortError,
  type PoolState,
  type PoolToken,
  type PoolTwap,
} from "./sources/evm-uniswap.ts";
export {
  EmptyFolderError,
  fileSource,
  MixedIntervalsError,
  UnknownFormatError,
  UnreadableFileError,
  UnreadableFolderError,
} from "./sources/files.ts";
export { BadSyntheticOptionError, type SyntheticOptions, syntheticSource } from "./sources/synthetic.ts";
export {
  AmbiguousBarsError,
  type BarSelection,
  type BarSeries,
  type BarStore,
  CorruptBarFileError,
  isBarStore,
  openBarStore,
  storeSource,
} from "./store.ts";
export { ShiftedAssetError } from "./timezone.ts";
export * from "./units.ts";
export { openWriteLock, StoreBusyError, type WriteLock } from "./write-lock.ts";
