from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.camera.gif import index_gif

if TYPE_CHECKING:
    from collections.abc import Callable


def test_frames_and_rate_are_those_of_the_file(gif: Callable[..., bytes]) -> None:
    index = index_gif(gif([8, 9, 8]))
    assert index is not None
    assert (index.frames, index.complete) == (3, True)
    assert index.rate == pytest.approx(12)


def test_delays_too_short_to_mean_it_count_as_a_tenth_of_a_second(gif: Callable[..., bytes]) -> None:
    index = index_gif(gif([0, 1]))
    assert index is not None
    assert index.rate == pytest.approx(10)


def test_wherever_it_is_cut_whole_frames_are_counted_and_the_cut_is_seen(gif: Callable[..., bytes]) -> None:
    content = gif([5] * 4)
    counts = []
    for length in range(6, len(content)):
        index = index_gif(content[:length])
        assert index is not None
        assert not index.complete, length
        counts.append(index.frames)
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("content", [b"", b"GIF", b"hello, this is a text file", b"\x1aE\xdf\xa3"])
def test_other_bytes_are_no_gif(content: bytes) -> None:
    assert index_gif(content) is None
