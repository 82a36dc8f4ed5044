"""What the daemon reads again while it runs: its configuration and its model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import BundleError, ConfigError, EdgeError, OutputError
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.mqtt.discovery_events import KNOWN_EMOTIONS
from edge.pipeline import Pipeline
from edge.pipeline.stages import TimedPipeline
from edge.preview.status import ModelView
from edge.vision.detector import HaarDetector
from edge.wire.messages import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.config import HookConfig, Settings
    from edge.inference.store import ModelStore
    from edge.pipeline.stages import StageClock
    from edge.system.running import DaemonFile

log = logging.getLogger(__name__)

APPLIED = ("faces", "emotion", "frames", "hooks", "homeassistant", "summary", "health")
"""Sections that a reload applies. The others hold a camera, a connection or a file open, and need a restart."""


@dataclass(frozen=True)
class Setup:
    """What is in force."""

    settings: Settings
    bundle: ModelBundle
    waiting: tuple[str, ...] = ()
    """Keys of the configuration that changed and need a restart."""

    @property
    def model_view(self) -> ModelView:
        """What the preview says of it."""
        card = self.bundle.card
        return ModelView(f"{card.name} {card.version}", card.labels, self.settings.faces.min_height)

    def make_pipeline(self, clock: StageClock, ids_before: int = 0) -> Pipeline:
        """Return a pipeline without faces.

        Args:
            clock: Times its stages, if there is a preview to show them.
            ids_before: How many faces had an id before.
        """
        faces, emotion = self.settings.faces, self.settings.emotion
        detector = HaarDetector(faces.min_height)
        if self.settings.preview.enabled:
            return TimedPipeline(clock, detector, self.bundle, faces, emotion, ids_before=ids_before)
        return Pipeline(detector, self.bundle, faces, emotion, ids_before=ids_before)


class Reloader:
    """Makes the first setup, and each further one when it is asked to.

    Example:
        >>> reloader = Reloader(store, file, lambda: load(path, os.environ, {}), reload_on_signal())
        >>> setup = reloader.start(settings)
        >>> if reloader.asked():
        ...     setup = reloader.reload(setup)
    """

    def __init__(
        self,
        store: ModelStore,
        file: DaemonFile,
        read: Callable[[], Settings] | None = None,
        asked: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take where things are read from.

        Args:
            store: The device's bundles.
            file: Where it is noted which bundle is in use.
            read: Reads the configuration; None: it never changes.
            asked: Returns whether a reload was asked for since the last call.
        """
        self._store, self._file, self._read = store, file, read
        self.asked = asked

    def start(self, settings: Settings) -> Setup:
        """Return the first setup.

        Raises:
            BundleError: No bundle can be used.
            ConfigError: The settings ask for what the bundle cannot do.
        """
        setup = Setup(settings, load_model(settings, self._store))
        card = setup.bundle.card
        log.info("model %s %s on %s", card.name, card.version, setup.bundle.network.runtime)
        return setup

    def reload(self, before: Setup) -> Setup:
        """Return the setup of what is configured and chosen now; the one before, if that cannot be used.

        Bundles that are the same stay the same object.
        """
        try:
            settings = self._read() if self._read else before.settings
            bundle = load_model(settings, self._store)
        except EdgeError as error:
            for line in (*str(error).splitlines(), "the configuration is refused, and everything stays as it was"):
                log.error("%s", line)  # noqa: TRY400  # sentences for the user
            return before
        setup = _merge(before, settings, bundle)
        if setup.waiting:
            log.warning("%s: changed, which takes effect when the daemon is restarted", ", ".join(setup.waiting))
        card = setup.bundle.card
        log.info("the configuration was read again; model %s %s", card.name, card.version)
        return setup

    def note(self, setup: Setup) -> None:
        """Note that a setup is in force, for who asks which bundle is in use."""
        configured = setup.settings.emotion.model
        card = setup.bundle.card
        self._file.write(model=card.name, sha256=card.sha256, configured=str(configured) if configured else None)


def load_model(settings: Settings, store: ModelStore) -> ModelBundle:
    """Return the bundle that the settings name, else the chosen one, else the shipped one.

    A chosen bundle that cannot be used is logged, and the one before takes its place.

    Raises:
        BundleError: The bundle that the settings name cannot be used, or not even the shipped one.
        ConfigError: The settings ask for what that bundle cannot do.
    """
    emotion = settings.emotion
    choice = None if emotion.model else store.choice
    name = choice.model if choice else SHIPPED.stem
    wanted = True
    while True:
        try:
            bundle = ModelBundle.configured(emotion, store.find(name))
        except (BundleError, ConfigError) as error:
            if emotion.model or name == SHIPPED.stem:
                raise
            name, wanted = _go_back(store), False
            log.error("%s; the model %s takes its place", error, name)  # noqa: TRY400  # a sentence for the user
        else:
            _check_hooks(settings.hooks, bundle, store, wanted=wanted)
            return bundle


def _check_hooks(hooks: Sequence[HookConfig], bundle: ModelBundle, store: ModelStore, *, wanted: bool) -> None:
    """Refuse a hook for an emotion that is none; log one that another model has.

    Args:
        hooks: Those of the configuration.
        bundle: What is used.
        store: The models that may be chosen instead.
        wanted: Whether it is the bundle that was asked for; another one's emotions are no mistake of the user's.

    Raises:
        ConfigError: A hook is for an emotion that no model of the device has.
    """
    known = (*bundle.card.labels, UNCERTAIN)
    for number, hook in enumerate(hooks, 1):
        if hook.emotion is None or hook.emotion in known:
            continue
        found = f"hook {number}: emotion: {hook.emotion!r} is no emotion of the model {bundle.card.name}"
        if wanted and hook.emotion not in KNOWN_EMOTIONS and hook.emotion not in store.labels:
            message = f"{found}; it has {', '.join(known)}"
            raise ConfigError(message)
        log.warning("%s: the hook never runs", found)


def _go_back(store: ModelStore) -> str:
    try:
        return store.go_back()
    except OutputError as error:
        log.warning("%s; the next start tries the model again", error)
        return SHIPPED.stem


def _merge(before: Setup, settings: Settings, bundle: ModelBundle) -> Setup:
    """Return what can be applied, and note what cannot."""
    old = before.settings
    waiting = [
        f"{section}.{key}"
        for section, values in settings.sections()
        if section not in APPLIED
        for key in type(values).model_fields
        if getattr(values, key) != getattr(getattr(old, section), key)
    ]
    applied = old.model_copy(update={section: getattr(settings, section) for section in APPLIED})
    is_same = bundle.card == before.bundle.card and settings.emotion == old.emotion
    return Setup(applied, before.bundle if is_same else bundle, tuple(waiting))
