"""A statement of a text about prices -> supported, contradicted or not checkable, with figures.

Closes decide, as they were known on the day that the text speaks of. Every word has a stated
meaning (``[claims]`` of ``weights.toml``): "low" is the lowest tenth of a window, "plummeted" two
sigma, a "two-year low" the lowest close of two years and not of four. Where another reasonable
meaning gives another answer the verdict says what it depends on.
"""

from datetime import date

from align.catalogue import weights
from align.claim_levels import judge_extreme, judge_level, judge_range
from align.claim_moves import judge_change
from align.claim_sets import judge_breadth, judge_confined, judge_relative
from align.claim_tape import Tape
from align.claim_times import Asked, Judgement
from store.records import CheckedClaim, Claim, ClaimVerdict

_JUDGES = {
    "change": judge_change,
    "extreme": judge_extreme,
    "level": judge_level,
    "range": judge_range,
    "relative": judge_relative,
    "breadth": judge_breadth,
    "confined": judge_confined,
}
_DENIED: dict[ClaimVerdict, ClaimVerdict] = {
    "supported": "contradicted",
    "contradicted": "supported",
    "not checkable": "not checkable",
}

# What these say is of the claim itself, not of its denial.
_OF_THE_CLAIM = ("weak", "understates")


def check_claim(claim: Claim, tape: Tape, day: date, sessions: int = 1) -> CheckedClaim:
    """Judge one claim for one day.

    Parameters
    ----------
    tape : Tape
        Only what was known on that day.
    day : date
        The day that the text speaks of, where the claim names none itself.
    sessions : int
        A move without a span of its own is taken over this many sessions that end there.

    Notes
    -----
    A change without a number: the sign must fit; "plummeted" and its like need two sigma, and
    less than one contradicts them. With a number: within 10 % of the figure, or 25 %
    ("roughly": free closes are taken at different hours). Sigma is the EWMA volatility before
    the move (:func:`align.returns.lagged_volatility`).
    """
    if claim.unclear is not None:
        found = Judgement("not checkable", f"Not checked: {claim.unclear}.")
    else:
        found = _JUDGES[claim.kind](claim, tape, Asked(day, sessions, weights()["claims"]))
    # "Not at a two-year low" at a four-year low: what is denied is more than true.
    understated = found.qualifier == "understates"
    verdict = _DENIED[found.verdict] if claim.negated and not understated else found.verdict
    return CheckedClaim(
        claim=claim,
        day=day,
        sessions=sessions,
        verdict=verdict,
        qualifier="" if claim.negated and found.qualifier in _OF_THE_CLAIM else found.qualifier,
        statement=found.statement,
        figures=tuple(found.figures),
    )
