import { Interface, Signature, type TypedDataField, ZeroHash } from "ethers";
import { type Attack, toGas } from "./attack.ts";
import { encodeDecision, NO_EVIDENCE } from "./decision.ts";
import { EAS_ABI } from "./scene.ts";

const FIELDS: Record<string, TypedDataField[]> = {
  Attest: [
    { name: "attester", type: "address" },
    { name: "schema", type: "bytes32" },
    { name: "recipient", type: "address" },
    { name: "expirationTime", type: "uint64" },
    { name: "revocable", type: "bool" },
    { name: "refUID", type: "bytes32" },
    { name: "data", type: "bytes" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
};

/** EAS counts a nonce for each signature, so that whoever submits second is refused. */
export const frontRunAttestation: Attack = {
  tries:
    "submits the agent's delegated attestation before the agent does, so that the agent's own is refused",
  async run(scene) {
    await scene.passHour(3_000);
    const trades = [await scene.sellEther()];
    const decision = await scene.decide(trades);
    const { attester, eas, devnet, vault } = scene;
    const fields = {
      recipient: vault.target,
      expirationTime: decision.expiresAt,
      revocable: true,
      refUID: ZeroHash,
    };
    const data = { ...fields, data: encodeDecision(decision), value: 0n };
    const deadline = decision.expiresAt;
    const signature = await attester.signTypedData(
      {
        name: "EAS",
        version: await eas.version!(),
        chainId: devnet.chainId,
        verifyingContract: String(eas.target),
      },
      FIELDS,
      {
        attester: attester.address,
        schema: devnet.schemaUid,
        ...data,
        nonce: await eas.getNonce!(attester),
        deadline,
      },
    );
    const { v, r, s } = Signature.from(signature);
    const request = {
      schema: devnet.schemaUid,
      data,
      signature: { v, r, s },
      attester: attester.address,
      deadline,
    };

    const stolen = await scene.attempt(eas, "attestByDelegation", [request]);
    const own = await scene.attempt(eas, "attestByDelegation", [request], scene.keeper);
    const block = await devnet.provider.getBlockNumber();
    const logs = await devnet.provider.getLogs({
      address: String(eas.target),
      fromBlock: block - 2,
      toBlock: block,
    });
    const uid: string = new Interface(EAS_ABI).parseLog(logs[0]!)!.args.uid;
    const executed = await scene.rebalance(decision, trades, { ...NO_EVIDENCE, uid }, scene.keeper);
    return {
      isStopped: own.error === "InvalidSignature" && executed.error === undefined,
      stoppedBy:
        executed.error === undefined
          ? `the vault, which takes the attestation that is there, whoever submitted it: EAS refused the agent's own (${own.refusal}), and the rebalance went through all the same`
          : "nothing",
      cost: `${toGas(stolen.gasUsed)} for the agent's attestation, which the agent would else have paid`,
    };
  },
};
