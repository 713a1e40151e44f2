"""A certificate for development, made once for each host: `auricle serve --tls-self-signed`."""

import os
import socket
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from auricle.engines.whisper.models.verified_files import cache_folder
from auricle.server.cli.extras import how_to_install
from auricle.server.cli.option_errors import OptionError
from auricle.server.http.tls import CertificateError, server_context

LIFETIME_DAYS: Final = 365
"""Browsers refuse certificates of more than 398 days."""
RENEWED_BEFORE_DAYS: Final = 30
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")


class SelfSigned(NamedTuple):
    """The files of a certificate that was made here."""

    certificate: Path
    """The key and the chain of the server."""
    authority: Path
    """The certificate that clients have to trust. Its key was thrown away: nothing else can be signed with it."""


def self_signed(host: str) -> SelfSigned:
    """Return a certificate for this machine and for ``host``, the one of the last time where it is still good.

    Raises `OptionError` where none can be made.
    """
    names = tuple(dict.fromkeys([*LOCAL_NAMES, socket.gethostname(), *([host] if host.strip(":0.") else [])]))
    folder = cache_folder() / "tls" / "-".join(names).replace(":", "_").replace("/", "_")
    made = SelfSigned(folder / "server.pem", folder / "ca.pem")
    if not _is_good(made):
        try:
            _make(folder, names)
        except OSError as error:
            if _is_good(made):
                return made  # another server has made it meanwhile
            reason = (error.strerror or str(error)).lower()
            raise OptionError(
                f"Cannot write a certificate to {folder}: {reason}; let XDG_CACHE_HOME name a folder that can be "
                "written, or give --tls-cert and --tls-key."
            ) from error
    return made


def _is_good(made: SelfSigned) -> bool:
    with suppress(CertificateError, OSError):
        server_context(made.certificate)
        age_s = datetime.now(UTC).timestamp() - made.authority.stat().st_mtime
        return age_s < timedelta(days=LIFETIME_DAYS - RENEWED_BEFORE_DAYS).total_seconds()
    return False


def _make(folder: Path, names: tuple[str, ...]) -> None:
    """Make both files beside the folder, and put them in its place together."""
    try:
        trustme = import_module("trustme")
    except ImportError:
        raise OptionError(f"--tls-self-signed needs trustme: {how_to_install('tls')}.") from None
    authority = trustme.CA()
    certificate = authority.issue_cert(*names, not_after=datetime.now(UTC) + timedelta(days=LIFETIME_DAYS))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        certificate.private_key_and_cert_chain_pem.write_to_path(os.path.join(made, "server.pem"))
        os.chmod(os.path.join(made, "server.pem"), 0o600)
        authority.cert_pem.write_to_path(os.path.join(made, "ca.pem"))
        with suppress(FileNotFoundError):
            folder.rename(os.path.join(made, "replaced"))
        os.mkdir(os.path.join(made, "new"))
        for name in ("server.pem", "ca.pem"):
            os.rename(os.path.join(made, name), os.path.join(made, "new", name))
        os.rename(os.path.join(made, "new"), folder)
