"""Write requirements.lock: every version of constraints.txt that is needed, with its hash.

    python scripts/lock.py

pip resolves what `.[dev]` needs for this Python and machine and reports the SHA-256 of each file
that it would install. The lock is of that one platform, which its first lines name, and of the
builds that the index here offers: a torch with a suffix such as +cpu needs an index that has it.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path("requirements.lock")
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]


def main() -> None:
    """Ask pip, and write."""
    command = [*PIP, "--constraint", "constraints.txt", "--report", "-", ".[dev]"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    LOCK.write_text(lock(json.loads(done.stdout)), encoding="utf-8")


def lock(report: dict[str, Any]) -> str:
    """The text of the lock file for a report of `pip install --report`."""
    environment = report["environment"]
    where = f"CPython {environment['python_version']}, {platform.system()} {platform.machine()}"
    lines = [
        f"# Of {where}; written by scripts/lock.py.",
        "# `make locked` installs exactly these files.",
    ]
    for item in sorted(report["install"], key=lambda one: one["metadata"]["name"].lower()):
        digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if digest:  # backlabel itself is a folder and has none
            name, version = item["metadata"]["name"], item["metadata"]["version"]
            lines.append(f"{name}=={version} --hash=sha256:{digest}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
