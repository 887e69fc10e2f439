import { isoTime } from "@ballast/data";
import { decodeBytes32String } from "ethers";
import type { Explanations } from "./explanations.ts";

const time = (seconds: unknown) => isoTime(Number(seconds) * 1000);
const percent = (wad: unknown) => `${(Number(wad) / 1e16).toFixed(3)} %`;

/** The name of a setting: ASCII, left-aligned in 32 bytes; as it is where it is none. */
function decodeName(bytes: unknown): string {
  try {
    return decodeBytes32String(String(bytes));
  } catch {
    return String(bytes);
  }
}

/** Errors that a rebalance never meets, and the calls of an owner, a guardian or a holder of shares may. */
export const SETUP_EXPLANATIONS: Explanations = {
  NotOwnerOrGuardian: (v) =>
    `${v.caller} is neither the vault's owner nor its guardian; use one of those keys`,
  OwnableInvalidOwner: (v) => `${v.owner} cannot own the vault; name another address`,
  OwnableUnauthorizedAccount: (v) => `${v.account} is not the vault's owner; use the owner's key`,
  WrongTokenCount: (v) => `${v.count} tokens, where 2 to ${v.max} are allowed; change the list`,
  DuplicateToken: (v) => `token ${v.token} is listed twice; list it once`,
  FeedMissing: (v) => `token ${v.token} has no price feed; only the base asset may have none`,
  WrongTargetCount: (v) => `${v.targets} targets for ${v.tokens} tokens; give one per token`,
  TargetsNotWhole: (v) => `the target weights add up to ${percent(v.sum)}; they must add up to 100 % exactly`,
  BandOutOfRange: (v) => `the band of ${v.token} is ${percent(v.band)}; give more than 0 and at most 100 %`,
  EasVersionUnknown: (v) => `EAS at ${v.eas} tells no version; use a chain with EAS 1.0.0 or later`,
  PoolNotOfToken: (v) =>
    `pool ${v.pool} is not of ${v.token} and the base asset; give the right pool, or none`,
  PriceBoundsOutOfOrder: (v) =>
    `the price bounds of ${v.token} are ${v.minPrice} and ${v.maxPrice}; give a lower one above 0 and an upper one`,
  SettingOutOfRange: (v) => `setting ${decodeName(v.setting)} is ${v.value}; give from ${v.min} to ${v.max}`,
  WrongModelCode: (v) =>
    `the contract that is to hold model ${v.modelId} has code of hash ${v.codeHash}; deploy the network's own bytes`,
  WrongModelShape: (v) =>
    `the network takes ${v.inputs} inputs and gives ${v.outputs} outputs; register one of 24 and 4`,
  WrongModelScale: (v) =>
    `the network has ${v.inputBits} and ${v.outputBits} fraction bits of inputs and outputs; register one of 10 and 10`,
  OwnershipNotRenounceable: () => "a vault needs its owner; hand the ownership to another address instead",
  // The timelock
  AlreadySubmitted: (v) =>
    `the change ${v.id} is pending already, executable at ${time(v.executableAt)}; wait, or revoke it first`,
  NotSubmitted: (v) => `the change ${v.id} was not submitted, or was revoked; submit it first`,
  TooEarly: (v) =>
    `the change ${v.id} can be executed at ${time(v.executableAt)}, and it is ${time(v.timestamp)}; wait`,
  TooLate: (v) =>
    `the change ${v.id} could be executed until ${time(v.executableUntil)}, and it is ${time(v.timestamp)}; submit it again`,
  // Holders of shares
  DepositTooSmall: (v) => `a deposit of ${v.assets} is worth no share; deposit more`,
  DepositShort: (v) => `${v.received} of ${v.assets} arrived: the token takes a fee; hold another token`,
  SkipMaskTooWide: (v) =>
    `skip mask ${v.skipMask} names a token beyond the ${v.count} there are; leave those bits zero`,
  ERC4626ExceededMaxDeposit: (v) =>
    `${v.assets} is more than ${v.receiver} may deposit now, ${v.max}; deposit less, or wait`,
  ERC4626ExceededMaxMint: (v) =>
    `${v.shares} shares are more than ${v.receiver} may mint now, ${v.max}; mint fewer, or wait`,
  ERC4626ExceededMaxWithdraw: (v) =>
    `${v.assets} is more than ${v.owner} may withdraw in the base asset now, ${v.max}; withdraw less, or redeem in kind`,
  ERC4626ExceededMaxRedeem: (v) =>
    `${v.shares} shares are more than ${v.owner} may redeem in the base asset now, ${v.max}; redeem fewer, or in kind`,
  ERC20InsufficientBalance: (v) => `${v.sender} has ${v.balance} and ${v.needed} is needed; send less`,
  ERC20InsufficientAllowance: (v) =>
    `${v.spender} may spend ${v.allowance} and ${v.needed} is needed; approve more`,
  ERC20InvalidApprover: (v) => `${v.approver} cannot approve; use another address`,
  ERC20InvalidReceiver: (v) => `${v.receiver} cannot receive shares; name another address`,
  ERC20InvalidSender: (v) => `${v.sender} cannot send shares; use another address`,
  ERC20InvalidSpender: (v) => `${v.spender} cannot be approved; name another address`,
};
