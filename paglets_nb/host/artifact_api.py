"""The host's face of artifacts: keep, fetch, list and delete, here or on another host."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from paglets_nb.host.artifacts import download, upload
from paglets_nb.host.file_protocol import ArtifactInfo, ArtifactListing, ArtifactName
from paglets_nb.host.protocol import Nothing

if TYPE_CHECKING:
    from paglets_nb.host.artifacts import Artifacts
    from paglets_nb.host.client import HostClient
    from paglets_nb.host.members import MemberTable

__all__ = ["ArtifactApi"]


class ArtifactApi:
    """Base of ``Host``: its artifacts, and those of other hosts by name or address."""

    if TYPE_CHECKING:
        address: str
        artifacts: Artifacts
        client: HostClient
        members: MemberTable

    def _elsewhere(self, host: str) -> str:
        url = self.members.resolve(host) if host else self.address
        return "" if url == self.address else url

    def upload_artifact(
        self, source: str | os.PathLike[str] | bytes, name: str | None = None, *, host: str = ""
    ) -> ArtifactInfo:
        """Keep a file or bytes under a name.

        Args:
            source: a file, or the content itself.
            name: one component of a path; the file's own name when None. Replaces an earlier one.
            host: which host keeps it; this one when empty.
        """
        url = self._elsewhere(host)
        return upload(self.client, url, source, name) if url else self.artifacts.put(source, name)

    def download_artifact(
        self, name: str, destination: str | os.PathLike[str] | None = None, *, host: str = ""
    ) -> bytes | Path:
        """The content of an artifact, or the file it was written to.

        Args:
            name: of the artifact.
            destination: a file to write, replaced when it is there; None returns the bytes.
            host: which host keeps it; this one when empty.

        Raises:
            FileNotFoundError: there is no such artifact.
            TransferError: it arrived damaged; the destination is as it was.
        """
        url = self._elsewhere(host)
        if destination is None:
            return b"".join(download(self.client, url, name)) if url else self.artifacts.path(name).read_bytes()
        wanted = Path(destination)
        part = wanted.with_name(f".{token_hex(6)}.part")
        try:
            with open(part, "xb") as target:
                if url:
                    target.writelines(download(self.client, url, name))
                else:
                    with open(self.artifacts.path(name), "rb") as source:
                        while piece := source.read(1 << 20):
                            target.write(piece)
            part.replace(wanted)
        finally:
            with suppress(OSError):
                part.unlink()
        return wanted

    def delete_artifact(self, name: str, *, host: str = "") -> None:
        """Forget an artifact; FileNotFoundError when there is none."""
        url = self._elsewhere(host)
        if url:
            self.client.ask(url, "@artifact-delete", ArtifactName(name), Nothing)
        else:
            self.artifacts.delete(name)

    def list_artifacts(self, *, host: str = "") -> list[ArtifactInfo]:
        """The artifacts a host keeps, by name."""
        url = self._elsewhere(host)
        listing = (
            self.client.ask(url, "@artifact-list", Nothing(), ArtifactListing) if url else self.artifacts.listing()
        )
        return listing.artifacts
