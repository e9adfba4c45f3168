"""The steps of a pickle, each of them watched.

A pickle is a program: it may call anything that Python can import, and a few bytes of it can fill
any memory, or take for ever where Python cannot be interrupted. So only what `admitted` lists is
named, only what `pickle_calls` knows is called, keys are looked at before they are hashed, and
every step is counted.
"""

from __future__ import annotations

import pickle
import re
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from typing import Any, Callable, ClassVar

import numpy as np

from lumimod.readers.admitted import ALLOWED, INSTEAD, Refused
from lumimod.readers.pickle_calls import (
    NUMBER_CHARACTERS,
    STAND_INS,
    call,
    check_keys,
    check_state,
    checked_dtype,
    n_bytes_made,
    new,
)

MAX_STEPS, STEPS_PER_BYTE = 5_000_000, 20
"""Steps of one pickle: the beam modes of a year take 100,000, a table of lists one for each number.
Large files may take more, but no small file that unpacks to millions."""
MAX_BYTES, BYTES_PER_BYTE = 1 << 28, 100
"""Most that texts and arrays take together, likewise."""
MAX_CONTAINERS, MAX_PARTS = 5_000_000, 50_000_000
"""Containers that are looked through in one pickle, and their parts: tables have a text in each
cell, some of them a list."""
MAX_DEPTH = 100
"""Deepest nesting: that of results is 5."""
BULK_BYTES = 64 << 20
"""What is announced as longer is read piece by piece, as the file may not have it."""
INTEGER_BYTES = 1 << 20
"""Longest integer: what it means whoever takes it decides."""
LINE_BYTES = 1 << 28
"""Longest line of a pickle of protocol 0, which may hold an array."""

_DICTS = (dict, OrderedDict, defaultdict)
_CONTAINERS = {list, tuple, set, frozenset, *_DICTS}
_RUN = re.compile(rb"(?:h.)+", re.DOTALL)
_NEVER_WRITTEN = (
    pickle.DUP + pickle.INST + pickle.OBJ + pickle.PERSID + pickle.BINPERSID
    + pickle.EXT1 + pickle.EXT2 + pickle.EXT4 + pickle.NEXT_BUFFER + pickle.READONLY_BUFFER
)  # fmt: skip

# pickle.Unpickler is written in C and cannot be watched; this is its twin in Python.
_Do = Callable[[Any], None]
_BASE: Mapping[int, _Do] = pickle._Unpickler.dispatch


class SafeUnpickler(pickle._Unpickler):
    """Unpickler that admits only what ALLOWED names; strings of Python 2 become str."""

    stack: list[Any]
    metastack: list[list[Any]]
    memo: dict[int, Any]

    def __init__(self, stream: Any, n_bytes: int) -> None:
        """Begin; `n_bytes` is the size of the file, which may be packed."""
        super().__init__(stream, encoding="latin1")
        self._stream = stream
        self._most_steps = MAX_STEPS + STEPS_PER_BYTE * n_bytes
        self._bytes_left = MAX_BYTES + BYTES_PER_BYTE * n_bytes
        self._step = 0
        self._step_of_get = 0
        self._containers_left, self._parts_left = MAX_CONTAINERS, MAX_PARTS
        self._empty: dict[int, Any] = {}
        """Objects that were made and have not got their contents."""
        self._empty_types: dict[int, np.dtype[Any]] = {}
        """Types of items likewise."""

    def load(self) -> Any:
        """Return what the pickle holds.

        Raises
        ------
        Refused
            It asks for something that no data file needs.
        """
        self.metastack, self.stack = [], []
        self.append = self.stack.append
        self.read = read = self._stream.read
        dispatch = self.dispatch
        while self._step < self._most_steps:
            self._step += 1
            code = read(1)
            if not code:
                raise EOFError("it ends too early")
            if code == pickle.STOP:
                value = self.stack.pop()
                self._check_tree(value)
                return value
            dispatch[code[0]](self)
        raise Refused("too many parts")

    def find_class(self, module: str, name: str) -> Any:
        """Return the object of that name, or what stands for it.

        Raises
        ------
        Refused
            It is not in ALLOWED.
        """
        if (module, name) not in ALLOWED:
            shown = f"{module[:100]}.{name[:100]}".encode("unicode_escape").decode()
            raise Refused(shown)
        if (module, name) in STAND_INS:
            return STAND_INS[module, name]
        try:
            return super().find_class(module, name)
        except (AttributeError, ImportError):
            if (module, name) not in INSTEAD:
                raise
            return super().find_class(*INSTEAD[module, name])

    def _check_tree(self, value: Any) -> None:
        """Check that containers are not nested deeply, and not large even where parts are shared.

        Raises
        ------
        Refused
            They are: to compare them or to show them might never end.
        """
        level = [value] if type(value) in _CONTAINERS else []
        for _ in range(MAX_DEPTH):
            if not level:
                return
            self._containers_left -= len(level)
            self._parts_left -= sum(map(len, level))
            if self._containers_left < 0 or self._parts_left < 0:
                raise Refused("too many parts")
            level = [
                part
                for container in level
                for part in (container.values() if isinstance(container, dict) else container)
                if type(part) in _CONTAINERS
            ]
        if level:
            raise Refused("containers nested too deeply")

    # --- steps: text and bytes

    def _skip_frame(self) -> None:
        self.read(8)  # only a hint how far to read ahead

    def _short_line(self) -> bytes:
        """Return a line that holds a number, if it is not too long to be one."""
        line = self.readline()
        if len(line) > NUMBER_CHARACTERS:
            raise Refused("an odd int")
        return line[:-1]

    def _int(self) -> None:
        line = self._short_line()
        self.append(line == b"01" if line in (b"00", b"01") else int(line, 0))

    def _long(self) -> None:
        self.append(int(self._short_line().rstrip(b"L"), 0))

    def _float(self) -> None:
        self.append(float(self._short_line()))

    def _long4(self) -> None:
        (n_bytes,) = struct.unpack("<i", self.read(4))
        if not 0 <= n_bytes <= INTEGER_BYTES:
            raise Refused("an odd int")
        self.append(int.from_bytes(self.read(n_bytes), "little", signed=True))

    def _bytes8(self) -> None:
        self.append(self._bytes("<Q"))

    def _bytes4(self) -> None:
        self.append(self._bytes("<I"))

    def _string4(self) -> None:
        self.append(self._bytes("<I").decode("latin1"))

    def _text4(self) -> None:
        self.append(str(self._bytes("<I"), "utf-8", "surrogatepass"))

    def _text8(self) -> None:
        self.append(str(self._bytes("<Q"), "utf-8", "surrogatepass"))

    def _bytes(self, length: str) -> bytes:
        """Return as many bytes as are announced, if they are there."""
        return self._pieces(self._announced(length))

    def _pieces(self, n_bytes: int) -> bytes:
        pieces = [self.read(min(BULK_BYTES, n_bytes))]
        while len(pieces[-1]) == BULK_BYTES:
            pieces.append(self.read(min(BULK_BYTES, n_bytes - BULK_BYTES * len(pieces))))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _announced(self, length: str) -> int:
        """Return how many bytes are announced next."""
        (n_bytes,) = struct.unpack(length, self.read(struct.calcsize(length)))
        self._take(n_bytes)
        return int(n_bytes)

    def _bytearray(self) -> None:
        n_bytes = self._announced("<Q")
        data = bytearray(min(BULK_BYTES, n_bytes))  # read without a copy
        del data[self._stream.readinto(data) :]
        if len(data) == BULK_BYTES:
            data += self._pieces(n_bytes - BULK_BYTES)
        self.append(data)

    def readline(self) -> bytes:
        """Return the next line of the pickle, if it is not longer than its size lets expect."""
        line: bytes = self._stream.readline(LINE_BYTES)
        self._take(len(line))
        return line

    def _take(self, n_bytes: int) -> None:
        self._bytes_left -= n_bytes
        if self._bytes_left < 0:
            raise Refused("more bytes than its size lets expect")

    # --- steps: containers

    def _mark(self) -> None:
        if len(self.metastack) > MAX_DEPTH:
            raise Refused("containers nested too deeply")
        _BASE[pickle.MARK[0]](self)

    def _pop_mark(self) -> list[Any]:
        items = self.stack
        self.stack = self.metastack.pop()
        self.append = self.stack.append
        return items

    def _get(self) -> None:
        """Take an object from the memo; tables have millions of the same texts in a row."""
        self.append(self.memo[self.read(1)[0]])
        if self._step == self._step_of_get + 1:
            run = _RUN.match(self._stream.peek(1))
            if run is not None:
                codes = self.read(run.end())
                self._parts_left -= run.end() // 2
                self.stack.extend(map(self.memo.__getitem__, codes[1::2]))
        self._step_of_get = self._step

    def _dict(self) -> None:
        items = self._pop_mark()
        check_keys(items[::2])
        self.append(dict(zip(items[::2], items[1::2])))

    def _set_items(self) -> None:
        self._put_in(self._pop_mark())

    def _set_item(self) -> None:
        items = self.stack[-2:]
        del self.stack[-2:]
        self._put_in(items)

    def _put_in(self, items: list[Any]) -> None:
        check_keys(items[::2])
        if type(self.stack[-1]) not in _DICTS or len(items) % 2:
            raise Refused("keys of something else than a dict")
        self.stack[-1].update(zip(items[::2], items[1::2]))

    def _add_items(self) -> None:
        items = self._pop_mark()
        check_keys(items)
        if type(self.stack[-1]) is not set:
            raise Refused("items of something else than a set")
        self.stack[-1].update(items)

    def _frozen_set(self) -> None:
        items = self._pop_mark()
        check_keys(items)
        self.append(frozenset(items))

    def _append(self) -> None:
        self._extend([self.stack.pop()])

    def _extend_list(self) -> None:
        self._extend(self._pop_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("items of something else than a list")
        self.stack[-1].extend(items)

    # --- steps: objects

    def _call(self) -> None:
        args = self.stack.pop()
        self._check_tree(args)
        function = self.stack.pop()
        self._take(n_bytes_made(function, args))
        self._made(call(function, args))

    def _new(self) -> None:
        args, kind = self.stack.pop(), self.stack.pop()
        self._made(new(kind, args))

    def _new_with_options(self) -> None:
        if self.stack.pop() != {}:
            raise Refused("an odd object")
        self._new()

    def _made(self, value: Any) -> None:
        if isinstance(value, np.dtype):
            self._empty_types[id(value)] = value
        elif not isinstance(value, bytes):
            # From now on an array may use the types of items that are there: they stay as they are.
            self._empty_types.clear()
            full = type(value) is np.ndarray and value.size  # others may share its memory
            if not full and type(value).__module__.partition(".")[0] in ("numpy", "pandas"):
                self._empty[id(value)] = value
        self.append(value)

    def _build(self) -> None:
        """Give an object its contents, once: they must not change under those who share them."""
        state, made = self.stack[-1], self.stack[-2]
        self._check_tree(state)
        check_state(made, state)
        empty = self._empty_types if isinstance(made, np.dtype) else self._empty
        if empty.pop(id(made), None) is not made:
            raise Refused("contents of an object that has some")
        if not isinstance(made, np.dtype):
            self._empty_types.clear()
        _BASE[pickle.BUILD[0]](self)
        if isinstance(made, np.dtype):
            checked_dtype(made)

    def _refuse(self) -> None:
        raise Refused("a step")

    dispatch: ClassVar[dict[int, _Do]] = {
        **_BASE,
        **dict.fromkeys(_NEVER_WRITTEN, _refuse),
        pickle.FRAME[0]: _skip_frame,
        pickle.INT[0]: _int,
        pickle.LONG[0]: _long,
        pickle.FLOAT[0]: _float,
        pickle.LONG4[0]: _long4,
        pickle.BINBYTES[0]: _bytes4,
        pickle.BINBYTES8[0]: _bytes8,
        pickle.BYTEARRAY8[0]: _bytearray,
        pickle.BINSTRING[0]: _string4,
        pickle.BINUNICODE[0]: _text4,
        pickle.BINUNICODE8[0]: _text8,
        pickle.MARK[0]: _mark,
        pickle.BINGET[0]: _get,
        pickle.DICT[0]: _dict,
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items,
        pickle.ADDITEMS[0]: _add_items,
        pickle.FROZENSET[0]: _frozen_set,
        pickle.APPEND[0]: _append,
        pickle.APPENDS[0]: _extend_list,
        pickle.REDUCE[0]: _call,
        pickle.NEWOBJ[0]: _new,
        pickle.NEWOBJ_EX[0]: _new_with_options,
        pickle.BUILD[0]: _build,
    }
