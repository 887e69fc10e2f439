import type { Trade } from "@ballast/attest";
import { type Devnet, devTokenArtifact } from "@ballast/contracts";
import { Contract, Interface, MaxUint256, type Wallet } from "ethers";

const routerInterface = new Interface([
  "function exactInputSingle((address tokenIn,address tokenOut,uint24 fee,address recipient,uint256 deadline,uint256 amountIn,uint256 amountOutMinimum,uint160 sqrtPriceLimitX96) params) payable returns (uint256)",
  "function multicall(bytes[] data) payable returns (bytes[])",
]);

/** Gives an account what it needs to make the trades itself: tokens, some of each beforehand, and allowances. */
export async function fundAccount(devnet: Devnet, account: Wallet, trades: readonly Trade[]): Promise<void> {
  for (const { token } of devnet.listings) {
    const sold = trades.reduce(
      (sum, { tokenIn, amountIn }) => sum + (same(tokenIn, token) ? amountIn : 0n),
      0n,
    );
    const contract = new Contract(token, devTokenArtifact.abi, account);
    await (await contract.mint!(account.address, 2n * sold + 1_000_000n)).wait();
    await (await contract.approve!(devnet.addresses.router, MaxUint256)).wait();
  }
}
const same = (x: string, y: string) => x.toLowerCase() === y.toLowerCase();

/** The swaps in one transaction of the router, no attestation, no oracle, no vault. @returns its gas */
export async function swapTogether(
  devnet: Devnet,
  account: Wallet,
  trades: readonly Trade[],
): Promise<bigint> {
  const calls = trades.map(({ tokenIn, tokenOut, amountIn, minAmountOut, route }) =>
    routerInterface.encodeFunctionData("exactInputSingle", [
      {
        tokenIn,
        tokenOut,
        amountIn,
        // A route through one pool is its fee tier.
        fee: BigInt(route),
        recipient: account.address,
        deadline: MaxUint256,
        amountOutMinimum: minAmountOut,
        sqrtPriceLimitX96: 0n,
      },
    ]),
  );
  const data = calls.length === 1 ? calls[0]! : routerInterface.encodeFunctionData("multicall", [calls]);
  return sendForGas(account, devnet.addresses.router, data);
}

/** @returns gas of the mined transaction */
export async function sendForGas(account: Wallet, to: string, data: string): Promise<bigint> {
  const receipt = await (await account.sendTransaction({ to, data })).wait();
  return receipt!.gasUsed;
}
