// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Attestation} from "@ethereum-attestation-service/eas-contracts/contracts/Common.sol";
import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ISwapRouter} from "@uniswap/v3-periphery/contracts/interfaces/ISwapRouter.sol";
import {Decision, IVault, Limits, TokenConfig, Trade, VaultState} from "./IVault.sol";
import {DecisionLib} from "./lib/DecisionLib.sol";
import {FixedPointLib, WAD} from "./lib/FixedPointLib.sol";
import {IPriceFeed, OracleLib} from "./lib/OracleLib.sol";

/// @title Holds tokens on target weights, and trades only on decisions attested by an allowed signer
/// @notice A decision is carried out whole or refused whole: no field is ever clamped.
///
/// Promises, whoever calls and whatever they send:
/// - tokens leave to the owner, or into a Uniswap v3 pool for the trades of a decision attested for this chain and
///   this vault, alive at that moment, and never executed before;
/// - a rebalance starts no sooner than `cooldown` after the last, sells at most `maxTurnover` of the vault's value,
///   and loses at most `maxSlippage` of what it sells, all at oracle prices;
/// - a rebalance takes no weight but the base asset's out of its band, nor further out than it was; the base asset's
///   follows from the others', so that their bands bound it too.
///
/// Absences, on purpose:
/// - No check of `reason`, `inputRoot`, `stateHash`, `forecastHash`, `policyId`, `breachPpm`: the signer answers for
///   them and anyone can recompute them; here they are bound by the decision's hash and nothing more.
/// - No check of the sender: a decision can be carried out by anyone, so that no single server has to be up. Whoever
///   does may surround the trades with their own in one transaction, and take what lies between the pool's price and
///   `minAmountOut`. Hence minimums close to the market, short expiries, and a private relay for attestation and
///   rebalance together.
/// - No longest life of a decision: the signer says when it expires, and until then, or until the next decision of
///   its sequence is executed or its signer is struck off, anybody may carry it out within the limits above.
/// - No register of used attestations: a decision carries its sequence, and a sequence is consumed once, so that
///   neither the same attestation nor another one of the same decision can work again.
/// - No shares, no depositors but the owner: a deposit is a plain transfer, and a donation is welcome.
/// - No change of tokens, feeds or pools: that is another vault, reached by `withdraw`.
/// - No delay on the owner's acts: an owner who wants one is a timelock.
/// - A token that takes a fee on transfer gets no special case: as tokenOut it must still deliver the minimum net of
///   its fee, as tokenIn the pool refuses it.
contract Vault is IVault, Ownable2Step, ReentrancyGuardTransient {
    using DecisionLib for Attestation;
    using DecisionLib for Decision;
    using DecisionLib for Trade[];
    using FixedPointLib for uint256;
    using OracleLib for IPriceFeed;
    using SafeERC20 for IERC20;

    uint256 public constant MAX_TOKENS = 32;
    uint256 public constant MAX_TRADES = 32;
    // Below it the rounding of a price is worth more than a millionth of it; at 0 a token could be sold for nothing.
    uint256 public constant MIN_PRICE = 1e6;

    // Two storage slots.
    struct Holding {
        IERC20 token;
        uint8 decimals;
        uint24 poolFee;
        uint64 targetWeight;
        IPriceFeed feed;
        uint8 feedDecimals;
        uint24 maxAge;
        uint64 band;
    }

    // One storage slot.
    struct Progress {
        uint64 sequence;
        uint64 lastDecidedAt;
        uint64 lastRebalanceAt;
        bool isPaused;
    }

    // A holding valued at this moment, in memory only.
    struct Position {
        Holding holding;
        uint256 balance;
        uint256 price;
        uint256 value;
    }

    IEAS public immutable eas;
    ISwapRouter public immutable router;

    Limits public limits;
    Progress private _progress;
    address public guardian;
    Holding[] private _holdings;
    mapping(address attester => bool) public isAttesterAllowed;
    mapping(bytes32 modelId => bool) public isModelAllowed;

    /// @param configs The base asset first.
    constructor(address owner, IEAS eas_, ISwapRouter router_, TokenConfig[] memory configs, Limits memory limits_)
        Ownable(owner)
    {
        eas = eas_;
        router = router_;
        uint256 count = configs.length;
        if (count < 2 || count > MAX_TOKENS) revert WrongTokenCount(count, MAX_TOKENS);
        if (configs[0].poolFee != 0) revert BasePoolFeeNotZero(configs[0].poolFee);
        uint64[] memory targetWeights = new uint64[](count);
        uint64[] memory bands = new uint64[](count);
        for (uint256 i; i < count; ++i) {
            _addToken(configs[i], i);
            (targetWeights[i], bands[i]) = (configs[i].targetWeight, configs[i].band);
        }
        _setTargets(targetWeights, bands);
        _setLimits(limits_);
    }

    /// @inheritdoc IVault
    function rebalance(bytes32 uid, Decision calldata decision, Trade[] calldata trades)
        external
        nonReentrant
        returns (uint256[] memory amountsOut)
    {
        _checkDecision(decision);
        Attestation memory attestation = eas.getAttestation(uid);
        attestation.checkAttests(uid, decision, isAttesterAllowed);
        bytes32 tradesHash = trades.hash();
        if (tradesHash != decision.tradesHash) revert TradesNotDecided(decision.tradesHash, tradesHash);
        if (!isModelAllowed[decision.modelId]) revert ModelNotAllowed(decision.modelId);
        _checkCooldown();
        (Position[] memory positions, uint256 navBefore) = _positions();
        uint256 sold = _checkTrades(trades, positions, navBefore);

        _progress.sequence = decision.sequence;
        _progress.lastDecidedAt = decision.decidedAt;
        _progress.lastRebalanceAt = uint64(block.timestamp);

        emit Rebalanced(
            decision.sequence,
            uid,
            decision.hash(),
            attestation.attester,
            decision.modelId,
            decision.policyId,
            decision.reason,
            navBefore,
            sold
        );

        amountsOut = new uint256[](trades.length);
        for (uint256 i; i < trades.length; ++i) {
            amountsOut[i] = _swap(trades[i], i, decision);
        }
        _checkOutcome(positions, navBefore, sold);
    }

    /// @inheritdoc IVault
    function withdraw(IERC20 token, uint256 amount) external onlyOwner nonReentrant {
        emit Withdrawn(address(token), msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    // Checks of a rebalance

    function _checkDecision(Decision calldata decision) private view {
        Progress memory progress = _progress;
        if (progress.isPaused) revert VaultPaused();
        if (decision.chainId != block.chainid) revert ForeignChain(decision.chainId, block.chainid);
        if (decision.vault != address(this)) revert ForeignVault(decision.vault, address(this));
        if (decision.action != DecisionLib.REBALANCE) revert NotARebalance(decision.action);
        // Exactly the next one: a decision that was never executed blocks nothing, the next one takes its number.
        if (decision.sequence != progress.sequence + 1) {
            revert WrongSequence(decision.sequence, progress.sequence + 1);
        }
        if (decision.decidedAt > block.timestamp) revert DecidedInFuture(decision.decidedAt, block.timestamp);
        if (decision.decidedAt <= progress.lastDecidedAt) {
            revert OlderThanLastDecision(decision.decidedAt, progress.lastDecidedAt);
        }
        if (decision.expiresAt < block.timestamp) revert DecisionExpired(decision.expiresAt, block.timestamp);
    }

    function _checkCooldown() private view {
        uint256 readyAt = uint256(_progress.lastRebalanceAt) + limits.cooldown;
        if (block.timestamp < readyAt) revert CoolingDown(readyAt, block.timestamp);
    }

    /// @return sold Value of all trades' tokenIn, WAD, rounded up.
    function _checkTrades(Trade[] calldata trades, Position[] memory positions, uint256 navBefore)
        private
        view
        returns (uint256 sold)
    {
        Limits memory limits_ = limits;
        if (trades.length == 0 || trades.length > MAX_TRADES) revert WrongTradeCount(trades.length, MAX_TRADES);
        for (uint256 i; i < trades.length; ++i) {
            Trade calldata trade = trades[i];
            uint256 indexIn = _indexOf(trade.tokenIn, positions, i);
            uint256 indexOut = _indexOf(trade.tokenOut, positions, i);
            if ((indexIn == 0) == (indexOut == 0)) revert NotAgainstBase(i, trade.tokenIn, trade.tokenOut);
            // The base asset's fee is 0, so that the sum is the other token's.
            uint24 poolFee = positions[indexIn].holding.poolFee + positions[indexOut].holding.poolFee;
            if (trade.fee != poolFee) revert WrongPoolFee(i, trade.fee, poolFee);
            if (trade.amountIn == 0) revert NothingToSell(i);
            // Not checked: that the balance suffices. It may come from an earlier trade, and the token itself refuses.
            (uint256 value, uint256 floor) =
                _minOut(positions[indexIn], positions[indexOut], trade.amountIn, limits_.maxSlippage);
            if (trade.minAmountOut < floor) revert MinOutBelowOracle(i, trade.minAmountOut, floor);
            sold += value;
        }
        uint256 maxSold = navBefore.mulDivDown(limits_.maxTurnover, WAD);
        if (sold > maxSold) revert TurnoverTooHigh(sold, maxSold);
    }

    /// @dev Beside the minimum of each trade: what all of it cost, and where it led. Balances are read anew, so
    /// that it counts whatever else happened to the vault's tokens during the swaps.
    function _checkOutcome(Position[] memory positions, uint256 navBefore, uint256 sold) private view {
        uint256 navAfter;
        for (uint256 i; i < positions.length; ++i) {
            Position memory position = positions[i];
            Holding memory holding = position.holding;
            uint256 value = _value(holding.token.balanceOf(address(this)), position.price, holding.decimals);
            navAfter += value;
            // The base asset takes up what the others give off; its weight follows from theirs.
            if (i == 0) continue;
            // Both against the value before, so that the trades' cost does not count as drift.
            _checkWeight(holding, position.value.mulDivDown(WAD, navBefore), value.mulDivDown(WAD, navBefore));
        }
        // Each token's value is rounded down, by less than 1 each.
        uint256 maxLoss = sold.mulDivUp(limits.maxSlippage, WAD) + positions.length;
        if (navAfter + maxLoss < navBefore) revert LostTooMuch(navBefore, navAfter, maxLoss);
    }

    function _checkWeight(Holding memory holding, uint256 weightBefore, uint256 weightAfter) private pure {
        uint256 target = holding.targetWeight;
        uint256 distanceAfter = weightAfter.distance(target);
        if (distanceAfter <= holding.band) return;
        bool isSameSide = (weightBefore > target) == (weightAfter > target);
        if (!isSameSide || distanceAfter > weightBefore.distance(target)) {
            revert WeightPushedAway(address(holding.token), weightBefore, weightAfter, target);
        }
    }

    // Interaction

    /// @return received Of tokenOut, as the vault's own balance shows it, net of any fee on transfer.
    function _swap(Trade calldata trade, uint256 index, Decision calldata decision) private returns (uint256 received) {
        (IERC20 tokenIn, IERC20 tokenOut) = (IERC20(trade.tokenIn), IERC20(trade.tokenOut));
        uint256 balanceBefore = tokenOut.balanceOf(address(this));
        tokenIn.forceApprove(address(router), trade.amountIn);
        router.exactInputSingle(
            ISwapRouter.ExactInputSingleParams({
                tokenIn: trade.tokenIn,
                tokenOut: trade.tokenOut,
                fee: trade.fee,
                recipient: address(this),
                deadline: decision.expiresAt,
                amountIn: trade.amountIn,
                amountOutMinimum: trade.minAmountOut,
                sqrtPriceLimitX96: 0
            })
        );
        // A pool that runs dry takes less than it was given.
        tokenIn.forceApprove(address(router), 0);
        received = tokenOut.balanceOf(address(this)) - balanceBefore;
        if (received < trade.minAmountOut) revert ReceivedTooLittle(index, received, trade.minAmountOut);
        emit Traded(decision.sequence, trade.tokenIn, trade.tokenOut, trade.fee, trade.amountIn, received);
    }

    // Valuation

    function _positions() private view returns (Position[] memory positions, uint256 total) {
        uint256 count = _holdings.length;
        positions = new Position[](count);
        uint256 basePrice;
        for (uint256 i; i < count; ++i) {
            Position memory position = positions[i];
            Holding memory holding = position.holding = _holdings[i];
            uint256 price =
                address(holding.feed) == address(0) ? WAD : holding.feed.priceWad(holding.feedDecimals, holding.maxAge);
            if (price < MIN_PRICE) revert PriceTooSmall(address(holding.feed), price, MIN_PRICE);
            if (i == 0) basePrice = price;
            position.price = price.mulDivDown(WAD, basePrice);
            if (position.price < MIN_PRICE) revert PriceTooSmall(address(holding.feed), position.price, MIN_PRICE);
            position.balance = holding.token.balanceOf(address(this));
            position.value = _value(position.balance, position.price, holding.decimals);
            total += position.value;
        }
    }

    function _value(uint256 amount, uint256 price, uint8 decimals) private pure returns (uint256) {
        return amount.mulDivDown(price, 10 ** decimals);
    }

    /// @return value Of what is sold, WAD. @return floor In tokenOut's smallest unit. Both rounded up: in the
    /// vault's favour, and so that trades at their minimum never add up to more than the loss allowed.
    function _minOut(Position memory positionIn, Position memory positionOut, uint256 amountIn, uint256 maxSlippage)
        private
        pure
        returns (uint256 value, uint256 floor)
    {
        value = amountIn.mulDivUp(positionIn.price, 10 ** positionIn.holding.decimals);
        uint256 fair = value.mulDivUp(10 ** positionOut.holding.decimals, positionOut.price);
        floor = fair.mulDivUp(WAD - maxSlippage, WAD);
    }

    function _indexOf(address token, Position[] memory positions, uint256 trade) private pure returns (uint256) {
        for (uint256 i; i < positions.length; ++i) {
            if (address(positions[i].holding.token) == token) return i;
        }
        revert TokenNotHeld(trade, token);
    }

    // Views

    /// @inheritdoc IVault
    function state() external view returns (VaultState memory s) {
        (Position[] memory positions,) = _positions();
        uint256 count = positions.length;
        Progress memory progress = _progress;
        (s.sequence, s.paused) = (progress.sequence, progress.isPaused);
        (s.lastRebalanceAt, s.lastDecidedAt) = (progress.lastRebalanceAt, progress.lastDecidedAt);
        (s.cooldown, s.maxTurnover, s.maxSlippage) = (limits.cooldown, limits.maxTurnover, limits.maxSlippage);
        (s.tokens, s.decimals, s.balances) = (new address[](count), new uint8[](count), new uint256[](count));
        (s.pricesWad, s.poolFees) = (new uint256[](count), new uint24[](count));
        (s.targetWeights, s.bands) = (new uint64[](count), new uint64[](count));
        for (uint256 i; i < count; ++i) {
            Holding memory holding = positions[i].holding;
            (s.tokens[i], s.decimals[i], s.poolFees[i]) = (address(holding.token), holding.decimals, holding.poolFee);
            (s.targetWeights[i], s.bands[i]) = (holding.targetWeight, holding.band);
            (s.balances[i], s.pricesWad[i]) = (positions[i].balance, positions[i].price);
        }
    }

    /// @inheritdoc IVault
    function nav() external view returns (uint256 total) {
        (, total) = _positions();
    }

    /// @inheritdoc IVault
    function weights() external view returns (uint256[] memory shares) {
        (Position[] memory positions, uint256 total) = _positions();
        shares = new uint256[](positions.length);
        if (total == 0) return shares;
        for (uint256 i; i < positions.length; ++i) {
            shares[i] = positions[i].value.mulDivDown(WAD, total);
        }
    }

    /// @inheritdoc IVault
    function minOut(address tokenIn, address tokenOut, uint256 amountIn) external view returns (uint256 floor) {
        (Position[] memory positions,) = _positions();
        Position memory positionIn = positions[_indexOf(tokenIn, positions, 0)];
        Position memory positionOut = positions[_indexOf(tokenOut, positions, 0)];
        (, floor) = _minOut(positionIn, positionOut, amountIn, limits.maxSlippage);
    }

    /// @inheritdoc IVault
    function tokenConfigs() external view returns (TokenConfig[] memory configs) {
        configs = new TokenConfig[](_holdings.length);
        for (uint256 i; i < configs.length; ++i) {
            Holding memory holding = _holdings[i];
            configs[i] = TokenConfig({
                token: holding.token,
                feed: holding.feed,
                maxAge: holding.maxAge,
                poolFee: holding.poolFee,
                targetWeight: holding.targetWeight,
                band: holding.band
            });
        }
    }

    /// @inheritdoc IVault
    function decisionSchema() external pure returns (bytes32) {
        return DecisionLib.SCHEMA_UID;
    }

    /// @inheritdoc IVault
    function hashDecision(Decision calldata decision) external pure returns (bytes32) {
        return decision.hash();
    }

    // The owner's settings

    /// @inheritdoc IVault
    function setTargets(uint64[] calldata targetWeights, uint64[] calldata bands) external onlyOwner {
        _setTargets(targetWeights, bands);
    }

    /// @inheritdoc IVault
    function setLimits(Limits calldata limits_) external onlyOwner {
        _setLimits(limits_);
    }

    /// @inheritdoc IVault
    function setAttester(address attester, bool isAllowed) external onlyOwner {
        isAttesterAllowed[attester] = isAllowed;
        emit AttesterSet(attester, isAllowed);
    }

    /// @inheritdoc IVault
    function setModel(bytes32 modelId, bool isAllowed) external onlyOwner {
        isModelAllowed[modelId] = isAllowed;
        emit ModelSet(modelId, isAllowed);
    }

    /// @inheritdoc IVault
    function setGuardian(address guardian_) external onlyOwner {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @inheritdoc IVault
    function pause() external {
        if (msg.sender != owner() && msg.sender != guardian) revert NotOwnerOrGuardian(msg.sender);
        _progress.isPaused = true;
        emit PausedSet(msg.sender, true);
    }

    /// @inheritdoc IVault
    function unpause() external onlyOwner {
        _progress.isPaused = false;
        emit PausedSet(msg.sender, false);
    }

    /// @notice Refused: without an owner the tokens could never leave.
    function renounceOwnership() public view override onlyOwner {
        revert OwnershipNotRenounceable();
    }

    function _addToken(TokenConfig memory config, uint256 index) private {
        address token = address(config.token);
        for (uint256 i; i < index; ++i) {
            if (address(_holdings[i].token) == token) revert DuplicateToken(token);
        }
        bool hasFeed = address(config.feed) != address(0);
        if (!hasFeed && index > 0) revert FeedMissing(token);
        _holdings.push(
            Holding({
                token: config.token,
                decimals: IERC20Metadata(token).decimals(),
                poolFee: config.poolFee,
                targetWeight: 0,
                feed: config.feed,
                feedDecimals: hasFeed ? config.feed.decimals() : 0,
                maxAge: config.maxAge,
                band: 0
            })
        );
        emit TokenAdded(token, address(config.feed), config.maxAge, config.poolFee);
    }

    function _setTargets(uint64[] memory targetWeights, uint64[] memory bands) private {
        uint256 count = _holdings.length;
        if (targetWeights.length != count || bands.length != count) {
            revert WrongTargetCount(targetWeights.length, bands.length, count);
        }
        uint256 sum;
        for (uint256 i; i < count; ++i) {
            Holding storage holding = _holdings[i];
            address token = address(holding.token);
            if (bands[i] == 0 || bands[i] > WAD) revert BandOutOfRange(token, bands[i]);
            (holding.targetWeight, holding.band) = (targetWeights[i], bands[i]);
            sum += targetWeights[i];
            emit TargetSet(token, targetWeights[i], bands[i]);
        }
        if (sum != WAD) revert TargetsNotWhole(sum);
    }

    function _setLimits(Limits memory limits_) private {
        if (limits_.maxTurnover > WAD || limits_.maxSlippage >= WAD) {
            revert LimitsOutOfRange(limits_.maxTurnover, limits_.maxSlippage);
        }
        limits = limits_;
        emit LimitsSet(limits_.cooldown, limits_.maxTurnover, limits_.maxSlippage);
    }
}
