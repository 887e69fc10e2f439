// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevToken} from "../sol/dev/DevToken.sol";
import {Decision, IVault, Trade} from "../sol/IVault.sol";
import {Fixture} from "./Fixture.sol";

/// Does what signers, submitters, thieves and time may do, in any order, and keeps the books.
contract VaultHandler is Fixture {
    struct Executed {
        bytes32 uid;
        Decision decision;
        Trade[] trades;
    }

    Executed[] private _executed;
    uint256 public executions;
    uint256 public refusals;
    uint256 public wrongfulExecutions;
    /// What each token's balance must be if only attested trades moved it, in the order USDC, WETH, WBTC.
    uint256[3] public expected = [uint256(300_000e6), 200e18, 10e8];

    function tokens() public view returns (DevToken[3] memory) {
        return [usdc, weth, wbtc];
    }

    /// An attested trade of a random pair, side, size and moment: the vault may refuse it for its limits.
    function decideAndRebalance(uint256 amount, uint256 wait, bool isSale, bool isEther) external {
        _pass(bound(wait, 1, 4 hours));
        DevToken token = isEther ? weth : wbtc;
        (DevToken tokenIn, DevToken tokenOut) = isSale ? (token, usdc) : (usdc, token);
        uint256 balance = tokenIn.balanceOf(address(vault));
        if (balance < 1e4) return;
        Trade[] memory trades = _trades(_trade(tokenIn, tokenOut, bound(amount, 1e4, balance / 8)));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        try vault.rebalance(uid, decision, trades) returns (uint256[] memory amountsOut) {
            ++executions;
            expected[_index(tokenIn)] -= trades[0].amountIn;
            expected[_index(tokenOut)] += amountsOut[0];
            Executed storage executed = _executed.push();
            (executed.uid, executed.decision) = (uid, decision);
            executed.trades.push(trades[0]);
        } catch {
            ++refusals;
        }
    }

    /// The signer is not the allowed one; everything else is in order.
    function forge(uint256 amount) external {
        Trade[] memory trades = _trades(_trade(weth, usdc, bound(amount, 1e12, 10e18)));
        Decision memory decision = _decide(trades);
        bytes32 uid = eas.attest(_request(decision));
        try vault.rebalance(uid, decision, trades) {
            ++wrongfulExecutions;
        } catch {
            ++refusals;
        }
    }

    /// An executed decision once more: as it was, or attested afresh.
    function replay(uint256 which, bool isAttestedAfresh) external {
        if (_executed.length == 0) return;
        Executed memory executed = _executed[which % _executed.length];
        bytes32 uid = executed.uid;
        if (isAttestedAfresh && executed.decision.expiresAt > block.timestamp) uid = _attest(executed.decision);
        try vault.rebalance(uid, executed.decision, executed.trades) {
            ++wrongfulExecutions;
        } catch {
            ++refusals;
        }
    }

    /// A larger amount than was decided, with the attestation of the smaller.
    function tamper(uint256 amount) external {
        Trade[] memory trades = _trades(_trade(weth, usdc, bound(amount, 1e12, 10e18)));
        (bytes32 uid, Decision memory decision) = _decideAndAttest(trades);
        trades[0].amountIn += 1;
        try vault.rebalance(uid, decision, trades) {
            ++wrongfulExecutions;
        } catch {
            ++refusals;
        }
    }

    function pass(uint256 duration) external {
        _pass(bound(duration, 1, 3 hours));
    }

    /// The market moves: both oracles, and neither pool, so that minimum outputs come to matter.
    function moveOracle(uint256 priceEther) external {
        wethFeed.set(int256(bound(priceEther, 1_900e8, 2_100e8)), block.timestamp);
    }

    function vaultAddress() external view returns (address) {
        return address(vault);
    }

    function routerAddress() external view returns (address) {
        return address(router);
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
    IVault private _vault;

    function setUp() public {
        _handler = new VaultHandler();
        _handler.setUp();
        _vault = IVault(_handler.vaultAddress());
    }

    /// Forge asks for these: what it may call, in random order.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(_handler);
        targets[0].selectors = new bytes4[](6);
        targets[0].selectors[0] = VaultHandler.decideAndRebalance.selector;
        targets[0].selectors[1] = VaultHandler.forge.selector;
        targets[0].selectors[2] = VaultHandler.replay.selector;
        targets[0].selectors[3] = VaultHandler.tamper.selector;
        targets[0].selectors[4] = VaultHandler.pass.selector;
        targets[0].selectors[5] = VaultHandler.moveOracle.selector;
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// Forge calls this at the end of every run: an invariant over a vault that never traded would be worth nothing.
    function afterInvariant() public view {
        require(_handler.executions() > 0, "no trade was executed in this run");
        require(_handler.refusals() > 0, "nothing was refused in this run");
    }

    function invariant_onlyAttestedTradesMoveTokens() public view {
        DevToken[3] memory tokens = _handler.tokens();
        for (uint256 i; i < 3; ++i) {
            require(tokens[i].balanceOf(address(_vault)) == _handler.expected(i), "balance");
            require(tokens[i].balanceOf(_handler.routerAddress()) == 0, "left with the router");
            require(tokens[i].allowance(address(_vault), _handler.routerAddress()) == 0, "approval left behind");
        }
    }

    function invariant_everySequenceWorksOnce() public view {
        require(_handler.wrongfulExecutions() == 0, "executed what it had to refuse");
        require(_vault.state().sequence == _handler.executions(), "sequence");
    }
}
