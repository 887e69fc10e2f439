import { type Anvil, DEV_MNEMONIC, startAnvil } from "@ballast/contracts";
import type { Hex } from "@ballast/data";
import { HDNodeWallet, JsonRpcProvider, Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cancel, ReceiptTimeoutError, settlePending, submit } from "../src/index.ts";

const GWEI = 1_000_000_000n;
const sink: Hex = `0x${"5".repeat(40)}`;
const call = { to: sink, data: "0x" };

let anvil: Anvil;
let provider: JsonRpcProvider;
let key: Wallet;
beforeAll(async () => {
  anvil = await startAnvil({ timestamp: 1_620_000_000 });
});
afterAll(() => anvil?.stop());
let next = 0;
beforeEach(async () => {
  // A provider with the default cache of ethers, which must not matter; a fresh key, so that nonces start at 0.
  provider = new JsonRpcProvider(anvil.rpcUrl, 31337, { staticNetwork: true });
  const path = `m/44'/60'/0'/0/${next++}`;
  key = new Wallet(HDNodeWallet.fromPhrase(DEV_MNEMONIC, undefined, path).privateKey, provider);
  await provider.send("anvil_setBalance", [key.address, `0x${(10n ** 20n).toString(16)}`]);
});
afterEach(async () => {
  await provider.send("evm_setAutomine", [true]);
  provider.destroy();
});
const pendingHashes = async (): Promise<string[]> =>
  Object.values(
    (
      (await provider.send("txpool_content", [])) as {
        pending: Record<string, Record<string, { hash: string }>>;
      }
    ).pending,
  )
    .flatMap((byNonce) => Object.values(byNonce))
    .map(({ hash }) => hash);

describe("submit", () => {
  it("default: sends once, and says the hash before the receipt", async () => {
    const hashes: Hex[] = [];
    const receipt = await submit(key, call, { onSubmitted: (hash) => void hashes.push(hash) });
    expect(receipt).toMatchObject({ status: 1, to: sink, hash: hashes[0] });
    expect(hashes).toHaveLength(1);
    expect((await submit(key, call)).hash).not.toBe(receipt.hash);
  });

  it("behaviour: what stays out of the blocks is sent again, dearer by an eighth, and mined once", async () => {
    await provider.send("evm_setAutomine", [false]);
    const offers: { hash: Hex; maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }[] = [];
    const onSubmitted = async (hash: Hex) => {
      const sent = await provider.getTransaction(hash);
      offers.push({
        hash,
        maxFeePerGas: sent!.maxFeePerGas!,
        maxPriorityFeePerGas: sent!.maxPriorityFeePerGas!,
      });
      if (offers.length === 3) await provider.send("evm_mine", []);
    };
    const receipt = await submit(key, call, { receiptTimeoutMs: 60, maxReplacements: 5, onSubmitted });
    expect(receipt.hash).toBe(offers[2]!.hash);
    expect(await provider.getTransactionCount(key.address)).toBe(1);
    const raised = (price: bigint) => (price * 9n + 7n) / 8n;
    for (const field of ["maxFeePerGas", "maxPriorityFeePerGas"] as const) {
      expect(offers[1]![field]).toBe(raised(offers[0]![field]));
      expect(offers[2]![field]).toBe(raised(offers[1]![field]));
    }
  });

  it("error: a transaction that nobody mines, with its nonce and every hash", async () => {
    await provider.send("evm_setAutomine", [false]);
    const error = await submit(key, call, { receiptTimeoutMs: 40, maxReplacements: 1 }).catch((e) => e);
    expect(error).toBeInstanceOf(ReceiptTimeoutError);
    expect(error).toMatchObject({ code: "RECEIPT_TIMEOUT", address: key.address, nonce: 0 });
    expect(error.txHashes).toHaveLength(2);
    expect(await pendingHashes()).toContain(error.txHashes[1]);
    await provider.send("evm_mine", []);
  });

  it("behaviour: it is not replaced above the limit on the gas price", async () => {
    await provider.send("evm_setAutomine", [false]);
    const gasPrice = BigInt(await provider.send("eth_gasPrice", []));
    const options = { receiptTimeoutMs: 40, maxReplacements: 3, maxGasPrice: gasPrice };
    const error = await submit(key, call, options).catch((e) => e);
    expect(error.txHashes).toHaveLength(1);
    await provider.send("evm_mine", []);
  });

  it("error: somebody else used the nonce meanwhile", async () => {
    await provider.send("evm_setAutomine", [false]);
    const onSubmitted = async (hash: Hex) => {
      await provider.send("anvil_dropTransaction", [hash]);
      const fees = { maxFeePerGas: 50n * GWEI, maxPriorityFeePerGas: 5n * GWEI };
      await key.sendTransaction({ to: key.address, nonce: 0, gasLimit: 21_000n, ...fees });
      await provider.send("evm_mine", []);
    };
    await expect(submit(key, call, { receiptTimeoutMs: 2_000, onSubmitted })).rejects.toMatchObject({
      code: "NONCE_TAKEN",
      nonce: 0,
    });
  });

  it("error: the call reverts, with the contract's own data", async () => {
    // PUSH32 word, PUSH0, MSTORE, PUSH1 4, PUSH0, REVERT: reverts with the first four bytes of the word.
    const code = `0x7f${"deadbeef".padEnd(64, "0")}5f5260045ffd`;
    const reverting: Hex = `0x${"6".repeat(40)}`;
    await provider.send("anvil_setCode", [reverting, code]);
    await expect(submit(key, { to: reverting, data: "0x" })).rejects.toMatchObject({
      code: "REVERTED",
      data: "0xdeadbeef",
      txHash: undefined,
    });
    expect(await provider.send("eth_getTransactionCount", [key.address, "latest"])).toBe("0x0");
  });

  it("error: a key without ether", async () => {
    const poor = new Wallet(`0x${"d".repeat(64)}`, provider);
    await expect(submit(poor, call)).rejects.toMatchObject({ code: "UNFUNDED_KEY", balance: 0n });
    await expect(submit(poor, call)).rejects.toThrow(/send it at least 0\.\d+ more$/);
  });

  it("error: no node; the message shows no URL, which may hold a key", async () => {
    const dead = new JsonRpcProvider("http://127.0.0.1:1/secret-key", 31337, { staticNetwork: true });
    const error = await submit(key.connect(dead), call).catch((e) => e);
    expect(error).toMatchObject({ code: "NODE" });
    expect(error.message).not.toContain("secret-key");
    dead.destroy();
  });
});

describe("what a risen base fee leaves behind", () => {
  const setBaseFee = (wei: bigint) =>
    provider.send("anvil_setNextBlockBaseFeePerGas", [`0x${wei.toString(16)}`]);
  const mine = () => provider.send("evm_mine", []);
  /** A transaction at 20 gwei at most, which the base fee rose above before anyone mined it. */
  async function stick(): Promise<Hex> {
    await setBaseFee(10n * GWEI);
    await mine();
    await provider.send("evm_setAutomine", [false]);
    await setBaseFee(10n * GWEI);
    const options = { receiptTimeoutMs: 40, maxReplacements: 0, maxGasPrice: 20n * GWEI };
    const error = await submit(key, call, options).catch((e) => e);
    expect(error).toBeInstanceOf(ReceiptTimeoutError);
    await setBaseFee(40n * GWEI);
    expect(await pendingHashes()).toEqual(error.txHashes);
    return error.txHashes[0];
  }
  const quick = { receiptTimeoutMs: 40, replacesPending: true };

  it("behaviour: what is sent next takes its nonce, and one of the two is mined", async () => {
    const stuck = await stick();
    await settlePending(key, quick);
    const sent = submit(key, { ...call, data: "0x01" }, { ...quick, receiptTimeoutMs: 5_000 });
    while ((await pendingHashes()).includes(stuck)) await new Promise((resolve) => setTimeout(resolve, 5));
    await mine();
    expect(await sent).toMatchObject({ status: 1 });
    expect(await provider.getTransactionReceipt(stuck)).toBeNull();
    expect(await provider.getTransactionCount(key.address)).toBe(1);
  });

  it("error: nothing within the limit replaces it; it is left alone", async () => {
    const stuck = await stick();
    const dear = await submit(key, call, { ...quick, maxGasPrice: 21n * GWEI }).catch((e) => e);
    expect(dear).toMatchObject({ code: "GAS_PRICE", maxGasPrice: 21n * GWEI });
    await setBaseFee(15n * GWEI);
    const error = await submit(key, call, { ...quick, maxGasPrice: 20n * GWEI }).catch((e) => e);
    expect(error).toMatchObject({ code: "STUCK_TRANSACTION", nonce: 0, maxFeePerGas: 20n * GWEI });
    expect(await pendingHashes()).toEqual([stuck]);
    await mine();
    expect(await provider.getTransactionReceipt(stuck)).toMatchObject({ status: 1 });
  });

  it("behaviour: cancelled, its nonce goes to a transfer of nothing at an eighth more, once", async () => {
    const stuck = await stick();
    // Unlike other nodes, anvil takes in nothing below the base fee.
    await setBaseFee(21n * GWEI);
    await cancel(key, stuck);
    const [hash, ...others] = await pendingHashes();
    expect(others).toEqual([]);
    expect(await provider.getTransaction(hash!)).toMatchObject({
      to: key.address,
      value: 0n,
      nonce: 0,
      maxFeePerGas: (20n * GWEI * 9n + 7n) / 8n,
    });
    await cancel(key, stuck);
    expect(await pendingHashes()).toEqual([hash]);
    await setBaseFee(15n * GWEI);
    await mine();
    expect(await provider.getTransactionReceipt(hash!)).toMatchObject({ status: 1, gasUsed: 21_000n });
    await cancel(key, hash as Hex);
    expect(await pendingHashes()).toEqual([]);
  });

  it("behaviour: patience bounds the wait, replacements included", async () => {
    await provider.send("evm_setAutomine", [false]);
    const options = { receiptTimeoutMs: 100, maxReplacements: 50, patienceMs: 250 };
    const error = await submit(key, call, options).catch((e) => e);
    expect(error).toBeInstanceOf(ReceiptTimeoutError);
    expect(error.txHashes).toHaveLength(3);
    await mine();
  });
});

describe("settlePending", () => {
  it("behaviour: waits until the key's pending transaction is mined", async () => {
    await settlePending(key);
    await provider.send("evm_setAutomine", [false]);
    const stuck = submit(key, call, { receiptTimeoutMs: 10_000 });
    while ((await pendingHashes()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(settlePending(key, { receiptTimeoutMs: 40 })).rejects.toMatchObject({
      code: "RECEIPT_TIMEOUT",
      nonce: 0,
      txHashes: [],
    });
    const settled = settlePending(key);
    await provider.send("evm_mine", []);
    await settled;
    expect((await stuck).status).toBe(1);
  });
});
