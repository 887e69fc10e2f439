import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { getAddress, getCreateAddress, Interface, type InterfaceAbi } from "ethers";
import { DevnetRevertError, DevnetRpcError, postRpc, toQuantity } from "./devnet-rpc.ts";

export type Address = `0x${string}`;

/** What a Solidity compiler wrote: Hardhat's format, which the generated artefacts share. */
export interface ContractArtifact {
  readonly contractName: string;
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
  /** Where in the bytecode the addresses of libraries belong. Bytes, without the 0x. */
  readonly linkReferences?: Record<string, Record<string, readonly { start: number; length: number }[]>>;
}

const require = createRequire(import.meta.url);

/** Reads an artefact from an npm package, e.g. `@uniswap/v3-core/artifacts/…/UniswapV3Factory.json`. */
export const readPackageArtifact = (path: string): ContractArtifact =>
  JSON.parse(readFileSync(require.resolve(path), "utf8")) as ContractArtifact;

const GAS_LIMIT = toQuantity(29_000_000);

/** Deploys and calls from one unlocked account of the devnet, one transaction a block. */
export class Deployer {
  readonly from: Address;
  readonly #rpcUrl: string;
  #nonce = 0;

  constructor(rpcUrl: string, from: Address) {
    this.#rpcUrl = rpcUrl;
    this.from = from;
  }

  /** To be called where the account may have sent something by another way. */
  async resume(): Promise<void> {
    const call = { method: "eth_getTransactionCount", params: [this.from, "latest"] };
    this.#nonce = Number((await postRpc(this.#rpcUrl, [call]))[0]);
  }

  /** @throws DevnetRevertError, DevnetRpcError */
  async deploy(
    artifact: ContractArtifact,
    args: readonly unknown[] = [],
    libraries: Readonly<Record<string, Address>> = {},
  ): Promise<Contract> {
    const address = getCreateAddress({ from: this.from, nonce: this.#nonce }) as Address;
    const face = new Interface(artifact.abi);
    const data = link(artifact, libraries) + face.encodeDeploy(args).slice(2);
    await this.transact({ data }, face, `deploying ${artifact.contractName}`);
    return new Contract(this, address, face);
  }

  /** A contract that is already there. */
  at(address: string, artifact: ContractArtifact): Contract {
    return new Contract(this, getAddress(address) as Address, new Interface(artifact.abi));
  }

  /**
   * @param face Whose errors a revert is explained with.
   * @throws DevnetRevertError, DevnetRpcError
   */
  async transact(transaction: Transaction, face: Interface, what: string): Promise<void> {
    const params = [{ from: this.from, nonce: toQuantity(this.#nonce), gas: GAS_LIMIT, ...transaction }];
    const call = { method: "eth_sendTransactionSync", params };
    const [receipt] = (await postRpc(this.#rpcUrl, [call])) as [{ readonly status: string }];
    this.#nonce += 1;
    if (receipt.status !== "0x1") throw new DevnetRevertError(what, await this.#explain(transaction, face));
  }

  /** @throws DevnetRpcError, with the reason when the call reverts */
  async call(transaction: Transaction): Promise<string> {
    const params = [{ from: this.from, ...transaction }, "latest"];
    return (await postRpc(this.#rpcUrl, [{ method: "eth_call", params }]))[0] as string;
  }

  /** Why a transaction reverted: a receipt does not say, the same as a call does. */
  async #explain(transaction: Transaction, face: Interface): Promise<string> {
    try {
      await this.call(transaction);
      return "out of gas";
    } catch (error) {
      if (!(error instanceof DevnetRpcError)) throw error;
      const parsed = error.data === undefined ? null : face.parseError(error.data);
      return parsed === null ? error.reason : `${parsed.name}(${parsed.args.join(", ")})`;
    }
  }
}

interface Transaction {
  readonly to?: Address;
  readonly data: string;
}

/** A deployed contract: `send` mines a transaction, `read` calls. */
export class Contract {
  readonly address: Address;
  readonly interface: Interface;
  readonly #deployer: Deployer;

  constructor(deployer: Deployer, address: Address, face: Interface) {
    this.#deployer = deployer;
    this.address = address;
    this.interface = face;
  }

  async send(name: string, args: readonly unknown[] = []): Promise<void> {
    const data = this.interface.encodeFunctionData(name, args);
    await this.#deployer.transact({ to: this.address, data }, this.interface, `${name} of ${this.address}`);
  }

  async read(name: string, args: readonly unknown[] = []): Promise<readonly unknown[]> {
    const data = this.interface.encodeFunctionData(name, args);
    try {
      return this.interface.decodeFunctionResult(name, await this.#deployer.call({ to: this.address, data }));
    } catch (error) {
      if (error instanceof DevnetRpcError)
        throw new DevnetRpcError(`${name} of ${this.address}`, error.reason);
      throw error;
    }
  }
}

const link = (artifact: ContractArtifact, libraries: Readonly<Record<string, Address>>): string => {
  let code = artifact.bytecode;
  for (const references of Object.values(artifact.linkReferences ?? {})) {
    for (const [name, places] of Object.entries(references)) {
      const address = libraries[name];
      if (address === undefined) throw new TypeError(`the address of library ${name} is missing`);
      for (const { start, length } of places) {
        const at = 2 + start * 2;
        code = code.slice(0, at) + address.slice(2).toLowerCase() + code.slice(at + length * 2);
      }
    }
  }
  return code;
};
