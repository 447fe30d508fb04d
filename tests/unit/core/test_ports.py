"""The ports of the core room."""

from __future__ import annotations

import pytest

from paglets_nb.codec.wire import WireCodec
from paglets_nb.core import ports
from paglets_nb.core.ports import Body, CallOptions, codec
from paglets_nb.errors import SerializationError


def test_the_codec_is_installed_by_the_package() -> None:
    """Importing the package provides the codec, made once."""
    assert isinstance(codec(), WireCodec)
    assert codec() is codec()


def test_without_a_codec_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core without a codec says what is missing."""
    monkeypatch.setattr(ports, "_installed", ports._Installed())
    with pytest.raises(SerializationError, match="no codec is installed"):
        codec()


def test_what_a_body_is() -> None:
    """Bodies are recognised by what they can do; mappings and dataclasses are none."""
    from paglets_nb.codec.payload import WireBody

    assert isinstance(WireBody(b"\x80"), Body)
    assert not isinstance({}, Body)


def test_the_defaults_of_a_call() -> None:
    """Unless told otherwise a call wakes a sleeping paglet and waits for its reply."""
    options = CallOptions()
    assert (options.timeout, options.reply_type, options.no_delay) == (None, None, False)
    assert (options.activate_if_inactive, options.oneway) == (True, False)
