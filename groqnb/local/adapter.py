"""The ZIP of a LoRA adapter, checked without unpacking it.

Docs: "LoRA Inference", "Requirements": exactly `adapter_model.safetensors` (float16) and
`adapter_config.json` with `lora_alpha` (a number) and `r` (8, 16, 32 or 64). The sizes in the
archive's own directory are not believed: everything is read through once, within bounds.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from groqnb.local.fields import json_type, shown
from groqnb.local.refusal import Refusal, bad_request

__all__ = ["check_adapter"]

_MODEL, _CONFIG = "adapter_model.safetensors", "adapter_config.json"
_RANKS = (8, 16, 32, 64)
_LARGEST_CONFIG = 1_000_000
_LARGEST_HEADER = 25_000_000
# Rank 64 on all of an 8B model's matrices has some 340 MB.
_LARGEST_MODEL = 2_000_000_000
_PIECE = 1 << 20


def check_adapter(path: Path) -> None:
    """Raises a 400 that names what is not as documented. It reads the file: use a thread."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(archive)
            with archive.open(_CONFIG) as file:
                rank = _check_config(file)
            with archive.open(_MODEL) as file:
                _check_tensors(file, rank)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # Encrypted members are a RuntimeError, unknown ways of packing a NotImplementedError.
        raise _wrong(f"The file is no readable ZIP: {error}.") from None
    except (ValueError, OverflowError) as error:
        raise _wrong(f"The file is damaged: {error}.") from None


def _wrong(message: str) -> Refusal:
    return bad_request(message, "input_file_id", "invalid_adapter")


def _check_names(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if sorted(names) != sorted((_MODEL, _CONFIG)):
        found = ", ".join(f"`{shown(name)}`" for name in names[:5]) or "nothing"
        if len(names) > 5:
            found += f" and {len(names) - 5} more"
        raise _wrong(f"The ZIP must hold exactly `{_MODEL}` and `{_CONFIG}`; it holds {found}.")


def _check_config(file: IO[bytes]) -> int:
    text = file.read(_LARGEST_CONFIG + 1)
    if len(text) > _LARGEST_CONFIG:
        raise _wrong(f"`{_CONFIG}` is larger than 1 MB.")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"`{_CONFIG}` is not valid JSON: {error}.") from None
    if not isinstance(config, dict):
        raise _wrong(f"`{_CONFIG}` must hold a JSON object, not {json_type(config)}.")
    alpha, rank = config.get("lora_alpha"), config.get("r")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not _is_finite(alpha):
        raise _wrong(f"`lora_alpha` in `{_CONFIG}` must be a number, not {json_type(alpha)}.")
    if isinstance(rank, bool) or not isinstance(rank, int):
        raise _wrong(f"`r` in `{_CONFIG}` must be an integer, not {json_type(rank)}.")
    if rank not in _RANKS:
        ranks = ", ".join(map(str, _RANKS))
        raise _wrong(f"`r` in `{_CONFIG}` must be one of {ranks}, not {shown(rank)}.")
    return rank


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _check_tensors(file: IO[bytes], rank: int) -> None:
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= _LARGEST_HEADER:
        raise _wrong(f"`{_MODEL}` does not begin like a safetensors file.")
    header = file.read(length)
    try:
        tensors = json.loads(header)
    except (ValueError, RecursionError):
        tensors = None
    if len(header) < length or not isinstance(tensors, dict):
        raise _wrong(f"The header of `{_MODEL}` is not a JSON object of {length} bytes.")
    tensors.pop("__metadata__", None)
    if not tensors:
        raise _wrong(f"`{_MODEL}` holds no tensors.")
    spans = sorted(_check_tensor(name, tensor, rank) for name, tensor in tensors.items())
    end = 0
    for first, last in spans:
        if first != end:
            raise _wrong(f"The tensors of `{_MODEL}` overlap or leave gaps.")
        end = last
    size = _count_rest(file)
    if size != end:
        raise _wrong(f"`{_MODEL}` has {size} bytes of data; its header speaks of {end}.")


def _check_tensor(name: str, tensor: object, rank: int) -> tuple[int, int]:
    """One tensor's place in the data."""
    if not isinstance(tensor, dict):
        raise _wrong(f"The tensor `{shown(name)}` is described by {json_type(tensor)}.")
    shape: Any = tensor.get("shape")
    span: Any = tensor.get("data_offsets")
    kind = tensor.get("dtype")
    if kind != "F16":
        raise _wrong(f"The tensor `{shown(name)}` must be float16 (F16), not `{shown(kind)}`.")
    if not _are_sizes(shape) or not _are_sizes(span) or len(span) != 2:
        raise _wrong(f"The tensor `{shown(name)}` has no proper shape or place.")
    if math.prod(shape) * 2 != span[1] - span[0] or span[1] > _LARGEST_MODEL:
        raise _wrong(f"The place of the tensor `{shown(name)}` does not fit its shape.")
    # The rank is one side of each matrix: the first of A, the second of B.
    for part, side in (("lora_A", 0), ("lora_B", 1)):
        if part in name and (len(shape) != 2 or shape[side] != rank):
            raise _wrong(f"The tensor `{shown(name)}` has shape {shape}; `r` is {rank}.")
    return span[0], span[1]


def _are_sizes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 8
        and all(type(size) is int and 0 <= size <= _LARGEST_MODEL for size in value)
    )


def _count_rest(file: IO[bytes]) -> int:
    size = 0
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > _LARGEST_MODEL:
            raise _wrong(f"`{_MODEL}` is larger than {_LARGEST_MODEL // 10**9} GB unpacked.")
    return size
