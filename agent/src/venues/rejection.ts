import { vaultAbi } from "@ballast/contracts";
import { BallastError, type Hex, isoTime } from "@ballast/data";
import { formatUnits, Interface } from "ethers";

type Values = Readonly<Record<string, unknown>>;

/** The vault refused a decision, whole; no token moved. */
export class VaultRejection extends BallastError {
  readonly code = "VAULT_REJECTION";
  /** Name of the contract's error: `WrongSequence`; `Unknown` where the revert data name none. */
  readonly reason: string;
  /** Arguments of the contract's error by name. */
  readonly values: Values;
  readonly vault: Hex;
  constructor(vault: Hex, reason: string, values: Values) {
    super(explain(reason, values));
    this.vault = vault;
    this.reason = reason;
    this.values = values;
  }
}

const vaultInterface = new Interface(vaultAbi);

/** Solidity's own errors, whose arguments ethers leaves without names. */
const BUILT_IN: Readonly<Record<string, string>> = { Error: "message", Panic: "code" };

/** Reads revert data with the vault's own errors. */
export function toRejection(vault: Hex, data: Hex): VaultRejection {
  try {
    const error = vaultInterface.parseError(data);
    if (error !== null) {
      const entries = error.fragment.inputs.map(({ name }, i) => [
        name || BUILT_IN[error.name],
        error.args[i],
      ]);
      return new VaultRejection(vault, error.name, Object.fromEntries(entries));
    }
  } catch {
    // Too short for a selector, or for the arguments the selector promises.
  }
  return new VaultRejection(vault, "Unknown", { data });
}

const time = (seconds: unknown) => isoTime(Number(seconds) * 1000);
const amount = (wad: unknown) => formatUnits(wad as bigint, 18);
const percent = (wad: unknown) => `${(Number(wad) / 1e16).toFixed(3)} %`;

/** What each of the vault's errors means, and what to do. Every error of its ABI has an entry. */
export const EXPLANATIONS: Readonly<Record<string, (values: Values) => string>> = {
  // Who and when
  VaultPaused: () => "the vault is paused; its owner can unpause it",
  ForeignChain: (v) =>
    `the decision is for chain ${v.decided} and the vault is on ${v.actual}; use the right endpoint`,
  ForeignVault: (v) =>
    `the decision is for vault ${v.decided} and was sent to ${v.actual}; use the right address`,
  NotARebalance: (v) => `action ${v.action} trades nothing; send rebalances only`,
  WrongSequence: (v) =>
    `the decision has sequence ${v.decided} and the vault expects ${v.expected}: it was executed already, or another ` +
    "decision came first; decide again from the vault's present state",
  DecidedInFuture: (v) =>
    `the decision is of ${time(v.decidedAt)} and the chain's clock stands at ${time(v.timestamp)}; set this machine's clock`,
  OlderThanLastDecision: (v) =>
    `the decision of ${time(v.decidedAt)} is not newer than the last executed one of ${time(v.lastDecidedAt)}; decide again`,
  DecisionExpired: (v) =>
    `the decision expired at ${time(v.expiresAt)} and the chain's clock stands at ${time(v.timestamp)}; decide again`,
  // The attestation
  AttestationNotFound: (v) => `EAS knows no attestation ${v.uid}; attest the decision first`,
  WrongSchema: (v) =>
    `the attestation has schema ${v.attested} and the vault wants ${v.expected}; attest under that one`,
  AttesterNotAllowed: (v) =>
    `${v.attester} is not allowed to sign for this vault; its owner can allow it with setAttester`,
  WrongRecipient: (v) =>
    `the attestation is for ${v.attested}, not for the vault ${v.expected}; attest again`,
  AttestationRevoked: (v) => `attestation ${v.uid} was revoked at ${time(v.revocationTime)}; decide again`,
  WrongExpiration: (v) =>
    `the attestation expires at ${time(v.attested)} and the decision at ${time(v.decided)}; attest with the decision's expiry`,
  AttestedBeforeDecision: (v) =>
    `the decision of ${time(v.decidedAt)} was attested before that, at ${time(v.attestedAt)}; attest again`,
  DecisionNotAttested: (v) =>
    `the attestation is of ${v.attestedHash}, not of the decision ${v.decisionHash}: a field was changed; send the attested one`,
  // What
  TradesNotDecided: (v) =>
    `the trades hash to ${v.tradesHash} and ${v.decidedHash} was decided: a trade was changed; send the decided ones`,
  ModelNotAllowed: (v) =>
    `the vault does not accept decisions of model ${v.modelId}; its owner can allow it with setModel`,
  CoolingDown: (v) =>
    `the vault cools down until ${time(v.readyAt)} (now ${time(v.timestamp)}); decide again after that`,
  WrongTradeCount: (v) => `${v.count} trades, where 1 to ${v.max} are allowed; plan fewer`,
  TokenNotHeld: (v) =>
    `trade ${v.trade} names ${v.token}, which the vault does not hold; plan from the vault's own tokens`,
  NotAgainstBase: (v) =>
    `trade ${v.trade} swaps ${v.tokenIn} for ${v.tokenOut}; one of the two must be the base asset`,
  WrongPoolFee: (v) =>
    `trade ${v.trade} uses fee tier ${v.fee} and the vault trades at ${v.expected}; plan with that pool`,
  NothingToSell: (v) => `trade ${v.trade} sells nothing; leave it out`,
  MinOutBelowOracle: (v) =>
    `trade ${v.trade} accepts ${v.minAmountOut} and the oracle's floor is ${v.floor}: the price moved since; decide again`,
  TurnoverTooHigh: (v) =>
    `the trades sell ${amount(v.soldValue)} and ${amount(v.maxValue)} of the base asset is the most at once; trade less`,
  // Oracles
  PriceNotPositive: (v) => `price feed ${v.feed} answers ${v.answer}; wait until it answers a price`,
  PriceInFuture: (v) =>
    `price feed ${v.feed} is dated ${time(v.updatedAt)} and the chain's clock stands at ${time(v.timestamp)}; wait`,
  PriceTooOld: (v) =>
    `price feed ${v.feed} was last updated at ${time(v.updatedAt)}, more than ${v.maxAge} s ago; wait for an update`,
  PriceTooSmall: (v) =>
    `price feed ${v.feed} gives ${v.price} of 10^18 and the vault calculates with no less than ${v.min}; ` +
    "choose a base asset that is worth less",
  PriceRoundMissing: (v) => `price feed ${v.feed} has no complete round; wait for an update`,
  // What came of it
  ReceivedTooLittle: (v) =>
    `trade ${v.trade} brought ${v.received} and at least ${v.minAmountOut} was decided; decide again`,
  LostTooMuch: (v) =>
    `the trades would take the vault from ${amount(v.navBefore)} to ${amount(v.navAfter)} of the base asset and may cost ` +
    `${amount(v.maxLoss)}; trade less, or wait for deeper pools`,
  WeightPushedAway: (v) =>
    `the trades would move ${v.token} from ${percent(v.weightBefore)} to ${percent(v.weightAfter)} of the vault, out of its ` +
    `band around ${percent(v.targetWeight)}; plan again from the vault's present state`,
  // Of the libraries below
  Error: (v) => `the exchange or a token refused: ${v.message}; prices may have moved, decide again`,
  Panic: (v) => `a contract failed with panic code ${v.code}; report it with the transaction`,
  SafeERC20FailedOperation: (v) =>
    `token ${v.token} refused a transfer or an approval; look whether it is paused`,
  ReentrancyGuardReentrantCall: () =>
    "a token called back into the vault during a trade; withdraw that token",
  // Configuration: a rebalance never meets them, an owner's own call may
  NotOwnerOrGuardian: (v) =>
    `${v.caller} is neither the vault's owner nor its guardian; use one of those keys`,
  OwnershipNotRenounceable: () =>
    "a vault must have an owner, or its tokens could never leave; transfer it instead",
  OwnableInvalidOwner: (v) => `${v.owner} cannot own the vault; name another address`,
  OwnableUnauthorizedAccount: (v) => `${v.account} is not the vault's owner; use the owner's key`,
  WrongTokenCount: (v) => `${v.count} tokens, where 2 to ${v.max} are allowed; change the list`,
  DuplicateToken: (v) => `token ${v.token} is listed twice; list it once`,
  FeedMissing: (v) => `token ${v.token} has no price feed; only the base asset may have none`,
  BasePoolFeeNotZero: (v) => `the base asset is given fee tier ${v.poolFee}; it has no pool, so give 0`,
  WrongTargetCount: (v) =>
    `${v.targetWeights} targets and ${v.bands} bands for ${v.tokens} tokens; give one of each per token`,
  TargetsNotWhole: (v) => `the target weights add up to ${percent(v.sum)}; they must add up to 100 % exactly`,
  BandOutOfRange: (v) => `the band of ${v.token} is ${percent(v.band)}; give more than 0 and at most 100 %`,
  LimitsOutOfRange: (v) =>
    `turnover limit ${percent(v.maxTurnover)}, slippage limit ${percent(v.maxSlippage)}; at most 100 %, and less than 100 %`,
};

function explain(reason: string, values: Values): string {
  const explanation = EXPLANATIONS[reason];
  if (explanation === undefined) {
    return `the vault reverted with ${values.data ?? reason}, which it does not define; check that the address is a vault of this version`;
  }
  return `the vault refused (${reason}): ${explanation(values)}`;
}
