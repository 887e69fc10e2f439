// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVault} from "../sol/IVault.sol";
import {Decision, Evidence, Progress, Trade} from "../sol/Types.sol";
import {Vault} from "../sol/Vault.sol";
import {DevToken} from "../sol/dev/DevToken.sol";
import {PositionLib} from "../sol/lib/PositionLib.sol";
import {ForecastFixture} from "./ForecastFixture.sol";

/// Does what signers, submitters, holders, thieves and time may do, in any order, and keeps the books.
contract VaultHandler is ForecastFixture {
    struct Executed {
        Decision decision;
        Trade[] trades;
        Evidence evidence;
    }

    Executed[] private _executed;
    uint256 public executions;
    /// Of them, while every weight was in its band.
    uint256 public executionsAhead;
    uint256 public redemptions;
    uint256 public refusals;
    uint256 public wrongfulExecutions;
    uint256 public failedRedemptions;
    /// What each token's balance must be if only attested trades, holders and donors moved it: USDC, WETH, WBTC.
    uint256[3] public expected;
    /// Least value of a million shares in kind, as seen whenever nobody donated, at constant prices.
    uint256 public sold;
    uint256 public lost;
    uint256 public start;
    address[3] public holders = [address(0x401de4), address(0xa11ce), address(0xb0b)];

    function setUp() public override {
        super.setUp();
        start = block.timestamp;
        for (uint256 i; i < 3; ++i) {
            expected[i] = tokens()[i].balanceOf(address(vault));
            vm.prank(holders[i]);
            usdc.approve(address(vault), type(uint256).max);
        }
    }

    function tokens() public view returns (DevToken[3] memory) {
        return [usdc, weth, wbtc];
    }

    function theVault() external view returns (Vault) {
        return vault;
    }

    function theVenue() external view returns (address) {
        return address(venue);
    }

    /// An attested trade of a random pair, side, size and moment: the vault may refuse it for its limits.
    function decideAndRebalance(uint256 amount, uint256 wait, bool isOnchain) external {
        _pass(bound(wait, 1, 6 hours));
        (Trade[] memory trades,) = _randomTrade(amount);
        if (trades.length == 0) return;
        Decision memory decided = _decide(trades);
        _execute(decided, trades, isOnchain ? _attest(decided) : _sign(decided));
    }

    /// The same for a notarised forecast: the vault may also find its score too low.
    function forecastAndRebalance(uint256 amount, uint256 wait, int256 feature) external {
        _pass(bound(wait, 1 hours, 6 hours));
        bool isCalm = _distance(1) < 0.01e18 && _distance(2) < 0.01e18;
        if (isCalm || PositionLib.isAnyOutside(vault.weights(), vault.targets())) _giveIntoBand();
        (Trade[] memory trades, uint256 token) = _forecast(amount, feature);
        if (trades.length == 0) return;
        uint256 before = _distance(token);
        bool isAhead = !PositionLib.isAnyOutside(vault.weights(), vault.targets());
        if (!_execute(decision, trades, evidence) || !isAhead) return;
        ++executionsAhead;
        // Both at present prices and values: the trade's cost may be worth a little of the distance.
        if (_distance(token) > before + 0.001e18) ++wrongfulExecutions;
    }

    /// Features that the notaries did not sign, while only they could justify a trade.
    function forgeForecast(uint256 amount, uint256 bit) external {
        if (PositionLib.isAnyOutside(vault.weights(), vault.targets())) return;
        (Trade[] memory trades,) = _forecast(amount, 4_000);
        if (trades.length == 0) return;
        bit %= 320;
        evidence.features[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        _mustRefuse(decision, trades, evidence);
    }

    /// A donor brings the weights to 37, 33 and 30 %: outside their bands no forecast is needed, and near their targets
    /// hardly any trade is small enough.
    function _giveIntoBand() private {
        uint256[] memory weights = vault.weights();
        uint256[3] memory wanted = [uint256(0.37e18), 0.33e18, 0.3e18];
        uint256 most;
        for (uint256 i; i < 3; ++i) {
            uint256 ratio = weights[i] * 1e18 / wanted[i];
            if (ratio > most) most = ratio;
        }
        for (uint256 i; i < 3; ++i) {
            uint256 balance = tokens()[i].balanceOf(address(vault));
            uint256 needed = balance * (most * wanted[i] / 1e18) / weights[i];
            if (needed <= balance) continue;
            tokens()[i].mint(address(vault), needed - balance);
            expected[i] += needed - balance;
        }
    }

    /// Fills in `decision` and `evidence`.
    function _forecast(uint256 amount, int256 feature) private returns (Trade[] memory trades, uint256 token) {
        (trades, token) = _randomTrade(amount);
        if (trades.length == 0) return (trades, token);
        decision = _decide(trades);
        (decision.modelId, decision.holding) = (modelId, uint8(token));
        // Scores lie about 8,000 above it: from far too low to high enough.
        int256 first = feature % 12_000;
        _gather(_features(int16(first)), token == 1 ? bytes32("WETH") : bytes32("WBTC"));
    }

    function _randomTrade(uint256 amount) private view returns (Trade[] memory trades, uint256 token) {
        uint256[] memory weights = vault.weights();
        token = weights[1] > 0.3e18 == weights[2] > 0.3e18 ? 1 + amount % 2 : weights[1] > 0.3e18 ? 1 : 2;
        bool isSale = weights[token] > 0.3e18;
        (DevToken tokenIn, DevToken tokenOut) = isSale ? (tokens()[token], usdc) : (usdc, tokens()[token]);
        uint256 balance = tokenIn.balanceOf(address(vault));
        if (balance >= 1e6) trades = _trades(_trade(tokenIn, tokenOut, bound(amount, 1e4, balance / 8)));
    }

    function _distance(uint256 token) private view returns (uint256) {
        uint256 weight = vault.weights()[token];
        return weight > 0.3e18 ? weight - 0.3e18 : 0.3e18 - weight;
    }

    function _execute(Decision memory decided, Trade[] memory trades, Evidence memory shown) private returns (bool) {
        uint256 navBefore = vault.nav();
        DevToken tokenIn = DevToken(trades[0].tokenIn);
        try vault.rebalance(decided, trades, shown) returns (uint256[] memory amountsOut) {
            ++executions;
            expected[_index(tokenIn)] -= trades[0].amountIn;
            expected[_index(DevToken(trades[0].tokenOut))] += amountsOut[0];
            sold += trades[0].amountIn * vault.state().pricesWad[_index(tokenIn)] / 10 ** tokenIn.decimals() * 1e18
            / navBefore;
            uint256 navAfter = vault.nav();
            if (navAfter < navBefore) lost += (navBefore - navAfter) * 1e18 / navBefore;
            Executed storage executed = _executed.push();
            (executed.decision, executed.evidence) = (decided, shown);
            executed.trades.push(trades[0]);
            return true;
        } catch {
            ++refusals;
            return false;
        }
    }

    /// The signer is not the allowed one; everything else is in order.
    function forge(uint256 amount, uint256 key) external {
        Trade[] memory trades = _trades(_trade(weth, usdc, bound(amount, 1e12, 10e18)));
        Decision memory decided = _decide(trades);
        key = bound(key, 1, 1e18);
        // The fuzzer knows the constants of the code, the attester's key among them.
        _mustRefuse(decided, trades, _sign(decided, key == ATTESTER_KEY ? key + 1 : key));
    }

    /// An executed decision once more: as it was, or attested afresh.
    function replay(uint256 which, bool isAttestedAfresh) external {
        if (_executed.length == 0) return;
        Executed memory executed = _executed[which % _executed.length];
        Evidence memory shown = isAttestedAfresh ? _sign(executed.decision) : executed.evidence;
        _mustRefuse(executed.decision, executed.trades, shown);
    }

    /// A larger amount than was decided, with the attestation of the smaller.
    function tamper(uint256 amount) external {
        Trade[] memory trades = _trades(_trade(weth, usdc, bound(amount, 1e12, 10e18)));
        (Decision memory decided, Evidence memory signed) = _decideAndSign(trades);
        trades[0].amountIn += 1;
        _mustRefuse(decided, trades, signed);
    }

    /// A thief tries to be paid as if a swap were under way.
    function steal(uint256 token, uint256 amount) external {
        vm.prank(address(venue));
        try vault.pay(address(tokens()[token % 3]), address(this), amount) {
            ++wrongfulExecutions;
        } catch {
            ++refusals;
        }
    }

    function _mustRefuse(Decision memory decided, Trade[] memory trades, Evidence memory shown) private {
        try vault.rebalance(decided, trades, shown) {
            ++wrongfulExecutions;
        } catch {
            ++refusals;
        }
    }

    function deposit(uint256 who, uint256 assets) external {
        address from = holders[who % 3];
        assets = bound(assets, 1e6, 100_000e6);
        usdc.mint(from, assets);
        uint256 preview = vault.previewDeposit(assets);
        vm.prank(from);
        if (vault.deposit(assets, from) != preview) ++wrongfulExecutions;
        expected[0] += assets;
    }

    function withdraw(uint256 who, uint256 assets) external {
        address from = holders[who % 3];
        assets = bound(assets, 0, vault.maxWithdraw(from));
        vm.prank(from);
        vault.withdraw(assets, from, from);
        expected[0] -= assets;
    }

    /// In kind, now and then while paused and with prices gone.
    function redeemInKind(uint256 who, uint256 part, bool isDark) external {
        address from = holders[who % 3];
        uint256 shares = vault.balanceOf(from) * bound(part, 0, 100) / 400;
        if (isDark) {
            vm.prank(guardian);
            vault.pause();
            wethFeed.set(-1, 0);
        }
        vm.prank(from);
        try vault.redeemInKind(shares, from, from, 0) returns (uint256[] memory amounts) {
            for (uint256 i; i < 3; ++i) {
                expected[i] -= amounts[i];
            }
            ++redemptions;
        } catch {
            ++failedRedemptions;
        }
        if (isDark) {
            vm.prank(owner);
            vault.unpause();
            _pass(0);
        }
    }

    function donate(uint256 token, uint256 amount) external {
        token = token % 3;
        amount = bound(amount, 0, vault.nav() * [uint256(1e6), 5e14, 3_333][token] / 1e20);
        tokens()[token].mint(address(vault), amount);
        expected[token] += amount;
    }

    function pass(uint256 duration) external {
        _pass(bound(duration, 1, 12 hours));
    }

    /// The oracles move and the pools do not, so that minimum outputs and the cross-check come to matter.
    function moveOracle(uint256 priceEther) external {
        wethFeed.set(int256(bound(priceEther, 1_950e8, 2_050e8)), block.timestamp);
    }

    function _index(DevToken token) private view returns (uint256) {
        return address(token) == address(usdc) ? 0 : address(token) == address(weth) ? 1 : 2;
    }
}

contract VaultInvariantTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    bool public constant IS_TEST = true;
    VaultHandler private _handler;
    Vault private _vault;

    function setUp() public {
        _handler = new VaultHandler();
        _handler.setUp();
        _vault = _handler.theVault();
        // One trade before the random calls, which by chance may find none: an invariant over a vault that never traded
        // would be worth nothing.
        _handler.forecastAndRebalance(4e18, 2 hours, 4_000);
        require(_handler.executionsAhead() == 1, "no trade was executed ahead of a breach");
    }

    /// Forge asks for these: what it may call, in random order. The rebalance is there more than once: often it is refused.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[16] memory selectors = [
            VaultHandler.decideAndRebalance.selector,
            VaultHandler.forge.selector,
            VaultHandler.replay.selector,
            VaultHandler.tamper.selector,
            VaultHandler.steal.selector,
            VaultHandler.deposit.selector,
            VaultHandler.withdraw.selector,
            VaultHandler.redeemInKind.selector,
            VaultHandler.donate.selector,
            VaultHandler.pass.selector,
            VaultHandler.moveOracle.selector,
            VaultHandler.decideAndRebalance.selector,
            VaultHandler.forecastAndRebalance.selector,
            VaultHandler.forecastAndRebalance.selector,
            VaultHandler.forecastAndRebalance.selector,
            VaultHandler.forgeForecast.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(_handler);
        targets[0].selectors = new bytes4[](selectors.length);
        for (uint256 i; i < selectors.length; ++i) {
            targets[0].selectors[i] = selectors[i];
        }
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// Forge calls this at the end of every run.
    function afterInvariant() public view {
        require(_handler.refusals() > 0, "nothing was refused in this run");
    }

    /// One campaign for all of them: each function of forge's would play its own.
    function invariant_ofTheVault() public view {
        _onlyAttestedTradesHoldersAndDonorsMoveTokens();
        _everySequenceWorksOnce();
        _sharesAreAlwaysRedeemableInKind();
        _sumOfSharesIsTheSupplyAndWorthNoMoreThanTheValue();
        _budgetsAreNeverExceeded();
    }

    function _onlyAttestedTradesHoldersAndDonorsMoveTokens() private view {
        DevToken[3] memory tokens = _handler.tokens();
        for (uint256 i; i < 3; ++i) {
            require(tokens[i].balanceOf(address(_vault)) == _handler.expected(i), "balance");
            require(tokens[i].balanceOf(_handler.theVenue()) == 0, "left with the venue");
            require(tokens[i].allowance(address(_vault), _handler.theVenue()) == 0, "an allowance");
        }
    }

    function _everySequenceWorksOnce() private view {
        require(_handler.wrongfulExecutions() == 0, "executed what it had to refuse");
        require(_vault.progress().sequence == _handler.executions(), "sequence");
    }

    function _sharesAreAlwaysRedeemableInKind() private view {
        require(_handler.failedRedemptions() == 0, "a redemption in kind failed");
    }

    function _sumOfSharesIsTheSupplyAndWorthNoMoreThanTheValue() private view {
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            sum += _vault.balanceOf(_handler.holders(i));
        }
        require(sum == _vault.totalSupply(), "shares without a holder");
        try _vault.convertToAssets(sum) returns (uint256 assets) {
            require(assets <= _vault.totalAssets(), "shares are worth more than the vault");
        } catch {
            // A pool disagrees: no value to compare with.
            return;
        }
    }

    /// A leaky bucket lets through its budget, and what refills it since the start; rounding by less than 1e6 a trade.
    function _budgetsAreNeverExceeded() private view {
        uint256 elapsed = block.timestamp - _handler.start();
        uint256 slack = 1e6 * (_handler.executions() + 1);
        require(_handler.sold() <= 0.5e18 + 0.5e18 * elapsed / 1 days + slack, "turnover");
        require(_handler.lost() <= 0.002e18 + 0.002e18 * elapsed / 1 days + slack, "loss");
        require(_vault.progress().turnoverUsed <= 0.5e18, "turnover used");
        require(_vault.progress().lossUsed <= 0.002e18, "loss used");
    }
}
