import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.urls import canonical_url, http_url, redact


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "HTTPS://User:pw@Example.COM:443/a/../b?utm_source=x&b=2&a=1#top",
            "https://example.com/b?a=1&b=2",
        ),
        ("http://example.com", "http://example.com/"),
        ("http://example.com:8080/x?fbclid=1&gclid=2", "http://example.com:8080/x"),
        ("https://example.com/?id=5&id=6", "https://example.com/?id=5&id=6"),
        ("https://t.me/chan/123", "https://t.me/chan/123"),
        ("https://example.com/x?srsltid=abc&mtm_campaign=z", "https://example.com/x"),
    ],
)
def test_canonical_form(url, expected):
    assert canonical_url(url) == expected


def test_ref_is_dropped_only_when_it_names_the_feed():
    assert canonical_url("https://a.example/x?ref=www.b.example", sites={"b.example"}) == (
        "https://a.example/x"
    )
    assert canonical_url("https://a.example/x?ref=main", sites={"b.example"}) == (
        "https://a.example/x?ref=main"
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "ftp://a/b",
        "file:///etc/passwd",
        "//",
        "",
        None,
        "http://",
        "http://a b/",
        "https://example.com/" + "x" * 3000,
        "http://[::1",
    ],
)
def test_what_is_no_web_address_is_none(url):
    assert http_url(url) is None
    assert canonical_url(url) is None


def test_relative_links_start_at_the_feed():
    assert http_url("/x", "https://a.example/feed.xml") == "https://a.example/x"


@given(
    st.from_regex(
        r"https?://[a-z]{1,8}\.example(:[0-9]{2,4})?(/[A-Za-z0-9%._~-]{0,6}){0,3}"
        r"(\?[a-z_]{1,5}=[A-Za-z0-9%+é ]{0,5}(&[a-z]{1,3}=?[a-z]{0,3}){0,2})?(#[a-z]{0,3})?",
        fullmatch=True,
    )
)
def test_the_canonical_form_is_its_own_canonical_form(url):
    once = canonical_url(url)
    assert once is None or canonical_url(once) == once


def test_redaction_leaves_no_secret():
    url = "https://me:hunter2@a.example:8443/feed?api_key=CANARY&page=2&Token=CANARY#x"
    shown = redact(url)
    assert "CANARY" not in shown
    assert "hunter2" not in shown
    assert shown == "https://a.example:8443/feed?api_key=REDACTED&page=2&Token=REDACTED#x"
    assert "CANARY" not in redact("http://[bad?api_key=CANARY")
