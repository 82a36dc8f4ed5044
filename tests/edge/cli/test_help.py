"""What ``--help`` says is what the code says, on a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.cli.main import app
from tests.help_pages import check_help, help_pages

if TYPE_CHECKING:
    from tests.help_pages import HelpPage


@pytest.mark.parametrize("page", help_pages(app, "emotion-edge"), ids=lambda page: page.command)
def test_help_explains_each_option_and_names_each_command(page: HelpPage) -> None:
    check_help(page)


def test_help_shows_what_stands_in_brackets() -> None:
    pages = {page.command: page.text for page in help_pages(app, "emotion-edge")}
    assert "mqtt://[user@]host[:port]" in pages["emotion-edge watch"]
    assert "[default: the shipped one]" in " ".join(pages["emotion-edge run"].split())
