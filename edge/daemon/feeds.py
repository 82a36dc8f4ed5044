"""What frames and transitions go to besides `event` and `state`: the topic `frame`, hooks, the summary, LSL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.daemon.frame_feed import FrameFeed
from edge.daemon.summary_feed import SummaryFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.config import Settings
    from edge.daemon.lsl import FrameOutlet
    from edge.daemon.publisher import Publisher
    from edge.frame import Frame
    from edge.hooks import Hooks
    from edge.pipeline import Snapshot, Transition
    from edge.summary import Summary
    from edge.wire.messages import HookCounts


class Feeds:
    """All of them."""

    def __init__(
        self, settings: Settings, publisher: Publisher, hooks: Hooks, summary: Summary, outlet: FrameOutlet
    ) -> None:
        """Begin with the next frame.

        Args:
            settings: Which of them are wanted.
            publisher: Publishes.
            hooks: Gets its events from the publisher.
            summary: Counts.
            outlet: Gets each frame's faces.
        """
        self._hooks, self._outlet = hooks, outlet
        self._synthetic = False
        self._frames = FrameFeed(settings.frames, publisher.publish_frame)
        self._summary = SummaryFeed(settings.summary, summary, publisher)

    @property
    def hook_counts(self) -> HookCounts:
        """What `health` says of hooks."""
        return self._hooks.counts

    def configure(self, settings: Settings, labels: Sequence[str]) -> None:
        """Go on with other settings, or another model's emotions."""
        self._outlet.set_labels(labels)
        self._frames.configure(settings.frames)
        self._hooks.configure(settings.hooks)
        self._summary.configure(settings.summary)

    def count(self, frame: Frame, *, synthetic: bool) -> None:
        """Count a processed frame, before its transitions; the test card's frames are synthetic."""
        self._synthetic = synthetic
        self._summary.add(frame, synthetic=synthetic)

    def note(self, transitions: Sequence[Transition]) -> None:
        """Take what changed."""
        self._summary.note(transitions)

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], *, live: bool) -> None:
        """Hand on the faces of a processed frame, after its transitions.

        Args:
            frame: What was processed.
            snapshot: Returns everybody who is there as of that frame.
            live: Whether a live camera took it.
        """
        self._frames.add(frame, snapshot)
        self._outlet.show(frame, snapshot, live=live, synthetic=self._synthetic)

    def attend(self, now_s: float) -> None:
        """Do what is due, on the monotonic clock; call it often."""
        self._summary.attend(now_s)

    def finish(self) -> None:
        """Publish and keep what is known at the end."""
        self._summary.finish()
