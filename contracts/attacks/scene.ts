/** A fresh devnet with a vault of one million dollars, and what it takes to decide, sign and cheat on it. */
import { readFileSync } from "node:fs";
import {
  Contract,
  type ContractTransactionResponse,
  Interface,
  keccak256,
  MaxUint256,
  toBeHex,
  Wallet,
  ZeroHash,
} from "ethers";
import type { VaultSettings } from "../src/devnet-config.ts";
import { type Devnet, devTokenArtifact, startDevnet, vaultAbi } from "../src/index.ts";
import {
  DECISION_SCHEMA,
  type Decision,
  type Evidence,
  hashTrades,
  type Model,
  NO_EVIDENCE,
  notarise,
  signDecision,
  type Trade,
  toFeatures,
  toFeatureTree,
} from "./decision.ts";

const PERCENT = 10n ** 16n;
const HOUR = 3_600;
const START = 462_000 * HOUR;
const GWEI = 1_000_000_000n;
const GAS_LIMIT = 5_000_000n;
export const PRICES = { bitcoin: 30_000, ether: 2_000 } as const;
export const [USDC, BITCOIN, ETHER] = [0, 1, 2] as const;

/** What became of a transaction. */
export interface Attempt {
  /** Name of the error it was refused with; undefined where it went through. */
  readonly error: string | undefined;
  /** The error with its values. */
  readonly refusal: string;
  readonly gasUsed: bigint;
}

export const EAS_ABI = [
  "function version() view returns (string)",
  "function getNonce(address account) view returns (uint256)",
  "function attest((bytes32 schema,(address recipient,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,uint256 value) data) request) payable returns (bytes32)",
  "function attestByDelegation((bytes32 schema,(address recipient,uint64 expirationTime,bool revocable,bytes32 refUID,bytes data,uint256 value) data,(uint8 v,bytes32 r,bytes32 s) signature,address attester,uint64 deadline) request) payable returns (bytes32)",
  "function revokeOffchain(bytes32 uid) returns (uint64)",
  "event Attested(address indexed recipient,address indexed attester,bytes32 uid,bytes32 indexed schemaUID)",
  "error InvalidSignature()",
];
const ROUTER_ABI = [
  "function exactInputSingle((address tokenIn,address tokenOut,uint24 fee,address recipient,uint256 deadline,uint256 amountIn,uint256 amountOutMinimum,uint160 sqrtPriceLimitX96) params) payable returns (uint256)",
];

const errorsOf = new Interface([...(vaultAbi as readonly string[]), ...EAS_ABI]);

/** @returns name and values of what a call reverted with */
const explain = (data: string | undefined): { name: string; text: string } => {
  const parsed = data === undefined || data === "0x" ? null : errorsOf.parseError(data);
  if (parsed === null) return { name: "unknown", text: `unknown error ${data ?? ""}` };
  const values = parsed.fragment.inputs.map(({ name }, i) => `${name}: ${parsed.args[i]}`);
  return { name: parsed.name, text: `${parsed.name}(${values.join(", ")})` };
};

export class Scene {
  readonly devnet: Devnet;
  readonly vault: Contract;
  readonly eas: Contract;
  readonly router: Contract;
  readonly owner: Wallet;
  readonly attester: Wallet;
  readonly keeper: Wallet;
  /** Has all the tokens it wants, and no permission. */
  readonly attacker: Wallet;
  readonly notaries: readonly Wallet[];

  private constructor(devnet: Devnet) {
    this.devnet = devnet;
    const { keys, addresses, provider } = devnet;
    const wallet = (key: string) => new Wallet(key, provider);
    [this.owner, this.attester, this.keeper] = [
      wallet(keys.owner),
      wallet(keys.attester),
      wallet(keys.keeper),
    ];
    this.attacker = wallet(keys.stranger);
    this.notaries = keys.notaries.map(wallet);
    this.vault = new Contract(addresses.vault, vaultAbi, this.attacker);
    this.eas = new Contract(addresses.eas, EAS_ABI, this.attacker);
    this.router = new Contract(addresses.router, ROUTER_ABI, this.attacker);
  }

  static async open(settings: Partial<VaultSettings> = {}): Promise<Scene> {
    const asset = { targetWeight: 30n * PERCENT, band: 5n * PERCENT };
    const devnet = await startDevnet({
      base: { symbol: "USDC", decimals: 6 },
      assets: [
        { symbol: "BTC", decimals: 8, price: PRICES.bitcoin, poolFee: 3_000, ...asset },
        { symbol: "ETH", decimals: 18, price: PRICES.ether, poolFee: 500, ...asset },
      ],
      baseTargetWeight: 40n * PERCENT,
      baseBand: 5n * PERCENT,
      navUsd: 1_000_000,
      poolDepthUsd: 5_000_000,
      startTime: START,
      decisionSchema: DECISION_SCHEMA,
      vault: {
        cooldownSeconds: HOUR,
        maxTurnover: 50n * PERCENT,
        maxSlippage: PERCENT,
        maxOracleAgeSeconds: 2 * HOUR,
        settings,
      },
    });
    return new Scene(devnet);
  }

  close(): Promise<void> {
    return this.devnet.stop();
  }

  // The world

  async now(): Promise<number> {
    return (await this.devnet.provider.getBlock("latest"))!.timestamp;
  }

  /** An hour later the market stands at these prices: in the feeds, and in the pools. */
  async passHour(ether: number = PRICES.ether): Promise<void> {
    const time = (await this.now()) + HOUR;
    await this.devnet.setMarket({ time, prices: [PRICES.bitcoin, ether], baseFeeWei: 10n * GWEI });
  }

  token(index: number, wallet: Wallet = this.attacker): Contract {
    return new Contract(this.devnet.listings[index]!.token, devTokenArtifact.abi, wallet);
  }

  /** Mints tokens to the attacker, who lets the vault and the router take them. */
  async equip(index: number, amount: bigint): Promise<void> {
    const token = this.token(index);
    await this.mine(token.mint!(this.attacker.address, amount));
    for (const spender of [this.vault.target, this.router.target]) {
      await this.mine(token.approve!(spender, MaxUint256));
    }
  }

  async mine(sent: Promise<ContractTransactionResponse>): Promise<void> {
    await (await sent).wait();
  }

  /** Swaps in the asset's pool, as anybody may. */
  async swap(tokenIn: number, tokenOut: number, amountIn: bigint): Promise<void> {
    const { listings } = this.devnet;
    const fee = listings[Math.max(tokenIn, tokenOut)]!.poolFee;
    const [from, to] = [listings[tokenIn]!.token, listings[tokenOut]!.token];
    const deadline = (await this.now()) + HOUR;
    const params = [from, to, fee, this.attacker.address, deadline, amountIn, 0n, 0n];
    await this.mine(this.router.exactInputSingle!(params, { gasLimit: GAS_LIMIT }));
  }

  /** Value of an account's tokens at the vault's prices, US dollars. */
  async dollars(account: string): Promise<number> {
    const { pricesWad, decimals } = await this.vault.state!();
    let sum = 0;
    for (const i of this.devnet.listings.keys()) {
      const balance: bigint = await this.token(i).balanceOf!(account);
      sum += (Number(balance) / 10 ** Number(decimals[i])) * (Number(pricesWad[i]) / 1e18);
    }
    return sum;
  }

  /** The vault's balances, to see that nothing moved. */
  async holdings(): Promise<string> {
    const balances = this.devnet.listings.map((_, i) => this.token(i).balanceOf!(this.vault.target));
    return String(await Promise.all(balances));
  }

  // Decisions

  /** Sells half of what is above ether's target, or another share, for no less than `slack` below the oracle's price. */
  async sellEther(share = 0.5, slack?: number): Promise<Trade> {
    const { weights, nav, pricesWad } = await this.vault.state!();
    const excess = (weights[ETHER] - 30n * PERCENT) * nav;
    const amountIn = ((excess / pricesWad[ETHER]) * BigInt(Math.round(share * 1e6))) / 1_000_000n;
    return this.sell(amountIn, slack);
  }

  async sell(amountIn: bigint, slack?: number): Promise<Trade> {
    const { listings, addresses } = this.devnet;
    const [tokenIn, tokenOut] = [listings[ETHER]!.token, listings[USDC]!.token];
    const floor: bigint = await this.vault.minOut!(tokenIn, tokenOut, amountIn);
    // The vault's floor lies 1 % below the oracle's price.
    const minAmountOut =
      slack === undefined ? floor : (floor * BigInt(Math.round((1 - slack) * 1e8))) / 99_000_000n;
    const route = toBeHex(listings[ETHER]!.poolFee, 3);
    return { venue: addresses.venue, tokenIn, tokenOut, amountIn, minAmountOut, route };
  }

  /** A decision that is due now and lives for half an hour, but for the fields given. */
  async decide(trades: readonly Trade[], fields: Partial<Decision> = {}): Promise<Decision> {
    const [now, { sequence }] = [await this.now(), await this.vault.state!()];
    return {
      chainId: BigInt(this.devnet.chainId),
      vault: String(this.vault.target),
      sequence: sequence + 1n,
      action: 1,
      reason: 1,
      decidedAt: now,
      expiresAt: now + HOUR / 2,
      inputRoot: keccak256("0x01"),
      stateHash: keccak256("0x02"),
      modelId: ZeroHash,
      forecastHash: ZeroHash,
      policyId: keccak256("0x03"),
      breachPpm: 0,
      holding: ETHER,
      tradesHash: hashTrades(trades),
      ...fields,
    };
  }

  /** The decision's off-chain attestation. */
  async sign(
    decision: Decision,
    refUID: string = ZeroHash,
    signer: Wallet = this.attester,
  ): Promise<Evidence> {
    const version: string = await this.eas.version!();
    const eas = { schema: this.devnet.schemaUid, version, address: String(this.eas.target) };
    return { ...NO_EVIDENCE, signature: await signDecision(decision, refUID, eas, signer) };
  }

  /** Registers a network that hands its first input through, in the name of a model's attestation. */
  async registerModel(): Promise<Model> {
    const path = new URL("../test/fixtures/networks.json", import.meta.url);
    const { first } = JSON.parse(readFileSync(path, "utf8")) as { first: `0x${string}` };
    const refUID = keccak256("0x04") as `0x${string}`;
    return { modelId: await this.devnet.registerModel(first, refUID), refUID };
  }

  /**
   * The decision's evidence where no weight is outside its band: notarised features of ether, Merkle-proven.
   * @param notarised The first of ether's twenty features as the notaries saw it, 10 fraction bits; the others are 0.
   * @param claimed The same as it is shown to the vault.
   */
  async forecast(
    decision: Decision,
    { refUID }: Model,
    notarised: number,
    claimed: number = notarised,
    signers: readonly Wallet[] = this.notaries.slice(0, 2),
  ): Promise<Evidence> {
    const { root, path } = toFeatureTree(toFeatures(notarised));
    return {
      ...(await this.sign(decision, refUID)),
      featuresRoot: root,
      features: toFeatures(claimed),
      path,
      notarySignatures: await notarise(decision, root, signers),
    };
  }

  // Transactions

  rebalance(decision: Decision, trades: readonly Trade[], evidence: Evidence, by?: Wallet): Promise<Attempt> {
    return this.attempt(this.vault, "rebalance", [decision, trades, evidence], by);
  }

  /** Sends a transaction whether it can succeed or not, and says what became of it. */
  async attempt(
    contract: Contract,
    method: string,
    args: readonly unknown[],
    by: Wallet = this.attacker,
  ): Promise<Attempt> {
    const data = contract.interface.encodeFunctionData(method, args);
    const call = { to: String(contract.target), data, gasLimit: GAS_LIMIT };
    let refused: { name: string; text: string } | undefined;
    try {
      await this.devnet.provider.call({ ...call, from: by.address });
    } catch (error) {
      refused = explain((error as { data?: string }).data);
    }
    const { hash } = await by.sendTransaction(call);
    const receipt = (await this.devnet.provider.getTransactionReceipt(hash))!;
    // The block of the transaction lies a second behind that of the call.
    if ((receipt.status === 0) !== (refused !== undefined)) {
      throw new Error(
        `${method}: the call and the transaction ended differently (${refused?.text ?? "success"})`,
      );
    }
    return { error: refused?.name, refusal: refused?.text ?? "", gasUsed: receipt.gasUsed };
  }
}
