// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {IFixed} from "./IVault.sol";
import {FixedParts, Holding, Settings} from "./Types.sol";
import {HoldingsLib} from "./lib/HoldingsLib.sol";
import {IPriceFeed, OracleLib} from "./lib/OracleLib.sol";
import {Position, PositionLib} from "./lib/PositionLib.sol";
import {StateLib} from "./lib/StateLib.sol";

/// @title What never changes: the tokens with their oracles, and the EAS contract
/// @dev In the code of the vault and in that of its rebalancer; the vault takes it over from there.
abstract contract Fixed is IFixed {
    using PositionLib for Position[];

    /// @inheritdoc IFixed
    IEAS public immutable eas;
    /// @inheritdoc IFixed
    IPriceFeed public immutable sequencerFeed;
    /// @inheritdoc IFixed
    uint32 public immutable sequencerGrace;
    bytes32 internal immutable _easVersionHash;
    address internal immutable _store;

    constructor(FixedParts memory parts) {
        (eas, _easVersionHash, _store) = (parts.eas, parts.easVersionHash, parts.store);
        (sequencerFeed, sequencerGrace) = (parts.sequencerFeed, parts.sequencerGrace);
    }

    /// @inheritdoc IFixed
    function holdings() public view returns (Holding[] memory) {
        return HoldingsLib.read(_store);
    }

    /// @dev Reverts while the sequencer is down or a price is not to be trusted.
    /// @return positions At the feeds' prices.
    /// @return total Their value, WAD.
    /// @return totalAtAverages Their value at the pools' averages, WAD.
    function _positions() internal view returns (Position[] memory positions, uint256 total, uint256 totalAtAverages) {
        OracleLib.checkSequencer(sequencerFeed, sequencerGrace);
        (positions, total) = PositionLib.read(holdings(), address(this));
        Settings storage settings = StateLib.load().settings;
        totalAtAverages = positions.checkPools(settings.twapWindow, settings.maxDisagreementPpm);
    }
}
