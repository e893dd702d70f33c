"""``report --deliver`` and the reports among the pages."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from api.browse.app import make_datasette
from api.cli import cli
from store import Store
from store.publish import publish, snapshot_path
from tests.sample_store import empty_store


@pytest.fixture(scope="module")
def site(sample_path):
    return make_datasette(snapshot_path(sample_path))


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def get(site, address):
    return asyncio.run(site.client.get(address))


def settings(folder, text):
    path = folder / "tapestory.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_files_are_copied_where_the_settings_say(sample_path, tmp_path):
    config = settings(tmp_path, '[report]\nfolder = "shared"\n')
    result = run("report", sample_path, "--out", tmp_path / "out", "--deliver", "--config", config)
    assert result.exit_code == 0, result.output
    for kind in ("html", "md"):
        name = f"narratives-2026-W05.{kind}"
        written = (tmp_path / "out" / name).read_bytes()
        assert (tmp_path / "shared" / name).read_bytes() == written


def test_without_a_place_the_report_is_written_and_the_lack_is_said(sample_path, tmp_path):
    config = settings(tmp_path, "")
    result = run("report", sample_path, "--out", tmp_path / "out", "--deliver", "--config", config)
    assert result.exit_code == 0
    assert "names no place" in result.stderr
    assert (tmp_path / "out" / "narratives-2026-W05.html").exists()


def test_a_place_that_cannot_be_written_is_an_item_that_failed(sample_path, tmp_path):
    (tmp_path / "file").write_text("in the way")
    config = settings(tmp_path, '[report]\nfolder = "file/inside"\n')
    result = run("report", sample_path, "--out", tmp_path / "out", "--deliver", "--config", config)
    assert result.exit_code == 3
    assert "check the folder" in result.stderr
    assert (tmp_path / "out" / "narratives-2026-W05.html").exists()


@pytest.mark.parametrize("kind", ["html", "md", "pdf", "json"])
def test_a_page_of_a_report_is_the_file_that_the_command_writes(sample_path, site, tmp_path, kind):
    page = get(site, f"/report/2026-W05.{kind}")
    assert page.status_code == 200
    ended = json.loads(get(site, "/home.json").text)["quality"]["as_of"]
    out = tmp_path / "out"
    result = run("report", sample_path, "--out", out, "--week", "2026-W05", "--format", kind,
                 "--as-of", ended)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert page.content == (out / f"narratives-2026-W05.{kind}").read_bytes()
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_without_a_format_it_is_the_page_to_read(site):
    page = get(site, "/report/2026-W05")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.content == get(site, "/report/2026-W05.html").content


def test_the_list_of_reports_leads_to_each(site):
    found = get(site, "/reports.json").json()["weeks"]
    assert [row["week"] for row in found] == ["2026-W05", "2026-W04", "2026-W03"]
    page = get(site, "/reports").text
    for row in found:
        assert f"/report/{row['week']}.pdf" in page


@pytest.mark.parametrize(
    "address",
    [
        "/report/2026-W99",
        "/report/now",
        "/report/1999-W01.pdf",
        # `int` reads these as 5; the second would be a line of its own in a header.
        "/report/2026-W+5.pdf",
        "/report/2026-W%0A5.pdf",
    ],
)
def test_a_week_without_a_report_is_not_found(site, address):
    page = get(site, address)
    assert page.status_code == 404
    assert "/reports" in page.text


def test_a_store_without_any_week_says_so(tmp_path):
    empty_store(tmp_path / "e.db")
    with Store.open(tmp_path / "e.db") as store:
        publish(store)
    site = make_datasette(snapshot_path(tmp_path / "e.db"))
    assert "No week is complete yet" in get(site, "/reports").text


def test_a_store_without_anything_has_no_report(tmp_path):
    with Store.open(tmp_path / "n.db", create=True) as store:
        publish(store)
    site = make_datasette(snapshot_path(tmp_path / "n.db"))
    for address in ("/report/2026-W05", "/report/2026-W05.json"):
        assert get(site, address).status_code == 404
