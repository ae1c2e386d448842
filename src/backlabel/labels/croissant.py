"""Croissant 1.0 metadata of the labelled set: what it is, may be used for, and holds.

Format: MLCommons Croissant 1.0, http://mlcommons.org/croissant/1.0. It names the manifest by
its digest, and the manifest each file by its digest: the whole set hangs on this one document.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backlabel.labels.about import About


@dataclass(frozen=True)
class File:
    """A file beside the document: its name, size in bytes, and SHA-256."""

    name: str
    bytes: int
    sha256: str


COLUMNS: Mapping[str, tuple[str, str]] = {
    "file": ("sc:Text", "Path of the original below the labelled set."),
    "category": ("sc:Text", "Category; the folder that the original lies in."),
    "label": ("sc:Text", "Short label of the category."),
    "split": ("sc:Text", "train, val or test; files of one group lie in one split."),
    "group": ("sc:Text", "Files that share a specimen, a JPEG, or nearly all of their picture."),
    "sha256": ("sc:Text", "SHA-256 of the original's bytes."),
    "pixel_size_nm": ("sc:Float", "Width of a pixel on the specimen in nanometres."),
    "magnification": ("sc:Float", "Magnification that the microscope states."),
    "accelerating_voltage_kv": ("sc:Float", "Accelerating voltage in kilovolts."),
    "working_distance_mm": ("sc:Float", "Working distance in millimetres."),
    "detector": ("sc:Text", "Detector, as the microscope calls it."),
    "acquired": ("sc:Text", "Date and time, ISO 8601, in the microscope's local time."),
    "instrument": ("sc:Text", "Model of the microscope."),
}
"""Columns of the manifest that are described, with their types."""


def document(
    about: About, manifest: File, categories: Sequence[str], endings: Collection[str] = (".tif",)
) -> dict[str, Any]:
    """The document for a labelled set with this manifest, ready to be written as JSON.

    `endings` are those of its files; none where it holds no files.
    """
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        **_said(about),
        "distribution": [_manifest(manifest), *([_images(sorted(endings))] if endings else [])],
        "recordSet": [_categories(categories), _files()],
    }


def _said(about: About) -> dict[str, Any]:
    said = {
        "name": about.name,
        "description": about.description,
        "version": about.version,
        "license": about.licence,
        "citeAs": about.citation,
        "url": about.url,
        "datePublished": about.published,
        "creator": {"@type": "sc:Organization", "name": about.creator} if about.creator else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _manifest(manifest: File) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "manifest",
        "name": manifest.name,
        "description": "One line for each file: its label, its origin, scores and checksums.",
        "contentUrl": manifest.name,
        "contentSize": f"{manifest.bytes} B",
        "encodingFormat": "text/csv",
        "sha256": manifest.sha256,
    }


def _categories(categories: Sequence[str]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "categories",
        "name": "categories",
        "description": "The categories; their order gives their numbers.",
        "dataType": "sc:Enumeration",
        "key": {"@id": "categories/name"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": "categories/name",
                "name": "name",
                "description": "Name of the category and of its folder.",
                "dataType": "sc:Text",
            }
        ],
        "data": [{"categories/name": name} for name in categories],
    }


def _files() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "files",
        "name": "files",
        "description": "The labelled originals.",
        "key": {"@id": "files/file"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"files/{name}",
                "name": name,
                "description": description,
                "dataType": [kind, "cr:Split"] if name == "split" else kind,
                "source": {"fileObject": {"@id": "manifest"}, "extract": {"column": name}},
            }
            for name, (kind, description) in COLUMNS.items()
        ],
    }


def _images(endings: Sequence[str]) -> dict[str, Any]:
    kinds = [_KINDS[ending] for ending in endings]
    patterns = [f"*/*{ending}" for ending in endings]
    return {
        "@type": "cr:FileSet",
        "@id": "images",
        "name": "images",
        "description": "The originals, byte for byte as the microscopes wrote them.",
        "encodingFormat": kinds[0] if len(kinds) == 1 else kinds,
        "includes": patterns[0] if len(patterns) == 1 else patterns,
    }


_KINDS = {".tif": "image/tiff", ".png": "image/png", ".bmp": "image/bmp"}

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes."""
