"""The pinned list of jars and how they come into the cache."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.kafka.broker_errors import BrokerError
from streams.kafka.jars import KAFKA_VERSION, LOCK, Jar, cache_folder, fetch_jar, install, read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator


def jar(name: str, content: bytes) -> Jar:
    return Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content))


ROOT = Path(__file__).parents[3]
CONTENTS = {f"part-{number}": f"content {number}".encode() * 100 for number in range(12)}
JARS = [jar(name, content) for name, content in CONTENTS.items()]


def fetch(one: Jar, folder: Path) -> Path:
    path = folder / one.file_name
    path.write_bytes(CONTENTS[one.artifact])
    return path


def refuse(one: Jar, folder: Path) -> Path:
    raise AssertionError(f"{one} was fetched")


def test_the_lock_file_holds_each_jar_once_with_a_whole_hash() -> None:
    jars = read_lock(LOCK.read_text())
    assert len({one.file_name for one in jars}) == len(jars) == 46
    assert all(len(bytes.fromhex(one.sha256)) == 32 and one.size > 0 for one in jars)


def test_the_lock_file_is_of_one_kafka_and_can_log() -> None:
    jars = {one.artifact: one for one in read_lock(LOCK.read_text())}
    kafka = [one for one in jars.values() if one.group == "org.apache.kafka"]
    assert {one.version for one in kafka} == {KAFKA_VERSION}  # log4j's POM, read as a BOM, downgrades kafka-clients
    assert "log4j-slf4j-impl" in jars  # the binding for slf4j 1.7; without it Kafka logs nothing
    assert jars["slf4j-api"].version.startswith("1.7.")


def test_the_cache_follows_the_environment() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/x"}).parent.as_posix() == "/x/newswire"
    assert cache_folder({"HOME": "/home/who"}).parent.as_posix() == "/home/who/.cache/newswire"
    assert cache_folder({"HOME": "/h"}).name.startswith(f"kafka-{KAFKA_VERSION}-")


def test_everything_is_fetched_once_and_then_only_read(tmp_path: Path) -> None:
    paths = install(tmp_path, jars=JARS, fetch=fetch)
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    (tmp_path / "install.lock").unlink()
    assert install(tmp_path, jars=JARS, fetch=refuse) == paths
    assert [path.name for path in tmp_path.iterdir()] == ["jars"], "a complete cache was written to"


def test_progress_counts_the_bytes_that_were_missing(tmp_path: Path) -> None:
    install(tmp_path, jars=JARS[:4], fetch=fetch)
    seen: list[tuple[str, int, int]] = []
    install(tmp_path, jars=JARS, fetch=fetch, progress=lambda *step: seen.append(step))
    total = sum(one.size for one in JARS[4:])
    assert {(what, of) for what, _, of in seen} == {("downloading Kafka", total)}
    done = [bytes_ for _, bytes_, _ in seen]
    assert done[0] == 0
    assert done[-1] == total
    assert done == sorted(done)
    assert len(done) == len(JARS[4:]) + 1


def test_a_half_jar_is_fetched_again_and_no_other(tmp_path: Path) -> None:
    paths = install(tmp_path, jars=JARS, fetch=fetch)
    paths[3].write_bytes(paths[3].read_bytes()[:50])
    fetched: list[Jar] = []

    def note(one: Jar, folder: Path) -> Path:
        fetched.append(one)
        return fetch(one, folder)

    install(tmp_path, jars=JARS, fetch=note)
    assert fetched == [JARS[3]]
    assert paths[3].read_bytes() == CONTENTS["part-3"]


def test_a_jar_that_is_not_the_pinned_one_is_never_installed(tmp_path: Path) -> None:
    def forge(one: Jar, folder: Path) -> Path:
        path = fetch(one, folder)
        if one == JARS[5]:
            path.write_bytes(b"something else")
        return path

    with pytest.raises(BrokerError, match=r"^org\.example:part-5:1\.0: .*SHA-256 differs"):
        install(tmp_path, jars=JARS, fetch=forge)
    assert not (tmp_path / "jars" / JARS[5].file_name).exists()
    assert not list(tmp_path.glob("download-*"))


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    def fail_once(one: Jar, folder: Path) -> Path:
        if one == JARS[-1]:
            raise BrokerError("cannot download")
        return fetch(one, folder)

    with pytest.raises(BrokerError, match="cannot download"):
        install(tmp_path, jars=JARS, fetch=fail_once)
    kept = {path.name for path in (tmp_path / "jars").iterdir()}
    fetched: Counter[str] = Counter()

    def note(one: Jar, folder: Path) -> Path:
        fetched[one.file_name] += 1
        return fetch(one, folder)

    install(tmp_path, jars=JARS, fetch=note)
    assert set(fetched) == {one.file_name for one in JARS} - kept


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    left_over = tmp_path / "download-killed"
    left_over.mkdir()
    (left_over / "half.jar").write_bytes(b"x")
    install(tmp_path, jars=JARS, fetch=fetch)
    assert not left_over.exists()


def test_a_cache_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerError, match=r"^cannot keep Kafka in .*: Not a directory; .*XDG_CACHE_HOME$"):
        install(tmp_path / "file" / "cache", jars=JARS, fetch=fetch)


INSTALLER = """
import os, sys, time
from pathlib import Path
from tests.unit.kafka.test_jars import JARS, fetch
from streams.kafka.jars import install

cache, me, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def noting(jar, folder):
    deadline = time.monotonic() + 60
    while not (cache / other).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with open(cache / "fetched", "a") as log:
        log.write(jar.file_name + "\\n")
    return fetch(jar, folder)

(cache / me).touch()
install(cache, jars=JARS, fetch=noting)
"""


def test_two_installs_at_once_fetch_each_jar_once(tmp_path: Path) -> None:
    """Each fetches nothing before the other runs as well, so they overlap."""
    names = ("one", "two")
    processes = [
        subprocess.Popen([sys.executable, "-c", INSTALLER, str(tmp_path), *order], cwd=ROOT)
        for order in (names, names[::-1])
    ]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert sorted((tmp_path / "fetched").read_text().split()) == sorted(one.file_name for one in JARS)
    install(tmp_path, jars=JARS, fetch=refuse)


class Repository(http.server.BaseHTTPRequestHandler):
    """A Maven repository that breaks the first answer for each jar off in the middle, as a bad line does."""

    protocol_version = "HTTP/1.1"
    broken: set[str]

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2].removesuffix("-1.0.jar")
        if name not in CONTENTS:
            self.send_error(404)
            return
        content = CONTENTS[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if name not in self.broken:
            self.broken.add(name)
            self.wfile.write(content[:10])
            self.close_connection = True
        else:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository() -> Iterator[str]:
    handler = type("Handler", (Repository,), {"broken": set()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_jgo_fetches_again_what_broke_off(tmp_path: Path, repository: str) -> None:
    path = fetch_jar(JARS[0], tmp_path, {"here": repository})
    assert path.read_bytes() == CONTENTS["part-0"]


def test_a_jar_nobody_has_is_told_in_one_line(tmp_path: Path, repository: str) -> None:
    unknown = jar("unknown", b"")
    with pytest.raises(
        BrokerError, match=r"^cannot download org\.example:unknown:1\.0 \(RuntimeError\); the first start"
    ):
        fetch_jar(unknown, tmp_path, {"here": repository})


def test_no_network_is_told_in_one_line(tmp_path: Path, repository: str) -> None:
    dead = "http://127.0.0.1:1"
    with pytest.raises(BrokerError, match=r"needs the network, later ones do not$") as told:
        fetch_jar(JARS[0], tmp_path, {"here": dead})
    assert "\n" not in str(told.value)
    shutil.rmtree(tmp_path)
