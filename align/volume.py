"""The number of stories of a session against its own past: held fixed in a partial effect."""

import numpy as np
from numpy.typing import NDArray

from align.archive import Archive
from align.innovation import LONGEST, forecast_error


def volume_errors(archive: Archive, since: int = 0) -> NDArray[np.float64]:
    """Return by how much each session's number of stories missed its forecast, not scaled.

    The forecast of an intensity, for the logarithm of one plus the number of stories.

    Parameters
    ----------
    since : int
        The first row that is wanted.

    Returns
    -------
    ndarray of shape (n_days - since,)
        NaN on a day that was not collected, or has not closed.
    """
    grid = archive.grid
    stories = np.bincount(grid.story_day, minlength=len(grid.days))[: len(grid.days)]
    gone = np.array([archive.missing(row) for row in range(len(grid.days))], dtype=bool)
    values = np.where(gone | ~archive.complete, np.nan, np.log1p(stories))
    weekdays = grid.days.day_of_week.to_numpy().astype(np.intp)
    windows = (slice(max(row + 1 - LONGEST, 0), row + 1) for row in range(since, len(values)))
    return np.array([forecast_error(values[days], weekdays[days]) for days in windows])
