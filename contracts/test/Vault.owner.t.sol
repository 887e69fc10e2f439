// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {IVault, Limits, TokenConfig} from "../sol/IVault.sol";
import {Vault} from "../sol/Vault.sol";
import {IPriceFeed} from "../sol/lib/OracleLib.sol";
import {Fixture} from "./Fixture.sol";

/// What the owner and the guardian may do, and nobody else.
contract VaultOwnerTest is Fixture {
    address internal guardian = address(0x60a4d);

    function _emits() private {
        vm.expectEmit(address(vault));
    }

    // default

    function test_default_withdraw() public {
        _emits();
        emit IVault.Withdrawn(address(weth), owner, 200e18);
        vm.prank(owner);
        vault.withdraw(weth, 200e18);
        vm.assertEq(weth.balanceOf(owner), 200e18, "all of it, to the owner");
    }

    function test_behaviour_withdrawWhilePausedAndWithDeadOracles() public {
        vm.prank(owner);
        vault.pause();
        wethFeed.set(-1, 0);
        vm.prank(owner);
        vault.withdraw(weth, 1);
        vm.assertEq(weth.balanceOf(owner), 1, "out");
    }

    function test_behaviour_withdrawATokenSentByMistake() public {
        DevToken stray = new DevToken("Stray", "STRAY", 0);
        stray.mint(address(vault), 7);
        vm.prank(owner);
        vault.withdraw(stray, 7);
        vm.assertEq(stray.balanceOf(owner), 7, "rescued");
    }

    function test_default_setTargets() public {
        _emits();
        emit IVault.TargetSet(address(usdc), 0.2e18, 0.01e18);
        _emits();
        emit IVault.TargetSet(address(weth), 0.8e18, 0.02e18);
        _emits();
        emit IVault.TargetSet(address(wbtc), 0, 0.03e18);
        vm.prank(owner);
        vault.setTargets(_three(0.2e18, 0.8e18, 0), _three(0.01e18, 0.02e18, 0.03e18));
        vm.assertEq(vault.state().targetWeights[1], 0.8e18, "target");
        vm.assertEq(vault.state().bands[2], 0.03e18, "band");
    }

    function test_default_setLimits() public {
        _emits();
        emit IVault.LimitsSet(1, 2, 3);
        vm.prank(owner);
        vault.setLimits(Limits(1, 2, 3));
        (uint32 cooldown, uint64 maxTurnover, uint64 maxSlippage) = vault.limits();
        vm.assertEq(cooldown, 1, "cooldown");
        vm.assertEq(maxTurnover, 2, "maxTurnover");
        vm.assertEq(maxSlippage, 3, "maxSlippage");
    }

    function test_default_setAttester() public {
        _emits();
        emit IVault.AttesterSet(address(5), true);
        vm.prank(owner);
        vault.setAttester(address(5), true);
        vm.assertTrue(vault.isAttesterAllowed(address(5)), "allowed");
        vm.prank(owner);
        vault.setAttester(address(5), false);
        vm.assertFalse(vault.isAttesterAllowed(address(5)), "struck off");
    }

    function test_default_setModel() public {
        _emits();
        emit IVault.ModelSet(bytes32(uint256(5)), true);
        vm.prank(owner);
        vault.setModel(bytes32(uint256(5)), true);
        vm.assertTrue(vault.isModelAllowed(bytes32(uint256(5))), "allowed");
    }

    function test_default_guardianPausesAndOwnerUnpauses() public {
        _emits();
        emit IVault.GuardianSet(guardian);
        vm.prank(owner);
        vault.setGuardian(guardian);
        vm.assertEq(vault.guardian(), guardian, "guardian");
        _emits();
        emit IVault.PausedSet(guardian, true);
        vm.prank(guardian);
        vault.pause();
        vm.assertTrue(vault.state().paused, "paused");

        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, guardian));
        vm.prank(guardian);
        vault.unpause();
        _emits();
        emit IVault.PausedSet(owner, false);
        vm.prank(owner);
        vault.unpause();
        vm.assertFalse(vault.state().paused, "goes on");
    }

    function test_behaviour_pauseKeepsTheProgress() public {
        vm.prank(owner);
        vault.pause();
        vm.prank(owner);
        vault.unpause();
        vm.assertEq(vault.state().sequence, 0, "sequence");
    }

    function test_default_ownershipPassesInTwoSteps() public {
        vm.prank(owner);
        vault.transferOwnership(address(7));
        vm.assertEq(vault.owner(), owner, "not yet");
        vm.prank(address(7));
        vault.acceptOwnership();
        vm.assertEq(vault.owner(), address(7), "now");
    }

    function test_default_configsAsDeployed() public view {
        TokenConfig[] memory configs = vault.tokenConfigs();
        vm.assertEq(abi.encode(configs), abi.encode(_configs()), "round trip");
        vm.assertEq(address(vault.eas()), address(eas), "eas");
        vm.assertEq(address(vault.router()), address(router), "router");
    }

    function test_default_committedArtefactIsWhatIsTestedHere() public view {
        bytes memory committed = vm.parseJsonBytes(vm.readFile("src/generated/Vault.json"), ".bytecode");
        vm.assertEq(keccak256(committed), keccak256(type(Vault).creationCode), "npm run build, and commit");
    }

    function test_behaviour_baseAssetWithoutAFeedIsTheUnitOfTheFeeds() public {
        TokenConfig[] memory configs = _configs();
        configs[0].feed = IPriceFeed(address(0));
        vault = new Vault(owner, eas, router, configs, _limits());
        usdcFeed.set(0.5e8, NOW);
        vm.assertEq(vault.state().pricesWad[1], 2_000e18, "no depeg is seen");
    }

    // error: not theirs to do

    function test_error_strangers() public {
        bytes[7] memory calls = [
            abi.encodeCall(IVault.withdraw, (weth, 1)),
            abi.encodeCall(IVault.setTargets, (_three(0.4e18, 0.3e18, 0.3e18), _three(1, 1, 1))),
            abi.encodeCall(IVault.setLimits, (_limits())),
            abi.encodeCall(IVault.setAttester, (address(this), true)),
            abi.encodeCall(IVault.setModel, (bytes32(0), true)),
            abi.encodeCall(IVault.setGuardian, (address(this))),
            abi.encodeCall(IVault.unpause, ())
        ];
        for (uint256 i; i < calls.length; ++i) {
            (bool hasSucceeded, bytes memory answer) = address(vault).call(calls[i]);
            vm.assertFalse(hasSucceeded, "refused");
            vm.assertEq(
                answer,
                abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)),
                "for not being the owner"
            );
        }
    }

    function test_error_strangersPause() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NotOwnerOrGuardian.selector, address(this)));
        vault.pause();
    }

    function test_error_nobodyIsNotTheGuardian() public {
        vm.assertEq(vault.guardian(), address(0), "none yet");
        vm.expectRevert(abi.encodeWithSelector(IVault.NotOwnerOrGuardian.selector, address(this)));
        vault.pause();
    }

    function test_error_renounceOwnership() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.OwnershipNotRenounceable.selector));
        vm.prank(owner);
        vault.renounceOwnership();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        vault.renounceOwnership();
    }

    // error: settings that make no sense

    function _refusesTargets(uint64[] memory targets, uint64[] memory bands, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(owner);
        vault.setTargets(targets, bands);
    }

    function test_error_targets() public {
        uint64[] memory bands = _three(1, 1, 1);
        bytes memory notWhole = abi.encodeWithSelector(IVault.TargetsNotWhole.selector, 1e18 - 1);
        _refusesTargets(_three(0.4e18, 0.3e18, 0.3e18 - 1), bands, notWhole);
        notWhole = abi.encodeWithSelector(IVault.TargetsNotWhole.selector, 1e18 + 1);
        _refusesTargets(_three(0.4e18, 0.3e18, 0.3e18 + 1), bands, notWhole);
        bytes memory wrongCount = abi.encodeWithSelector(IVault.WrongTargetCount.selector, 2, 3, 3);
        _refusesTargets(new uint64[](2), bands, wrongCount);
        wrongCount = abi.encodeWithSelector(IVault.WrongTargetCount.selector, 3, 4, 3);
        _refusesTargets(_three(0.4e18, 0.3e18, 0.3e18), new uint64[](4), wrongCount);
    }

    function test_error_bands() public {
        uint64[] memory targets = _three(0.4e18, 0.3e18, 0.3e18);
        bytes memory reason = abi.encodeWithSelector(IVault.BandOutOfRange.selector, address(wbtc), 0);
        _refusesTargets(targets, _three(1, 1, 0), reason);
        reason = abi.encodeWithSelector(IVault.BandOutOfRange.selector, address(weth), 1e18 + 1);
        _refusesTargets(targets, _three(1, 1e18 + 1, 1), reason);
    }

    function test_error_limits() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.LimitsOutOfRange.selector, 1e18 + 1, 0));
        vm.prank(owner);
        vault.setLimits(Limits(0, 1e18 + 1, 0));
        vm.expectRevert(abi.encodeWithSelector(IVault.LimitsOutOfRange.selector, 0, 1e18));
        vm.prank(owner);
        vault.setLimits(Limits(0, 0, 1e18));
    }

    function _refusesConfigs(TokenConfig[] memory configs, bytes memory reason) private {
        vm.expectRevert(reason);
        new Vault(owner, eas, router, configs, _limits());
    }

    function test_error_tokenCount() public {
        _refusesConfigs(new TokenConfig[](1), abi.encodeWithSelector(IVault.WrongTokenCount.selector, 1, 32));
        _refusesConfigs(new TokenConfig[](33), abi.encodeWithSelector(IVault.WrongTokenCount.selector, 33, 32));
    }

    function test_behaviour_asManyTokensAsAllowed() public {
        TokenConfig[] memory configs = new TokenConfig[](32);
        for (uint256 i; i < 32; ++i) {
            configs[i] = TokenConfig(new DevToken("Token", "T", 18), usdcFeed, 1 days, 0, i == 0 ? 1e18 : 0, 1);
        }
        vm.assertEq(new Vault(owner, eas, router, configs, _limits()).weights().length, 32, "tokens");
    }

    function test_error_duplicateToken() public {
        TokenConfig[] memory configs = _configs();
        configs[2].token = IERC20(weth);
        _refusesConfigs(configs, abi.encodeWithSelector(IVault.DuplicateToken.selector, address(weth)));
    }

    function test_error_feedMissing() public {
        TokenConfig[] memory configs = _configs();
        configs[1].feed = IPriceFeed(address(0));
        _refusesConfigs(configs, abi.encodeWithSelector(IVault.FeedMissing.selector, address(weth)));
    }

    function test_error_basePoolFee() public {
        TokenConfig[] memory configs = _configs();
        configs[0].poolFee = 500;
        _refusesConfigs(configs, abi.encodeWithSelector(IVault.BasePoolFeeNotZero.selector, 500));
    }

    function test_error_noOwner() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        new Vault(address(0), eas, router, _configs(), _limits());
    }

    function _three(uint64 a, uint64 b, uint64 c) private pure returns (uint64[] memory all) {
        all = new uint64[](3);
        (all[0], all[1], all[2]) = (a, b, c);
    }
}
