from __future__ import annotations

import pytest

from edge.text import first_line, listed, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("müsli 日本 [red]", "müsli 日本 [red]"),
        ("two\nlines\r\x1b[2J\x7f\x85\u2028\ud800\ufffe", "two?lines??[2J?????"),
        ("a" * 64, "a" * 64),
        ("a" * 65, "a" * 63 + "…"),
        ("a" * 10**6 + "\n", "a" * 63 + "…"),
    ],
)
def test_what_is_shown_is_one_short_line_without_control_characters(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (EOFError(), "EOFError"),
        (ValueError(" \n "), "ValueError"),
        (ValueError("\n one\ntwo"), "one"),
        (ValueError("\x1b[2J"), "?[2J"),
        (ValueError("a" * 301), "a" * 299 + "…"),
    ],
)
def test_the_first_line_of_an_error_is_safe_to_show_and_never_empty(error: Exception, line: str) -> None:
    assert first_line(error) == line


def test_a_list_for_a_message_has_an_end() -> None:
    assert listed(["a", "b\n"]) == "a, b?"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
