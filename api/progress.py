"""Progress bars on stderr, for people only."""

import sys
from collections.abc import Iterable
from typing import Any


def progress(items: Iterable[Any] | int, description: str, **options: Any) -> Any:
    """Return a progress bar over items, or one of a given length to be updated by hand.

    Nothing is drawn unless stderr is a terminal; a bar appears after two seconds.
    """
    from tqdm import tqdm

    quiet = not sys.stderr.isatty()
    shared: dict[str, Any] = {"desc": description, "disable": quiet, "delay": 2.0, "leave": False}
    if isinstance(items, int):
        return tqdm(total=items, **shared, **options)
    return tqdm(items, **shared, **options)
