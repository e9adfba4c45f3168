"""The diary of a fill: what it remembers, and what it makes of files that cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import MissingInputError
from lumimod.records import MeasuredLumi, diary, store
from lumimod.records.diary import Diary, stamp_of


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "fill_1_lumi_meas.pkl.gz"
    store.save(path, MeasuredLumi({exp: np.ones((3, 2)) for exp in ("ATLAS", "CMS")}))
    return path


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.message for r in caplog.records if r.levelname == "WARNING"]


# --- inputs


def test_an_input_is_read_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("one")
    first = Diary(tmp_path)
    digest = first.digest(path)
    assert digest["size"] == 3
    first.save()
    with monkeypatch.context() as patch:
        patch.setattr(diary, "_content", None)
        assert Diary(tmp_path).digest(path) == digest
    path.write_text("other")
    assert Diary(tmp_path).digest(path)["size"] == 5


def test_an_input_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"data\.csv: cannot be read \(No such file"):
        stamp_of(tmp_path / "data.csv")


def test_an_input_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("one")

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(diary, "opened", refuse)
    with pytest.raises(MissingInputError, match=r"data\.csv: cannot be read \(Permission denied\)"):
        Diary(tmp_path).digest(path)


def test_an_input_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    os.mkfifo(path)
    with pytest.raises(MissingInputError, match="not a plain file"):
        Diary(tmp_path).digest(path)


def tree(folder: Path, **contents: str) -> Path:
    for name, text in contents.items():
        file = folder / "HX:BMODE=STABLE" / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_a_tree_counts_with_the_names_and_contents_of_all_its_files(tmp_path: Path) -> None:
    found = [
        Diary(tmp_path).digest(tree(tmp_path / str(i), **contents))
        for i, contents in enumerate(
            [{"a": "12", "b": "3"}, {"a": "12", "b": "3"}, {"a": "12", "b": "4"},
             {"a": "12", "c": "3"}]
        )
    ]  # fmt: skip
    assert [of["size"] for of in found] == [3, 3, 3, 3]
    assert found[0] == found[1]
    assert len({of["digest"] for of in found}) == 3


# --- results


def test_a_result_that_is_not_there_is_not_whole(tmp_path: Path) -> None:
    assert not Diary(tmp_path).is_whole(tmp_path / "fill_1.pkl.gz")
    assert Diary(tmp_path).made(tmp_path / "fill_1.pkl.gz") is None


def test_a_folder_in_place_of_a_result_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "fill_1.pkl.gz").mkdir()
    assert not Diary(tmp_path).is_whole(tmp_path / "fill_1.pkl.gz")


def test_a_result_that_cannot_be_looked_at_is_not_whole(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path, **how: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    assert not Diary(result.parent).is_whole(result)


def test_a_diary_of_one_moment_looks_at_each_file_once(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    real_stat = Path.stat

    def counted(path: Path, **how: bool) -> os.stat_result:
        looks.append(path.name)
        return real_stat(path, **how)

    known = Diary(result.parent)
    known.made(result)
    known.save()
    monkeypatch.setattr(Path, "stat", counted)
    for at_once, n_looks in ((True, 1), (False, 3)):
        looks.clear()
        again = Diary(result.parent, at_once=at_once)
        assert again.is_whole(result)
        assert again.made(result) is again.made(result)
        assert looks.count(result.name) == n_looks


def test_a_damaged_result_is_told_once_and_is_not_whole(
    result: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result.write_bytes(result.read_bytes()[:-20])
    book = Diary(result.parent)
    assert not book.is_whole(result)
    assert book.made(result) is None
    assert len(warnings(caplog)) == 1
    assert str(result) in warnings(caplog)[0]


def test_a_result_that_cannot_be_read_is_there_and_says_nothing(
    result: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Path) -> None:
        raise MissingInputError("cannot be read now")

    monkeypatch.setattr(store, "load_made", refuse)
    book = Diary(result.parent)
    assert book.is_whole(result)
    assert book.made(result) is None
    assert warnings(caplog) == []


# --- the file itself


def test_a_diary_that_cannot_be_written_loses_nothing(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Diary(result.parent)
    assert book.is_whole(result)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        book.save()
    assert not (result.parent / diary.NAME).exists()
    book.save()  # what has changed is still to be written
    assert list(json.loads((result.parent / diary.NAME).read_text())["results"]) == [result.name]


def test_nothing_is_written_where_nothing_was_found_out(tmp_path: Path) -> None:
    Diary(tmp_path).save()
    assert not (tmp_path / diary.NAME).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "damaged"), ("[1]", ""), ('{"results": 5, "inputs": null}', ""), ("{}", "")],
)
def test_a_diary_of_nonsense_counts_as_empty(
    result: Path, content: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    (result.parent / diary.NAME).write_text(content)
    assert Diary(result.parent).is_whole(result)
    assert bool(warnings(caplog)) == bool(words)
    assert all(words in message for message in warnings(caplog))


def test_a_folder_in_place_of_the_diary_is_told_with_the_cure(
    result: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (result.parent / diary.NAME).mkdir()
    assert Diary(result.parent).is_whole(result)
    assert "remove it; until then every run reads all results" in warnings(caplog)[0]


def test_a_pipe_in_place_of_the_diary_is_not_waited_for(
    result: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(result.parent / diary.NAME)
    assert Diary(result.parent).is_whole(result)
    assert "until then every run reads all results" in warnings(caplog)[0]
