// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../IVault.sol";
import {Holding, Settings, Target} from "../Types.sol";
import {FixedPointLib, WAD} from "./FixedPointLib.sol";
import {IPriceFeed, OracleLib} from "./OracleLib.sol";
import {TwapLib} from "./TwapLib.sol";

/// A holding valued at this moment, in memory only.
struct Position {
    Holding holding;
    /// Smallest units.
    uint256 balance;
    /// One whole token in the base asset, WAD.
    uint256 price;
    /// In the base asset, WAD, rounded down.
    uint256 value;
}

/// @title What an account holds, and what that is worth
library PositionLib {
    using FixedPointLib for uint256;
    using OracleLib for IPriceFeed;

    // Below it the rounding of a price is worth more than a millionth of it; at 0 a token could be sold for nothing.
    uint256 internal constant MIN_PRICE = 1e6;

    /// @param held The base asset first.
    /// @return positions In the same order. @return nav Sum of their values, WAD.
    function read(Holding[] memory held, address account)
        internal
        view
        returns (Position[] memory positions, uint256 nav)
    {
        positions = new Position[](held.length);
        uint256 basePrice;
        for (uint256 i; i < held.length; ++i) {
            Position memory position = positions[i];
            Holding memory holding = position.holding = held[i];
            uint256 price = WAD;
            if (address(holding.feed) != address(0)) {
                price = holding.feed.priceWad(holding.feedDecimals, holding.maxAge, holding.minPrice, holding.maxPrice);
            }
            if (i == 0) basePrice = price;
            position.price = price.mulDivDown(WAD, basePrice);
            if (position.price < MIN_PRICE) {
                revert IVault.PriceTooSmall(address(holding.feed), position.price, MIN_PRICE);
            }
            position.balance = holding.token.balanceOf(account);
            position.value = valueOf(position, position.balance);
            nav += position.value;
        }
    }

    /// @notice Reverts where a feed's price and the average of the token's pool are too far apart.
    /// @return navAtAverages Sum of the values at the averages, at the feed's price where there is no pool; WAD.
    function checkPools(Position[] memory positions, uint32 window, uint256 maxDisagreementPpm)
        internal
        view
        returns (uint256 navAtAverages)
    {
        uint8 baseDecimals = positions[0].holding.decimals;
        for (uint256 i; i < positions.length; ++i) {
            Position memory position = positions[i];
            Holding memory holding = position.holding;
            if (holding.pool == address(0)) {
                navAtAverages += position.value;
                continue;
            }
            uint256 average = TwapLib.priceWad(holding.pool, holding.isToken0, holding.decimals, baseDecimals, window);
            TwapLib.checkAgrees(holding.pool, position.price, average, maxDisagreementPpm);
            navAtAverages += position.balance.mulDivDown(average, 10 ** holding.decimals);
        }
    }

    /// @return Of an amount of the position's token, WAD, rounded down.
    function valueOf(Position memory position, uint256 amount) internal pure returns (uint256) {
        return amount.mulDivDown(position.price, 10 ** position.holding.decimals);
    }

    /// @return shares WAD, rounded down.
    function weights(Position[] memory positions, uint256 nav) internal pure returns (uint256[] memory shares) {
        shares = new uint256[](positions.length);
        if (nav == 0) return shares;
        for (uint256 i; i < positions.length; ++i) {
            shares[i] = positions[i].value.mulDivDown(WAD, nav);
        }
    }

    function isAnyOutside(uint256[] memory shares, Target[] memory targets) internal pure returns (bool) {
        for (uint256 i; i < shares.length; ++i) {
            if (shares[i].distance(targets[i].weight) > targets[i].band) return true;
        }
        return false;
    }

    /// @dev Reverts with `TokenNotHeld(trade, token)`.
    function indexOf(Position[] memory positions, address token, uint256 trade) internal pure returns (uint256) {
        for (uint256 i; i < positions.length; ++i) {
            if (address(positions[i].holding.token) == token) return i;
        }
        revert IVault.TokenNotHeld(trade, token);
    }
}
