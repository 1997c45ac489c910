"""Key pairs for TLS, made on the spot: a private key in a repository looks like a leak to every scanner."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

NAME = "otter-node"


class KeyPair(NamedTuple):
    """The files of a certificate for `otter-node`, which is its own root, and of its key."""

    certificate: Path
    key: Path


def make(openssl: Path, folder: Path, kind: str = "ec", passphrase: str = "") -> KeyPair:
    """Make a key pair in a folder, with openssl."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = KeyPair(folder / "tls.crt", folder / "tls.key")
    algorithm = (
        ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        if kind == "ec"
        else ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    )
    cipher = ("-aes256", "-pass", f"pass:{passphrase}") if passphrase else ()
    _run(openssl, "genpkey", *algorithm, *cipher, "-out", str(pair.key))
    words = ("-days", "30", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
    given = ("-passin", f"pass:{passphrase}") if passphrase else ()
    key = ("-key", str(pair.key), *given)
    _run(openssl, "req", "-x509", *key, *words, "-out", str(pair.certificate))
    return pair


def _run(openssl: Path, *words: str) -> None:
    subprocess.run([openssl, *words], check=True, capture_output=True, timeout=60)
