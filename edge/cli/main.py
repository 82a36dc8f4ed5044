"""The command line: ``emotion-edge run | bench | doctor | watch | config``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from edge import __version__, files
from edge import config as configuration
from edge.camera.capture import THREAD as CAPTURE_THREAD
from edge.cli.usage import RedactingGroup, redact_message
from edge.errors import ConfigError, EdgeError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.config import Settings

app = typer.Typer(
    name="emotion-edge",
    cls=RedactingGroup,
    help="Facial-expression recognition that lives on a Raspberry Pi and speaks MQTT.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Check, show or explain the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
bench_app = typer.Typer()
app.add_typer(bench_app, name="bench")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help=f"TOML settings.  [default: {configuration.SYSTEM_FILE}, if there]"),
]
CameraOption = Annotated[
    str | None,
    typer.Option(
        "--camera",
        metavar="SPEC",
        help="auto | picamera2[:N] | /dev/videoN | a clip | a folder of images | rtsp://… | testcard",
    ),
]
BrokerOption = Annotated[
    str | None,
    typer.Option("--broker", metavar="URL", help="mqtt://[user@]host[:port] | mqtts://… | embedded | none"),
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="A bundle's .tflite.  [default: the shipped one]")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    config: ConfigOption = None,
    camera: CameraOption = None,
    broker: BrokerOption = None,
    model: ModelOption = None,
    print_events: Annotated[bool, typer.Option("--print", help="Print every event as one line of JSON.")] = False,  # noqa: FBT002  # typer's way
) -> None:
    """Watch a camera and publish the emotions of the faces in it."""
    settings = _load(config, {"camera.source": camera, "mqtt.url": broker, "emotion.model": model})
    stop = _stop_on_signals()
    from edge.daemon.run import run as run_daemon  # noqa: PLC0415  # OpenCV and the TFLite runtime load here, not for --help

    with _reader_may_leave():
        run_daemon(settings, stop, sys.stdout if print_events else None)
    _leave_a_hung_camera_behind(0)


@bench_app.callback(invoke_without_command=True)
def bench(  # noqa: PLR0913, PLR0917  # typer's way
    context: typer.Context,
    config: ConfigOption = None,
    camera: CameraOption = None,
    model: ModelOption = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the network.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure, all in all.")] = 20.0,
    compare: Annotated[  # noqa: FBT002  # typer's way
        bool, typer.Option("--compare", help="Also searches of every frame, on the same frames.")
    ] = False,
    faces: Annotated[
        str | None, typer.Option(metavar="K[..M]", help="Also so many people at once, on the test card.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too; - prints them alone.")
    ] = None,
    page_file: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write a page with plots, to be shown to others."),
    ] = None,
) -> None:
    """Measure the latency of each stage on this device, on the test card unless a camera is named."""
    if context.invoked_subcommand:
        _refuse_options_before(context)
        return
    flags = {"camera.source": camera or "testcard", "emotion.model": model, "emotion.threads": threads}
    settings = _load(config, flags)
    from edge import bench as benchmark  # noqa: PLC0415  # as in run

    people = benchmark.people(faces, settings) if faces is not None else ()
    report = benchmark.measure(settings, seconds, baselines=compare, people=people)
    text = report.model_dump_json(indent=2)
    if page_file:
        files.write_atomically(page_file, benchmark.page(report))
    if json_file == Path("-"):
        typer.echo(text)
        return
    for sheet in benchmark.sheets(report):
        Console().print(benchmark.table(sheet))
    for warning in report.warnings():
        typer.echo(f"emotion-edge: not comparable: {warning}", err=True)
    if json_file:
        files.write_atomically(json_file, text + "\n")


def _refuse_options_before(context: typer.Context) -> None:
    sources = {option.opts[0]: context.get_parameter_source(option.name or "") for option in context.command.params}
    given = ", ".join(flag for flag, source in sources.items() if source and source.name == "COMMANDLINE")
    if given:
        message = f"bench {context.invoked_subcommand} takes no options of bench: leave {given} out"
        raise ConfigError(message)


@bench_app.command()
def merge(
    reports: Annotated[list[Path], typer.Argument(metavar="FILE.json", help="What --json wrote, on any device.")],
) -> None:
    """Print reports as one Markdown table."""
    from edge import bench as benchmark  # noqa: PLC0415  # as in run

    typer.echo(benchmark.markdown([benchmark.read(file) for file in reports]))


@app.command()
def doctor(config: ConfigOption = None, as_json: JsonFlag = False) -> None:  # noqa: FBT002  # typer's way
    """Say what is missing on this machine, and the command that fixes it."""
    from edge import doctor as examination  # noqa: PLC0415  # as in run

    try:
        settings: Settings | ConfigError = _load(config, {})
    except ConfigError as error:
        settings = error
    findings = examination.examine(settings)
    if as_json:
        typer.echo(examination.to_json(findings))
    else:
        Console().print(examination.table(findings))
    raise typer.Exit(examination.exit_code(findings))


@app.command()
def watch(  # noqa: PLR0913, PLR0917  # typer's way
    config: ConfigOption = None,
    broker: BrokerOption = None,
    device: Annotated[str, typer.Option(metavar="NAME|+", help="One device, or + for all.")] = "+",
    as_json: JsonFlag = False,  # noqa: FBT002  # typer's way
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="How much time the timelines show, at most.")] = 3.0,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Append every event to a CSV file, a row each.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="At the end, draw what was heard. Needs matplotlib.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE.csv", help="With --plot: draw a record instead of listening.")
    ] = None,
) -> None:
    """Show live what devices publish."""
    if source and (not plot or record or as_json or broker):
        message = "--from FILE.csv goes with --plot FILE.png (and --device) alone: it draws what was recorded"
        raise ConfigError(message)
    flags = {"mqtt.url": broker, "mqtt.device": None if device == "+" else device}  # checked as a device's own
    settings = _load(config, flags)
    stop = _stop_on_signals()
    from edge.watch import PlotFile, WatchOptions, replay  # noqa: PLC0415  # as in run
    from edge.watch import watch as show_live  # noqa: PLC0415  # as in run

    plot_file = PlotFile(plot) if plot else None
    if source and plot_file:
        plot_file.write(*replay(source, device))
        return
    options = WatchOptions(sys.stdout if as_json else None, record, plot_file, timedelta(minutes=minutes))
    with _reader_may_leave():
        show_live(settings.mqtt, device, stop, options)


@config_app.command()
def check(config: ConfigOption = None) -> None:
    """Say whether the configuration is right."""
    _load(config, {})
    typer.echo(
        f"{config or configuration.SYSTEM_FILE}: fine" if config or configuration.SYSTEM_FILE.exists() else "fine"
    )


@config_app.command()
def show(config: ConfigOption = None) -> None:
    """Print the settings in force, as TOML."""
    typer.echo(configuration.show(_load(config, {})), nl=False)


@config_app.command()
def example() -> None:
    """Print a file with every setting, its default and its reason."""
    typer.echo(configuration.example(), nl=False)


def _version(value: bool) -> None:  # noqa: FBT001  # typer's way
    if value:
        typer.echo(f"emotion-edge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,  # noqa: FBT002  # typer's way
) -> None:
    pass


def _stop_on_signals() -> threading.Event:
    """Give the event that ends a command in good order. A second signal ends it at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            _leave_at_once(128 + number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    threading.excepthook = _end_with_the_thread
    return stop


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Let whoever reads our output leave, as ``head`` does, and take that for the wish to stop."""
    try:
        yield
    except BrokenPipeError:
        _drop_output()
    except OutputError:
        _drop_output()
        raise


def _drop_output() -> None:
    """Give what is still buffered a place to go, or Python complains of it at exit and changes the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave_a_hung_camera_behind(code: int) -> None:
    """End at once if the camera's thread still is in the camera stack, where an orderly exit would tear it apart."""
    if any(thread.name == CAPTURE_THREAD for thread in threading.enumerate()):
        _leave_at_once(code)


def _leave_at_once(code: int) -> NoReturn:
    """End without waiting for threads that hang."""
    sys.stderr.flush()
    os._exit(code)


def _load(config: Path | None, flags: dict[str, Any]) -> Settings:
    return configuration.load(config, os.environ, flags)


def main(command: Callable[[], object] = app) -> None:
    """Run the command line; end with the exit code of the contract."""
    from edge import logs  # noqa: PLC0415  # rich loads here, not on import

    logs.configure()
    # OpenCV waits 10 s for a silent webcam unless told before it loads: longer than we wait for it to let go.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
    try:
        command()
    except EdgeError as error:
        _complain(error)
        _leave_a_hung_camera_behind(error.exit_code)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001  # the last line of defence, told in full
        _confess(error)
        sys.exit(1)


def _confess(error: BaseException | None) -> None:
    sys.stderr.write(redact_message("".join(traceback.format_exception(error)), quotes_any=True))
    typer.echo(
        f"This is a defect of emotion-edge {__version__}. Please report it with the lines above "
        "and what 'emotion-edge doctor' prints.",
        err=True,
    )


def _end_with_the_thread(failure: threading.ExceptHookArgs) -> None:
    """A daemon that lost its publishing thread must not look alive: end, so that systemd starts a whole one."""
    _confess(failure.exc_value)
    _leave_at_once(1)


def _complain(error: EdgeError) -> None:
    for line in redact_message(str(error)).splitlines():
        typer.echo(f"emotion-edge: {line}", err=True)
