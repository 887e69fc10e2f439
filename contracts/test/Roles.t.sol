// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVault} from "../sol/IVault.sol";
import {Rebalancer} from "../sol/Rebalancer.sol";
import {Holding, Market, Model, Settings, Setup, Target} from "../sol/Types.sol";
import {Vault} from "../sol/Vault.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {IPriceFeed} from "../sol/lib/OracleLib.sol";
import {Fixture} from "./Fixture.sol";
import {SetFeed} from "./Fakes.sol";

/// What the owner may do after the delay, the guardian at once, and nobody else ever.
contract RolesTest is Fixture {
    function _emits() private {
        vm.expectEmit(address(vault));
    }

    function _refusesOwner(bytes memory call_, bytes memory reason) private {
        vm.prank(owner);
        vault.submit(call_);
        _pass(vault.delay());
        (bool isDone, bytes memory answer) = address(vault).call(call_);
        vm.assertFalse(isDone, "refused");
        vm.assertEq(answer, reason, "reason");
    }

    // The timelock

    function test_default_submitWaitExecute() public {
        bytes memory call_ = abi.encodeCall(IVault.setAttester, (address(5), true));
        _emits();
        emit IVault.Submitted(keccak256(call_), call_, NOW + 2 days);
        vm.prank(owner);
        vault.submit(call_);
        vm.assertEq(vault.executableAt(keccak256(call_)), NOW + 2 days, "pending");

        vm.warp(NOW + 2 days);
        _emits();
        emit IVault.Executed(keccak256(call_), address(this));
        _emits();
        emit IVault.AttesterSet(address(5), true);
        vault.setAttester(address(5), true);
        vm.assertTrue(vault.isAttester(address(5)), "allowed");
        vm.assertEq(vault.executableAt(keccak256(call_)), 0, "used up");
    }

    function test_error_tooEarly() public {
        bytes memory call_ = abi.encodeCall(IVault.setAttester, (address(5), true));
        vm.prank(owner);
        vault.submit(call_);
        vm.warp(NOW + 2 days - 1);
        bytes32 id = keccak256(call_);
        vm.expectRevert(abi.encodeWithSelector(IVault.TooEarly.selector, id, NOW + 2 days, NOW + 2 days - 1));
        vault.setAttester(address(5), true);
    }

    function test_error_tooLate() public {
        bytes memory call_ = abi.encodeCall(IVault.setAttester, (address(5), true));
        vm.prank(owner);
        bytes32 id = vault.submit(call_);
        vm.warp(NOW + 16 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IVault.TooLate.selector, id, NOW + 16 days, NOW + 16 days + 1));
        vault.setAttester(address(5), true);
        vm.assertFalse(vault.isAttester(address(5)), "not allowed");
    }

    function test_behaviour_executableToTheLastSecondAndThenSubmittedAnew() public {
        bytes memory call_ = abi.encodeCall(IVault.setAttester, (address(5), true));
        vm.prank(owner);
        bytes32 id = vault.submit(call_);
        vm.warp(NOW + 16 days);
        vm.expectRevert(abi.encodeWithSelector(IVault.AlreadySubmitted.selector, id, NOW + 2 days));
        vm.prank(owner);
        vault.submit(call_);
        uint256 start = vm.snapshotState();
        vault.setAttester(address(5), true);
        vm.assertTrue(vault.isAttester(address(5)), "in time");
        vm.revertToState(start);
        vm.warp(NOW + 17 days);
        vm.prank(owner);
        vault.submit(call_);
        vm.assertEq(vault.executableAt(id), NOW + 19 days, "the delay begins anew");
    }

    function test_error_executedTwice() public {
        bytes memory call_ = abi.encodeCall(IVault.setAttester, (address(5), true));
        _change(call_);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotSubmitted.selector, keccak256(call_)));
        vault.setAttester(address(5), true);
    }

    function test_error_anotherCallThanSubmitted() public {
        vm.prank(owner);
        vault.submit(abi.encodeCall(IVault.setAttester, (address(5), true)));
        vm.warp(NOW + 2 days);
        bytes32 id = keccak256(abi.encodeCall(IVault.setAttester, (address(6), true)));
        vm.expectRevert(abi.encodeWithSelector(IVault.NotSubmitted.selector, id));
        vault.setAttester(address(6), true);
    }

    function test_error_submittedTwice() public {
        bytes memory call_ = abi.encodeCall(IVault.setDelay, (0));
        vm.prank(owner);
        vault.submit(call_);
        vm.warp(NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IVault.AlreadySubmitted.selector, keccak256(call_), NOW + 2 days));
        vm.prank(owner);
        vault.submit(call_);
    }

    function test_default_guardianRevokes() public {
        bytes memory call_ = abi.encodeCall(IVault.setDelay, (0));
        vm.prank(owner);
        vault.submit(call_);
        _emits();
        emit IVault.Revoked(keccak256(call_), guardian);
        vm.prank(guardian);
        vault.revoke(keccak256(call_));
        vm.warp(NOW + 2 days);
        vm.expectRevert(abi.encodeWithSelector(IVault.NotSubmitted.selector, keccak256(call_)));
        vault.setDelay(0);
    }

    function test_error_revokesWhatIsNotPending() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NotSubmitted.selector, bytes32(uint256(1))));
        vm.prank(owner);
        vault.revoke(bytes32(uint256(1)));
    }

    function test_error_everyChangeIsBehindTheTimelock() public {
        bytes[8] memory calls = [
            abi.encodeCall(IVault.setSettings, (_settings())),
            abi.encodeCall(IVault.setTargets, (_targets())),
            abi.encodeCall(IVault.setAttester, (address(1), true)),
            abi.encodeCall(IVault.setNotary, (address(1), true)),
            abi.encodeCall(IVault.setVenue, (address(1), true)),
            abi.encodeCall(IVault.registerModel, (bytes32(uint256(1)), address(1), 0)),
            abi.encodeCall(IVault.setGuardian, (address(1))),
            abi.encodeCall(IVault.setDelay, (0))
        ];
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(owner);
            (bool isDone, bytes memory answer) = address(vault).call(calls[i]);
            vm.assertFalse(isDone, "refused");
            vm.assertEq(
                answer, abi.encodeWithSelector(IVault.NotSubmitted.selector, keccak256(calls[i])), "not even him"
            );
        }
    }

    // Strangers

    function test_error_strangers() public {
        bytes[3] memory calls = [
            abi.encodeCall(IVault.submit, ("")),
            abi.encodeCall(IVault.unpause, ()),
            abi.encodeCall(Ownable.transferOwnership, (address(1)))
        ];
        for (uint256 i; i < calls.length; ++i) {
            (bool isDone, bytes memory answer) = address(vault).call(calls[i]);
            vm.assertFalse(isDone, "refused");
            vm.assertEq(
                answer, abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)), "no owner"
            );
        }
        bytes[4] memory more = [
            abi.encodeCall(IVault.pause, ()),
            abi.encodeCall(IVault.revoke, (bytes32(0))),
            abi.encodeCall(IVault.deactivateModel, (bytes32(0))),
            abi.encodeCall(IVault.strikeOff, (attester))
        ];
        for (uint256 i; i < more.length; ++i) {
            (bool isDone, bytes memory answer) = address(vault).call(more[i]);
            vm.assertFalse(isDone, "refused");
            vm.assertEq(
                answer, abi.encodeWithSelector(IVault.NotOwnerOrGuardian.selector, address(this)), "nor guardian"
            );
        }
    }

    function test_error_ownerRenounces() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.OwnershipNotRenounceable.selector));
        vm.prank(owner);
        vault.renounceOwnership();
        vm.assertEq(vault.owner(), owner, "still the owner");
    }

    // At once

    function test_default_guardianPausesAndOwnerUnpauses() public {
        _emits();
        emit IVault.PausedSet(guardian, true);
        vm.prank(guardian);
        vault.pause();
        vm.assertTrue(vault.state().paused, "paused");
        vm.assertFalse(vault.state().isTradingAllowed, "no trading");
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, guardian));
        vm.prank(guardian);
        vault.unpause();
        _emits();
        emit IVault.PausedSet(owner, false);
        vm.prank(owner);
        vault.unpause();
        vm.assertTrue(vault.state().isTradingAllowed, "goes on");
    }

    function test_default_guardianStrikesOff() public {
        address notary = vm.addr(notaryKeys[0]);
        vm.prank(guardian);
        vault.strikeOff(notary);
        vm.assertFalse(vault.isNotary(notary), "notary");
        vm.prank(guardian);
        vault.strikeOff(attester);
        vm.assertFalse(vault.isAttester(attester), "attester");
        vm.prank(owner);
        vault.strikeOff(address(venue));
        vm.assertFalse(vault.isVenue(address(venue)), "venue");
    }

    function test_error_deactivatesWhatIsNotActive() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.ModelNotActive.selector, keccak256("model")));
        vm.prank(guardian);
        vault.deactivateModel(keccak256("model"));
    }

    // Settings

    function test_default_setTargets() public {
        Target[] memory targets = new Target[](3);
        (targets[0], targets[1], targets[2]) = (Target(0.2e18, 0.01e18), Target(0.8e18, 0.02e18), Target(0, 0.03e18));
        _change(abi.encodeCall(IVault.setTargets, (targets)));
        vm.assertEq(abi.encode(vault.targets()), abi.encode(targets), "round trip");
    }

    function test_default_setSettings() public {
        Settings memory settings = _settings();
        (settings.cooldown, settings.minScore, settings.notaryThreshold) = (1, -5, 3);
        _change(abi.encodeCall(IVault.setSettings, (settings)));
        vm.assertEq(abi.encode(vault.settings()), abi.encode(settings), "round trip");
    }

    function test_default_setTheRest() public {
        _change(abi.encodeCall(IVault.setNotary, (address(5), true)));
        vm.assertTrue(vault.isNotary(address(5)), "notary");
        _change(abi.encodeCall(IVault.setVenue, (address(5), true)));
        vm.assertTrue(vault.isVenue(address(5)), "venue");
        _change(abi.encodeCall(IVault.setGuardian, (address(5))));
        vm.assertEq(vault.guardian(), address(5), "guardian");
        _change(abi.encodeCall(IVault.setDelay, (7)));
        vm.assertEq(vault.delay(), 7, "delay");
    }

    function test_error_targets() public {
        Target[] memory targets = _targets();
        targets[2].weight -= 1;
        _refusesOwner(
            abi.encodeCall(IVault.setTargets, (targets)),
            abi.encodeWithSelector(IVault.TargetsNotWhole.selector, 1e18 - 1)
        );
        targets = _targets();
        targets[2].band = 0;
        _refusesOwner(
            abi.encodeCall(IVault.setTargets, (targets)),
            abi.encodeWithSelector(IVault.BandOutOfRange.selector, address(wbtc), 0)
        );
        targets[2].band = 1e18 + 1;
        _refusesOwner(
            abi.encodeCall(IVault.setTargets, (targets)),
            abi.encodeWithSelector(IVault.BandOutOfRange.selector, address(wbtc), 1e18 + 1)
        );
        _refusesOwner(
            abi.encodeCall(IVault.setTargets, (new Target[](2))),
            abi.encodeWithSelector(IVault.WrongTargetCount.selector, 2, 3)
        );
    }

    function _refusesSettings(Settings memory s, bytes32 name, uint256 value, uint256 min, uint256 max) private {
        bytes memory reason = abi.encodeWithSelector(IVault.SettingOutOfRange.selector, name, value, min, max);
        _refusesOwner(abi.encodeCall(IVault.setSettings, (s)), reason);
    }

    /// Else one change of the delay could freeze all others for a century.
    function test_error_delayOutOfRange() public {
        bytes memory reason =
            abi.encodeWithSelector(IVault.SettingOutOfRange.selector, bytes32("delay"), 30 days + 1, 0, 30 days);
        _refusesOwner(abi.encodeCall(IVault.setDelay, (30 days + 1)), reason);
        _change(abi.encodeCall(IVault.setDelay, (30 days)));
        vm.assertEq(vault.delay(), 30 days, "the longest");
    }

    function test_error_settingsOutOfRange() public {
        uint256 huge = type(uint32).max;
        Settings memory s = _settings();
        s.budgetWindow = 1 hours - 1;
        _refusesSettings(s, "budgetWindow", 1 hours - 1, 1 hours, huge);
        (s = _settings()).maxTurnoverPpm = 1e6 + 1;
        _refusesSettings(s, "maxTurnover", 1e6 + 1, 0, 1e6);
        (s = _settings()).turnoverBudgetPpm = 10e6 + 1;
        _refusesSettings(s, "turnoverBudget", 10e6 + 1, 0, 10e6);
        (s = _settings()).maxSlippagePpm = 0.1e6 + 1;
        _refusesSettings(s, "maxSlippage", 0.1e6 + 1, 0, 0.1e6);
        (s = _settings()).lossBudgetPpm = 0.1e6 + 1;
        _refusesSettings(s, "lossBudget", 0.1e6 + 1, 0, 0.1e6);
        (s = _settings()).crossTolerancePpm = 0.1e6 + 1;
        _refusesSettings(s, "crossTolerance", 0.1e6 + 1, 0, 0.1e6);
        (s = _settings()).probationTurnoverPpm = 1e6 + 1;
        _refusesSettings(s, "probationTurnover", 1e6 + 1, 0, 1e6);
        (s = _settings()).twapWindow = 0;
        _refusesSettings(s, "twapWindow", 0, 1, huge);
        (s = _settings()).maxDisagreementPpm = 1e6 + 1;
        _refusesSettings(s, "maxDisagreement", 1e6 + 1, 0, 1e6);
        (s = _settings()).entryFeePpm = 50_001;
        _refusesSettings(s, "entryFee", 50_001, 0, 50_000);
        (s = _settings()).exitFeePpm = 50_001;
        _refusesSettings(s, "exitFee", 50_001, 0, 50_000);
        (s = _settings()).scoreHorizon = 4;
        _refusesSettings(s, "scoreHorizon", 4, 0, 3);
        (s = _settings()).notaryThreshold = 0;
        _refusesSettings(s, "notaryThreshold", 0, 1, 255);
    }

    // Deployment

    function test_default_asDeployed() public view {
        Holding[] memory held = vault.holdings();
        vm.assertEq(held.length, 3, "tokens");
        vm.assertEq(address(held[1].token), address(weth), "ether");
        vm.assertEq(held[1].decimals, 18, "decimals");
        vm.assertEq(held[1].feedDecimals, 8, "feed decimals");
        vm.assertEq(held[1].pool, address(wethPool), "pool");
        vm.assertTrue(held[1].isToken0 == (wethPool.token0() == address(weth)), "side");
        vm.assertEq(held[2].assetId, "WBTC", "asset");
        vm.assertEq(vault.asset(), address(usdc), "base");
        vm.assertEq(address(vault.eas()), address(eas), "eas");
        vm.assertEq(vault.rebalancer(), address(rebalancer), "rebalancer");
        vm.assertEq(abi.encode(vault.settings()), abi.encode(_settings()), "settings");
        vm.assertTrue(vault.isHeld(address(wbtc)) && !vault.isHeld(address(eas)), "held");
    }

    function test_default_committedArtefactsAreWhatIsTestedHere() public view {
        bytes memory committed = vm.parseJsonBytes(vm.readFile("src/generated/Vault.json"), ".bytecode");
        vm.assertEq(keccak256(committed), keccak256(type(Vault).creationCode), "npm run build, and commit");
        committed = vm.parseJsonBytes(vm.readFile("src/generated/Rebalancer.json"), ".bytecode");
        vm.assertEq(keccak256(committed), keccak256(type(Rebalancer).creationCode), "npm run build, and commit");
    }

    function _refusesMarket(Market memory market, bytes memory reason) private {
        vm.expectRevert(reason);
        new Rebalancer(market);
    }

    function test_error_market() public {
        Market memory market = _market();
        market.tokens[2].token = IERC20(weth);
        _refusesMarket(market, abi.encodeWithSelector(IVault.DuplicateToken.selector, address(weth)));
        market = _market();
        market.tokens[1].feed = IPriceFeed(address(0));
        _refusesMarket(market, abi.encodeWithSelector(IVault.FeedMissing.selector, address(weth)));
        market = _market();
        market.tokens[1].pool = address(wbtcPool);
        _refusesMarket(market, abi.encodeWithSelector(IVault.PoolNotOfToken.selector, address(wbtcPool), address(weth)));
        market = _market();
        market.tokens[1].minPrice = 2;
        market.tokens[1].maxPrice = 1;
        _refusesMarket(market, abi.encodeWithSelector(IVault.PriceBoundsOutOfOrder.selector, address(weth), 2, 1));
        market = _market();
        assembly ("memory-safe") {
            mstore(mload(add(market, 0x60)), 1)
        }
        _refusesMarket(market, abi.encodeWithSelector(IVault.WrongTokenCount.selector, 1, 32));
    }

    function test_behaviour_easOfAnOlderKindSaysItsVersionInCapitals() public {
        Market memory market = _market();
        OldEas old = new OldEas();
        assembly ("memory-safe") {
            mstore(market, old)
        }
        vm.assertEq(new Rebalancer(market).fixedParts().easVersionHash, keccak256("0.26"), "version");
    }

    function test_error_easWithoutAVersion() public {
        Market memory market = _market();
        assembly ("memory-safe") {
            mstore(market, 1)
        }
        _refusesMarket(market, abi.encodeWithSelector(IVault.EasVersionUnknown.selector, address(1)));
    }

    function test_behaviour_sequencerThatIsDownStopsTradingNotRedeeming() public {
        Market memory market = _market();
        SetFeed uptime = new SetFeed(0, 0);
        (market.sequencerFeed, market.sequencerGrace) = (uptime, 1 hours);
        Setup memory setup = _setup();
        setup.rebalancer = address(new Rebalancer(market));
        Vault other = new Vault(setup);
        vm.expectRevert(abi.encodeWithSelector(IVault.SequencerJustUp.selector, address(uptime), NOW, 1 hours));
        other.nav();
        uptime.set(1, NOW - 1 days);
        vm.expectRevert(abi.encodeWithSelector(IVault.SequencerDown.selector, address(uptime)));
        other.nav();
        vm.assertEq(other.maxDeposit(holder), 0, "no deposits");
        vm.assertFalse(other.state().isTradingAllowed, "no trading");
        other.redeemInKind(0, address(1), address(this), 0);
        uptime.set(0, NOW - 1 days);
        vm.assertEq(other.nav(), 0, "up");
    }
}

/// As on Ethereum.
contract OldEas {
    string public constant VERSION = "0.26";
}
