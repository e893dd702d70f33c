"""The shipped sample: invented outlets around the end of January 2026, and real closes.

``serve_sample()`` starts a loopback server that shows the outlets' feeds and social APIs as
they stood on each of 21 nights, so that the sample runs through the real crawl. Nothing here
touches another machine.
"""

from crawler.sample.server import SampleServer, serve_sample

__all__ = ["SampleServer", "serve_sample"]
