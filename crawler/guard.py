"""URL policy, and the check of every address that a connection is made to.

The check sits below HTTP, where a name has become an address: redirects, rebinding names and
odd spellings of loopback all pass through it, and the address that was checked is the one
that is connected to. The TLS name check is not affected.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore2
import httpx2

from crawler.errors import AddressBlockedError, FetchError
from crawler.urls import redact

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_PORTS = frozenset({80, 443})
_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")


def check_url(url: str, networks: Sequence[Network]) -> httpx2.URL:
    """Return an address that may be asked, without user information and fragment.

    Raises
    ------
    FetchError
        ``bad_scheme`` when it is not http(s) or not readable.
    AddressBlockedError
        When the host is a bare IP address outside ``networks``.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise FetchError(f"{redact(url)!r} is no address: {error}", "bad_scheme") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise FetchError(f"{redact(url)!r}: only http and https addresses are asked", "bad_scheme")
    literal = _literal(parsed.host)
    if literal is not None and not _allowed(literal, networks):
        raise AddressBlockedError(
            f"{redact(url)!r}: bare IP addresses are not asked; list its network in"
            " allow_addresses if it is yours"
        )
    return parsed.copy_with(username="", password="", fragment=None)


def check_addresses(
    host: str, port: int, addresses: Iterable[str], networks: Sequence[Network]
) -> list[str]:
    """Return the addresses of a host if every one of them may be connected to.

    One bad address condemns the name: a resolver that mixes public and private answers is
    either broken or hostile.

    Raises
    ------
    AddressBlockedError
        When an address is not public, or the port is not one of the web's.
    """
    checked = []
    for text in addresses:
        # A zone (`fe80::1%eth0`) names an interface, never a public host.
        address = _unwrap(ip_address(text.partition("%")[0]))
        if not _allowed(address, networks):
            if not address.is_global or address.is_multicast or "%" in text:
                raise AddressBlockedError(
                    f"{host!r} resolves to {text}, which is not public; list its network in"
                    " allow_addresses if it is yours"
                )
            if port not in _PORTS:
                raise AddressBlockedError(
                    f"{host!r}: port {port} is not asked; only 80 and 443 are, outside"
                    " allow_addresses"
                )
        checked.append(text)
    if not checked:
        raise FetchError(f"{host!r} has no address", "connect")
    return checked


def _literal(host: str) -> Address | None:
    try:
        return _unwrap(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _allowed(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _unwrap(address: Address) -> Address:  # noqa: PLR0911  one return for each kind of tunnel
    """Return the IPv4 address that an IPv6 one stands for: it is where packets would go."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _NAT64_LOCAL:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if int(address) >> 32 == 0 and int(address) > 1:
        return IPv4Address(int(address))  # the old "IPv4-compatible" form, ::127.0.0.1
    return address


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host name, asked for once.

    Raises
    ------
    FetchError
        ``connect`` when there are none. Not an error of the connection, which would be tried
        again: the resolver has done that, and without a network it takes its time.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"cannot resolve {host!r}: {error}", "connect") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """A network backend that connects only to addresses it has checked."""

    def __init__(
        self,
        inner: httpcore2.AsyncNetworkBackend,
        networks: Sequence[Network],
        resolve: Resolve = resolve_host,
    ) -> None:
        self._inner = inner
        self._networks = networks
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve once, check every address, connect to a checked one."""
        addresses = check_addresses(host, port, await self._resolve(host, port), self._networks)
        for number, address in enumerate(addresses, start=1):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise AssertionError("check_addresses returned no address")  # pragma: no cover

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: nothing that is crawled lives on a socket of this machine."""
        raise AddressBlockedError(f"unix socket {path!r} is not asked")

    async def sleep(self, seconds: float) -> None:
        """Wait, as the wrapped backend does."""
        await self._inner.sleep(seconds)


def guard_transport(
    transport: httpx2.AsyncHTTPTransport,
    networks: Sequence[Network],
    resolve: Resolve = resolve_host,
) -> None:
    """Put the guard between a transport and the network.

    The attributes are private to httpx2, which is therefore pinned; an AttributeError here
    means that the pin was moved without moving this function.
    """
    pool = transport._pool
    pool._network_backend = GuardedBackend(
        pool._network_backend,
        networks,
        resolve,
    )
