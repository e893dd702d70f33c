"""Which labels are claims about what moved a market. Pure.

A causal claim says, or denies, that a narrative moved prices ("stocks fell on tariff
fears"; "it was not the war"). First version: the passage as a whole reads as such a claim,
and the narrative is present in it.
"""

CAUSAL_THRESHOLD = 0.5


def is_causal_claim(causal: float, *, present: bool) -> bool:
    """Decide whether a label is a causal claim.

    Parameters
    ----------
    causal : float
        Calibrated probability that the passage attributes a move, in [0, 1].
    present : bool
        Whether the narrative is judged present in the passage.
    """
    return present and causal >= CAUSAL_THRESHOLD
