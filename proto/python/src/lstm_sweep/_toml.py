"""Dictionaries as the text of a sweep file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomli_w

from .errors import SweepFileError

if TYPE_CHECKING:
    from collections.abc import Mapping


def text(content: Mapping[str, Any]) -> str:
    """Write TOML.

    Raises:
        SweepFileError: a value has no form in TOML, `None` for example.

    """
    try:
        return tomli_w.dumps(_plain(content))
    except (TypeError, ValueError) as error:
        raise SweepFileError(f"the dictionary is not a sweep file: {error}; use text, numbers, booleans and lists") from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a user wrote
    """Numbers of numpy and paths become those of Python: what they say is clear."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "__fspath__"):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return value
