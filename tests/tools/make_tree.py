#!/usr/bin/env python3
r"""Build a messy research tree around a few good images, and check it after a run.

The tree holds what years of untidy folders hold: odd names, duplicates, links, junk,
files of the wrong type, files nobody can read.  Every path made is written to a JSON
listing that says what the path is and what a careful pipeline should do with it.

    make_tree.py build   GOOD_DIR ROOT [--listing L.json] [--seed 7] [--heavy] ...
    make_tree.py disturb L.json [--on-open | --after 1.0] [--seconds 600]
    make_tree.py verify  L.json [--report R.json]
    make_tree.py compare L.json OUT_DIR [--report R.json]

build    makes ROOT (which must not exist) and the listing (default ROOT.listing.json,
         beside ROOT, so that the pipeline never sees it).
disturb  runs beside the pipeline and changes the files of kind "disturb_*": one
         vanishes, one grows, one is cut, one is replaced, one folder is renamed.
         With --on-open (Linux inotify) each change happens when the file is first
         opened, so that the fault does not depend on timing.
verify   says whether the tree is still as it was built (bytes, size, mode, link
         target, mtime).  Files of kind "disturb_*" are left out.  Exit status 1 if not.
compare  says whether OUT_DIR holds every TIFF content that should have been copied,
         nothing that should not, and no link or odd file.  Exit status 1 if not.

Listing (JSON, ASCII; bytes that are no UTF-8 are kept as lone surrogates, the way
os.fsdecode gives them):
    root, seed, made_by_uid, filesystem, entries, not_made, promises
entry:
    path            relative to root
    kind            what it is, e.g. "newline_name"
    expect          one of EXPECT below; null for folders
    why             one sentence
    type            file | dir | symlink | fifo | socket
    image           tiff | jpeg | null: what the bytes are, whatever the name says
    sha256, size    for regular files (sparse files of --heavy: size only)
    mode, mtime_ns, target (links)
    same_content_as first path with the same bytes, if any
    copy_of         path of the TIFF that a JPEG was made from, if any
    enforced        false where the fault does not bite the one who built it (root reads
                    files of mode 000).  Build and run without that power:
                    setpriv --bounding-set -dac_override,-dac_read_search \
                            --inh-caps -dac_override,-dac_read_search -- ...

Nothing outside ROOT and the listing is written.  Needs Python 3.9+ and Pillow.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import hashlib
import io
import json
import os
import random
import select
import socket
import stat
import struct
import sys
import time
import zlib
from pathlib import Path

EXPECT = {
    "use": "readable image: listed, hashed and taken along; a TIFF ends in the data set",
    "use_once": "same bytes as an earlier path: listed with that path; copied at most once, never lost",
    "list_error": "listed with a reason as not usable; never in the data set; the run goes on",
    "list_skip": "listed as passed over (junk, link, not an image), with the reason; never in the data set",
    "either": "used or listed as an error; never a crash, a hang or a silent gap",
}

PROMISES = [
    "every entry of type file, symlink, fifo or socket is named exactly once in the run's own lists",
    "the tree is the same after the run (make_tree.py verify)",
    "every 'use' TIFF is in the data set with the same bytes, nothing else is (make_tree.py compare)",
    "no path is opened outside root, whatever the links say",
    "no run takes more than 20 s on any one entry",
]

FORMATS = {
    "file": stat.S_IFREG,
    "dir": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}

JUNK = {
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504,
    ".DS_Store": b"\0\0\0\1Bud1" + b"\0" * 100,
    "desktop.ini": b"[.ShellClassInfo]\r\n",
    "~$protocol.docx": b"\x04user" + b"\0" * 157,
    "notes.txt": "Probe 3: 20 kV, WD 8 mm\n".encode(),
    "Untitled.ipynb": b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
}

# Folder names as people give them: one per made-up researcher.
PEOPLE = [
    "Müller, Anna (PhD)",
    "J.Doe_2014-2016",
    "old stuff!!",
    "Новая папка",
    "新しいフォルダー",
    "  two spaces first",
    "trailing space ",
    "a.b.c.",
    "100% final",
    "Proben 50µm",
    "#3 Sample [A]",
    'O\'Brien "Bob"',
    "-rf",
    "yes",
    "2019-03-01",
    "Mu\u0308ller, Anna (PhD)",
    "ascii_only",
]

# name -> why; each becomes one good TIFF whose name is the only odd thing about it.
ODD_NAMES = {
    "space_name": ("my image 01.tif", "spaces"),
    "leading_space": (" first.tif", "leading space"),
    "trailing_space": ("last.tif ", "extension followed by a space"),
    "only_space": (" .tif", "stem is one space"),
    "newline_name": ("line1\nline2.tif", "newline: breaks line-based lists"),
    "cr_tab_name": ("a\tb\rc.tif", "tab and carriage return"),
    "quote_name": ('it\'s "quoted".tif', "both quotes"),
    "comma_name": ("5kV, 3mm; SE2.tif", "comma and semicolon: breaks naive CSV"),
    "leading_dash": ("-o.tif", "leading dash: read as an option"),
    "shell_name": ("$(touch PWNED);`touch PWNED`&.tif", "shell characters"),
    "glob_name": ("scan[0-9]*?{a,b}.tif", "glob characters"),
    "percent_name": ("50%s %d %2e%2e%2f.tif", "format and URL escapes"),
    "backslash_name": ("..\\..\\evil.tif", "backslashes: a path on Windows"),
    "dotdot_name": ("...tif", "looks like a parent folder"),
    "formula_name": ('=HYPERLINK("http:..x","y").tif', "spreadsheet formula (CSV injection)"),
    "formula_plus": ("+1+1.tif", "spreadsheet formula"),
    "formula_at": ("@SUM(1+1).tif", "spreadsheet formula"),
    "html_name": ("<img src=x onerror=alert(1)>.tif", "HTML: for reports"),
    "omegaconf_name": ("${oc.env:HOME}.tif", "OmegaConf interpolation"),
    "hydra_name": ("key=[1,2],other=x.tif", "Hydra override grammar"),
    "yaml_name": ("null.tif", "YAML scalar"),
    "number_name": ("1e3.tif", "reads as a number in CSV or YAML"),
    "windows_name": ("CON.tif", "reserved on Windows"),
    "colon_name": ("12:30:05.tif", "colon: not possible on Windows"),
    "bidi_name": ("scan\u202efit.gpj.tif", "right-to-left override"),
    "zero_width": ("zero\u200bwidth.tif", "zero-width space"),
    "emoji_name": ("\U0001f52c sample.tif", "outside the basic plane"),
    "non_utf8_name": (b"\xe9chantillon-\xb5m.tif", "Latin-1 bytes, no UTF-8"),
    "long_name": ("L" * 251 + ".tif", "255 bytes: no room for a suffix such as .tmp"),
    "long_utf8_name": ("µ" * 120 + ".tif", "under 255 bytes, but over 143"),
    "many_dots": ("A.1.2.final.v3.tif", "dots"),
    "dot_tiff": ("upper.TIFF", "extension .TIFF"),
    "dot_TIF": ("upper.TIF", "extension .TIF"),
    "dot_mixed": ("mixed.Tif", "extension .Tif"),
    "copy_name": ("Kopie von scan (2) - Copy.tif", "copy suffixes"),
}

# Pairs that some file systems, or some code, take for one name.
PAIRS = [
    ("case_only", "A.TIF", "A.tif", "differ in case only"),
    ("nfc_nfd", "Probe_Mu\u0308ller.tif", "Probe_M\u00fcller.tif", "NFD and NFC of one name"),
    ("micro_sign", "50\u00b5m.tif", "50\u03bcm.tif", "micro sign and Greek mu"),
    ("tif_tiff", "pair.tif", "pair.tiff", "same stem, .tif and .tiff"),
    ("sanitise_same", "a b.tif", "a_b.tif", "the same once spaces become underscores"),
    ("sanitise_same2", "x:y.tif", "x?y.tif", "the same once odd characters are dropped"),
    ("dotted", "sample.1.tif", "sample.1.0.tif", "one is a prefix of the other"),
]


def die(text: str) -> None:
    sys.exit(f"make_tree: {text}")


def image_kind(data: bytes) -> str | None:
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    return "jpeg" if data[:3] == b"\xff\xd8\xff" else None


class Tree:
    """Makes paths below root and records each one; never writes over a path."""

    def __init__(self, root: Path, goods: list[tuple[str, bytes]], seed: int, side: int):
        self.root, self.goods, self.side = root, goods, side
        self.rng = random.Random(seed)
        self.entries: list[dict] = []
        self.not_made: list[dict] = []
        self.first_with: dict[str, str] = {}
        self.counter = 0

    # -- image bytes ------------------------------------------------------
    def variant(self, fmt: str = "TIFF", **save) -> bytes:
        """A new image cut out of a good one: distinct bytes and distinct look each time."""
        return self.encode(self.picture(), fmt, **save)

    def picture(self):
        from PIL import Image

        name, data = self.goods[self.counter % len(self.goods)]
        self.counter += 1
        with Image.open(io.BytesIO(data)) as im:
            im.load()
            im = im.convert("L") if im.mode not in ("L", "RGB") else im.copy()
        r = self.rng
        w, h = im.size
        cw, ch = max(8, int(w * r.uniform(0.45, 0.8))), max(8, int(h * r.uniform(0.45, 0.8)))
        x, y = r.randint(0, max(0, w - cw)), r.randint(0, max(0, h - ch))
        im = im.crop((x, y, min(w, x + cw), min(h, y + ch)))
        im = im.transpose(r.choice(list(Image.Transpose)))
        im.thumbnail((self.side, self.side))
        mark = Image.new("L", (12, 12), r.randrange(256))  # makes each one unlike the rest
        im.paste(mark, (r.randrange(max(1, im.width - 12)), r.randrange(max(1, im.height - 12))))
        return im

    @staticmethod
    def encode(im, fmt: str, **save) -> bytes:
        out = io.BytesIO()
        im.save(out, fmt, **save)
        return out.getvalue()

    # -- paths ------------------------------------------------------------
    def full(self, rel: str) -> bytes:
        return os.path.join(os.fsencode(self.root), os.fsencode(rel))

    def mkdir(self, rel: str) -> bool:
        """Make rel and its parents; True if it is there afterwards."""
        done = ""
        for part in rel.split("/"):
            done = f"{done}/{part}" if done else part
            try:
                os.mkdir(self.full(done))
                self.entries.append(
                    {
                        "path": done,
                        "kind": "folder",
                        "type": "dir",
                        "expect": None,
                        "why": "folder",
                        "image": None,
                    }
                )
            except FileExistsError:
                pass
            except OSError as e:
                self.not_made.append({"path": done, "kind": "folder", "error": e.strerror})
                return False
        return True

    def record(self, rel: str, kind: str, expect: str, why: str, **more) -> dict:
        assert expect in EXPECT, expect
        e = {"path": rel, "kind": kind, "expect": expect, "why": why, "type": "file", "image": None}
        e.update(more)
        self.entries.append(e)
        return e

    def file(
        self, rel: str | bytes, kind: str, expect: str, why: str, data: bytes, **more
    ) -> dict | None:
        rel = os.fsdecode(rel)
        if not self.mkdir(os.path.dirname(rel)):
            return None
        try:
            fd = os.open(self.full(rel), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as e:
            self.not_made.append({"path": rel, "kind": kind, "error": e.strerror})
            return None
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        sha = hashlib.sha256(data).hexdigest()
        same = self.first_with.setdefault(sha, rel) if data else rel
        if same != rel:
            more["same_content_as"] = same
        return self.record(
            rel, kind, expect, why, sha256=sha, size=len(data), image=image_kind(data), **more
        )

    def link(
        self, rel: str, target: str | bytes, kind: str, why: str, expect: str = "list_skip"
    ) -> None:
        if not self.mkdir(os.path.dirname(rel)):
            return
        try:
            os.symlink(os.fsencode(target), self.full(rel))
            self.record(rel, kind, expect, why, type="symlink", target=os.fsdecode(target))
        except OSError as e:
            self.not_made.append({"path": rel, "kind": kind, "error": e.strerror})

    # -- the parts of the mess --------------------------------------------
    def plain(self) -> None:
        for i, (name, data) in enumerate(self.goods):
            self.file(
                f"given/{i:02d}_{name}", "as_given", "use", "good image, bytes as given", data
            )
        for p in PEOPLE:
            for n in range(2):
                self.file(
                    f"{p}/scan_{n:03d}.tif",
                    "same_name_other_folder",
                    "use",
                    "one file name in many folders, each with its own contents",
                    self.variant(),
                )

    def odd_names(self) -> None:
        for kind, (name, why) in ODD_NAMES.items():
            name = os.fsdecode(name)
            self.file(f"names/{name}", kind, "use", why, self.variant())
        self.file(
            f"names/{'d' * 60}/{'µ' * 50}/" + "x" * 180 + ".tif",
            "long_path",
            "use",
            "long folders and a long name",
            self.variant(),
        )
        deep = "deep/" + "/".join(f"{i:02d}_" + "d" * 196 for i in range(19))
        self.file(
            f"{deep}/deep.tif",
            "near_path_max",
            "either",
            "path of about 3,900 bytes: fits here, not below a longer folder",
            self.variant(),
        )
        for kind, one, two, why in PAIRS:
            self.file(f"pairs/{one}", kind, "use", why, self.variant())
            self.file(f"pairs/{two}", kind, "use", why, self.variant())
        self.file(
            "Sample/case.tif", "case_folder", "use", "folder differs in case only", self.variant()
        )
        self.file(
            "sample/case.tif", "case_folder", "use", "folder differs in case only", self.variant()
        )

    def too_deep(self) -> None:
        """A file whose full path is longer than PATH_MAX; made folder by folder."""
        rel, names = "too_deep", ["n" * 250] * 18
        if not self.mkdir(rel):
            return
        fd = os.open(self.full(rel), os.O_RDONLY | os.O_DIRECTORY)
        try:
            for n in names:
                os.mkdir(n, dir_fd=fd)
                nxt = os.open(n, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = nxt
            f = os.open("deepest.tif", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=fd)
            os.write(f, self.variant())
            os.close(f)
            self.record(
                "/".join([rel, *names, "deepest.tif"]),
                "too_deep",
                "list_error",
                "full path is longer than PATH_MAX: open() by full path fails",
            )
        except OSError as e:
            self.not_made.append({"path": rel, "kind": "too_deep", "error": e.strerror})
        finally:
            os.close(fd)

    def duplicates(self) -> None:
        data = self.variant()
        self.file("dup/a/orig.tif", "duplicate", "use", "first of three equal files", data)
        self.file("dup/a/orig - Copy.tif", "duplicate", "use_once", "same bytes, other name", data)
        self.file(
            "dup/b/orig.tif", "duplicate", "use_once", "same bytes, same name, other folder", data
        )
        self.file("dup/hard.tif", "hard_link", "use", "will be hard-linked", self.variant())
        try:
            os.link(self.full("dup/hard.tif"), self.full("dup/hard_again.tif"))
            e = next(x for x in self.entries if x["path"] == "dup/hard.tif")
            self.record(
                "dup/hard_again.tif",
                "hard_link",
                "use_once",
                "second name of one inode",
                sha256=e["sha256"],
                size=e["size"],
                image="tiff",
                same_content_as="dup/hard.tif",
            )
        except OSError as e:
            self.not_made.append(
                {"path": "dup/hard_again.tif", "kind": "hard_link", "error": e.strerror}
            )

    def jpeg_copies(self) -> None:
        for i, (q, ext) in enumerate([(95, "jpg"), (75, "JPG"), (50, "Jpeg"), (20, "jpe")]):
            im = self.picture()
            t = self.file(
                f"match/orig_{i}.tif",
                "jpeg_original",
                "use",
                "a JPEG copy exists",
                self.encode(im, "TIFF"),
            )
            if t:
                self.file(
                    f"match/jpegs/IMG {i}.{ext}",
                    "jpeg_copy",
                    "use",
                    f"JPEG of quality {q}",
                    self.encode(im, "JPEG", quality=q),
                    copy_of=t["path"],
                )
        self.file(
            "match/jpegs/no_original.jpg",
            "jpeg_alone",
            "use",
            "JPEG without an original",
            self.variant("JPEG", quality=85),
        )
        im = self.picture()
        t = self.file(
            "match/double.tif",
            "jpeg_original",
            "use",
            "a JPEG copy with a double extension exists",
            self.encode(im, "TIFF"),
        )
        if t:
            self.file(
                "match/double.tif.jpg",
                "double_extension",
                "use",
                "A.tif.jpg is a JPEG",
                self.encode(im, "JPEG", quality=90),
                copy_of=t["path"],
            )

    def wrong_contents(self) -> None:
        good, jpeg = self.variant(), self.variant("JPEG", quality=85)
        f = lambda name, kind, expect, why, data: self.file(
            f"broken/{name}", kind, expect, why, data
        )  # noqa: E731
        f("empty.tif", "zero_byte", "list_error", "no bytes", b"")
        f("empty.jpg", "zero_byte", "list_error", "no bytes", b"")
        f("one_byte.tif", "tiny", "list_error", "one byte", b"I")
        f(
            "header_only.tif",
            "header_only",
            "list_error",
            "eight bytes of header",
            b"II*\0\x08\0\0\0",
        )
        f("is_jpeg.tif", "wrong_extension", "either", "named .tif, is a JPEG", jpeg)
        f("is_tiff.jpg", "wrong_extension", "either", "named .jpg, is a TIFF", good)
        f("no_extension", "no_extension", "either", "a TIFF without extension", self.variant())
        f("text.tif", "not_an_image", "list_error", "text", b"this is no image\n" * 20)
        f(
            "page.tif",
            "not_an_image",
            "list_error",
            "HTML of a failed download",
            b"<!DOCTYPE html><title>404</title>",
        )
        f("archive.tif", "not_an_image", "list_error", "ZIP", b"PK\x03\x04" + b"\0" * 60)
        f(
            "postscript.jpg",
            "not_an_image",
            "list_error",
            "EPS: would start Ghostscript if not refused",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n",
        )
        f(
            "nul.tif",
            "not_an_image",
            "list_error",
            "64 KiB of NUL: a file that was never flushed",
            b"\0" * 65536,
        )
        whole = self.variant()
        f("half.tif", "truncated", "list_error", "second half missing", whole[: len(whole) // 2])
        whole = self.variant()
        f(
            "tail_nul.tif",
            "tail_nul",
            "either",
            "last third is NUL, size is right (a copy that broke off)",
            whole[: len(whole) * 2 // 3] + b"\0" * (len(whole) - len(whole) * 2 // 3),
        )
        whole = self.variant("JPEG", quality=85)
        f("half.jpg", "truncated", "list_error", "second half missing", whole[: len(whole) // 2])
        f(
            "no_eoi.jpg",
            "truncated",
            "either",
            "end marker missing",
            self.variant("JPEG", quality=85)[:-2],
        )
        f(
            "trailing.tif",
            "trailing_bytes",
            "use",
            "4 KiB of junk after the image",
            self.variant() + b"\xaa" * 4096,
        )
        f(
            "huge_header.tif",
            "bomb_header",
            "list_error",
            "header says 65,535 x 65,535, the data is 1 KiB",
            tiff(65535, 65535, b"\0" * 1024, 1),
        )
        f(
            "self_ifd.tif",
            "ifd_loop",
            "either",
            "the second directory is the first",
            tiff(8, 8, bytes(64), 1, next_ifd=8),
        )
        f(
            "odd/A.tif.part",
            "partial_download",
            "list_skip",
            "unfinished download",
            self.variant()[:1000],
        )
        f("odd/A.tif~", "editor_backup", "either", "backup of an editor", self.variant())
        f("odd/A.tif.bak", "backup", "either", "backup", self.variant())

    def junk(self) -> None:
        for name, data in JUNK.items():
            self.file(
                f"junk/{name}",
                "junk",
                "list_skip",
                "not an image, left by a program or a person",
                data,
            )
        self.file(
            "junk/._scan.tif",
            "apple_double",
            "list_skip",
            "AppleDouble of a Mac, named .tif",
            b"\0\5\x16\7\0\2\0\0Mac OS X        " + b"\0" * 60,
        )
        self.file(
            "junk/__MACOSX/._scan_001.tif",
            "apple_double",
            "list_skip",
            "the same in __MACOSX",
            b"\0\5\x16\7\0\2\0\0Mac OS X        " + b"\0" * 61,
        )
        self.file(
            "junk/.hidden.tif", "hidden", "either", "a good TIFF with a leading dot", self.variant()
        )
        self.file(
            "junk/.cache/thumb.tif",
            "hidden_folder",
            "either",
            "a good TIFF in a hidden folder",
            self.variant(),
        )
        self.file(
            "junk/folder.tif/scan.tif",
            "folder_named_tif",
            "use",
            "the folder is named like a file",
            self.variant(),
        )
        self.mkdir("junk/empty folder")
        # files that tools of this project would act on if they were taken for their own
        self.file(
            "junk/dvc.yaml",
            "tool_file",
            "list_skip",
            "a stranger's DVC pipeline",
            b"stages:\n  x: {cmd: touch PWNED}\n",
        )
        self.file(
            "junk/.dvcignore",
            "tool_file",
            "list_skip",
            "would hide every TIFF from DVC",
            b"*.tif\n",
        )
        self.file("junk/.gitignore", "tool_file", "list_skip", "would hide files from Git", b"*\n")
        self.file(
            "junk/.dvc/config",
            "tool_file",
            "list_skip",
            "a DVC repository inside the data",
            b"[core]\n",
        )
        self.file(
            "junk/config.yaml",
            "tool_file",
            "list_skip",
            "YAML with a Python tag",
            b"a: !!python/object/apply:os.system ['touch PWNED']\n",
        )
        self.file(
            "junk/data.npy",
            "tool_file",
            "list_skip",
            "NumPy file of pickled objects",
            b"\x93NUMPY\x01\0F\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }       \n"
            + b"\x80\x04N.",
        )

    def links(self) -> None:
        self.file("links/real/real.tif", "link_goal", "use", "target of links", self.variant())
        self.link("links/to_file.tif", "real/real.tif", "link_file", "link to a file of the tree")
        self.link("links/to_dir", "real", "link_dir", "link to a folder of the tree")
        self.link("links/loop", "loop", "link_self", "link to itself")
        self.link("links/up", "..", "link_parent", "link to the parent: endless if followed")
        self.link("links/ping", "pong", "link_loop", "two links that name each other")
        self.link("links/pong", "ping", "link_loop", "two links that name each other")
        self.link("links/dangling.tif", "nowhere.tif", "link_dangling", "target missing")
        self.link(
            "links/outside.tif", "/etc/passwd", "link_outside", "leads out of the tree, to a file"
        )
        self.link(
            "links/root_dir", "/", "link_outside_dir", "leads out of the tree, to the root folder"
        )

    def special(self) -> None:
        self.mkdir("special")
        try:
            os.mkfifo(self.full("special/pipe.tif"))
            self.record(
                "special/pipe.tif", "fifo", "list_skip", "opening it waits for ever", type="fifo"
            )
        except OSError as e:
            self.not_made.append({"path": "special/pipe.tif", "kind": "fifo", "error": e.strerror})
        s, here = socket.socket(socket.AF_UNIX), os.getcwd()
        try:
            os.chdir(self.full("special"))  # socket addresses are short
            s.bind("socket.tif")
            self.record(
                "special/socket.tif", "socket", "list_skip", "cannot be opened", type="socket"
            )
        except OSError as e:
            self.not_made.append({"path": "special/socket.tif", "kind": "socket", "error": str(e)})
        finally:
            s.close()
            os.chdir(here)
        # modes are set by seal(), after all else is made; it also tries whether they bite
        for rel, mode, expect, why in (
            ("locked/unreadable.tif", 0o000, "list_error", "mode 000"),
            ("locked/closed/inside.tif", None, "list_error", "its folder has mode 000"),
            (
                "locked/listed/inside.tif",
                None,
                "list_error",
                "its folder can be listed, not entered (mode 444)",
            ),
            ("locked/readonly.tif", 0o444, "use", "read only"),
        ):
            e = self.file(
                rel,
                "unreadable" if expect == "list_error" else "read_only",
                expect,
                why,
                self.variant(),
            )
            if e:
                e["set_mode"] = mode
                if expect == "list_error":
                    e["enforced"] = True
        for rel, mode in (("locked/closed", 0o000), ("locked/listed", 0o444)):
            next(x for x in self.entries if x["path"] == rel)["set_mode"] = mode

    def times(self) -> None:
        for name, t, why in (
            ("epoch.tif", 0, "mtime 1970"),
            ("future.tif", 4102444800, "mtime in 2100"),
            ("before.tif", -86400, "mtime before 1970"),
        ):
            e = self.file(f"times/{name}", "odd_mtime", "use", why, self.variant())
            if e:
                e["set_mtime"] = t

    def disturbed(self) -> None:
        for action, expect, why in (
            ("vanish", "list_error", "is deleted during the run"),
            ("grow", "either", "grows during the run"),
            ("cut", "either", "is cut to half during the run"),
            ("replace", "either", "is replaced by another image during the run"),
        ):
            self.file(
                f"disturb/{action}/{action}.tif",
                f"disturb_{action}",
                expect,
                why,
                self.variant(),
                disturb=action,
            )
        self.file(
            "disturb/moved/moved.tif",
            "disturb_move_folder",
            "list_error",
            "its folder is renamed during the run",
            self.variant(),
            disturb="move_folder",
        )

    def heavy(self, many: int) -> None:
        """Big in memory or number, small on disk."""
        z = zlib.compressobj(9)
        side = 30000
        body = b"".join(z.compress(b"\0" * side * 100) for _ in range(side // 100)) + z.flush()
        self.file(
            "heavy/bomb_deflate.tif",
            "bomb",
            "list_error",
            "900 MB of black in under 1 MB (deflate)",
            tiff(side, side, body, 8),
        )
        self.file(
            "heavy/wide.tif", "bomb_shape", "either", "60,000 x 1", tiff(60000, 1, bytes(60000), 1)
        )
        rel = "heavy/sparse.tif"
        size = (5 << 30) + 1
        fd = os.open(self.full(rel), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(fd, b"II*\0\x08\0\0\0")
        os.ftruncate(fd, size)
        os.close(fd)
        self.record(rel, "sparse", "list_error", "5 GiB in size, 4 KiB on disk", size=size)
        for i in range(many):
            self.file(
                f"heavy/many/{i:06d}.tif",
                "many",
                "use",
                "one of many",
                tiff(16, 16, self.rng.randbytes(256), 1),
            )

    # -- last step --------------------------------------------------------
    def seal(self) -> None:
        """Set times and modes, deepest first, and write down what is there now."""
        for e in self.entries:
            if "set_mtime" in e:
                t = e.pop("set_mtime")
                os.utime(self.full(e["path"]), (t, t))
        for e in sorted(self.entries, key=lambda x: -x["path"].count("/")):
            try:
                st = os.lstat(self.full(e["path"]))
                e.update(mtime_ns=st.st_mtime_ns, mode=stat.S_IMODE(st.st_mode))
                e.setdefault("size", st.st_size) if e["type"] == "file" else None
            except OSError as err:
                e["not_stat"] = errno.errorcode.get(err.errno, str(err.errno))
        for e in sorted(self.entries, key=lambda x: -x["path"].count("/")):
            mode = e.pop("set_mode", None)
            if mode is not None:
                os.chmod(self.full(e["path"]), mode)
                e["mode"] = mode
        for e in self.entries:
            if "enforced" in e:
                try:
                    os.close(os.open(self.full(e["path"]), os.O_RDONLY))
                    e["enforced"] = False  # we may read it all the same
                except PermissionError:
                    pass


def tiff(width: int, height: int, body: bytes, compression: int, next_ifd: int = 0) -> bytes:
    """A grey 8-bit TIFF of one strip, written by hand so that its header can lie."""
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, 0),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, len(body)),
    ]
    start = 8 + 2 + 12 * len(tags) + 4
    tags[5] = (273, 4, 1, start)
    ifd = (
        struct.pack("<H", len(tags))
        + b"".join(struct.pack("<HHII", *t) for t in tags)
        + struct.pack("<I", next_ifd)
    )
    return b"II*\0" + struct.pack("<I", 8) + ifd + body


def read_goods(folder: Path) -> list[tuple[str, bytes]]:
    goods = []
    for p in sorted(folder.iterdir()):
        if p.is_file() and not p.is_symlink():
            data = p.read_bytes()
            if image_kind(data):
                goods.append((p.name, data))
    return goods


def build(a: argparse.Namespace) -> int:
    root = Path(a.root).absolute()
    if os.path.lexists(root):
        die(f"{root} is there already; name a folder that is not")
    goods = read_goods(Path(a.good))
    if not goods:
        die(f"no TIFF or JPEG in {a.good}")
    listing = (
        Path(a.listing).absolute() if a.listing else root.with_name(root.name + ".listing.json")
    )
    if os.path.lexists(listing):
        die(f"{listing} is there already")
    root.mkdir(parents=True)
    t = Tree(root, goods, a.seed, a.side)
    parts = {
        "plain": t.plain,
        "names": t.odd_names,
        "too_deep": t.too_deep,
        "duplicates": t.duplicates,
        "jpeg": t.jpeg_copies,
        "broken": t.wrong_contents,
        "junk": t.junk,
        "links": t.links,
        "special": t.special,
        "times": t.times,
        "disturb": t.disturbed,
    }
    for name, part in parts.items():
        if name not in a.skip:
            part()
    if a.heavy or a.many:
        t.mkdir("heavy")
        t.heavy(a.many)
    t.seal()
    fs = os.statvfs(root)
    listing.write_text(
        json.dumps(
            {
                "root": str(root),
                "seed": a.seed,
                "made_by_uid": os.geteuid(),
                "filesystem": {"name_max": fs.f_namemax, "block": fs.f_bsize},
                "expect": EXPECT,
                "promises": PROMISES,
                "entries": t.entries,
                "not_made": t.not_made,
            },
            indent=1,
        )
    )
    kinds = sorted({e["kind"] for e in t.entries})
    print(f"{len(t.entries)} paths of {len(kinds)} kinds below {root}; listing {listing}")
    for n in t.not_made:
        print(f"not made here: {n['kind']}: {n['path'][:60]!r}: {n['error']}")
    return 0


def load(listing: str) -> tuple[dict, bytes]:
    data = json.loads(Path(listing).read_text())
    return data, os.fsencode(data["root"])


def digest(path: bytes) -> str:
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def verify(a: argparse.Namespace) -> int:
    """Compare the tree with the listing; anything new, gone or changed is a finding."""
    data, root = load(a.listing)
    bad, seen, closed = [], set(), 0
    for e in data["entries"]:
        seen.add(e["path"])
        if e["kind"].startswith("disturb_") or e["path"].startswith("disturb"):
            continue
        p = os.path.join(root, os.fsencode(e["path"]))
        try:
            st = os.lstat(p)
        except PermissionError:
            closed += 1  # below a locked folder
            continue
        except OSError as err:
            if e.get("not_stat") != errno.errorcode.get(err.errno):
                bad.append((e["path"], f"gone: {err.strerror}"))
            continue
        if "not_stat" in e:
            continue
        if stat.S_IFMT(st.st_mode) != FORMATS[e["type"]]:
            bad.append((e["path"], f"was a {e['type']}, is something else now"))
            continue
        if e["type"] == "symlink":
            if os.fsdecode(os.readlink(p)) != e["target"]:
                bad.append((e["path"], "link target changed"))
            continue
        if stat.S_IMODE(st.st_mode) != e["mode"]:
            bad.append((e["path"], f"mode {oct(e['mode'])} is now {oct(stat.S_IMODE(st.st_mode))}"))
        if e["type"] == "file":
            if st.st_size != e["size"]:
                bad.append((e["path"], f"size {e['size']} is now {st.st_size}"))
            elif "sha256" in e:
                try:
                    if digest(p) != e["sha256"]:
                        bad.append((e["path"], "bytes changed"))
                except PermissionError:
                    pass
            if st.st_mtime_ns != e["mtime_ns"]:
                bad.append((e["path"], "mtime changed"))

    def broken(err: OSError) -> None:
        if err.errno not in (errno.EACCES, errno.ENAMETOOLONG):
            bad.append((os.fsdecode(err.filename), f"cannot be listed: {err.strerror}"))

    for top, dirs, files in os.walk(root, onerror=broken):
        for n in dirs + files:
            rel = os.fsdecode(os.path.relpath(os.path.join(top, n), root))
            if rel not in seen and not rel.startswith(("disturb", "too_deep/")):
                bad.append((rel, "new: nobody may write into the sources"))
    fine = f"{len(data['entries']) - closed} paths as built"
    return report(
        a, bad, fine + (f", {closed} not to be seen by this user" if closed else ""), kind="verify"
    )


def compare(a: argparse.Namespace) -> int:
    """Compare a data set with the listing by content."""
    data, _ = load(a.listing)
    want, may, never = {}, set(), {}
    for e in data["entries"]:
        sha = e.get("sha256")
        if not sha or not e["size"]:
            continue
        if (
            e["kind"].startswith("disturb_")
            or e["expect"] == "either"
            or e.get("enforced") is False
        ):
            may.add(sha)
        elif e["image"] == "tiff" and e["expect"] == "use":
            want[sha] = e["path"]
        elif e["expect"] in ("use", "use_once"):
            may.add(sha)
        else:
            never[sha] = e["path"]
    bad, found = [], {}
    out = os.fsencode(a.out)
    for top, dirs, files in os.walk(out):
        for n in dirs + files:
            p = os.path.join(top, n)
            rel = os.fsdecode(os.path.relpath(p, out))
            try:
                st = os.lstat(p)
                if stat.S_ISLNK(st.st_mode):
                    bad.append((rel, "a link in the data set"))
                elif stat.S_ISREG(st.st_mode):
                    with open(p, "rb") as f:
                        is_tiff = image_kind(f.read(4)) == "tiff"
                    if not is_tiff and os.path.splitext(rel)[1].lower() not in (".tif", ".tiff"):
                        continue  # tables and logs of the run
                    sha = digest(p)
                    found.setdefault(sha, []).append(rel)
                    if sha in never and sha not in may:
                        bad.append((rel, f"must not be here: {never[sha]}"))
                    elif sha not in want and sha not in may:
                        bad.append((rel, "bytes that no source has"))
                elif not stat.S_ISDIR(st.st_mode):
                    bad.append((rel, "not a regular file"))
            except OSError as err:
                bad.append((rel, f"cannot be read: {err.strerror}"))
    for sha, path in want.items():
        if sha not in found:
            bad.append((path, "TIFF is missing from the data set"))
    for rels in found.values():
        if len(rels) > 1:
            bad.append((rels[0], f"same bytes {len(rels)} times: {rels[1]}"))
    return report(a, bad, f"{len(want)} TIFF contents present, {len(found)} in all", kind="compare")


def report(a: argparse.Namespace, bad: list[tuple[str, str]], fine: str, kind: str) -> int:
    if a.report:
        Path(a.report).write_text(json.dumps({"check": kind, "findings": bad}, indent=1))
    for path, what in bad[:50]:
        print(f"{kind}: {path!r}: {what}")
    print(f"{kind}: {len(bad)} findings" if bad else f"{kind}: {fine}")
    return 1 if bad else 0


class Opened:
    """Tells when a watched file is opened or read (Linux inotify, through ctypes)."""

    IN_OPEN, IN_ACCESS = 0x20, 0x01

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        if self.fd < 0:
            die("inotify is not to be had here; use --after")
        self.names: dict[int, bytes] = {}

    def watch(self, path: bytes) -> None:
        wd = self.libc.inotify_add_watch(self.fd, path, self.IN_OPEN | self.IN_ACCESS)
        if wd >= 0:
            self.names[wd] = path

    def wait(self, seconds: float) -> set[bytes]:
        if not select.select([self.fd], [], [], seconds)[0]:
            return set()
        out, data = set(), os.read(self.fd, 65536)
        while data:
            wd, _, _, n = struct.unpack_from("iIII", data)
            if n == 0 and wd in self.names:  # the watched file itself
                out.add(self.names[wd])
            data = data[16 + n :]
        return out


def disturb(a: argparse.Namespace) -> int:
    data, root = load(a.listing)
    todo = {
        os.path.join(root, os.fsencode(e["path"])): e["disturb"]
        for e in data["entries"]
        if "disturb" in e
    }
    if not todo:
        die("the listing has no file to disturb")

    def act(path: bytes, what: str) -> None:
        try:
            if what == "vanish":
                os.unlink(path)
            elif what == "grow":
                with open(path, "ab") as f:
                    f.write(b"\xaa" * 100_000)
            elif what == "cut":
                os.truncate(path, os.path.getsize(path) // 2)
            elif what == "replace":
                tmp = path + b".new"
                Path(os.fsdecode(tmp)).write_bytes(tiff(64, 64, os.urandom(4096), 1))
                os.replace(tmp, path)
            elif what == "move_folder":
                folder = os.path.dirname(path)
                os.rename(folder, folder + b" (moved)")
            print(f"{time.time():.3f} {what} {os.fsdecode(path)!r}", flush=True)
        except OSError as e:
            print(f"{time.time():.3f} {what} failed: {e}", flush=True)

    if a.on_open:
        w = Opened()
        for p in todo:
            w.watch(p)
        print("watching", flush=True)
        end = time.time() + a.seconds
        while todo and time.time() < end:
            for p in w.wait(0.5):
                if p in todo:
                    act(p, todo.pop(p))
    else:
        time.sleep(a.after)
        for p, what in todo.items():
            act(p, what)
        todo = {}
    for p in todo:
        print(f"never opened: {os.fsdecode(p)!r}")
    return 1 if todo else 0


def main() -> int:
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sub = ap.add_subparsers(dest="command", required=True)
    b = sub.add_parser("build", help="make the tree and its listing")
    b.add_argument(
        "good", help="folder with a few good TIFFs or JPEGs (five or more that look unlike is best)"
    )
    b.add_argument("root", help="folder to make; must not exist")
    b.add_argument("--listing", help="where the JSON goes (default: ROOT.listing.json)")
    b.add_argument(
        "--seed", type=int, default=7, help="same seed and images, same tree (default 7)"
    )
    b.add_argument(
        "--side", type=int, default=256, help="longest side of made images in pixels (default 256)"
    )
    b.add_argument(
        "--skip",
        nargs="*",
        default=[],
        metavar="PART",
        choices=[
            "plain",
            "names",
            "too_deep",
            "duplicates",
            "jpeg",
            "broken",
            "junk",
            "links",
            "special",
            "times",
            "disturb",
        ],
        help="parts to leave out",
    )
    b.add_argument(
        "--heavy", action="store_true", help="also a 900 MB bomb and a sparse file of 5 GiB"
    )
    b.add_argument(
        "--many",
        type=int,
        default=0,
        help="also this many small TIFFs in one folder (implies --heavy)",
    )
    d = sub.add_parser("disturb", help="change files while the pipeline runs")
    d.add_argument("listing")
    g = d.add_mutually_exclusive_group()
    g.add_argument("--on-open", action="store_true", help="act when a file is first opened")
    g.add_argument(
        "--after", type=float, default=1.0, help="act after this many seconds (default 1)"
    )
    d.add_argument(
        "--seconds", type=float, default=600, help="give up after this long (default 600)"
    )
    for name, text in (
        ("verify", "is the tree still as built?"),
        ("compare", "does the data set hold what it should?"),
    ):
        s = sub.add_parser(name, help=text)
        s.add_argument("listing")
        if name == "compare":
            s.add_argument("out")
        s.add_argument("--report", help="write the findings here as JSON")
    a = ap.parse_args()
    return {"build": build, "disturb": disturb, "verify": verify, "compare": compare}[a.command](a)


if __name__ == "__main__":
    sys.exit(main())
