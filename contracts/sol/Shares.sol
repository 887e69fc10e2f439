// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20, ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVault} from "./IVault.sol";
import {Models} from "./Models.sol";
import {Holding, Target} from "./Types.sol";
import {WAD} from "./lib/FixedPointLib.sol";
import {Position} from "./lib/PositionLib.sol";
import {StateLib} from "./lib/StateLib.sol";

/// @title Shares in several tokens
/// @notice Deposits and withdrawals are in the base asset at the value of all tokens (ERC-4626); a redemption in kind
/// takes the shares' part of every token, and needs no price.
/// @dev For those who stay: shares are made at the higher of two values, at the feeds' prices and at the pools' averages,
/// and end at the lower, so that where one lags behind the other nobody profits; and every rounding is theirs. A
/// million virtual shares to the smallest unit of the base asset (`_decimalsOffset`) own what a first depositor would
/// have to donate to round the second one's shares away.
abstract contract Shares is ERC4626, Models, ReentrancyGuardTransient {
    using Math for uint256;
    using SafeERC20 for IERC20;

    uint256 private constant VIRTUAL_SHARES = 1e6;
    uint256 private constant MAX_UINT = type(uint256).max;

    // What shares are worth at this moment, in memory only.
    struct Worth {
        /// Of all tokens, smallest units of the base asset: the lower of their values at the feeds' prices and at the
        /// pools' averages, rounded down, and the higher, rounded up. In an empty vault 0 and 1.
        uint256 assetsDown;
        uint256 assetsUp;
        uint256 supply;
        Position[] positions;
    }

    // In the base asset

    function deposit(uint256 assets, address receiver) public override nonReentrant returns (uint256 shares) {
        shares = _toSharesIn(assets, _openWorth());
        if (shares == 0 && assets != 0) revert DepositTooSmall(assets);
        _deposit(msg.sender, receiver, assets, shares);
    }

    function mint(uint256 shares, address receiver) public override nonReentrant returns (uint256 assets) {
        assets = _toAssetsIn(shares, _openWorth());
        _deposit(msg.sender, receiver, assets, shares);
    }

    function withdraw(uint256 assets, address receiver, address owner)
        public
        override
        nonReentrant
        returns (uint256 shares)
    {
        Worth memory worth = _openWorth();
        uint256 max = _maxAssetsOut(balanceOf(owner), worth);
        if (assets > max) revert ERC4626ExceededMaxWithdraw(owner, assets, max);
        shares = _toSharesOut(assets, worth);
        _withdraw(msg.sender, receiver, owner, assets, shares);
    }

    function redeem(uint256 shares, address receiver, address owner)
        public
        override
        nonReentrant
        returns (uint256 assets)
    {
        Worth memory worth = _openWorth();
        uint256 max = _maxSharesOut(balanceOf(owner), worth);
        if (shares > max) revert ERC4626ExceededMaxRedeem(owner, shares, max);
        assets = _toAssetsOut(shares, worth);
        _withdraw(msg.sender, receiver, owner, assets, shares);
    }

    // In kind

    /// @inheritdoc IVault
    function redeemInKind(uint256 shares, address receiver, address owner, uint256 skipMask)
        external
        nonReentrant
        returns (uint256[] memory amounts)
    {
        if (msg.sender != owner) _spendAllowance(owner, msg.sender, shares);
        Holding[] memory held = holdings();
        if (skipMask >> held.length != 0) revert SkipMaskTooWide(skipMask, held.length);
        // The virtual shares count here too: otherwise a first depositor could fetch the donation back this way.
        uint256 supply = totalSupply() + VIRTUAL_SHARES;
        _burn(owner, shares);
        amounts = new uint256[](held.length);
        for (uint256 i; i < held.length; ++i) {
            if (skipMask >> i & 1 != 0) continue;
            IERC20 token = held[i].token;
            amounts[i] = token.balanceOf(address(this)).mulDiv(shares, supply);
            if (amounts[i] != 0) token.safeTransfer(receiver, amounts[i]);
        }
        emit RedeemedInKind(msg.sender, receiver, owner, shares, amounts);
    }

    // ERC-4626's views. Those that give a value revert where there is no price to be had; the standard would have
    // them go on, but a wrong value is worse than none. Those that give a limit answer zero.

    function totalAssets() public view override returns (uint256) {
        return _worth().assetsDown;
    }

    function convertToShares(uint256 assets) public view override returns (uint256) {
        Worth memory worth = _worth();
        return assets.mulDiv(worth.supply, worth.assetsUp);
    }

    function convertToAssets(uint256 shares) public view override returns (uint256) {
        Worth memory worth = _worth();
        return shares.mulDiv(worth.assetsDown + 1, worth.supply);
    }

    function previewDeposit(uint256 assets) public view override returns (uint256) {
        return _toSharesIn(assets, _worth());
    }

    function previewMint(uint256 shares) public view override returns (uint256) {
        return _toAssetsIn(shares, _worth());
    }

    function previewWithdraw(uint256 assets) public view override returns (uint256) {
        return _toSharesOut(assets, _worth());
    }

    function previewRedeem(uint256 shares) public view override returns (uint256) {
        return _toAssetsOut(shares, _worth());
    }

    function maxDeposit(address) public view override returns (uint256) {
        return _isOpen() ? MAX_UINT : 0;
    }

    function maxMint(address) public view override returns (uint256) {
        return _isOpen() ? MAX_UINT : 0;
    }

    function maxWithdraw(address owner) public view override returns (uint256) {
        return _isOpen() ? _maxAssetsOut(balanceOf(owner), _worth()) : 0;
    }

    function maxRedeem(address owner) public view override returns (uint256) {
        return _isOpen() ? _maxSharesOut(balanceOf(owner), _worth()) : 0;
    }

    // Prices of shares

    function _toSharesIn(uint256 assets, Worth memory worth) private view returns (uint256) {
        uint256 fee = assets.mulDiv(StateLib.load().settings.entryFeePpm, PPM, Math.Rounding.Ceil);
        return (assets - fee).mulDiv(worth.supply, worth.assetsUp);
    }

    function _toAssetsIn(uint256 shares, Worth memory worth) private view returns (uint256) {
        uint256 net = shares.mulDiv(worth.assetsUp, worth.supply, Math.Rounding.Ceil);
        return net.mulDiv(PPM, PPM - StateLib.load().settings.entryFeePpm, Math.Rounding.Ceil);
    }

    function _toSharesOut(uint256 assets, Worth memory worth) private view returns (uint256) {
        uint256 gross = assets.mulDiv(PPM, PPM - StateLib.load().settings.exitFeePpm, Math.Rounding.Ceil);
        return gross.mulDiv(worth.supply, worth.assetsDown + 1, Math.Rounding.Ceil);
    }

    function _toAssetsOut(uint256 shares, Worth memory worth) private view returns (uint256) {
        uint256 gross = shares.mulDiv(worth.assetsDown + 1, worth.supply);
        return gross - gross.mulDiv(StateLib.load().settings.exitFeePpm, PPM, Math.Rounding.Ceil);
    }

    // Limits of what leaves in the base asset

    /// @dev The base asset's weight after x leaves is (b - x) / (v - x), with b its value and v the vault's. It stays at
    /// or above the band's lower edge e while x <= (b - e·v) / (1 - e). Other holders keep a vault in balance. Of the two
    /// values of the vault the higher, so that the weight is in its band by both.
    function _baseOut(Worth memory worth) private view returns (uint256) {
        Target memory target = StateLib.load().targets[0];
        uint256 balance = worth.positions[0].balance;
        if (target.weight <= target.band) return balance;
        uint256 edge = target.weight - target.band;
        uint256 needed = worth.assetsUp.mulDiv(edge, WAD, Math.Rounding.Ceil);
        return balance > needed ? (balance - needed).mulDiv(WAD, WAD - edge) : 0;
    }

    function _maxAssetsOut(uint256 shares, Worth memory worth) private view returns (uint256) {
        return Math.min(_toAssetsOut(shares, worth), _baseOut(worth));
    }

    function _maxSharesOut(uint256 shares, Worth memory worth) private view returns (uint256) {
        uint256 limit = _baseOut(worth);
        if (_toAssetsOut(shares, worth) <= limit) return shares;
        uint256 gross = limit.mulDiv(PPM, PPM - StateLib.load().settings.exitFeePpm);
        return gross.mulDiv(worth.supply, worth.assetsDown + 1);
    }

    // Valuation

    function _openWorth() private view returns (Worth memory) {
        if (StateLib.load().progress.isPaused) revert VaultPaused();
        return _readWorth();
    }

    /// @dev For views: in the middle of a swap there is no value to speak of.
    function _worth() private view nonReentrantView returns (Worth memory) {
        return _readWorth();
    }

    function _readWorth() private view returns (Worth memory worth) {
        (Position[] memory positions, uint256 total, uint256 other) = _positions();
        (uint256 low, uint256 high) = total < other ? (total, other) : (other, total);
        uint256 unit = 10 ** positions[0].holding.decimals;
        worth.positions = positions;
        worth.assetsDown = low.mulDiv(unit, WAD);
        // Each token's value was rounded down, by less than 1. Nothing is exactly nothing: the first share costs a unit.
        if (high != 0) high += positions.length;
        worth.assetsUp = high.mulDiv(unit, WAD) + 1;
        worth.supply = totalSupply() + VIRTUAL_SHARES;
    }

    function _isOpen() private view returns (bool) {
        if (StateLib.load().progress.isPaused) return false;
        try this.totalAssets() returns (uint256) {
            return true;
        } catch {
            return false;
        }
    }

    // What OpenZeppelin asks for

    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }

    /// @dev A base asset that takes a fee on transfer would be paid for by the other holders.
    function _transferIn(address from, uint256 assets) internal override {
        IERC20 base = IERC20(asset());
        uint256 before = base.balanceOf(address(this));
        super._transferIn(from, assets);
        uint256 received = base.balanceOf(address(this)) - before;
        if (received < assets) revert DepositShort(assets, received);
    }
}
