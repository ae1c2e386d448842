"""The rows of every table that the pipeline reads or writes, one record type a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backlabel.storage.tables import FileName

PageKey: TypeAlias = tuple[str, int]
"""A picture among the originals: path of its TIFF, and its page."""


class Verdict(StrEnum):
    """What became of one TIFF."""

    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    TOO_DIFFERENT = "too different"
    NOT_VERIFIED = "not verified"
    NO_CANDIDATE = "no candidate"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TiffHash:
    """One readable picture. Hashes are hexadecimal; `information` says why it can match nothing."""

    file: FileName
    path: FileName
    phash: str
    phash_grey: str
    information: str
    note: str
    height: int
    width: int
    sha256: str
    page: int
    """Of the TIFF that holds the picture, from 1; see `backlabel.images.pages`. 1 for a JPEG."""

    @property
    def key(self) -> PageKey:
        """Which picture it is."""
        return self.path, self.page


@dataclass(frozen=True)
class JpegHash(TiffHash):
    """One readable JPEG with the category that its folder and its prefix agree on."""

    category: str
    label: str


@dataclass(frozen=True)
class Passed:
    """A path that gives no hash, and why. `kind` is jpeg, tiff, or empty where it is neither.

    `page` is given where other pages of the file can be read.
    """

    path: FileName
    kind: str
    reason: str
    detail: str
    page: int | None = None


@dataclass(frozen=True)
class Beside:
    """A file below the data that is no image and that a later stage reads.

    Its SHA-256 is empty where it cannot be read.
    """

    path: FileName
    sha256: str


@dataclass(frozen=True)
class TruePair:
    """A TIFF and the JPEG that was made from it, as the data's own list says.

    Without a `page` any picture of the TIFF will do. Lists may lack the column.
    """

    TIFF_path: FileName
    JPEG_path: FileName
    category: str
    how: str
    page: int | None = None


@dataclass(frozen=True)
class Match:
    """What was found for one picture of a TIFF, and why it was decided so.

    The JPEG and the scores are those of the best candidate, or of the nearest JPEG where nothing
    is near enough to be a candidate. Only a match has `label` and `category`.
    """

    TIFF_file: FileName
    TIFF_path: FileName
    JPEG_file: FileName | None = None
    JPEG_path: FileName | None = None
    hamming_distance: int | None = None
    """The smaller of the two below: the one that decides."""
    ssim_value: float | None = None
    used_ssim: bool = False
    verdict: Verdict = Verdict.NO_CANDIDATE
    reason: str = ""
    label: str | None = None
    category: str | None = None
    certain_label: str | None = None
    """The label, where every JPEG that passes carries it, even if the pair is ambiguous."""
    variant: str | None = None
    """By which change of the TIFF the JPEG was found."""
    hamming_standardised: int | None = None
    hamming_grey: int | None = None
    explained: float | None = None
    """Share of what the JPEG states that the TIFF explains."""
    spoke: float | None = None
    """Share of the picture that had something to say of it."""
    degradation: str | None = None
    """How the TIFF was changed to explain the most."""
    runner_up_path: FileName | None = None
    runner_up_hamming: int | None = None
    runner_up_ssim: float | None = None
    runner_up_explained: float | None = None
    margin: float | None = None
    TIFF_sha256: str | None = None
    JPEG_sha256: str | None = None
    page: int = 1
    """Of the TIFF that holds the picture, as in `TiffHash`."""
    JPEG_box: str | None = None
    """Left, top, width and height of what the JPEG shows of the TIFF, where it shows a part."""
    TIFF_box: str | None = None
    """The same of what the TIFF has of it."""
    scale: float | None = None
    """Pixels of the JPEG for one of the TIFF."""
    angle: float | None = None
    """Degrees, counter-clockwise, by which the TIFF is turned in the JPEG."""
    mirrored: bool | None = None
    """Whether it is mirrored left to right, before it is turned."""
    JPEG_covered: float | None = None
    """Share of the JPEG's area that shows the TIFF."""
    TIFF_covered: float | None = None
    """Share of the TIFF's area that the JPEG shows."""

    @property
    def key(self) -> PageKey:
        """Which picture it is."""
        return self.TIFF_path, self.page


@dataclass(frozen=True)
class SweepPoint:
    """The share of TIFFs that would be matched if one threshold had another value.

    `precision` and `recall` are known where the true pairs are.
    """

    threshold: str
    value: float
    match_rate: float
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Labelled:
    """One file of the labelled set; `file` is its path below the set's folder.

    Unprefixed digests, hashes and sizes are the TIFF's. The last three are the run's, the same in
    every row.
    """

    file: FileName
    label: str
    category: str
    TIFF_path: FileName
    page: int
    """Of the TIFF that the JPEG was made from, as in `TiffHash`; the file holds all its pages."""
    JPEG_path: FileName
    hamming_distance: int | None
    ssim_value: float | None
    verdict: Verdict
    decided_by: str
    """`rule`, or `person` where a line of `reviews/decisions.csv` decided."""
    reviewer: FileName | None
    reason: FileName
    margin: float | None
    certain_label: str | None
    variant: str | None
    hamming_standardised: int | None
    hamming_grey: int | None
    explained: float | None
    spoke: float | None
    degradation: str | None
    runner_up_path: FileName | None
    runner_up_hamming: int | None
    runner_up_ssim: float | None
    runner_up_explained: float | None
    height: int
    width: int
    bytes: int
    sha256: str
    pixels_sha256: str
    """Of the decoded samples; see `backlabel.labels.pixels.digest`."""
    phash: str
    phash_grey: str
    JPEG_sha256: str
    JPEG_pixels_sha256: str
    JPEG_phash: str
    JPEG_phash_grey: str
    JPEG_box: str | None
    """Of a part; this and the next six as in the mapping."""
    TIFF_box: str | None
    scale: float | None
    angle: float | None
    mirrored: bool | None
    JPEG_covered: float | None
    TIFF_covered: float | None
    split: str
    """`train`, `val` or `test`; a group lies in one."""
    group: str
    """Files that share a specimen, a JPEG, or nearly all of their picture."""
    pixel_size_nm: float | None
    magnification: float | None
    accelerating_voltage_kv: float | None
    working_distance_mm: float | None
    detector: FileName | None
    acquired: str | None
    """Date and time in ISO 8601, the microscope's local time."""
    instrument: FileName | None
    operator: FileName | None
    metadata_note: FileName
    """What the file says of its microscope and could not be read or understood."""
    stored: bool
    """Whether the set holds the file; otherwise it is the original at `TIFF_path`."""
    versions: str
    """Of backlabel and of the libraries that can change a hash, a score or a pixel."""
    config_digest: str
    """`backlabel.config.digest` of the parameters."""
    run_key: str
    """SHA-256 over the configuration, the versions, the tables and the decisions of the run."""


class Choice(StrEnum):
    """What a person decided on a TIFF."""

    ACCEPT = "accept"
    """It is the original of the JPEG, and has the JPEG's label."""
    RELABEL = "relabel"
    """It is the original of the JPEG, whose own label is wrong: the decision's label holds."""
    REJECT = "reject"
    """It is not labelled."""


@dataclass(frozen=True)
class Decision:
    """A line of `reviews/decisions.csv`.

    `accept` and `relabel` need the JPEG and the label, `relabel` also a reason in `why`; `reject`
    may name the JPEG that was looked at. Without a `page` it is on the TIFF as a whole. The file
    may lack the column.
    """

    TIFF_path: FileName
    TIFF_sha256: str
    decision: Choice
    JPEG_path: FileName | None
    JPEG_sha256: str | None
    label: str | None
    who: str
    why: str
    page: int | None = None


@dataclass(frozen=True)
class Shown:
    """What a person had before them when they decided on a TIFF; no stage reads it."""

    TIFF_path: FileName
    who: str
    decided: str
    """ISO 8601, UTC, to seconds."""
    JPEG_path: FileName | None
    scores: str
    """The verdict and the scores, in one line."""
    page: int | None = None
    """Of the decision."""


@dataclass(frozen=True)
class Duplicate:
    """A picture that is labelled through another of the same bytes, or of another page."""

    TIFF_path: FileName
    same_as: FileName
    page: int = 1
    same_page: int = 1
    """The page of `same_as`."""


@dataclass(frozen=True)
class Named:
    """An original, and its file below the labelled set: `<category>/<label>_<name>.tif`."""

    TIFF_path: FileName
    file: FileName

    @property
    def identity(self) -> tuple[str, str, str]:
        """The original's path, category and label, under which it has one name."""
        category, _, name = self.file.partition("/")
        return self.TIFF_path, category, name.partition("_")[0]
