"""The labelled set over SSH, from a real OpenSSH server on loopback with keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from clones import Clone

SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
SSHD = shutil.which("sshd", path=SBIN)
SSH = shutil.which("ssh")
KEYGEN = shutil.which("ssh-keygen")

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(not (SSHD and SSH and KEYGEN), reason="OpenSSH is not installed"),
]

CONFIGURATION = """
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
Subsystem sftp internal-sftp
"""


class Server:
    """One `sshd -i` for each connection, so that the port is open before anyone is told of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        for name in ("host", "key"):
            make = [KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(make, check=True)
        (folder / "sshd_config").write_text(CONFIGURATION.format(folder=folder))
        self.log = (folder / "sshd.log").open("w")
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        command = [SSHD, "-i", "-e", "-f", str(self.folder / "sshd_config")]
        served = []
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:  # closed: the tests are over
                break
            with connection:
                served.append(
                    subprocess.Popen(command, stdin=connection, stdout=connection, stderr=self.log)
                )
        for process in served:
            process.kill()
            process.wait()

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()
        self.log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if os.geteuid() == 0:  # sshd wants the folder into which it locks what it does not trust
        try:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            pytest.skip(f"sshd has no /run/sshd ({error.strerror})")
    made = Server(tmp_path_factory.mktemp("sshd"))
    options = (
        *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes"),
        "ConnectTimeout=60",
    )
    login = [
        *(SSH, "-F", "none", "-i", str(made.folder / "key"), "-p", str(made.port)),
        *(word for option in options for word in ("-o", option)),
        *(f"{getpass.getuser()}@127.0.0.1", "true"),
    ]
    done = subprocess.run(login, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        made.close()
        log = (made.folder / "sshd.log").read_text()
        pytest.skip(f"sshd lets nobody in here: {done.stderr} {log}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def published(reproduced, server, tmp_path_factory):
    """A clone that has pushed to a folder that SSH alone leads to, as docs/own-data.md says."""
    clone = reproduced.copy(tmp_path_factory.mktemp("published") / "backlabel")
    storage = tmp_path_factory.mktemp("storage") / "backlabel"
    address = f"ssh://{getpass.getuser()}@127.0.0.1:{server.port}{storage}"
    clone.run("dvc", "remote", "add", "--default", "--force", "storage", address)
    use_key(clone, server)
    clone.run("dvc", "push", "labeled")
    assert list(storage.rglob("*.dir"))
    clone.run("git", "add", "--all")
    clone.run("git", "commit", "-q", "-m", "Remote over SSH")
    return clone


def use_key(clone, server):
    clone.run("dvc", "remote", "modify", "--local", "storage", "keyfile", f"{server.folder}/key")
    clone.run("dvc", "remote", "modify", "--local", "storage", "allow_agent", "false")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".gitignore"
    }


def test_fresh_clone_pulls_the_labelled_set(published, server, tmp_path):
    clone = Clone(tmp_path / "clone")
    published.run("git", "clone", "-q", str(published.path), str(clone.path))
    use_key(clone, server)
    clone.run("dvc", "pull", "labeled")
    assert contents(clone.path / "labeled") == contents(published.path / "labeled")


def test_without_the_key_nothing_is_pulled(published, server, tmp_path):
    clone = Clone(tmp_path / "clone")
    published.run("git", "clone", "-q", str(published.path), str(clone.path))
    other = tmp_path / "other"
    subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    use_key(clone, server)
    clone.run("dvc", "remote", "modify", "--local", "storage", "keyfile", str(other))
    done = clone.run("dvc", "pull", "labeled", check=False)
    assert done.returncode != 0
    assert not (clone.path / "labeled").exists()
