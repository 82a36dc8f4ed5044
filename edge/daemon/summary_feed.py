"""When the summary is published and kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.summary import QUIET_EVERY_S, SUMMARY_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import SummaryConfig
    from edge.daemon.publisher import Publisher
    from edge.frame import Frame
    from edge.pipeline import Transition
    from edge.summary import Summary


class SummaryFeed:
    """Counts frames and transitions, and publishes hours and days; or nothing of it, if it is disabled."""

    def __init__(self, config: SummaryConfig, summary: Summary, publisher: Publisher) -> None:
        """Publish with the first `attend`.

        Args:
            config: Whether.
            summary: Counts.
            publisher: Publishes.
        """
        self._config, self._summary, self._publisher = config, summary, publisher
        self._published_s = float("-inf")
        if not config.enabled:
            publisher.clear_summary()

    def configure(self, config: SummaryConfig) -> None:
        """Go on with other settings."""
        if config.enabled != self._config.enabled:
            self._published_s = float("-inf")
            if not config.enabled:
                self._publisher.clear_summary()
        self._config = config

    def add(self, frame: Frame, *, synthetic: bool) -> None:
        """Count the time since the frame before; call it before `note`."""
        if self._config.enabled:
            self._summary.add(frame, synthetic=synthetic)

    def note(self, transitions: Sequence[Transition]) -> None:
        """Count what changed. Who is there is known also while nothing is counted."""
        if self._config.enabled:
            self._summary.note(transitions)
        else:
            self._summary.follow(transitions)

    def attend(self, now_s: float) -> None:
        """Publish if it is time, on the monotonic clock; call it often."""
        if not self._config.enabled:
            return
        turned = self._summary.turn(datetime.now(UTC))
        every_s = SUMMARY_EVERY_S if self._summary.is_news else QUIET_EVERY_S
        if turned or now_s - self._published_s >= every_s:
            self._published_s = now_s
            self._publish(to_disk=turned)

    def finish(self) -> None:
        """Publish and keep what was counted until the end."""
        if self._config.enabled:
            self._publish(to_disk=True)

    def _publish(self, *, to_disk: bool) -> None:
        if self._summary.waits_for_clock:
            return
        self._summary.save(self._publisher.publish_summary(self._summary), to_disk=to_disk)
