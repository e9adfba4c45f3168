"""The generated parts: nothing is left out, and every line says what it is about."""

from __future__ import annotations

import pytest

from docs.generate import commands, examples, pictures, results
from docs.generate.formulas import svg, with_formulas
from docs.generate.hook import PARTS, with_generated_parts
from lumimod.config.record import BY_NAME
from lumimod.plots.families import PICTURE_FAMILIES
from lumimod.records.store import load
from tests.conftest import Analysed
from tests.docs.conftest import PAGES, ROOT

ABSENT_IN_RUN_2 = {"crossing_plane[IP]", "betastar[IP]", "separation[EXP]"}


def patterns(record: object) -> set[str]:
    """Return the patterns of keys that a record saves."""
    return {row.key for row in results.rows(record)}


@pytest.mark.parametrize("part", PARTS)
def test_a_generated_part_is_asked_for_by_one_page(part: str) -> None:
    asking = [page for page in PAGES if f"<!-- generated: {part} -->" in page.read_text()]
    assert len(asking) == 1


def test_a_page_that_asks_for_an_unknown_part_is_an_error() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        with_generated_parts("<!-- generated: nonsense -->")


@pytest.mark.parametrize("file", results.FILES, ids=lambda file: file.name)
def test_every_key_of_a_result_file_has_shape_and_words(file: results.File) -> None:
    for row in results.rows(file.record()):
        assert row.shape, row
        assert row.words or "[settings]" in row.key or "[case]" in row.key, row


@pytest.mark.parametrize("file", results.FILES, ids=lambda file: file.name)
def test_the_table_has_the_keys_of_a_real_result(file: results.File, small_run: Analysed) -> None:
    name = file.name.replace("_N", "_5845").replace("caseC", "case1")
    example = file.record()
    real = patterns(load(small_run.folder / name, type(example)))
    assert patterns(example) - ABSENT_IN_RUN_2 == real


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("emit_h_um", "um"),
        ("rate_ppb_s", "protons/s"),
        ("brightness_ppb_um", "protons/um"),
        ("sigma_m2", "m^2"),
        ("bl4s_s", "s"),
        ("bunch_lumi", "1/(m^2 s)"),
        ("slots", ""),
    ],
)
def test_the_unit_is_what_the_name_of_a_field_ends_in(field: str, unit: str) -> None:
    assert results.unit_of(field) == unit


def test_shape_and_unit_are_those_of_the_array_behind_the_key() -> None:
    rows = {row.key: row for row in results.rows(examples.stable_beams())}
    assert rows["eh_interp_F[B]"].shape == "T x S"
    assert rows["eh_interp_F[B]"].unit == "um"
    assert rows["intensity_lifetime[B]"].shape == "T-1 x S"
    assert rows["xing_angle[IP]"].unit == "rad"


def test_every_setting_is_in_the_reference() -> None:
    text = PARTS["configuration"]()
    assert [name for name in BY_NAME if f"`{name}`" not in text] == []


def test_every_script_is_among_the_commands() -> None:
    text = commands.markdown()
    for script in (ROOT / "Utilities").glob("*.py"):
        assert f"Utilities/{script.name}" in text
    assert "--resubmit JOBFOLDER" in text


def test_every_family_of_pictures_has_its_setting_and_what_each_picture_shows() -> None:
    text = pictures.markdown()
    assert "Family `cycle_model`, setting `doCycleModelPlots`. `INJ` is injection" in text
    assert "| `sbmodel_M_luminosity_caseC` | luminosity of the model, measured and" in text
    settings = {pictures.setting_of(family) for family in PICTURE_FAMILIES.values()}
    assert len(settings) == len(PICTURE_FAMILIES)
    rows = [row.split(" | ") for row in text.splitlines() if row.startswith("| `")]
    assert all(len(row) == 2 and len(row[1]) > 10 for row in rows)


def test_a_formula_becomes_a_drawing_with_its_source_as_description() -> None:
    drawn = svg(r"\frac{a}{b} < 1")
    assert 'aria-label="\\frac{a}{b} &lt; 1"' in drawn
    assert drawn.count("<path") == 1


def test_formulas_are_drawn_outside_of_code_alone() -> None:
    text = "size $x$ and `$HOME`\n\n```sh\necho $A $B\n```\n\n```math\ny\n```\n"
    drawn = with_formulas(text)
    assert drawn.count("<svg") == 2
    assert "`$HOME`" in drawn
    assert "echo $A $B" in drawn
