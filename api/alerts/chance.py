"""Could a turn of stance be chance? Fisher's exact test, by counting."""

from math import comb


def fisher_exact(table: tuple[tuple[int, int], tuple[int, int]]) -> float:
    """Return the two-sided p-value of a two-by-two table of counts.

    Parameters
    ----------
    table : ((a, b), (c, d))
        Stories in favor and against, of the newer and of the older window.

    Returns
    -------
    float
        In (0, 1]; 1.0 for an empty row or column, which says nothing.

    Notes
    -----
    The sum of the hypergeometric probabilities of all tables with the same margins that are
    no likelier than the one seen. Stories are taken as independent, which copies are not:
    those are one story here.

    References
    ----------
    Fisher (1935), The logic of inductive inference, doi:10.2307/2342435
    """
    (a, b), (c, d) = table
    newer, older, favor = a + b, c + d, a + c
    ways = {
        count: comb(newer, count) * comb(older, favor - count)
        for count in range(max(0, favor - older), min(newer, favor) + 1)
    }
    # Whole numbers: no table is lost to rounding.
    return sum(way for way in ways.values() if way <= ways[a]) / sum(ways.values())
