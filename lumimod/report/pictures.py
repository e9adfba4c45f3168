"""The pictures of a fill that are there, by family, and small ones of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lumimod.atomic import replacing
from lumimod.errors import BadInputError
from lumimod.paths import FillPaths
from lumimod.plots.families import PICTURE_FAMILIES
from lumimod.plots.gallery import NOTHING, picture_path
from lumimod.plots.rendering.png import read_png
from lumimod.records.diary import Diary

if TYPE_CHECKING:
    from PIL.Image import Image

THUMB_WIDTH = 640
"""Most pixels of a small picture, about twice what it takes on a page, for fine screens."""
SHRINKABLE = ".png"
OTHER = "other"
"""Family of pictures that belong to none, such as those of the extra data."""
_FIRST = ("overview", "totalLumi")


class Stamp(NamedTuple):
    """Size and time of a file."""

    size: int
    time_ns: int


@dataclass(frozen=True)
class ShownPicture:
    """A picture that is there."""

    name: str
    words: str
    """What it shows."""
    path: Path
    stamp: Stamp
    thumb: Path
    """Its small picture; the file itself where there is none."""

    @property
    def is_image(self) -> bool:
        """Whether a browser shows it in a page; a PDF it does not."""
        return self.path.suffix != ".pdf"


@dataclass(frozen=True)
class ShownFamily:
    """Pictures of a family that are there."""

    name: str
    title: str
    pictures: list[ShownPicture] = field(default_factory=list)
    not_made: dict[str, list[str]] = field(default_factory=dict)
    """By why they would show nothing: the names of pictures that were not made."""


def picture_files(paths: FillPaths) -> dict[str, Stamp]:
    """Return the pictures of a fill that are there, by the names of their files."""
    return _files(paths.plot_folder, paths.cfg.plots.format)


def families_shown(
    paths: FillPaths, thumbs: Path, files: Mapping[str, Stamp] | None = None
) -> list[ShownFamily]:
    """Return the pictures of a fill by family, in the order in which they are drawn.

    Parameters
    ----------
    paths
        File names of the fill.
    thumbs
        Folder of its small pictures.
    files
        What `picture_files` says, if that is known already.
    """
    folder = paths.plot_folder
    there = dict(picture_files(paths) if files is None else files)
    diary = Diary(paths.folder)
    found = []
    for name, family in PICTURE_FAMILIES.items():
        shown = ShownFamily(name, family.title)
        for picture in (one for of in family.sets(paths) for one in of.pictures):
            path = picture_path(paths, picture.name, folder)
            if path.name in there:
                stamp = there.pop(path.name)
                shown.pictures.append(_shown(picture.name, picture.shows, path, stamp, thumbs))
            elif why := (diary.drawn_from(path.name) or {}).get(NOTHING):
                shown.not_made.setdefault(str(why), []).append(picture.name)
        found.append(shown)
    start = f"fill_{paths.fill}_"
    others = ShownFamily(OTHER, "other pictures")
    for name, stamp in sorted(there.items()):
        if name.startswith(start):
            short = Path(name).stem[len(start) :]
            words = short.replace("_", " ")
            others.pictures.append(_shown(short, words, folder / name, stamp, thumbs))
    return [family for family in (*found, others) if family.pictures or family.not_made]


def _shown(name: str, words: str, path: Path, stamp: Stamp, thumbs: Path) -> ShownPicture:
    thumb = thumbs / f"{path.stem}.webp" if path.suffix == SHRINKABLE else path
    return ShownPicture(name, words.replace("`", ""), path, stamp, thumb)


def _files(folder: Path, suffix: str) -> dict[str, Stamp]:
    """Return the plain files of a folder with a suffix, by name."""
    try:
        with os.scandir(folder) as entries:
            files = [one for one in entries if one.name.endswith(suffix) and one.is_file()]
            stats = {one.name: one.stat() for one in files}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: Stamp(s.st_size, s.st_mtime_ns) for name, s in stats.items()}


def files_shown(folder: Path, words: dict[str, str], thumbs: Path) -> list[ShownPicture]:
    """Return those of some pictures in a folder that are there; `words` by name of the file."""
    there = _files(folder, "")
    return [
        _shown(Path(name).stem, text, folder / name, there[name], thumbs)
        for name, text in words.items()
        if name in there
    ]


def first_picture(families: Iterable[ShownFamily]) -> ShownPicture | None:
    """Return the picture that says most of a fill: the overview, or else the luminosity."""
    every = [picture for family in families for picture in family.pictures if picture.is_image]
    chosen = [picture for name in _FIRST for picture in every if picture.name == name]
    return next(iter(chosen + every), None)


def thumbs_due(pictures: Sequence[ShownPicture]) -> list[ShownPicture]:
    """Return the pictures whose small ones are missing or were made of another version.

    A small picture has the time of the file that it was made from.
    """
    return [one for one in pictures if one.thumb != one.path and not _is_fresh(one)]


def _is_fresh(picture: ShownPicture) -> bool:
    try:
        status = picture.thumb.stat()
    except OSError:
        return False
    return status.st_size > 0 and status.st_mtime_ns == picture.stamp.time_ns


def make_thumb(picture: ShownPicture) -> None:
    """Make the small picture of a picture.

    Raises
    ------
    BadInputError
        The picture cannot be read.
    OutputError
        The small one cannot be written.
    """
    small = read_picture(picture.path, THUMB_WIDTH)
    with replacing(picture.thumb, make_folder=True) as file:
        small.save(file, "WEBP", quality=78, method=0)
    os.utime(picture.thumb, ns=(picture.stamp.time_ns, picture.stamp.time_ns))


def read_picture(path: Path, most_px: int) -> Image:
    """Return a PNG that is at most so many pixels wide: every so many pixels become one.

    Raises
    ------
    BadInputError
        It cannot be read.
    """
    import PIL.Image

    try:
        own = read_png(path.read_bytes())
        if own is not None:  # its pixels are opaque
            of = (own.width, own.height), memoryview(own.rows)[1:], "raw", "RGBX", 1 + 4 * own.width
            return PIL.Image.frombytes("RGB", *of).reduce(-(-own.width // most_px))
        with PIL.Image.open(path) as image:
            return image.convert("RGB").reduce(-(-image.width // most_px))
    except (OSError, ValueError, SyntaxError) as exc:  # SyntaxError: damaged, as Pillow says it
        raise BadInputError(
            f"{path}: cannot be read ({exc}); make it again with --plots --force all"
        ) from exc
