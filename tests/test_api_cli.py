"""The command line: exit codes, messages, and what lands on stdout."""

import json

import pytest
from click.testing import CliRunner

from api.cli import cli
from store import Store
from store.database import _acquire


@pytest.fixture
def run():
    def invoke(*words, **options):
        return CliRunner().invoke(cli, [str(word) for word in words], **options)

    return invoke


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "t.db"
    Store.open(path, create=True).close()
    return path


def test_help_names_every_verb_of_the_readme(run):
    text = run("--help").output
    for verb in ("init", "nightly", "import", "label", "explain", "report", "serve", "status"):
        assert verb in text


def test_a_missing_database_is_one_line_and_exit_1(run, tmp_path):
    result = run("status", tmp_path / "none.db")
    assert result.exit_code == 1
    assert result.stderr.startswith("tapestory: no database at")
    assert len(result.stderr.splitlines()) == 1


def test_a_held_lock_is_exit_75(run, database):
    lock = _acquire(database)
    try:
        result = run("publish", database)
    finally:
        lock.release()
    assert result.exit_code == 75
    assert "another run" in result.stderr


def test_bad_settings_are_exit_2(run, database, tmp_path):
    settings = tmp_path / "x.toml"
    settings.write_text("[nonsense]\n")
    result = run("crawl", database, "--config", settings)
    assert result.exit_code == 2
    assert "nonsense" in result.stderr


def test_a_broken_narratives_file_is_exit_2_and_names_the_entry(run, tmp_path):
    (tmp_path / "n.toml").write_text('[[narrative]]\nid = "x"\n')
    (tmp_path / "a.txt").write_text("Gold fell.")
    result = run("label", tmp_path / "a.txt", "--narratives", tmp_path / "n.toml")
    assert result.exit_code == 2
    assert "proposition" in result.stderr


def test_init_writes_settings_and_schedule_and_overwrites_nothing(run, tmp_path):
    folder = tmp_path / "desk"
    assert run("init", folder).exit_code == 0
    assert {path.name for path in folder.iterdir()} == {
        "tapestory.toml",
        "sources.toml",
        "tapestory.cron",
        "tapestory.service",
        "tapestory.timer",
        "tapestory-report.service",
        "tapestory-report.timer",
        "tapestory-alerts.service",
        "tapestory-alerts.timer",
        "Containerfile",
    }
    (folder / "tapestory.toml").write_text("# mine\n")
    assert run("init", folder).exit_code == 2
    assert (folder / "tapestory.toml").read_text() == "# mine\n"


def test_status_is_json_for_programs(run, database):
    result = run("status", database, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["counts"]["documents"] == 0


def test_backup_and_restore_round_trip(run, database, tmp_path):
    assert run("backup", database, tmp_path / "b.db").exit_code == 0
    assert run("restore", tmp_path / "b.db", tmp_path / "again.db").exit_code == 0
    assert run("status", tmp_path / "again.db").exit_code == 0


def test_a_bad_date_is_usage(run, database):
    assert run("explain", database, "yesterday").exit_code == 2


def test_an_unknown_report_format_is_usage(run, database):
    result = run("report", database, "--format", "docx")
    assert result.exit_code == 2
    assert "docx" in result.stderr


_HEAD = "title,text,url,published_at,source\n"
_GOOD = "Good,text,https://x.example/1,2026-01-11T10:00:00Z,desk\n"


@pytest.mark.parametrize(
    ("data", "code", "said", "kept"),
    [
        pytest.param(
            _HEAD + _GOOD + "Bad,t,https://x.example/b,31 Feb 2026,desk\n",
            3,
            "csv:3: published_at '31 Feb 2026' is no date",
            1,
            id="bad-date",
        ),
        pytest.param("headline,url\nA,https://x.example/1\n", 2, "no column title", 0, id="column"),
        pytest.param(
            (_HEAD + _GOOD).encode()
            + "Zürich,t,https://x.example/z,2026-01-05,d\n".encode("latin-1"),
            3,
            "not UTF-8 at byte",
            1,
            id="encoding",
        ),
        pytest.param(
            _HEAD + f"Big,{'x' * 10_000_000},https://x.example/b,2026-01-05,desk\n" + _GOOD,
            3,
            "10,000,000 characters",
            1,
            id="ten-megabytes-in-a-cell",
        ),
    ],
)
def test_an_import_keeps_good_rows_and_names_the_others(run, tmp_path, data, code, said, kept):
    file = tmp_path / "a.csv"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    result = run("import", "documents", tmp_path / "t.db", file)
    assert result.exit_code == code
    assert said in result.stderr
    with Store.open(tmp_path / "t.db", read_only=True) as store:
        assert store.documents.count() == kept
