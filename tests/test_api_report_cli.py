"""``tapestory report``: what it prints, and one clear line for each thing that goes wrong."""

import json

import pytest
from click.testing import CliRunner

from api.cli import cli
from store import Store
from tests.sample_store import populated_store


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "sample.db"
    populated_store(path)
    return path


def run(*words):
    return CliRunner().invoke(cli, ["report", *(str(word) for word in words)])


def test_all_formats_are_written_and_named(sample, tmp_path):
    result = run(sample, "--week", "2026-W05", "--out", tmp_path, "--format", "html,md,pdf,json")
    assert result.exit_code == 0, result.output
    names = [f"narratives-2026-W05.{kind}" for kind in ("html", "md", "pdf", "json")]
    assert result.stdout.splitlines() == [f"wrote {tmp_path / name}" for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_html_and_markdown_are_the_default(sample, tmp_path):
    assert run(sample, "--out", tmp_path).exit_code == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".html", ".md"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--week", "2026-W20"], 2, "no data in week '2026-W20'"),
        (["--week", "soon"], 2, "give an ISO week such as 2026-W05"),
        (["--format", "docx"], 2, "choose from html, md, pdf, json"),
        (["--format", ","], 2, "choose from html, md, pdf, json"),
    ],
    ids=["no data", "no week", "no such format", "no format"],
)
def test_what_cannot_be_done_is_one_clear_line(sample, tmp_path, words, code, said):
    result = run(sample, *words, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(sample, tmp_path):
    (tmp_path / "file").write_text("x")
    result = run(sample, "--out", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert "give another --out" in result.stderr


def test_a_sentence_that_does_not_hold_stops_the_report(sample, tmp_path):
    copy = tmp_path / "t.db"
    copy.write_bytes(sample.read_bytes())
    with Store.open(copy) as store:
        (text,) = store.db.execute(
            "SELECT document FROM explanations WHERE date = '2026-01-30'"
        ).fetchone()
        answer = json.loads(text)
        answer["premise"] = answer["premise"].replace("28.5", "82.5")
        store.db.execute(
            "UPDATE explanations SET document = ? WHERE date = '2026-01-30'", [json.dumps(answer)]
        )
        store.db.conn.commit()
    result = run(copy, "--week", "2026-W05", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("tapestory: the stored sentence 'Silver ETF -82.5 %")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_earlier_file_stays_whole_when_a_new_one_cannot_be_made(sample, tmp_path, monkeypatch):
    assert run(sample, "--out", tmp_path, "--format", "md").exit_code == 0
    (before,) = [path.read_bytes() for path in tmp_path.iterdir()]

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.report.write.os.fsync", full)
    result = run(sample, "--out", tmp_path, "--format", "md")
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
