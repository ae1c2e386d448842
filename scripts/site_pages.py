"""Hooks of MkDocs: pages made from the code, and files outside of docs/ to which pages lead.

The reference of commands comes from the parser, that of parameters from the schema, so neither can
say what is not so. Whatever a page links to elsewhere in the repository becomes part of the site:
Markdown and source files as pages below `repository/`, other files as they are. Pages that
`mkdocs.yml` does not place are listed under "More".
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from backlabel import allowed, cli, config, helping

ROOT = Path(__file__).parents[1]
REPOSITORY = "repository"
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)]*)?\)")
FENCES = {".py": "python", ".sh": "bash", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}
"""Files that are shown as pages of code, and their language."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add generated pages, and what pages link to outside of docs/."""
    made = {"reference/commands.md": commands, "reference/parameters.md": parameters}
    for uri, page in made.items():
        files.append(File.generated(config, uri, content=page()))
    waiting = [
        (f"docs/{file.src_uri}", file.content_string) for file in files.documentation_pages()
    ]
    while waiting:
        origin, text = waiting.pop()
        for target in sorted(outside(origin, text)):
            uri = site_uri(target)
            if files.get_file_from_path(uri) is None:
                content = shown(target)
                files.append(File.generated(config, uri, content=content))
                if isinstance(content, str) and target.endswith(".md"):
                    waiting.append((target, content))
    _place_the_rest(files, config)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links out of docs/ lead to where `on_files` has put their targets."""
    here = page.file.src_uri

    def changed(found: re.Match[str]) -> str:
        target = resolved(origin_of(here), found[1])
        if not (ROOT / target).exists():
            return found[0]  # MkDocs says that it is missing, or made it itself
        uri = posixpath.relpath(site_uri(target), posixpath.dirname(here) or ".")
        return f"]({uri}{found[2] or ''})"

    return LINK.sub(changed, markdown)


def commands() -> str:
    """The help of every sub-command."""
    os.environ["COLUMNS"] = "88"  # of argparse's text, whatever the terminal is
    parser = cli.build_parser()
    every = helping.sub_commands(parser).items()
    parts = [("# Commands", parser), *((f"## backlabel {name}", one) for name, (one, _) in every)]
    return "\n".join(f"{title}\n\n```text\n{one.format_help()}```\n" for title, one in parts)


def parameters() -> str:
    """Every parameter, what it may be, and its default."""
    schema, defaults = config.Params.model_json_schema(), config.read_yaml(ROOT / "params.yaml")
    lines = [
        "# Parameters, from the schema",
        "What is checked before each run; [Parameters](../parameters.md) says what they mean.",
        "| parameter | may be | default |\n|---|---|---|",
    ]
    rows = []
    for name in allowed.names(schema):
        value = defaults
        for step in name.split("."):
            value = value[step]
        if not isinstance(value, dict):
            said = allowed.of(name, schema).replace("|", "\\|")
            default = "null" if value is None else str(value).replace("|", "\\|")
            rows.append(f"| `{name}` | {said} | `{default}` |")
    return "\n\n".join(lines) + "\n" + "\n".join(rows) + "\n"


def outside(origin: str, text: str) -> Iterator[str]:
    """Paths in the repository, but outside of docs/, to which the page at `origin` leads."""
    for link, _ in LINK.findall(text):
        target = resolved(origin, link)
        if not target.startswith(("docs/", "../")) and (ROOT / target).exists():
            yield target


def resolved(origin: str, link: str) -> str:
    """The path in the repository to which `link` leads from the file at `origin`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def origin_of(uri: str) -> str:
    """The path in the repository of a page of the site."""
    if uri.startswith(f"{REPOSITORY}/"):
        return uri.removeprefix(f"{REPOSITORY}/")
    return f"docs/{uri}"


def site_uri(target: str) -> str:
    """Where a file of the repository stands in the site."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if (ROOT / target).is_dir():
        return f"{REPOSITORY}/{target}/index.md"
    suffix = PurePosixPath(target).suffix
    return f"{REPOSITORY}/{target}{'.md' if suffix in FENCES else ''}"


def shown(target: str) -> str | bytes:
    """A file of the repository as the site has it: a folder's scripts, code, or as it is."""
    path = ROOT / target
    if path.is_dir():
        return f"# {target}\n\n" + "\n".join(map(code, sorted(path.glob("*.py"))))
    if path.suffix in FENCES:
        return f"# {target}\n\n{code(path)}"
    return path.read_text(encoding="utf-8") if path.suffix == ".md" else path.read_bytes()


def code(path: Path) -> str:
    """A source file as a block of code."""
    text = path.read_text(encoding="utf-8")
    return f'````{FENCES[path.suffix]} title="{path.name}"\n{text}````\n'


def _place_the_rest(files: Files, config: MkDocsConfig) -> None:
    """Pages that nobody placed stand at the end, those of the repository among them."""
    placed = set(re.findall(r"[\w/.-]+\.md", str(config.nav)))
    rest = sorted({file.src_uri for file in files.documentation_pages()} - placed)
    assert config.nav is not None
    config.nav.append({"More": list(rest)})
