// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../../sol/IVault.sol";
import {Decision, Evidence, Holding, Trade} from "../../sol/Types.sol";
import {Vault} from "../../sol/Vault.sol";
import {BreachScoreLib} from "../../sol/lib/BreachScoreLib.sol";
import {PositionLib} from "../../sol/lib/PositionLib.sol";
import {TradeLib} from "../../sol/lib/TradeLib.sol";
import {SetFeed} from "../Fakes.sol";
import {Fixture} from "../Fixture.sol";

/// Bounds of prices and weights that a vault in use hardly ever meets.
contract WeightsTest is Fixture {
    function checkWeight(uint256 weightBefore, uint256 weightAfter) external pure {
        TradeLib.checkWeight(address(7), weightBefore, weightAfter, 0.3e18, 0.005e18);
    }

    function read(Holding[] memory held) external view returns (uint256 nav) {
        (, nav) = PositionLib.read(held, address(this));
    }

    function distanceToEdge(uint256 weight, uint256 target, uint256 band) external pure returns (uint256) {
        return BreachScoreLib.distanceToEdge(weight, 1, target, band);
    }

    function test_behaviour_weightMayDriftAwayByTheTolerance() public view {
        this.checkWeight(0.31e18, 0.315e18);
        this.checkWeight(0.29e18, 0.285e18);
    }

    function test_error_weightPushedAway() public {
        vm.expectRevert(
            abi.encodeWithSelector(IVault.WeightPushedAway.selector, address(7), 0.31e18, 0.315e18 + 1, 0.3e18)
        );
        this.checkWeight(0.31e18, 0.315e18 + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IVault.WeightPushedAway.selector, address(7), 0.29e18, 0.285e18 - 1, 0.3e18)
        );
        this.checkWeight(0.29e18, 0.285e18 - 1);
    }

    function test_error_priceTooSmall() public {
        SetFeed feed = new SetFeed(18, 1e6);
        Holding[] memory held = _withoutBounds(feed);
        this.read(held);
        feed.set(1e6 - 1, block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IVault.PriceTooSmall.selector, address(feed), 1e6 - 1, 1e6));
        this.read(held);
    }

    function _withoutBounds(SetFeed feed) private view returns (Holding[] memory held) {
        held = vault.holdings();
        (held[1].feed, held[1].feedDecimals) = (feed, 18);
        (held[1].minPrice, held[1].maxPrice) = (0, type(uint128).max);
    }

    function test_error_weightBeyondTheEdgeCannotBeScored() public {
        this.distanceToEdge(0.35e18, 0.3e18, 0.05e18);
        vm.expectRevert(abi.encodeWithSelector(BreachScoreLib.NotScorable.selector, 1, 0.35e18 + 1, 0.3e18, 0.05e18));
        this.distanceToEdge(0.35e18 + 1, 0.3e18, 0.05e18);
        // Neither edge can be reached.
        vm.expectRevert(abi.encodeWithSelector(BreachScoreLib.NotScorable.selector, 1, 0.5e18, 0.5e18, 0.5e18));
        this.distanceToEdge(0.5e18, 0.5e18, 0.5e18);
    }

    function test_error_vaultEmpty() public {
        vault = new Vault(_setup());
        Trade[] memory trades = _sellEther();
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        vm.expectRevert(abi.encodeWithSelector(IVault.VaultEmpty.selector));
        vault.rebalance(decision, trades, evidence);
        vm.expectRevert(abi.encodeWithSelector(IVault.VaultEmpty.selector));
        vault.guards(decision, trades);
    }
}
