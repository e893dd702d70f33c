"""Logging: one line per event, on stderr."""

import logging


def set_up_logging(verbose: int) -> None:
    """Log warnings, with ``-v`` what happens, with ``-vv`` everything of ours."""
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for folder in ("crawler", "nlp", "store", "align", "api"):
        logging.getLogger(folder).setLevel(level)
