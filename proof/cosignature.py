"""The two messages that witnesses sign (C2SP tlog-cosignature): a checkpoint's text, or the tree that it tells of."""

from __future__ import annotations

_LABEL = b"subtree/v1\n\x00"
_NUMBER_BYTES, _NAME_BYTES_MAX, _ROOT_BYTES = 8, 255, 32


def text_message(text: str, seconds: int) -> bytes:
    """`cosignature/v1`, by Ed25519: the POSIX time and the whole text; who signs is not in it."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def tree_message(witness: str, seconds: int, origin: str, size: int, root: bytes) -> bytes:
    """`subtree/v1`, by ML-DSA-44: who signs, the POSIX time, and the tree from its first leaf; no extension lines.

    ValueError for a name that is not 1 to 255 bytes, or a root that is not 32.
    """
    if len(root) != _ROOT_BYTES:
        raise ValueError(f"a root of {len(root)} bytes")
    return b"".join(
        (_LABEL, _short(witness), _number(seconds), _short(origin), _number(0), _number(size), root)
    )


def _short(name: str) -> bytes:
    raw = name.encode()
    if not 1 <= len(raw) <= _NAME_BYTES_MAX:
        raise ValueError(f"a name of {len(raw)} bytes")
    return bytes([len(raw)]) + raw


def _number(value: int) -> bytes:
    return value.to_bytes(_NUMBER_BYTES, "big")
