"""The settings of the crawl, with the limits that every request and every parse obeys."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from crawler.errors import SourceError

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request, body or parse may cost at most.

    Attributes
    ----------
    connect_s, read_s, total_s : float
        Seconds to connect, between two reads, and for headers and body together.
    wire_bytes, feed_bytes, page_bytes, robots_bytes : int
        Bytes on the wire, and after decompression by what the body is.
    redirects, attempts : int
        Redirects followed, and requests made when a connection fails.
    parse_s : float
        Seconds before a parser process is killed.
    parse_bytes : int
        Address space of a parser process.
    """

    connect_s: float = 10.0
    read_s: float = 15.0
    total_s: float = 45.0
    wire_bytes: int = 10 * MEBIBYTE
    feed_bytes: int = 15 * MEBIBYTE
    page_bytes: int = 5 * MEBIBYTE
    robots_bytes: int = 512 * 1024
    redirects: int = 5
    attempts: int = 3
    retry_wait_s: float = 1.0
    parse_s: float = 20.0
    parse_bytes: int = 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlSettings:
    """How the crawler presents itself and how hard it may ask.

    Attributes
    ----------
    contact : str
        Address of a page about this crawler; part of the User-Agent.
    allow_addresses : tuple of str
        Networks in CIDR form that the address guard lets through, on any port.
    host_interval_s : float
        Least seconds between two requests to one host.
    concurrency : int
        Requests under way at once, over all hosts.
    workers : int
        Parser processes.
    pages_per_source : int
        Pages behind links fetched for one source in one run.
    plain_authors : bool
        Store the names of those who post on social platforms; else a pseudonym each, the same
        in all posts of one source.

    Raises
    ------
    SourceError
        When an entry of ``allow_addresses`` is not a network.
    """

    contact: str = ""
    allow_addresses: tuple[str, ...] = ()
    host_interval_s: float = 2.0
    version: str = "0.1.0"
    concurrency: int = 16
    workers: int = 2
    pages_per_source: int = 50
    plain_authors: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.networks()

    @property
    def user_agent(self) -> str:
        """The name that every request carries; never that of a browser."""
        # A line break in a configured contact would inject a header.
        contact = "".join(char for char in self.contact if char.isprintable()).strip()
        return f"tapestory/{self.version}" + (f" (+{contact})" if contact else "")

    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return ``allow_addresses`` as networks."""
        try:
            return tuple(ip_network(entry, strict=False) for entry in self.allow_addresses)
        except ValueError as error:
            raise SourceError(
                f"allow_addresses: {error}; write networks such as '127.0.0.0/8'"
            ) from error
