"""The files of a simulated fill: CSV, Massi archives and its entry in the beam-mode file."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from lumimod.arrays import FloatArray
from lumimod.atomic import replacing
from lumimod.errors import BadInputError
from lumimod.readers.unpickle import load_pickle
from lumimod.simulate import instruments
from lumimod.simulate.instruments import Block, Fill
from lumimod.simulate.output import replacing_gzip
from lumimod.simulate.timeline import bmodes_entry
from lumimod.tables.lhc import N_SLOTS
from lumimod.tables.variables import Names, names_of
from lumimod.writers import text
from lumimod.writers.timber import write_block

CROSSING_PLANES = ((1, "v"), (5, "h"), (1, "h"), (5, "v"))
"""Interaction points and planes; first those in which the beams crossed in 2017."""
ALL_VALUES = np.ones(1, bool)
SLOTS_AT_ONCE = 256
MASSI_ERROR = 0.02
"""Relative point-to-point error that the experiments state."""


def write_basic(
    stream: BufferedIOBase, fill: Fill, energy: tuple[FloatArray, FloatArray], rng: Generator
) -> None:
    """Write energy and intensity of both beams."""
    time_s, energy_gev = energy
    rows = [
        b"%s,%.4f\n" % (stamp.tobytes(), gev)
        for stamp, gev in zip(text.stamps(time_s), energy_gev.tolist())
    ]
    for beam in (1, 2):
        write_block(stream, _name(fill, f"energy_b{beam}"), rows, array=False)
    for beam, own in zip((1, 2), rng.spawn(2)):
        slow_s = instruments.clock(fill, fill.settings.slow_s, own)
        ppb = instruments.beam_intensity(fill, beam, slow_s, own)
        cells = text.scientific(ppb, 5)[:, None, :]
        body = text.array_rows(text.stamps(slow_s), cells, ALL_VALUES)
        write_block(stream, _name(fill, f"beam_intensity_b{beam}"), [body], array=False)


def write_crossing(stream: BufferedIOBase, fill: Fill, rng: Generator) -> None:
    """Write the half crossing angles in microrad."""
    time_s = instruments.clock(fill, fill.settings.slow_s, rng)
    angle_urad = fill.times.half_crossing_rad(time_s) * 1e6
    rows = [
        b"%s,%.3f\n" % (stamp.tobytes(), angle)
        for stamp, angle in zip(text.stamps(time_s), angle_urad.tolist())
    ]
    zeros = [b"%s,0.0\n" % stamp.tobytes() for stamp in text.stamps(time_s)]
    for ip, plane in CROSSING_PLANES:
        is_crossed = (plane == fill.settings.ip1_plane) == (ip == 1)
        if is_crossed or fill.settings.run == 3:  # both planes are logged
            name = _name(fill, f"crossing_{plane}_ip{ip}")
            write_block(stream, name, rows if is_crossed else zeros, array=False)


def write_extra(stream: BufferedIOBase, fill: Fill) -> None:
    """Write beta* in cm, a sample at the start and at each change."""
    since_s, betastar_m = fill.times.betastar
    stamps = text.stamps(np.maximum(since_s, fill.times.start_s))
    full = fill.settings.full
    for ip, ratio in ((1, 1.0), (5, 1.0 if full is None else full.betastar_ratio_cms)):
        cells = zip(stamps, 100 * betastar_m * ratio)
        rows = [b"%s,%.6g\n" % (stamp.tobytes(), beta_cm) for stamp, beta_cm in cells]
        write_block(stream, _name(fill, f"betastar_ip{ip}"), rows, array=False)


def write_bunches(
    stream: BufferedIOBase, fill: Fill, energy: tuple[FloatArray, FloatArray], rng: Generator
) -> None:
    """Write intensities, lengths and sizes of all bunches of both beams."""
    for beam, own in zip((1, 2), rng.spawn(2)):
        fbct_a, fbct_b, bqm, bsrt = own.spawn(4)
        for name, noise in zip(_names(fill, f"bunch_intensity_b{beam}"), (fbct_a, fbct_b)):
            time_s = instruments.clock(fill, fill.settings.sample_s, noise)
            blocks = instruments.bunch_intensity(fill, beam, time_s, noise)
            slot = fill.history.beams[beam].scheme.slot
            write_block(stream, name, (_slot_rows(block, slot[block.filled]) for block in blocks))
        write_block(stream, _name(fill, f"filled_buckets_b{beam}"), _bucket_rows(fill, beam))
        time_s = instruments.clock(fill, fill.settings.sample_s, bqm)
        blocks = instruments.bunch_length(fill, beam, time_s, bqm)
        write_block(stream, _name(fill, f"bunch_lengths_b{beam}"), map(_value_rows, blocks))
        if fill.settings.run == 3:
            _write_emittances(stream, fill, beam, bsrt)
        else:
            _write_scan(stream, fill, beam, instruments.gate_scan(fill, beam, energy, bsrt))


def write_bunch_lumi(
    stream: BufferedIOBase, fill: Fill, scale: dict[str, float], rng: Generator
) -> None:
    """Write the luminosity of all slots by both experiments, in Hz/ub."""
    slot = fill.history.beams[1].scheme.colliding_slots
    for experiment, own in zip(scale, rng.spawn(len(scale))):
        time_s = instruments.massi_clock(fill)
        lumi, _ = instruments.bunch_luminosity(
            fill, experiment, time_s, slice(None), scale[experiment], own
        )
        block = Block(time_s, np.ones(slot.size, bool), lumi)
        name = _name(fill, f"bunch_lumi_{experiment.lower()}")
        write_block(stream, name, [_slot_rows(block, slot)])


def write_massi(path: Path, fill: Fill, experiment: str, scale: float, rng: Generator) -> None:
    """Write the archive of an experiment: one member for each colliding slot."""
    slot = fill.history.beams[1].scheme.colliding_slots
    level, mtime_s = fill.settings.gzip_level, fill.times.dump_s
    with (
        replacing_gzip(path, level=level, mtime_s=mtime_s) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive,
    ):
        for first in range(0, slot.size, SLOTS_AT_ONCE):
            columns = slice(first, first + SLOTS_AT_ONCE)
            members = _massi_rows(fill, experiment, columns, scale, rng)
            for bucket, rows in zip(10 * slot[columns] + 1, members):
                name = f"{fill.number}/{fill.number}_lumi_{bucket}_{experiment}.txt"
                info = tarfile.TarInfo(name)
                info.size, info.mtime = rows.size, int(mtime_s)
                archive.addfile(info, io.BytesIO(rows.tobytes()))
    place = fill.settings.place
    if place is not None and place.posted_s is not None:
        os.utime(path, (place.posted_s, place.posted_s))


def merge_bmodes(path: Path, fills: Iterable[Fill]) -> None:
    """Add the fills to the beam-mode file, replacing their entries.

    Raises
    ------
    BadInputError
        The existing file cannot be read.
    """
    modes = load_pickle(path) if path.exists() else {}
    if not isinstance(modes, dict):
        raise BadInputError(f"{path}: not a dict of fills; remove it")
    modes.update({fill.number: bmodes_entry(fill.times) for fill in fills})
    with replacing(path, make_folder=True) as stream:
        pickle.dump({number: modes[number] for number in sorted(modes)}, stream, protocol=2)


def _slot_rows(block: Block, slot: npt.NDArray[np.int64]) -> bytes:
    filled = np.zeros(N_SLOTS, bool)
    filled[slot] = True
    cells = text.scientific(block.values, 5)
    return text.array_rows(text.stamps(block.time_s), cells, filled)


def _value_rows(block: Block) -> bytes:
    cells = text.scientific(block.values, 5)
    return text.array_rows(text.stamps(block.time_s), cells, np.ones(cells.shape[1], bool))


def _bucket_rows(fill: Fill, beam: int) -> Iterator[bytes]:
    slot = fill.history.beams[beam].scheme.slot
    for time_s, filled in instruments.filling_changes(fill, beam):
        buckets = [b"%d" % (10 * number + 1) for number in slot[filled]]
        cells = buckets + [text.EMPTY] * (N_SLOTS - len(buckets))
        stamp = text.stamps(np.array([time_s])).tobytes()
        yield stamp + b"," + b",".join(cells) + b"\n"


def _write_scan(stream: BufferedIOBase, fill: Fill, beam: int, scan: instruments.Scan) -> None:
    slot, repeats = fill.history.beams[beam].scheme.slot, fill.settings.bsrt_repeats
    gate_text = [b",%d" % number * repeats for number in slot]
    stamp = text.stamps(scan.time_s)
    gate_rows = (
        row_stamp.tobytes() + b"".join([gate_text[gate] for gate in gates]) + b"\n"
        for row_stamp, gates in zip(stamp, scan.gates.tolist())
    )
    write_block(stream, _name(fill, f"bsrt_gate_b{beam}"), gate_rows)
    for plane, sigma_mm in (("h", scan.sigma_h_mm), ("v", scan.sigma_v_mm)):
        cells = text.fixed(sigma_mm)
        rows = text.array_rows(stamp, cells, np.ones(cells.shape[1], bool))
        write_block(stream, _name(fill, f"bsrt_sigma_{plane}_b{beam}"), [rows])


def _write_emittances(stream: BufferedIOBase, fill: Fill, beam: int, rng: Generator) -> None:
    slot = fill.history.beams[beam].scheme.slot
    time_s = instruments.clock(fill, fill.settings.sample_s, rng)
    for plane in ("h", "v"):
        blocks = instruments.bunch_emittance(fill, beam, plane, time_s, rng)
        rows = (_slot_rows(block, slot[block.filled]) for block in blocks)
        write_block(stream, _name(fill, f"bsrt_emittance_{plane}_b{beam}"), rows)


def _names(fill: Fill, quantity: str) -> Names:
    return names_of(quantity, fill.number, time_s=fill.times.start_s)


def _name(fill: Fill, quantity: str) -> str:
    """Return the variable in which a quantity was logged at the time of the fill."""
    return _names(fill, quantity)[0]


def _massi_rows(
    fill: Fill, experiment: str, columns: slice, scale: float, rng: Generator
) -> npt.NDArray[np.uint8]:
    """Return the text of the members of some slots, (n_slots, size)."""
    time_s = instruments.massi_clock(fill)
    lumi, specific = (
        values.T
        for values in instruments.bunch_luminosity(fill, experiment, time_s, columns, scale, rng)
    )
    stable = (time_s >= fill.times.stable_s) & (time_s < fill.times.dump_s)
    both = (text.integers(time_s.astype(np.int64), 10), text.integers(stable.astype(np.int64), 1))
    rows = text.side_by_side(
        *(np.broadcast_to(cells, (*lumi.shape, cells.shape[-1])) for cells in both),
        text.scientific(lumi, 5),
        text.scientific(lumi * MASSI_ERROR, 2),
        text.scientific(specific, 5),
        text.scientific(specific * MASSI_ERROR, 2),
    )
    return rows.reshape(len(rows), -1)
