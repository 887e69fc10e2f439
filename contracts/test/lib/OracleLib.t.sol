// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../../sol/IVault.sol";
import {IPriceFeed, OracleLib} from "../../sol/lib/OracleLib.sol";
import {Cheatcodes} from "../Cheatcodes.sol";

/// A feed whose every field is what it is told.
contract FieldFeed is IPriceFeed {
    uint8 public decimals = 8;
    uint80 private _roundId = 1;
    int256 private _answer;
    uint256 private _startedAt;
    uint256 private _updatedAt;

    function set(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt) external {
        (_roundId, _answer, _startedAt, _updatedAt) = (roundId, answer, startedAt, updatedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (_roundId, _answer, _startedAt, _updatedAt, _roundId);
    }
}

contract OracleLibTest is Cheatcodes {
    uint256 private constant NOW = 1_700_000_000;
    uint256 private constant MAX_AGE = 1 hours;
    uint256 private constant GRACE = 30 minutes;
    uint256 private constant MIN = 100e18;
    uint256 private constant MAX = 10_000e18;
    FieldFeed private feed;

    function setUp() public {
        vm.warp(NOW);
        feed = new FieldFeed();
    }

    function priceWad(uint8 decimals) public view returns (uint256) {
        return OracleLib.priceWad(feed, decimals, MAX_AGE, MIN, MAX);
    }

    function checkSequencer(IPriceFeed feed_) public view {
        OracleLib.checkSequencer(feed_, GRACE);
    }

    function _refuses(bytes memory reason) private {
        vm.expectRevert(reason);
        this.priceWad(8);
    }

    function test_default_answerOf8DecimalsAsWad() public {
        feed.set(1, 2_000.12345678e8, 0, NOW);
        vm.assertEq(this.priceWad(8), 2_000.12345678e18, "price");
        vm.snapshotGasLastCall("Oracles", "feed's answer, whole call");
    }

    function testFuzz_behaviour_everyNumberOfDecimals(uint256 price, uint8 decimals) public {
        decimals = uint8(bound(decimals, 0, 36));
        uint256 answer = bound(price, 100, 10_000) * 10 ** decimals;
        feed.set(1, int256(answer), 0, NOW);
        vm.assertEq(priceWad(decimals), answer / 10 ** decimals * 1e18, "scaled");
    }

    function test_behaviour_theBoundsThemselvesAreGood() public {
        feed.set(1, 100e8, 0, NOW - MAX_AGE);
        vm.assertEq(priceWad(8), MIN, "lowest price, oldest age");
        feed.set(1, 10_000e8, 0, NOW);
        vm.assertEq(priceWad(8), MAX, "highest price");
    }

    function test_error_belowTheBounds() public {
        feed.set(1, 100e8 - 1, 0, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceOutOfBounds.selector, address(feed), MIN - 1e10, MIN, MAX));
    }

    function test_error_aboveTheBounds() public {
        feed.set(1, 10_000e8 + 1, 0, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceOutOfBounds.selector, address(feed), MAX + 1e10, MIN, MAX));
    }

    function test_error_noRound() public {
        feed.set(0, 2_000e8, 0, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceRoundMissing.selector, address(feed)));
    }

    function test_error_zeroOrNegative() public {
        feed.set(1, 0, 0, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceNotPositive.selector, address(feed), int256(0)));
        feed.set(1, -1, 0, NOW);
        _refuses(abi.encodeWithSelector(IVault.PriceNotPositive.selector, address(feed), int256(-1)));
    }

    function test_error_fromTheFuture() public {
        feed.set(1, 2_000e8, 0, NOW + 1);
        _refuses(abi.encodeWithSelector(IVault.PriceInFuture.selector, address(feed), NOW + 1, NOW));
    }

    function test_error_tooOld() public {
        feed.set(1, 2_000e8, 0, NOW - MAX_AGE - 1);
        _refuses(abi.encodeWithSelector(IVault.PriceTooOld.selector, address(feed), NOW - MAX_AGE - 1, MAX_AGE));
    }

    function test_error_absurdlyLarge() public {
        feed.set(1, type(int256).max, 0, NOW);
        _refuses(abi.encodeWithSignature("Panic(uint256)", 0x11));
    }

    // Sequencer

    function test_default_sequencerUpForLongerThanTheGrace() public {
        feed.set(1, 0, NOW - GRACE - 1, NOW);
        this.checkSequencer(feed);
        vm.snapshotGasLastCall("Oracles", "sequencer's uptime, whole call");
    }

    function test_behaviour_noSequencerOffRollups() public view {
        checkSequencer(IPriceFeed(address(0)));
    }

    function test_error_sequencerDown() public {
        feed.set(1, 1, NOW - 1 days, NOW);
        vm.expectRevert(abi.encodeWithSelector(IVault.SequencerDown.selector, address(feed)));
        this.checkSequencer(feed);
    }

    function test_error_sequencerJustUp() public {
        feed.set(1, 0, NOW - GRACE, NOW);
        vm.expectRevert(abi.encodeWithSelector(IVault.SequencerJustUp.selector, address(feed), NOW - GRACE, GRACE));
        this.checkSequencer(feed);
    }

    function test_error_sequencerUpSinceTheFuture() public {
        feed.set(1, 0, NOW + 1, NOW);
        vm.expectRevert(abi.encodeWithSelector(IVault.SequencerJustUp.selector, address(feed), NOW + 1, GRACE));
        this.checkSequencer(feed);
    }

    function test_error_sequencerFeedThatWasNeverTold() public {
        feed.set(1, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.PriceRoundMissing.selector, address(feed)));
        this.checkSequencer(feed);
    }
}
