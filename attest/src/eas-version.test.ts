import { createRequire } from "node:module";
import type { Hex } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { assertDelegable, assertEasVersion, EAS_VERSIONS, EasVersionError } from "./eas-version.ts";
import { easSdk } from "./sdk.ts";

const require = createRequire(import.meta.url);
const { EIP712_VERSIONS } = require(
  require.resolve("@ethereum-attestation-service/eas-sdk").replace(/index\.js$/, "offchain/versions.js"),
) as { EIP712_VERSIONS: string[] };
const address: Hex = `0x${"e".repeat(40)}`;

describe("EAS_VERSIONS", () => {
  it("default: exactly the versions the SDK knows", () => {
    expect(Object.keys(EAS_VERSIONS)).toEqual(EIP712_VERSIONS);
  });

  it.each(Object.entries(EAS_VERSIONS))(
    "behaviour: what a delegated attestation of %s signs",
    (version, support) => {
      const { Delegated } = easSdk();
      const delegated = new Delegated({ address, version, chainId: 1n }, undefined as never);
      const signed = (delegated as unknown as { attestType: { typedSignature: string } }).attestType
        .typedSignature;
      const isSafe = signed.includes("address attester") && signed.includes("uint64 deadline");
      expect(support.delegated).toBe(isSafe);
      expect(support.because === "").toBe(isSafe);
    },
  );

  it.each(["1.0.0", "1.1.0", "1.2.0", "1.4.0"])("default: %s carries off-chain attestations", (version) => {
    expect(assertEasVersion(version, address).offchain).toBe(2);
  });

  it.each([
    ["0.26", /no version\(\)/],
    ["1.5.0", /known are 0\.26, /],
    ["2.0.0", /known are/],
    ["", /known are/],
    ["1.4", /known are/],
    ["toString", /known are/],
  ])("error: %s is refused, with the reason", (version, reason) => {
    expect(() => assertEasVersion(version, address)).toThrow(EasVersionError);
    expect(() => assertEasVersion(version, address)).toThrow(reason);
  });

  it.each([
    ["1.1.0", /no deadline/],
    ["1.2.0", /does not name the attester/],
    ["0.26", /no version\(\)/],
  ])("error: delegation on %s is refused, with the reason", (version, reason) => {
    expect(() => assertDelegable(version, address)).toThrow(reason);
  });

  it("default: delegation on 1.3.0 and 1.4.0", () => {
    for (const version of ["1.3.0", "1.4.0"]) expect(() => assertDelegable(version, address)).not.toThrow();
  });
});
