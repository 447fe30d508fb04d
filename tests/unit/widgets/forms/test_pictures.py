from __future__ import annotations

from paglets_nb.widgets.forms.pictures import fields_html, fields_text


def test_what_is_filled_in_is_shown_by_path() -> None:
    """Groups by their fields' paths, bytes by their text or figures, the rest as it is; nothing where there is none."""
    values = {"name": "<b>", "inner": {"size": "3", "on": True}, "data": {"hex": "00 ff"}, "pairs": [["a", "1"]]}
    assert fields_text(values).splitlines() == [
        "field       value",
        "name        <b>",
        "inner.size  3",
        "inner.on    True",
        "data        00 ff",
        "pairs       [['a', '1']]",
    ]
    assert "&lt;b&gt;</td>" in fields_html(values)
    assert (fields_html({}), fields_text({})) == ("", "")


def test_what_is_not_filled_in_is_said_not_to_be() -> None:
    """It is no text "None"."""
    assert fields_text({"name": None}).splitlines()[1:] == ["name   not set"]
    assert "not set</span>" in fields_html({"name": None})
    assert "None" not in fields_html({"name": None})
