"""``[alerts]``, ``[[alert]]``, ``[[channel]]`` and ``[report]`` of the settings, checked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import time
from typing import Any, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.alerts.rules import (
    AlertSettings,
    Channel,
    ChannelKind,
    MailSecurity,
    QuietHours,
    ReportDelivery,
    Rule,
)
from api.errors import ConfigError
from store.records import AlertRule

_SHIPPED: Mapping[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule(id="innovation", rule="innovation", level=2.0, stories=5, sources=3),
        Rule(id="stance_flip", rule="stance_flip", stories=8, pvalue=0.01, net=0.2),
        Rule(id="suspect", rule="suspect", level=0.0, undecided=5.0),
        Rule(id="source_quiet", rule="source_quiet", days=3.0, gaps=2.0),
    )
}
# Keys of a rule in the settings, by kind; `narratives` and the like restrict it.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "innovation": ("level", "stories", "sources", "narratives"),
    "stance_flip": ("stories", "pvalue", "net", "narratives"),
    "suspect": ("level", "undecided", "narratives", "assets"),
    "source_quiet": ("days", "gaps", "watched"),
}
_OWN = {"quiet_hours", "timezone", "span", "escalate", "most_sent", "attempts", "site"}
_CHANNEL_KEYS: Mapping[str, tuple[str, ...]] = {
    "atom": ("path",),
    "jsonl": ("path",),
    "webhook": ("url", "url_env", "secret_env"),
    "mail": ("host", "port", "security", "user", "password_env", "from", "to"),
}
_PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def parse_alerts(given: Mapping[str, Any], origin: str) -> AlertSettings:
    """Return what a settings file says of alerts, the shipped rules where it is silent.

    Raises
    ------
    ConfigError
        When a key or value is not known; the message names the entry.
    """
    where = f"[alerts] of {origin}"
    table = _table(given.get("alerts", {}), where)
    _known(table, _OWN | set(_SHIPPED), where)
    channels = [_channel(entry, f"[[channel]] number {n} of {origin}")
                for n, entry in enumerate(_tables(given, "channel", origin), 1)]  # fmt: skip
    _once([channel.id for channel in channels], "channel", origin)
    ids = {channel.id for channel in channels}
    rules = []
    for name, rule in _SHIPPED.items():
        here = f"[alerts.{name}] of {origin}"
        entry = _table(table.get(name, {}), here)
        if _flag(entry, "on", here, default=True):
            rules.append(_rule(rule, entry, here, ids))
    for number, entry in enumerate(_tables(given, "alert", origin), 1):
        rules.append(_own_rule(entry, f"[[alert]] number {number} of {origin}", ids))
    _once([rule.id for rule in rules], "alert", origin)
    return AlertSettings(
        rules=tuple(rules),
        channels=tuple(channels),
        quiet=_quiet(table, where),
        span=_whole(table, "span", where, default=5, least=1),
        escalate=_number(table, "escalate", where, default=2.0, least=0.0),
        most_sent=_whole(table, "most_sent", where, default=3, least=1),
        attempts=_whole(table, "attempts", where, default=5, least=1),
        site=_address(table, "site", where, default="http://127.0.0.1:8001"),
    )


def parse_report(
    given: Mapping[str, Any], origin: str, channels: Sequence[Channel]
) -> ReportDelivery:
    """Return what ``[report]`` says: where ``report --deliver`` puts the weekly report."""
    where = f"[report] of {origin}"
    table = _table(given.get("report", {}), where)
    _known(table, {"folder", "mail"}, where)
    mails = {channel.id for channel in channels if channel.kind == "mail"}
    return ReportDelivery(
        folder=_text(table, "folder", where),
        channels=_ids(table, "mail", where, mails, "a [[channel]] of kind 'mail'"),
    )


def _own_rule(entry: Mapping[str, Any], where: str, channels: Collection[str]) -> Rule:
    kind = _text(entry, "rule", where)
    if kind not in get_args(AlertRule):
        raise ConfigError(f"{where} has rule = {kind!r}: choose one of {list(get_args(AlertRule))}")
    name = _text(entry, "id", where)
    if not name or not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{where} has id = {name!r}: give a word of letters, digits, - and _")
    rest = {key: value for key, value in entry.items() if key not in ("rule", "id")}
    return _rule(replace(_SHIPPED[kind], id=name), rest, where, channels)


def _rule(rule: Rule, entry: Mapping[str, Any], where: str, channels: Collection[str]) -> Rule:
    """Return a rule with the numbers that an entry changes."""
    keys = _KEYS[rule.rule]
    _known(entry, {*keys, "on", "channels"}, where)
    changed: dict[str, Any] = {}
    for name in keys:
        if name not in entry:
            continue
        if name in ("narratives", "assets", "watched"):
            changed[name] = _texts(entry, name, where)
        elif name in ("stories", "sources"):
            changed[name] = _whole(entry, name, where, default=0, least=1)
        elif name == "undecided" and entry[name] is False:
            changed[name] = None
        else:
            most = 1.0 if name in ("pvalue", "net") else None
            changed[name] = _number(entry, name, where, default=0.0, least=0.0, most=most)
    sent = _ids(entry, "channels", where, channels, "a [[channel]]")
    return replace(rule, **changed, channels=sent)


def _channel(entry: Mapping[str, Any], where: str) -> Channel:
    kind = _text(entry, "kind", where)
    if kind not in get_args(ChannelKind):
        raise ConfigError(
            f"{where} has kind = {kind!r}: choose one of {list(get_args(ChannelKind))}"
        )
    name = _required(entry, "id", where)
    keys = _CHANNEL_KEYS[kind]
    _known(entry, {"id", "kind", *keys}, where)
    texts = {
        field.name: _text(entry, field.name, where)
        for field in fields(Channel)
        if field.name in keys and field.name not in ("port", "security", "to")
    }
    channel = Channel(id=name, kind=kind, **texts)  # type: ignore[arg-type]
    if kind in ("atom", "jsonl"):
        _required(entry, "path", where)
    elif kind == "webhook":
        if bool(channel.url) == bool(channel.url_env):
            raise ConfigError(
                f"{where} needs 'url', or 'url_env' with the name of the environment variable"
                " that holds it, and not both"
            )
        if channel.url:
            _address(entry, "url", where)
    else:
        channel = _mail(channel, entry, where)
    return channel


def _mail(channel: Channel, entry: Mapping[str, Any], where: str) -> Channel:
    security = entry.get("security", "starttls")
    if security not in get_args(MailSecurity):
        raise ConfigError(
            f"{where} has security = {security!r}: choose one of {list(get_args(MailSecurity))}"
        )
    host = _required(entry, "host", where)
    if security == "none" and channel.password_env and host not in _LOOPBACK:
        raise ConfigError(
            f"{where} would send a password unencrypted to {host!r}: set security = 'starttls'"
            " or 'tls'"
        )
    port = _whole(entry, "port", where, default=_PORTS[security], least=1)
    sender, to = _required(entry, "from", where), _texts(entry, "to", where)
    for mailbox in (sender, *to):
        _mailbox(mailbox, where)
    if not to:
        raise ConfigError(f"{where} lacks 'to': give a list of addresses")
    return replace(channel, security=security, port=port, sender=sender, to=to)


def _mailbox(text: str, where: str) -> None:
    before, at, domain = text.rpartition("@")
    if not (before and at and domain) or not text.isprintable() or " " in text or "," in text:
        raise ConfigError(f"{where} has {text!r}: give a bare address such as desk@example.org")


def _quiet(table: Mapping[str, Any], where: str) -> QuietHours | None:
    name = _text(table, "timezone", where) or "UTC"
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"{where} has timezone = {name!r}, which is not known here: give a name such as"
            " Europe/Berlin"
        ) from error
    text = _text(table, "quiet_hours", where)
    if not text:
        return None
    start, dash, end = text.partition("-")
    try:
        hours = time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
    except ValueError:
        hours = None
    if not dash or hours is None or hours[0] == hours[1] or any(hour.tzinfo for hour in hours):
        raise ConfigError(
            f"{where} has quiet_hours = {text!r}: give two times of the day, '22:00-07:00'"
        )
    return QuietHours(start=hours[0], end=hours[1], zone=zone)


# -- one value -----------------------------------------------------------------------


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: write it as a table, in single brackets")
    return value


def _tables(given: Mapping[str, Any], name: str, origin: str) -> list[Mapping[str, Any]]:
    entries = given.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{origin}: write each {name} below its own line [[{name}]]")
    return entries


def _known(entry: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    if unknown := sorted(set(entry) - set(keys)):
        raise ConfigError(f"{where} has unknown key {unknown[0]!r}: known are {sorted(keys)}")


def _once(ids: Sequence[str], what: str, origin: str) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise ConfigError(f"{origin} names {what} {one!r} twice: give each its own id")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f"{where} has {key} = {value!r}: give a text")
    return value


def _required(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = _text(entry, key, where)
    if not value:
        raise ConfigError(f"{where} lacks {key!r}: add it as a text")
    return value


def _texts(entry: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ConfigError(f"{where} has {key} = {value!r}: give a list of texts")
    return tuple(value)


def _ids(
    entry: Mapping[str, Any], key: str, where: str, known: Collection[str], what: str
) -> tuple[str, ...]:
    found = _texts(entry, key, where)
    if odd := sorted(set(found) - set(known)):
        raise ConfigError(f"{where} names {odd[0]!r} in {key!r}, which is not {what}: add one")
    return found


def _flag(entry: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
    value = entry.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{where} has {key} = {value!r}: give true or false")
    return value


def _number(
    entry: Mapping[str, Any],
    key: str,
    where: str,
    *,
    default: float,
    least: float,
    most: float | None = None,
) -> float:
    value = entry.get(key, default)
    upper = float("inf") if most is None else most
    # A NaN fails both comparisons, an infinity the second or the third.
    if type(value) not in (int, float) or not least <= value <= upper or value == float("inf"):
        limits = f"{least:g} or more" if most is None else f"{least:g} to {most:g}"
        raise ConfigError(f"{where} has {key} = {value!r}: give a number, {limits}")
    return float(value)


def _whole(entry: Mapping[str, Any], key: str, where: str, *, default: int, least: int) -> int:
    value = entry.get(key, default)
    if type(value) is not int or value < least:
        raise ConfigError(f"{where} has {key} = {value!r}: give a whole number, {least} or more")
    return value


def _address(entry: Mapping[str, Any], key: str, where: str, default: str = "") -> str:
    value = _text(entry, key, where) or default
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        sound = False
    if not sound or not value.isprintable() or " " in value:
        raise ConfigError(f"{where} has {key} = {value!r}: give an http or https address")
    return value.rstrip("/") if key == "site" else value
