// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice A price feed of the local devnet with the read interface of a Chainlink proxy (`AggregatorV3Interface`,
/// the older `latestAnswer` that Aave reads, and phases). Every round is kept. Only `reporter` may report.
///
/// A round id is drawn as in the Chainlink proxy:  | phase: 16 bits | round within the phase: 64 bits |
contract DevFeed {
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    error NotReporter(address caller);

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    uint8 public constant decimals = 8;
    uint256 public constant version = 4;

    address public immutable reporter;
    string public description;
    uint16 public phaseId = 1;

    mapping(uint16 phase => Round[]) private _rounds;

    constructor(string memory description_, address reporter_) {
        description = description_;
        reporter = reporter_;
    }

    /// @notice Stores the price as a new round, observed at this block's time.
    /// @param answer US dollars for one whole token, 8 decimals. Not checked: a consumer must survive a bad answer.
    function report(int192 answer) external {
        if (msg.sender != reporter) revert NotReporter(msg.sender);
        Round[] storage rounds = _rounds[phaseId];
        rounds.push(Round(answer, uint64(block.timestamp)));
        emit AnswerUpdated(answer, rounds.length, block.timestamp);
    }

    /// @notice Begins a new phase, as when Chainlink moves a proxy to another aggregator: round ids jump.
    function beginPhase() external {
        if (msg.sender != reporter) revert NotReporter(msg.sender);
        ++phaseId;
    }

    function getRoundData(uint80 roundId)
        public
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Round[] storage rounds = _rounds[uint16(roundId >> 64)];
        uint64 index = uint64(roundId);
        require(index > 0 && index <= rounds.length, "No data present");
        Round memory round = rounds[index - 1];
        return (roundId, round.answer, round.updatedAt, round.updatedAt, roundId);
    }

    function latestRoundData()
        external
        view
        returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return getRoundData(uint80(latestRound()));
    }

    function latestRound() public view returns (uint256) {
        return (uint256(phaseId) << 64) | _rounds[phaseId].length;
    }

    function latestAnswer() external view returns (int256) {
        Round[] storage rounds = _rounds[phaseId];
        return rounds.length == 0 ? int256(0) : rounds[rounds.length - 1].answer;
    }
}
