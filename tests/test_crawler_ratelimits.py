from datetime import UTC, datetime, timedelta

import pytest

from crawler.ratelimits import ratelimit_pause

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EPOCH = str(int((NOW + 15 * MINUTE).timestamp()))


@pytest.mark.parametrize(
    ("prefix", "left", "reset", "wait"),
    [
        (
            "x-ratelimit",
            "0",
            "2026-01-30T21:05:00.262185Z",
            5 * MINUTE,
        ),
        ("x-rate-limit", "0", EPOCH, 15 * MINUTE),
        ("ratelimit", "0", EPOCH, 15 * MINUTE),
        ("x-ratelimit", "0.0", "345", timedelta(seconds=345)),
        ("x-ratelimit", "0.6", "59.5", timedelta(seconds=59.5)),
        ("ratelimit", "0", "30", timedelta(seconds=30)),
        ("x-ratelimit", "0", "99999999", timedelta(days=1)),
        ("x-ratelimit", "0", "2099-01-01T00:00:00Z", timedelta(days=1)),
    ],
    ids=["mastodon", "x", "bluesky", "reddit", "part", "draft", "years of seconds", "years"],
)
def test_a_used_up_allowance_pauses_to_the_end_of_its_window(prefix, left, reset, wait):
    headers = {f"{prefix}-remaining": left, f"{prefix}-reset": reset}
    assert ratelimit_pause(headers, NOW) == NOW + wait


@pytest.mark.parametrize(
    ("left", "reset"),
    [
        ("1", "2026-01-30T21:05:00Z"),
        ("299", EPOCH),
        ("0", "2026-01-30T20:59:00Z"),
        ("0", "1" + "0" * 400),
        ("0", "-5"),
        ("0", "soon"),
        ("0", "nan"),
        ("0", "inf"),
        ("0", ""),
        ("none", EPOCH),
        ("-1", EPOCH),
        ("nan", EPOCH),
    ],
)
def test_anything_else_pauses_nothing(left, reset):
    headers = {"x-ratelimit-remaining": left, "x-ratelimit-reset": reset}
    assert ratelimit_pause(headers, NOW) is None
    assert ratelimit_pause({"x-ratelimit-remaining": left}, NOW) is None


def test_no_headers_pause_nothing():
    assert ratelimit_pause({}, NOW) is None
