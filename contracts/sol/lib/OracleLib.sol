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
/// @dev Not checked: `answeredInRound`, which Chainlink has deprecated.
library OracleLib {
    /// @param maxAge Seconds.
    /// @param minPrice WAD, like `maxPrice`; both are acceptable themselves. An aggregator that clamps its answers
    /// goes on reporting its bound while the market runs away: keep these inside the aggregator's own.
    /// @return price Of one whole token in the feed's quote currency, WAD, rounded down.
    function priceWad(IPriceFeed feed, uint8 feedDecimals, uint256 maxAge, uint256 minPrice, uint256 maxPrice)
        internal
        view
        returns (uint256 price)
    {
        (uint80 roundId, int256 answer,, uint256 updatedAt,) = feed.latestRoundData();
        if (roundId == 0) revert IVault.PriceRoundMissing(address(feed));
        if (answer <= 0) revert IVault.PriceNotPositive(address(feed), answer);
        if (updatedAt > block.timestamp) revert IVault.PriceInFuture(address(feed), updatedAt, block.timestamp);
        if (block.timestamp - updatedAt > maxAge) revert IVault.PriceTooOld(address(feed), updatedAt, maxAge);
        price = (uint256(answer) * WAD) / 10 ** feedDecimals;
        if (price < minPrice || price > maxPrice) {
            revert IVault.PriceOutOfBounds(address(feed), price, minPrice, maxPrice);
        }
    }

    /// @notice Reverts while a rollup's sequencer is down, and for `grace` seconds after its return: until then
    /// prices are old, and only those who reach the rollup through its mother chain can act on them.
    /// @param feed Chainlink's L2 sequencer uptime feed: answers 0 for up and 1 for down. Zero: no sequencer.
    function checkSequencer(IPriceFeed feed, uint256 grace) internal view {
        if (address(feed) == address(0)) return;
        (, int256 answer, uint256 startedAt,,) = feed.latestRoundData();
        if (answer != 0) revert IVault.SequencerDown(address(feed));
        // A feed that has never been told anything says "up" too.
        if (startedAt == 0) revert IVault.PriceRoundMissing(address(feed));
        if (block.timestamp <= startedAt + grace) revert IVault.SequencerJustUp(address(feed), startedAt, grace);
    }
}
