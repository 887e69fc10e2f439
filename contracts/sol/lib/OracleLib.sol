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
/// @dev Not checked: `answeredInRound`, which Chainlink has deprecated. The aggregator's own minimum and maximum answer
/// differ from feed to feed: the deployer's bounds have to lie within them.
library OracleLib {
    /// @return price Of one whole token in the feed's quote currency, WAD.
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
        // A feed of more than 18 decimals loses the excess ones, rounded down.
        price = (uint256(answer) * WAD) / 10 ** feedDecimals;
        if (price < minPrice || price > maxPrice) {
            revert IVault.PriceOutOfBounds(address(feed), price, minPrice, maxPrice);
        }
    }

    /// @notice Reverts while a rollup's sequencer is down, and for `grace` seconds after: prices are old until then.
    /// @param feed Chainlink's uptime feed: answer 0 is up, `startedAt` since when. Zero: there is no sequencer.
    function checkSequencer(IPriceFeed feed, uint256 grace) internal view {
        if (address(feed) == address(0)) return;
        (, int256 answer, uint256 since,,) = feed.latestRoundData();
        // A round that never started has zero for its time (Chainlink, "L2 Sequencer Uptime Feeds").
        if (answer != 0 || since == 0) revert IVault.SequencerDown(address(feed));
        if (block.timestamp < since + grace) revert IVault.SequencerJustUp(address(feed), since, grace);
    }
}
