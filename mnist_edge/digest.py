"""SHA-256 without OpenSSL.

`hashlib` loads OpenSSL, which costs 3.6 MB and some milliseconds: a tenth of what a small runtime
needs in all. CPython has its own SHA-256 for builds without OpenSSL; `hashlib` is taken where a
Python does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256  # from Python 3.12 on
    except ImportError:
        try:
            from _sha256 import sha256  # before
        except ImportError:
            from hashlib import sha256


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 of `content` (FIPS 180-4), hexadecimal."""
    return sha256(content).hexdigest()
