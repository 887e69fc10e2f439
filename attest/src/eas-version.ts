import { BallastError, type Hex } from "@ballast/data";

/** What may be done with an EAS contract of some version. */
export interface EasSupport {
  /** Whether off-chain attestations can be made for it, and which version of them: the SDK's. */
  readonly offchain: 2 | undefined;
  /** Whether a delegated attestation is safe to sign. */
  readonly delegated: boolean;
  /** Why not, where something is refused. */
  readonly because: string;
}

const NO_VERSION_FUNCTION =
  "it has no version(), so that a vault cannot rebuild what its off-chain attestations are signed over, " +
  "and its delegated attestations never expire";
const NO_DEADLINE =
  "what a delegated attestation signs has no deadline, so that anyone may send it years later";
const NO_ATTESTER =
  "what a delegated attestation signs does not name the attester, so that one signature counts for every " +
  "contract account of the same key";

/**
 * Every version of EAS that stands on a public chain. The SDK signs off-chain attestations of version 2 for all of
 * them; the contract's version is part of what is signed. What a delegated attestation signs changed twice.
 * Source: eas-sdk 2.10, `offchain/versions.ts`, `offchain/delegated.ts` (bounds 1.2.0 and 1.3.0) and
 * `legacy/version.ts`.
 */
export const EAS_VERSIONS: Readonly<Record<string, EasSupport>> = {
  "0.26": { offchain: undefined, delegated: false, because: NO_VERSION_FUNCTION },
  "1.0.0": { offchain: 2, delegated: false, because: NO_DEADLINE },
  "1.0.1": { offchain: 2, delegated: false, because: NO_DEADLINE },
  "1.0.2": { offchain: 2, delegated: false, because: NO_DEADLINE },
  "1.1.0": { offchain: 2, delegated: false, because: NO_DEADLINE },
  "1.2.0": { offchain: 2, delegated: false, because: NO_ATTESTER },
  "1.3.0": { offchain: 2, delegated: true, because: "" },
  "1.4.0": { offchain: 2, delegated: true, because: "" },
};

export class EasVersionError extends BallastError {
  readonly code = "EAS_VERSION";
  readonly version: string;
  readonly address: Hex;
  constructor(version: string, address: Hex, because: string, remedy: string) {
    super(`EAS at ${address} is version ${JSON.stringify(version.slice(0, 40))}: ${because}; ${remedy}`);
    this.version = version;
    this.address = address;
  }
}

/** Throws EasVersionError where nothing is known of the version, or it cannot carry an off-chain attestation. */
export function assertEasVersion(version: string, address: Hex): EasSupport {
  const support = Object.hasOwn(EAS_VERSIONS, version) ? EAS_VERSIONS[version]! : undefined;
  if (support === undefined) {
    const known = Object.keys(EAS_VERSIONS).join(", ");
    throw new EasVersionError(version, address, `known are ${known}`, "use a release that knows it");
  }
  if (support.offchain === undefined)
    throw new EasVersionError(version, address, support.because, "use a chain with EAS 1.0.0 or later");
  return support;
}

/** Throws EasVersionError where a delegated attestation would be unsafe. */
export function assertDelegable(version: string, address: Hex): void {
  const { delegated, because } = assertEasVersion(version, address);
  if (!delegated)
    throw new EasVersionError(
      version,
      address,
      because,
      "attest off chain, or on chain with the attester's own key",
    );
}
