"""The pages as a server: several processes, and the snapshot of today."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import httpx2
import pytest

from api.browse.serving import Current
from store import Store
from store.publish import publish, snapshot_path
from tests.sample_store import populated_store


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "t.db"
    populated_store(found)
    with Store.open(found) as store:
        publish(store)
    return found


def rename(path, name):
    with Store.open(path) as store:
        with store.transaction():
            store.db.execute("UPDATE narratives SET name = ? WHERE id = 'fed-policy'", [name])
        assert publish(store).fresh


def test_a_new_snapshot_is_served_once_it_is_there(path):
    app = Current(snapshot_path(path))

    async def read():
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
            before = await client.get("/narrative/fed-policy")
            rename(path, "Renamed since")
            after = await client.get("/narrative/fed-policy")
            snapshot_path(path).unlink()
            gone = await client.get("/narrative/fed-policy")
        return before, after, gone

    before, after, gone = asyncio.run(read())
    assert "Renamed since" not in before.text
    assert "Renamed since" in after.text
    assert gone.status_code == 200
    assert "Renamed since" in gone.text


def test_a_damaged_snapshot_takes_the_place_of_none(path, monkeypatch):
    app = Current(snapshot_path(path))
    served: list[str] = []
    monkeypatch.setattr(app, "_app", lambda *call: _note(served))
    damaged = path.with_name("damaged")
    damaged.write_bytes(b"no database")
    damaged.replace(snapshot_path(path))
    asyncio.run(app({"type": "http"}, None, None))
    assert served == ["the old one"]


async def _note(served):
    served.append("the old one")


def test_two_processes_serve_and_end_on_a_signal(path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api", "serve", str(path), "--port", str(port),
               "--processes", "2"]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert _answer(f"http://127.0.0.1:{port}/home.json", seconds=60) == 200
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(server.pid)], capture_output=True, text=True,
            check=False,
        ).stdout.split()  # fmt: skip
        assert len(children) >= 2
    finally:
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=30)
    assert "Traceback" not in said
    assert _ended(children, seconds=10)


def _ended(children, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        # One that has ended and is not yet waited for by its new parent is Z.
        states = subprocess.run(
            ["ps", "-o", "stat=", "-p", ",".join(children)], capture_output=True, text=True,
            check=False,
        ).stdout.split()  # fmt: skip
        if all(state.startswith("Z") for state in states):
            return True
        time.sleep(0.1)
    return False


def _answer(url, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return None
