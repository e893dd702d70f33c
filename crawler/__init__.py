"""The stage that brings the world in, and the only folder that touches the network.

Promises: every request passes one fetch function and the address guard; every source is
written in one transaction, validators with the entries they cover; hostile bodies are parsed
in processes with a cap on memory and time; what fails is a row of ``failures``. It never
labels, aligns or renders, and it stores plain text only.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.run import crawl, fetch_prices, import_documents, import_prices
    from crawler.sample import serve_sample
    from crawler.settings import CrawlSettings

__all__ = [
    "CrawlSettings",
    "crawl",
    "fetch_prices",
    "import_documents",
    "import_prices",
    "serve_sample",
]


def __getattr__(name: str) -> object:
    # The network and parser libraries load when a stage runs, not when the command line starts.
    from importlib import import_module

    homes = {"CrawlSettings": "crawler.settings", "serve_sample": "crawler.sample"}
    if name not in __all__:
        raise AttributeError(f"module 'crawler' has no attribute {name!r}")
    return getattr(import_module(homes.get(name, "crawler.run")), name)
