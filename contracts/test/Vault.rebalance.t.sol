// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Decision, Evidence, Trade} from "../sol/Types.sol";
import {IVault} from "../sol/IVault.sol";
import {Fixture} from "./Fixture.sol";

contract VaultRebalanceTest is Fixture {
    function test_default_offchain() public {
        Trade[] memory trades = _sellEther();
        (Decision memory decision, Evidence memory evidence) = _decideAndSign(trades);
        uint256 before = usdc.balanceOf(address(vault));
        uint256 out = vault.rebalance(decision, trades, evidence)[0];
        vm.snapshotGasLastCall("Vault", "rebalance: two assets, reactive, off chain");
        vm.assertEq(usdc.balanceOf(address(vault)), before + out, "received");
        vm.assertEq(weth.balanceOf(address(vault)), 150e18, "sold");
        vm.assertEq(vault.progress().sequence, 1, "sequence");
    }

    function test_default_onchain() public {
        Trade[] memory trades = _sellEther();
        Decision memory decision = _decide(trades);
        vault.rebalance(decision, trades, _attest(decision));
        vm.assertEq(weth.balanceOf(address(vault)), 150e18, "sold");
    }

    function test_default_state() public view {
        vm.assertEq(vault.state().nav, 1_000_000e18, "nav");
    }

    function test_gas() public {
        usdc.mint(holder, 1000e6);
        vm.prank(holder);
        vault.deposit(500e6, holder);
        vm.snapshotGasLastCall("Vault", "deposit");
        vm.prank(holder);
        vault.redeemInKind(1e15, holder, holder, 0);
        vm.snapshotGasLastCall("Vault", "redeemInKind: three tokens");
    }
}
