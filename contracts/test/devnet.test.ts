import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { Contract, keccak256, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  AnvilDiedError,
  AnvilMissingError,
  AnvilPortBusyError,
  type Devnet,
  type DevnetConfig,
  DevnetConfigError,
  DevnetTimeError,
  devFeedArtifact,
  devMarketArtifact,
  devTokenArtifact,
  startAnvil,
  startDevnet,
  vaultAbi,
} from "../src/index.ts";

const PERCENT = 10n ** 16n;
const HOUR = 3_600;
const START = 462_000 * HOUR;
const GWEI = 1_000_000_000n;
/** As in the attest room, which this room may not import; the vault refuses any other. */
const DECISION_SCHEMA =
  "uint256 chainId,address vault,uint64 sequence,uint8 action,uint8 reason,uint64 decidedAt,uint64 expiresAt," +
  "bytes32 inputRoot,bytes32 stateHash,bytes32 modelId,bytes32 forecastHash,bytes32 policyId,uint32 breachPpm," +
  "uint8 holding,bytes32 tradesHash";

const CONFIG: DevnetConfig = {
  base: { symbol: "USDC", decimals: 6 },
  assets: [
    {
      symbol: "BTC",
      decimals: 8,
      price: 20_000.5,
      poolFee: 500,
      targetWeight: 40n * PERCENT,
      band: 5n * PERCENT,
    },
    {
      symbol: "ETH",
      decimals: 18,
      price: 1_300.25,
      poolFee: 100,
      targetWeight: 30n * PERCENT,
      band: 5n * PERCENT,
    },
    {
      symbol: "DOGE",
      decimals: 8,
      price: 0.0625,
      poolFee: 3_000,
      targetWeight: 10n * PERCENT,
      band: 2n * PERCENT,
    },
  ],
  baseTargetWeight: 20n * PERCENT,
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
  },
};

const POOL_ABI = [
  "function slot0() view returns (uint160 sqrtPriceX96, int24 tick, uint16, uint16, uint16, uint8, bool)",
  "function liquidity() view returns (uint128)",
];
const QUOTER_ABI = [
  `function quoteExactInputSingle((address tokenIn, address tokenOut, uint256 amountIn, uint24 fee, uint160 limit))
     returns (uint256 amountOut, uint160 sqrtPriceX96After, uint32 ticks, uint256 gas)`,
];

/** Price of one whole asset in whole base tokens, from the pool's own state. */
const readPoolPrice = async (devnet: Devnet, index: number): Promise<number> => {
  const { pool, decimals, isToken0 } = devnet.listings[index]!;
  const { sqrtPriceX96 } = await new Contract(pool!, POOL_ABI, devnet.provider).slot0!();
  const ratio = (Number(sqrtPriceX96) / 2 ** 96) ** 2;
  return (isToken0 ? ratio : 1 / ratio) * 10 ** (decimals - devnet.listings[0]!.decimals);
};

const readState = async (devnet: Devnet): Promise<string> => {
  const block = await devnet.provider.getBlock("latest");
  const state = await new Contract(devnet.addresses.vault, vaultAbi, devnet.provider).state!();
  const prices = await Promise.all([1, 2, 3].map((i) => readPoolPrice(devnet, i)));
  return [block?.hash, String(state), String(prices)].join("\n");
};

const isAnswering = async (rpcUrl: string): Promise<boolean> => {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}';
  const headers = { "content-type": "application/json" };
  return fetch(rpcUrl, { method: "POST", headers, body }).then(
    () => true,
    () => false,
  );
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

let devnet: Devnet;
beforeAll(async () => {
  devnet = await startDevnet(CONFIG);
});
afterAll(() => devnet.stop());

describe("the market", () => {
  const prices = [21_111.11, 1_234.5678, 0.0712];

  beforeAll(() => devnet.setMarket({ time: START, prices, baseFeeWei: 37n * GWEI }));

  test("default: every pool stands at its price, to less than a thousandth of a tick", async () => {
    for (const [i, price] of prices.entries()) {
      const pool = await readPoolPrice(devnet, i + 1);
      expect(Math.abs(Math.log(pool / price) / Math.log(1.0001))).toBeLessThan(1e-3);
    }
  });

  test("default: every feed answers with its price at the block's time, and keeps the rounds before it", async () => {
    for (const [i, { feed }] of devnet.listings.entries()) {
      const contract = new Contract(feed, devFeedArtifact.abi, devnet.provider);
      const latest = await contract.latestRoundData!();
      const price = i === 0 ? 1 : prices[i - 1]!;
      expect(Number(latest.answer)).toBeCloseTo(price * 1e8, -1);
      expect(latest.updatedAt).toBe(BigInt(START));
      expect(latest.id).toBe((1n << 64n) + 2n);
      const first = await contract.getRoundData!((1n << 64n) + 1n);
      expect(Number(first.answer)).toBeCloseTo((i === 0 ? 1 : CONFIG.assets[i - 1]!.price) * 1e8, -1);
      await expect(contract.getRoundData!((1n << 64n) + 3n)).rejects.toThrow("No data present");
    }
  });

  test("behaviour: the pools' averages agree with the feeds however far the hour went, so that the vault may trade", async () => {
    const vault = new Contract(devnet.addresses.vault, vaultAbi, devnet.provider);
    expect((await vault.state!()).isTradingAllowed).toBe(true);
  });

  test("default: the block has the time and the base fee that were asked for", async () => {
    const block = await devnet.provider.getBlock("latest");
    expect([block?.timestamp, block?.baseFeePerGas]).toEqual([START, 37n * GWEI]);
  });

  test("behaviour: transactions between two bars follow second by second at the same base fee", async () => {
    const keeper = new Wallet(devnet.keys.keeper, devnet.provider);
    for (const seconds of [1, 2, 3]) {
      const sent = await keeper.sendTransaction({ to: keeper.address, value: 1n });
      const receipt = await sent.wait();
      const block = await devnet.provider.getBlock(receipt!.blockNumber);
      expect([block?.timestamp, block?.baseFeePerGas]).toEqual([START + seconds, 37n * GWEI]);
    }
    expect((await devnet.provider.getFeeData()).gasPrice).toBe(37n * GWEI + GWEI);
  });

  test("behaviour: buying for `poolDepthUsd` raises the price by 2 %", async () => {
    const [base, , ether] = devnet.listings;
    const quoter = new Contract(devnet.addresses.quoter, QUOTER_ABI, devnet.provider);
    await devnet.setMarket({
      time: START + HOUR,
      prices: CONFIG.assets.map((a) => a.price),
      baseFeeWei: GWEI,
    });
    // The pool keeps its fee aside; what is left of the payment moves the price.
    const amountIn = (BigInt(CONFIG.poolDepthUsd) * 10n ** 12n) / BigInt(1_000_000 - ether!.poolFee);
    const params = [base!.token, ether!.token, amountIn, ether!.poolFee, 0n];
    const { sqrtPriceX96After } = await quoter.quoteExactInputSingle!.staticCall(params);
    const before = await new Contract(ether!.pool!, POOL_ABI, devnet.provider).slot0!();
    const ratio = (Number(sqrtPriceX96After) / Number(before.sqrtPriceX96)) ** 2;
    expect(ether!.isToken0 ? ratio : 1 / ratio).toBeCloseTo(1.02, 6);
  });

  test("error: a time that is not after the chain's is refused and changes nothing", async () => {
    const before = await readState(devnet);
    const moment = { time: START, prices, baseFeeWei: GWEI };
    await expect(devnet.setMarket(moment)).rejects.toThrow(DevnetTimeError);
    expect(await readState(devnet)).toBe(before);
  });

  test.each([[[1, 2]], [[1, 2, 0]], [[1, 2, Number.NaN]], [[1, -2, 3]], [[1e300, 2, 3]]])(
    "error: prices %j are refused by name",
    async (bad) => {
      const moment = { time: START + 9 * HOUR, prices: bad, baseFeeWei: GWEI };
      await expect(devnet.setMarket(moment)).rejects.toThrow(DevnetConfigError);
    },
  );

  test("error: nobody but the operator moves the market, and no false pool is paid", async () => {
    const stranger = new Wallet(devnet.keys.stranger, devnet.provider);
    const market = new Contract(devnet.addresses.market, devMarketArtifact.abi, stranger);
    await expect(market.setMarket!.staticCall([1n, 1n, 1n, 1n], [0n, 1n, 1n, 1n])).rejects.toThrow(
      "NotOperator",
    );
    await expect(market.uniswapV3SwapCallback!.staticCall(1n, 1n, "0x")).rejects.toThrow("NotListedPool");
  });
});

describe("the vault", () => {
  test("default: funded at target weights, with its signers and its venue", async () => {
    const fresh = await startDevnet(CONFIG);
    try {
      const vault = new Contract(fresh.addresses.vault, vaultAbi, fresh.provider);
      const weights: bigint[] = await vault.weights!();
      const targets = [CONFIG.baseTargetWeight, ...CONFIG.assets.map((asset) => asset.targetWeight)];
      for (const [i, weight] of weights.entries())
        expect(Number(weight) / Number(targets[i])).toBeCloseTo(1, 6);
      expect(Number(await vault.nav!()) / 1e18).toBeCloseTo(CONFIG.navUsd, -1);
      expect(await vault.isAttester!(new Wallet(fresh.keys.attester).address)).toBe(true);
      expect(await vault.isAttester!(new Wallet(fresh.keys.stranger).address)).toBe(false);
      for (const key of fresh.keys.notaries)
        expect(await vault.isNotary!(new Wallet(key).address)).toBe(true);
      expect(await vault.isVenue!(fresh.addresses.venue)).toBe(true);
      expect(await vault.decisionSchema!()).toBe(fresh.schemaUid);
      expect([fresh.addresses, fresh.listings]).toEqual([devnet.addresses, devnet.listings]);
    } finally {
      await fresh.stop();
    }
  });

  test("default: a network's bytes are deployed, checked and registered as a model", async () => {
    const fixtures = new URL("fixtures/networks.json", import.meta.url);
    const { full } = JSON.parse(readFileSync(fixtures, "utf8")) as { full: `0x${string}` };
    const checkpoint = await devnet.checkpoint();
    const attestationUid = `0x${"22".repeat(32)}` as const;
    const modelId = await devnet.registerModel(full, attestationUid);
    expect(modelId).toBe(keccak256(full));
    const vault = new Contract(devnet.addresses.vault, vaultAbi, devnet.provider);
    const model = await vault.model!(modelId);
    expect([model.isActive, model.attestationUid]).toEqual([true, attestationUid]);
    expect(await devnet.provider.getCode(model.holder)).toBe(full);
    await expect(devnet.registerModel("0x00", attestationUid)).rejects.toThrow("registerModel");
    await devnet.restore(checkpoint);
  });

  test("error: targets that are not a whole, in the vault's own words", async () => {
    const starting = startDevnet({ ...CONFIG, baseTargetWeight: 19n * PERCENT });
    await expect(starting).rejects.toThrow(
      "deploying Vault reverted on the devnet (TargetsNotWhole(990000000000000000))",
    );
  });

  test("error: a fee tier that Uniswap has not", async () => {
    const assets = CONFIG.assets.map((asset) => ({ ...asset, poolFee: 2_500 }));
    await expect(startDevnet({ ...CONFIG, assets })).rejects.toThrow("2500 is none of 100, 500");
  });

  test("error: a schema other than the vault's", async () => {
    const starting = startDevnet({ ...CONFIG, decisionSchema: "bytes32 hash" });
    await expect(starting).rejects.toThrow(/decisionSchema.*but the vault expects/);
  });
});

test("behaviour: the same steps from a restored checkpoint give the same blocks, as often as one likes", async () => {
  const keeper = new Wallet(devnet.keys.keeper, devnet.provider);
  const token = new Contract(devnet.listings[0]!.token, devTokenArtifact.abi, keeper);
  const now = (await devnet.provider.getBlock("latest"))!.timestamp;
  const checkpoint = await devnet.checkpoint();
  const before = await readState(devnet);
  const live = async (): Promise<string> => {
    await devnet.setMarket({ time: now + HOUR, prices: [25_000, 1_000, 0.05], baseFeeWei: 90n * GWEI });
    await (await token.mint!(devnet.addresses.vault, 123_000_000n)).wait();
    return readState(devnet);
  };
  const first = await live();
  expect(first).not.toBe(before);
  for (let run = 0; run < 2; run += 1) {
    await devnet.restore(checkpoint);
    expect(await readState(devnet)).toBe(before);
    expect(await live()).toBe(first);
  }
});

test("error: a checkpoint that an older one has undone", async () => {
  const older = await devnet.checkpoint();
  const newer = await devnet.checkpoint();
  await devnet.restore(older);
  await expect(devnet.restore(newer)).rejects.toThrow(DevnetConfigError);
  await devnet.restore(older);
});

describe("anvil", () => {
  test("error: a busy port is named", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const error = await startAnvil({ timestamp: START, port }).catch((caught: unknown) => caught);
    server.close();
    expect(error).toBeInstanceOf(AnvilPortBusyError);
    expect(error).toMatchObject({ code: "PORT_BUSY", port });
  });

  test("error: a missing binary", async () => {
    const starting = startAnvil({ timestamp: START, binary: "/nowhere/anvil" });
    await expect(starting).rejects.toThrow(AnvilMissingError);
  });

  test("error: an anvil that dies at once, with its last lines", async () => {
    const error = await startAnvil({ timestamp: START, mnemonic: "no such words" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AnvilDiedError);
    expect((error as AnvilDiedError).lastLines).toContain("the word `no` is invalid");
  });

  test("behaviour: stop ends it, and may be called again", async () => {
    const anvil = await startAnvil({ timestamp: START, chainId: 7 });
    expect(await isAnswering(anvil.rpcUrl)).toBe(true);
    await Promise.all([anvil.stop(), anvil.stop()]);
    await anvil.stop();
    expect([await isAnswering(anvil.rpcUrl), isRunning(anvil.pid)]).toEqual([false, false]);
  });

  test("behaviour: a parent killed with SIGKILL leaves no anvil behind", async () => {
    const door = new URL("../src/index.ts", import.meta.url).href;
    const script = `
      const { startAnvil } = await import(${JSON.stringify(door)});
      const { rpcUrl, pid } = await startAnvil({ timestamp: ${START} });
      console.log(JSON.stringify({ rpcUrl, pid }));`;
    const parent = spawn("node", ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [text] = (await once(parent.stdout, "data")) as [Buffer];
    const { rpcUrl, pid } = JSON.parse(text.toString()) as { rpcUrl: string; pid: number };
    expect(await isAnswering(rpcUrl)).toBe(true);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    while (isRunning(pid) || (await isAnswering(rpcUrl)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
