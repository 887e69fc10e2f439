// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../sol/IVault.sol";
import {Guard, Settings, Trade} from "../sol/Types.sol";
import {BreachScoreLib} from "../sol/lib/BreachScoreLib.sol";
import {ForecastFixture} from "./ForecastFixture.sol";
import {BareSwaps} from "./Rebalance.t.sol";
import {ShapeShifters} from "./ShapeShifters.sol";

/// A trade while every weight is in its band: only for a forecast that the vault itself recomputes.
contract ForecastTest is ForecastFixture {
    Trade[] internal trades;

    function setUp() public virtual override {
        super.setUp();
        trades.push(_trade(weth, usdc, 10e18));
        _decideOn(_features(0));
    }

    function _decideOn(bytes memory features) internal {
        decision = _decide(trades);
        decision.modelId = modelId;
        _gather(features, "WETH");
    }

    function _refuses(bytes memory reason) private {
        vm.expectRevert(reason);
        vault.rebalance(decision, trades, evidence);
    }

    /// From the refusal itself.
    function _scoreOf(int16 first) private returns (int256 score) {
        _decideOn(_features(first));
        (, bytes memory answer) = address(vault).call(abi.encodeCall(IVault.rebalance, (decision, trades, evidence)));
        vm.assertEq(bytes32(bytes4(answer)), bytes32(IVault.ScoreTooLow.selector), "too low");
        assembly ("memory-safe") {
            score := mload(add(answer, 0x24))
        }
    }

    function test_default_tradesAheadOfABreach() public {
        vault.rebalance(decision, trades, evidence);
        vm.assertEq(weth.balanceOf(address(vault)), 190e18, "sold");
    }

    function test_behaviour_theBoundIsReachedOrNotToTheLastBit() public {
        int256 score = _scoreOf(-20_000);
        // The network hands its first input through, so that a higher one raises the score by as much.
        int16 enough = int16(-20_000 - score);
        vm.assertTrue(_scoreOf(enough - 1) == -1, "one below");
        _decideOn(_features(enough));
        vault.rebalance(decision, trades, evidence);
        vm.assertEq(vault.progress().sequence, 1, "reached");
    }

    function test_error_scoreTooLow() public {
        // 24 h: 4695 - 2 log2(d), d the distance to the band's edge, 0.35 less 400/1190, over w (1 - w): 8206 more.
        int256 score = _scoreOf(-20_000);
        vm.assertTrue(score > -20_000 + 4_695 + 8_150 && score < -20_000 + 4_695 + 8_260, "by hand");
    }

    // The trades are of the holding that is about to leave its band

    function test_error_tradesOfAnotherHolding() public {
        // Bitcoin, 360 of 1,190 thousand dollars, is just above its target, far from any edge.
        trades[0] = _trade(wbtc, usdc, 0.1e8);
        _decideOn(_features(0));
        uint256 weight = uint256(400e18) / 1_190;
        Guard[] memory guards = vault.guards(decision, trades);
        uint256 found;
        for (uint256 i; i < guards.length; ++i) {
            if (guards[i].name != "HoldingNotNearer") continue;
            ++found;
            vm.assertTrue(guards[i].isBinding && guards[i].value == weight - 0.3e18, "the guard says so");
        }
        vm.assertEq(found, 1, "one guard");
        _refuses(abi.encodeWithSelector(IVault.HoldingNotNearer.selector, 1, weight, weight, 0.3e18));
    }

    function test_behaviour_theBaseAssetIsTradedByTheOthers() public {
        decision.holding = 0;
        _gather(_features(0), "");
        vault.rebalance(decision, trades, evidence); // 36.1 % and more, of 40 %
        vm.assertEq(vault.progress().sequence, 1, "nearer");
    }

    function test_error_theBaseAssetEndsNoNearer() public {
        vm.prank(address(vault));
        wbtc.transfer(address(0xdead), 1e8); // 430, 400 and 330 thousand dollars
        trades[0] = _trade(weth, wbtc, 5e18);
        trades[0].route = abi.encodePacked(ETHER_FEE, usdc, BITCOIN_FEE);
        decision = _decide(trades);
        (decision.modelId, decision.holding) = (modelId, 0);
        _gather(_features(0), "");
        uint256 weight = uint256(430e18) / 1_160;
        _refuses(abi.encodeWithSelector(IVault.HoldingNotNearer.selector, 0, weight, weight, 0.4e18));
    }

    function test_error_modelOfAnotherAttestation() public {
        evidence.signature = _signature(ATTESTER_KEY, _offchainDigest(decision, address(vault), 0));
        (bool isDone, bytes memory answer) =
            address(vault).call(abi.encodeCall(IVault.rebalance, (decision, trades, evidence)));
        vm.assertFalse(isDone, "refused");
        vm.assertEq(bytes32(bytes4(answer)), bytes32(IVault.AttesterNotAllowed.selector), "another digest");
    }

    function test_error_forgedFeatures() public {
        bytes memory forged = _features(1);
        evidence.features = forged;
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(bytes32("WETH"), forged))));
        _refuses(abi.encodeWithSelector(IVault.FeaturesNotProven.selector, leaf, evidence.featuresRoot));
    }

    function test_error_featuresOfAnotherAsset() public {
        decision.holding = 2;
        _gather(_features(0), "WETH");
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(bytes32("WBTC"), evidence.features))));
        _refuses(abi.encodeWithSelector(IVault.FeaturesNotProven.selector, leaf, evidence.featuresRoot));
    }

    function test_error_featuresOfWrongLength() public {
        _decideOn(new bytes(38));
        _refuses(abi.encodeWithSelector(BreachScoreLib.FeaturesOfWrongLength.selector, 38, 40));
    }

    function test_error_holdingUnknown() public {
        decision.holding = 3;
        _gather(_features(0), "WETH");
        _refuses(abi.encodeWithSelector(IVault.HoldingUnknown.selector, 3, 3));
    }

    function test_error_aMinorityOfNotaries() public {
        evidence.notarySignatures = _statement(notaryKeys[2]);
        _refuses(abi.encodeWithSelector(IVault.NotariesMissing.selector, 1, 2));
        evidence.notarySignatures = "";
        _refuses(abi.encodeWithSelector(IVault.NotariesMissing.selector, 0, 2));
    }

    function test_error_oneNotaryTwice() public {
        _notarise(1, 1);
        address notary = vm.addr(notaryKeys[1]);
        _refuses(abi.encodeWithSelector(IVault.NotariesNotAscending.selector, notary, notary));
    }

    function test_error_notariesOutOfOrder() public {
        _notarise(1, 0);
        (address first, address second) = (vm.addr(notaryKeys[1]), vm.addr(notaryKeys[0]));
        _refuses(abi.encodeWithSelector(IVault.NotariesNotAscending.selector, second, first));
    }

    function test_error_notaryUnknown() public {
        evidence.notarySignatures = bytes.concat(_statement(notaryKeys[0]), _statement(0xbad));
        _refuses(abi.encodeWithSelector(IVault.NotaryNotAllowed.selector, vm.addr(0xbad)));
    }

    function test_error_notaryStruckOff() public {
        address notary = vm.addr(notaryKeys[0]);
        vm.prank(guardian);
        vault.strikeOff(notary);
        _refuses(abi.encodeWithSelector(IVault.NotaryNotAllowed.selector, notary));
    }

    function test_error_notarySignaturesCutShort() public {
        evidence.notarySignatures = new bytes(129);
        _refuses(abi.encodeWithSelector(IVault.WrongSignatureLength.selector, 129, 130));
    }

    function test_error_noModel() public {
        decision.modelId = 0;
        evidence.signature = _sign(decision).signature;
        _refuses(abi.encodeWithSelector(IVault.ForecastMissing.selector));
    }

    function test_error_modelDeactivated() public {
        vm.prank(guardian);
        vault.deactivateModel(modelId);
        _refuses(abi.encodeWithSelector(IVault.ModelNotActive.selector, modelId));
    }

    function test_behaviour_registeredAgainItIsOnProbationAgain() public {
        vm.prank(guardian);
        vault.deactivateModel(modelId);
        _register(_network(".first"));
        // 59,500 dollars are 5 % of 1,190,000; ether falls to 28.6 %: across its target, hence the exact maximum is less.
        trades[0] = _trade(weth, usdc, 20e18);
        _decideOn(_features(0));
        vault.rebalance(decision, trades, evidence);
        _pass(1 hours);
        vm.assertTrue(vault.model(modelId).isActive, "active");
    }

    function test_error_probationBoundsTheTurnover() public {
        Settings memory settings = _settings();
        settings.probationTurnoverPpm = 10_000;
        _change(abi.encodeCall(IVault.setSettings, (settings)));
        _register(_network(".first"));
        _decideOn(_features(0));
        _refuses(abi.encodeWithSelector(IVault.TurnoverTooHigh.selector, 20_000e18, 11_900e18));
        _pass(3 days);
        _decideOn(_features(0));
        vault.rebalance(decision, trades, evidence);
    }

    /// The holder is destroyed in the transaction that creates and registers it; another network takes its address.
    function test_error_anotherCodeThanRegistered() public {
        bytes memory registered = _network(".full");
        bytes memory other = _network(".first");
        ShapeShifters shapes = new ShapeShifters();
        vm.etch(shapes.DESTROYER(), hex"33ff"); // CALLER SELFDESTRUCT
        modelId = keccak256(registered);
        bytes memory call_ = abi.encodeCall(IVault.registerModel, (modelId, shapes.next(), ATTESTATION));
        vm.prank(owner);
        vault.submit(call_);
        _pass(2 days);
        shapes.createForOneTransaction(registered, address(vault), call_);
        vm.assertTrue(vault.model(modelId).isActive, "registered");
        vm.assertEq(shapes.next().code.length, 0, "destroyed");
        shapes.create(other);
        _pass(3 days);
        _decideOn(_features(0));
        _refuses(abi.encodeWithSelector(IVault.WrongModelCode.selector, modelId, keccak256(other)));
    }

    // Registration

    function _refusesModel(bytes32 id, bytes memory code, bytes memory reason) private {
        address at_ = address(0xc0de);
        vm.etch(at_, code);
        bytes memory call_ = abi.encodeCall(IVault.registerModel, (id, at_, ATTESTATION));
        vm.prank(owner);
        vault.submit(call_);
        _pass(2 days);
        vm.expectRevert(reason);
        vault.registerModel(id, at_, ATTESTATION);
    }

    function test_error_codeIsNotTheModels() public {
        bytes memory network = _network(".first");
        _refusesModel(
            keccak256("other"),
            network,
            abi.encodeWithSelector(IVault.WrongModelCode.selector, keccak256("other"), keccak256(network))
        );
    }

    function test_error_codeIsNoNetwork() public {
        vm.expectPartialRevert(bytes4(keccak256("NetworkTooShort(uint256)")));
        _refusesNothing(hex"00");
    }

    function test_error_codeIsOfAnotherScale() public {
        bytes memory network = _network(".first");
        network[6] = bytes1(uint8(12));
        _refusesModel(keccak256(network), network, abi.encodeWithSelector(IVault.WrongModelScale.selector, 10, 12));
    }

    function _refusesNothing(bytes memory code) private {
        vm.etch(address(0xc0de), code);
        lens.checkModel(keccak256(code), address(0xc0de));
    }

    // Gas

    function test_gas_threeAssetsWithAForecast() public {
        modelId = _register(_network(".full"));
        _pass(3 days);
        Settings memory settings = _settings();
        settings.minScore = -100_000;
        _change(abi.encodeCall(IVault.setSettings, (settings)));
        // Bitcoin a little below its target, so that both trades are in order.
        vm.prank(address(vault));
        wbtc.transfer(address(0xdead), 1e8);
        _decideOn(_features(0));
        vault.rebalance(decision, trades, evidence);
        _pass(1 days);
        trades[0] = _trade(weth, usdc, 10e18);
        trades.push(_trade(usdc, wbtc, 10_000e6));
        BareSwaps bare = new BareSwaps();
        weth.mint(address(bare), 100e18);
        usdc.mint(address(bare), 100_000e6);
        wbtc.mint(address(bare), 1e8);
        _decideOn(_features(0));
        uint256 start = vm.snapshotState();
        bare.swap(trades);
        uint256 swaps = vm.snapshotGasLastCall("Forecast", "the bare swaps of it");
        vm.revertToState(start);
        vault.rebalance(decision, trades, evidence);
        uint256 whole =
            vm.snapshotGasLastCall("Forecast", "rebalance, three assets, off chain, two notaries, 24-32-16-4");
        vm.snapshotValue("Forecast", "overhead of it over the bare swaps", whole - swaps);
    }
}
