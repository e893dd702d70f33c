"""What the checks of time stamps found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StampCheck:
    """One check of the time stamps of a source, or of all; a row of ``stamp_checks``.

    Attributes
    ----------
    source_id : str or None
        None for all sources together.
    check : str
        ``ahead_of_moves``, ``midnight``, ``future``, ``no_summer_time``, ``before_original`` or
        ``hours_ahead``.
    n : int
        Documents behind it.
    statistic : float or None
        A share in [0, 1], or hours for ``hours_ahead``; None when too little is there.
    pvalue : float or None
        One-sided, where the check is a test.
    message : str
        What was found and what to do about it.
    """

    source_id: str | None
    check: str
    n: int
    flagged: bool
    statistic: float | None
    pvalue: float | None
    message: str
