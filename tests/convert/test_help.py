"""What ``python -m convert --help`` and ``python -m train --help`` say is what the code says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from convert.__main__ import app as convert
from tests.help_pages import check_help, help_pages
from train.__main__ import app as train

if TYPE_CHECKING:
    from tests.help_pages import HelpPage


@pytest.mark.parametrize(
    "page", [*help_pages(convert, "convert"), *help_pages(train, "train")], ids=lambda page: page.command
)
def test_help_explains_each_option_and_names_each_command(page: HelpPage) -> None:
    check_help(page)
