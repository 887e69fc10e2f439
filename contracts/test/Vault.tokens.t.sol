// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {Decision, IVault, Limits, Trade} from "../sol/IVault.sol";
import {CallingToken, TollToken} from "./Fakes.sol";
import {Fixture} from "./Fixture.sol";

/// A token that takes a fee on transfer: no special case, the minimum and the loss limit hold net of it.
contract VaultTollTokenTest is Fixture {
    function _newEther() internal override returns (DevToken) {
        return new TollToken();
    }

    /// Leaves 80 ether, a fifth of the value, so that buying is in order.
    function _makeEtherScarce() private {
        vm.prank(owner);
        vault.withdraw(weth, 120e18);
    }

    function _tolls(uint256 receiverBps, uint256 senderBps) private {
        TollToken(address(weth)).setTolls(receiverBps, senderBps);
    }

    function test_error_buysLessThanTheMinimumNetOfTheFee() public {
        _makeEtherScarce();
        Trade[] memory trades = _trades(_trade(usdc, weth, 20_000e6));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        _tolls(200, 0);
        // x·y = k with 0.05 % off the input, then 2 % off the output.
        uint256 bought = uint256(50_000e18) * 19_990e6 / (100_000_000e6 + 19_990e6);
        bytes memory reason = abi.encodeWithSelector(
            IVault.ReceivedTooLittle.selector, 0, bought - bought * 200 / 10_000, trades[0].minAmountOut
        );
        vm.expectRevert(reason);
        vault.rebalance(uid, decision, trades);
    }

    function test_behaviour_buysWhenTheMinimumIsMetNetOfTheFee() public {
        _makeEtherScarce();
        Trade[] memory trades = _trades(_trade(usdc, weth, 20_000e6));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        _tolls(50, 0);
        uint256 before = weth.balanceOf(address(vault));
        uint256[] memory amountsOut = vault.rebalance(uid, decision, trades);
        vm.assertEq(weth.balanceOf(address(vault)), before + amountsOut[0], "reported net of the fee");
    }

    function test_error_sellsWhatThePoolReceivesTooLittleOf() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 1e18));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        _tolls(1, 0);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "IIA"));
        vault.rebalance(uid, decision, trades);
    }

    function test_error_losesMoreThanAllowedToAFeeOnTheSender() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 10e18));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        _tolls(0, 500);
        uint256 navBefore = vault.nav();
        // Sold 10 ether for x·y = k less 0.05 %, and 5 % of 10 ether on top: 1,000 dollars, where 200 may be lost.
        uint256 received = uint256(100_000_000e6) * 9.995e18 / (50_000e18 + 9.995e18);
        uint256 navAfter = navBefore - 21_000e18 + received * 1e12;
        vm.expectRevert(abi.encodeWithSelector(IVault.LostTooMuch.selector, navBefore, navAfter, 200e18 + 3));
        vault.rebalance(uid, decision, trades);
    }
}

/// A token that calls back into the vault while it is being traded.
contract VaultCallingTokenTest is Fixture {
    function _newEther() internal override returns (DevToken) {
        return new CallingToken();
    }

    function _limits() internal pure override returns (Limits memory) {
        return Limits({cooldown: 0, maxTurnover: 0.25e18, maxSlippage: 0.01e18});
    }

    function test_error_reentrantRebalance() public {
        Trade[] memory trades = _trades(_trade(weth, usdc, 10e18));
        Decision memory first = _decide(trades);
        first.decidedAt -= 1;
        bytes32 uid = _attest(first);
        // The next decision, good in every respect once the first has consumed its sequence.
        Decision memory second = _decide(trades);
        second.sequence = 2;
        bytes memory inner = abi.encodeCall(IVault.rebalance, (_attest(second), second, trades));
        CallingToken token = CallingToken(address(weth));
        token.callDuringTransfer(address(vault), inner);

        vault.rebalance(uid, first, trades);

        vm.assertEq(token.calls(), 1, "the token did call");
        vm.assertFalse(token.hasSucceeded(), "in vain");
        vm.assertEq(
            token.answer(),
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector),
            "because of the guard"
        );
        (bool isGoodAfterwards,) = address(vault).call(inner);
        vm.assertTrue(isGoodAfterwards, "the same call works when it does not re-enter");
    }

    function test_error_reentrantWithdrawalByAnOwnerThatIsTheToken() public {
        vm.prank(owner);
        vault.transferOwnership(address(weth));
        vm.prank(address(weth));
        vault.acceptOwnership();
        Trade[] memory trades = _trades(_trade(weth, usdc, 10e18));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        CallingToken token = CallingToken(address(weth));
        token.callDuringTransfer(address(vault), abi.encodeCall(IVault.withdraw, (wbtc, 1)));

        vault.rebalance(uid, decision, trades);

        vm.assertEq(token.calls(), 1, "the token did call");
        vm.assertFalse(token.hasSucceeded(), "in vain");
        vm.assertEq(wbtc.balanceOf(address(vault)), 10e8, "nothing left");
    }
}
