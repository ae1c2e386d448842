"""The two ends of a release; `make release VERSION=...` calls them around build and checks.

python scripts/release.py prepare 0.2.0     versions and changelog, in files that are committed
python scripts/release.py tag 0.2.0         the commit, and the tags of code and labelled set
"""

from __future__ import annotations

import argparse
import datetime
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path("src/backlabel/__init__.py")
CITATION = Path("CITATION.cff")
CHANGELOG = Path("CHANGELOG.md")
SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"


def main() -> None:
    """Read the arguments and do one of the two."""
    parser = argparse.ArgumentParser(description="The two ends of a release.")
    parser.add_argument("step", choices=["prepare", "tag"])
    parser.add_argument("version")
    chosen = parser.parse_args()
    if not re.fullmatch(SEMANTIC, chosen.version):
        sys.exit(f"{chosen.version}: is no version such as 0.2.0")
    if chosen.step == "prepare":
        prepare(chosen.version, datetime.datetime.now(datetime.UTC).date())
    else:
        tag(chosen.version)


def prepare(version: str, day: datetime.date) -> None:
    """Write the version into the package and the citation, and the day into the changelog."""
    if git("status", "--porcelain"):
        sys.exit("Something is not committed: `git status` names it.")
    if git("tag", "--list", f"v{version}"):
        sys.exit(f"The tag v{version} is there already.")
    replace(PACKAGE, r'(?m)^__version__ = ".*"$', f'__version__ = "{version}"')
    replace(CITATION, r"(?m)^version: .*$", f"version: {version}")
    replace(CHANGELOG, rf"(?m)^## {SEMANTIC} - unreleased$", f"## {version} - {day}")


def replace(path: Path, pattern: str, text: str) -> None:
    """Put `text` in the place of the first match. Exits where there is none."""
    changed, count = re.subn(pattern, text, path.read_text(encoding="utf-8"), count=1)
    if not count:
        sys.exit(f"{path}: has no line like {pattern}")
    path.write_text(changed, encoding="utf-8")


def tag(version: str) -> None:
    """Commit what the release changed, and tag it; DVC's artifacts want annotated tags."""
    git("add", "--all")
    git("commit", "--quiet", "--message", f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"backlabel {version}")
    git("tag", "--annotate", f"labeled@v{version}", "--message", f"Labelled set of {version}")
    sys.stdout.write("`git push --follow-tags` and `twine upload dist/*` publish it.\n")


def git(*arguments: str) -> str:
    """What Git says."""
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
