// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../IVault.sol";
import {WAD} from "./FixedPointLib.sol";

/// The part of Chainlink's AggregatorV3Interface that is read.
interface IPriceFeed {
    function decimals() external view returns (uint8);
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

/// @title Chainlink answers as WAD prices, or a revert that says what is wrong with them
/// @dev Not checked: `answeredInRound`, which Chainlink has deprecated; the aggregator's own minimum and maximum
/// answer, which differ from feed to feed and which a vault's operator must know; an L2 sequencer's uptime, which
/// `maxAge` covers only in part.
library OracleLib {
    /// @return Price of one whole token in the feed's quote currency, WAD.
    function priceWad(IPriceFeed feed, uint8 feedDecimals, uint256 maxAge) internal view returns (uint256) {
        (uint80 roundId, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        if (roundId == 0) revert IVault.PriceRoundMissing(address(feed));
        if (answer <= 0) revert IVault.PriceNotPositive(address(feed), answer);
        if (updatedAt > block.timestamp) revert IVault.PriceInFuture(address(feed), updatedAt, block.timestamp);
        if (block.timestamp - updatedAt > maxAge) revert IVault.PriceTooOld(address(feed), updatedAt, maxAge);
        // A feed of more than 18 decimals loses the excess ones, rounded down.
        return (uint256(answer) * WAD) / 10 ** feedDecimals;
    }
}
