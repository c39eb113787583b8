"""The command line: `elp sample`, `extract`, `respond`, `convert`, `live`, `render`, `train`,
`evaluate`, `export`, `corpus`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from elp.errors import ElpError
from elp.files.locks import WRITING
from elp.files.stops import as_interrupts, number

if TYPE_CHECKING:
    from elp.corpus import Corpus
    from elp.exports import Exports
    from elp.motion import Clip, Motion


class Door(TyperGroup):
    """All commands: what a signal or the system says of one becomes a sentence, too."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        with _sentences():
            return super().make_context(info_name, [*map(_spelt, args)], parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _sentences():
            return super().invoke(ctx)


def _spelt(word: str) -> str:
    """A word of the command; the name of a file is no option, though it begins with a dash."""
    # no option has a dot
    return f"./{word}" if word[:1] == "-" and "." in word and os.path.isfile(word) else word


# errors that say nothing of a file: too many threads or processes, files or bytes
SCARCE = (errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Signals and errors of the system in `elp`'s own way."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise typer.Exit(_stopped(stop)) from stop
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output: typer leaves in silence
            raise
        if error.errno in SCARCE:
            raise ElpError(
                f"{error.strerror}: the system gives no more: stop other programs, or raise its "
                "limits (ulimit)"
            ) from error
        if error.filename is None and error.errno == errno.ENOENT:
            raise ElpError("the folder that this runs in is gone: go to another one") from error
        if error.filename is None and error.errno in WRITING:  # files have a sentence of their own
            raise ElpError(f"what is printed goes nowhere ({error.strerror})") from error
        where = f"{error.filename}: " if error.filename else ""
        raise ElpError(f"{where}{error.strerror or error}: check this file") from error
    except EOFError as error:
        raise ElpError("a file ends too soon: copy it again, or make it again") from error
    except MemoryError as error:
        raise ElpError("not enough memory: give a shorter or smaller input") from error
    except UnicodeEncodeError as error:
        name = ascii(error.object)
        raise ElpError(f"{name}: not a name in UTF-8: rename the file") from error


def _stopped(stop: KeyboardInterrupt) -> int:
    """Say that a signal stopped the run; gives the exit code."""
    said = str(stop) or "no file is half written"
    _say(f"stopped ({Signals(number(stop)).name}): {said}")
    return 128 + number(stop)


app = typer.Typer(
    cls=Door,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Emotional Listener Portrait.",
)
corpus_app = typer.Typer(no_args_is_help=True, help="Make, import and check corpora.")
app.add_typer(corpus_app, name="corpus")

SEEDS: dict[str, Any] = {"min": 0, "max": 2**32 - 1}
Seed = Annotated[
    int, typer.Option(help="Random seed: the same one gives the same result.", **SEEDS)
]
Face = Annotated[
    str,
    typer.Option(
        help="Which face, if the picture shows several: largest, left or right (the one furthest "
        "to that side)."
    ),
]
Renderer = Annotated[
    str, typer.Option(help="What draws the pictures: warp, or a network: flow, fomm (the paper's).")
]
RendererCheckpoint = Annotated[
    Path | None,
    typer.Option(help="The network's .safetensors file, from 'elp train flow' or 'fomm'."),
]


Arkit = Annotated[
    Path | None,
    typer.Option(
        help="Also write ARKit's 52 blendshapes and the head's rotation here (.csv, Live Link "
        "Face's layout)."
    ),
]
Glb = Annotated[
    Path | None,
    typer.Option(help="Also write an animated mesh here (.glb, for Blender and three.js)."),
]
Events = Annotated[
    Path | None,
    typer.Option(
        help="Also write nods, shakes, blinks, smiles and, with a portrait, looks aside here, with "
        "the speaker's cues (.csv, .tsv, or .eaf for ELAN)."
    ),
]


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("."),
    seed: Seed = 0,
) -> None:
    """Write a simulated speaker's video and a listener's portrait, to try 'elp respond' with."""
    from elp.render.sample import sample as run

    speaker, portrait = run(folder, seed=seed, progress=sys.stderr.isatty())
    typer.echo(f"{speaker}, {portrait}: simulated, no person is depicted; try:")
    typer.echo(f"elp respond {speaker} --portrait {portrait} --emotion positive -o listener.mp4")


@app.command()
def extract(
    video: Annotated[
        Path, typer.Argument(help="A video with one face; any frame rate, size and sound.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The clip to write (.npz).")],
    face: Face = "largest",
) -> None:
    """Measure a video: expression β, head pose p, blinks φ and MFCC at 25 frames per second."""
    from elp.extraction.pipeline import extract as run
    from elp.files import check, keep
    from elp.motion import blink_rate, runs

    if output.suffix != ".npz":
        raise ElpError(f"{output}: a clip is stored as .npz: give the file that ending")
    keep([video], [output])
    check(output)
    clip = run(video, face=face, progress=sys.stderr.isatty())
    clip.save(output)
    phi = clip.motion.blink
    typer.echo(
        f"{output}: {len(clip)} frames, {_seen(clip)}, "
        f"{len(runs(phi))} blinks ({blink_rate(phi):.0f} a minute)"
    )


def _seen(clip: Clip) -> str:
    """How much of a person was seen, in words."""
    valid, hidden = clip.motion.valid, clip.eyes_hidden()
    words = f"{valid.mean():.0%} with a face"
    if clip.confidence is not None and valid.any():
        words += f" (confidence {clip.confidence[valid].mean():.2f})"
    return words + (f", eyes hidden in {hidden:.0%}" if hidden else "")


@app.command()
def respond(
    speaker: Annotated[
        Path, typer.Argument(help="The speaker's video, or a clip that 'elp extract' wrote.")
    ],
    portrait: Annotated[Path | None, typer.Option(help="One image of the listener.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The listener's video (.mp4).")
    ] = None,
    emotion: Annotated[
        str,
        typer.Option(
            help="negative, neutral, positive, auto, or a mixture: neutral=0.5,positive=0.5."
        ),
    ] = "auto",
    seed: Seed = 0,
    params: Annotated[
        Path | None, typer.Option(help="Also write the listener's motion here (.npz).")
    ] = None,
    arkit: Arkit = None,
    glb: Glb = None,
    events: Events = None,
    checkpoint: Annotated[
        str,
        typer.Option(
            help="A .safetensors file that you trained, or the name of the model that ships."
        ),
    ] = "listener",
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Speaker and listener next to each other.")
    ] = False,
    face: Face = "largest",
    renderer: Renderer = "warp",
    renderer_checkpoint: RendererCheckpoint = None,
    size: Annotated[
        int, typer.Option(help="Side of the listener's pictures in pixels: 512, or 256.")
    ] = 512,
    relax: Annotated[
        float,
        typer.Option(
            help="How much of a strong expression in the portrait is taken away.", min=0, max=1
        ),
    ] = 0.5,
    vivid: Annotated[
        float,
        typer.Option(
            help="Factor by which expression is strengthened; 1 changes nothing.", min=0, max=3
        ),
    ] = 1.5,
    attend: Annotated[
        bool, typer.Option("--attend", help="Turn a portrait that looks aside towards the viewer.")
    ] = False,
) -> None:
    """Synthesise how the person in the portrait listens to the speaker."""
    from elp.exports import Exports
    from elp.render.manner import Manner
    from elp.respond import respond as run

    exports = Exports(arkit=arkit, glb=glb, events=events)
    if output is None and params is None and not exports:
        raise ElpError("nothing to write: give -o OUT.mp4, --params OUT.npz, or both")
    motion = run(
        speaker,
        portrait,
        output,
        emotion=emotion,
        seed=seed,
        params=params,
        exports=exports,
        checkpoint=checkpoint,
        side_by_side=side_by_side,
        face=face,
        renderer=renderer,
        renderer_checkpoint=renderer_checkpoint,
        size=size,
        manner=Manner(relax=relax, vivid=vivid, attend=attend, seed=seed),
        progress=sys.stderr.isatty(),
        seen=lambda clip: typer.echo(f"{speaker}: {_seen(clip)}"),
    )
    _written(motion, (output, params, *exports.paths))
    _trusted(exports)


@app.command()
def convert(
    motion: Annotated[
        Path,
        typer.Argument(help="A motion or clip that 'elp respond --params' or 'elp extract' wrote."),
    ],
    speaker: Annotated[
        Path | None,
        typer.Option(help="The speaker's clip, from 'elp extract': adds cues to --events."),
    ] = None,
    arkit: Arkit = None,
    glb: Glb = None,
    events: Events = None,
) -> None:
    """Write a motion for other programs: blendshapes, an animated mesh or a table of events."""
    from elp.exports import Exports
    from elp.exports import convert as run

    exports = Exports(arkit=arkit, glb=glb, events=events)
    if not exports:
        raise ElpError("nothing to write: give --arkit OUT.csv, --glb OUT.glb or --events OUT.csv")
    made = run(motion, exports, speaker=speaker)
    _written(made, exports.paths)
    _trusted(exports)


def _written(motion: Motion, paths: Iterable[object]) -> None:
    for path in paths:
        if path is not None:
            typer.echo(f"{path}: {len(motion)} frames, {len(motion) / motion.fps:.1f} s")


def _trusted(exports: Exports) -> None:
    """Say which blendshapes in a file can be trusted: it has no place for that."""
    from elp.exports.arkit import FAIR, GOOD

    if exports.arkit is not None:
        typer.echo(
            f"{exports.arkit}: {', '.join(GOOD)} agree well with another tracker's, "
            f"{', '.join(FAIR)} fairly; take no other shape for a measurement"
        )


@app.command()
def render(
    motion: Annotated[
        Path, typer.Argument(help="Motion that 'elp respond --params' or 'elp extract' wrote.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The video to write (.mp4).")],
    portrait: Annotated[Path | None, typer.Option(help="One image of the person to show.")] = None,
    mesh: Annotated[bool, typer.Option("--mesh", help="Show the shaded face model alone.")] = False,
    renderer: Renderer = "warp",
    renderer_checkpoint: RendererCheckpoint = None,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels: 256, 512.")] = 256,
) -> None:
    """Show a motion: on a portrait, or as the mesh video that the paper's renderer is driven by."""
    from elp.render import film

    if mesh == (portrait is not None):
        raise ElpError("whom to show: give --portrait PICTURE, or --mesh for the face model alone")
    shown = film(
        motion,
        output,
        portrait=portrait,
        renderer=renderer,
        checkpoint=renderer_checkpoint,
        size=size,
        progress=sys.stderr.isatty(),
    )
    typer.echo(f"{output}: {len(shown)} frames, {len(shown) / shown.fps:.1f} s")


@app.command()
def portrait(
    picture: Annotated[Path, typer.Argument(help="One image of a face, PNG or JPEG.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write (.bin).")],
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels: 256, 512.")] = 256,
) -> None:
    """Prepare a portrait for the page "Talk to it", which then listens with its face."""
    from elp.render.page import write_portrait

    write_portrait(output, picture, size)
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


@app.command()
def live(
    camera: Annotated[
        str,
        typer.Option(
            help="A camera's number, a stream's address, a file that is played, or - for what "
            "another program pipes in."
        ),
    ] = "0",
    portrait: Annotated[Path | None, typer.Option(help="One image of the listener.")] = None,
    emotion: Annotated[
        str,
        typer.Option(
            help="negative, neutral, positive, auto, or a mixture: neutral=0.5,positive=0.5."
        ),
    ] = "auto",
    microphone: Annotated[
        str,
        typer.Option(
            help="A microphone's number or name, default, or none; files and pipes have their own "
            "sound."
        ),
    ] = "default",
    osc: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Send the VMC protocol there (VSeeFace, Unity)."),
    ] = None,
    lsl: Annotated[
        bool, typer.Option("--lsl", help="Send streams of the Lab Streaming Layer.")
    ] = False,
    websocket: Annotated[
        int | None, typer.Option(help="Serve frames as JSON at this port of this machine.")
    ] = None,
    virtual_camera: Annotated[
        bool,
        typer.Option(
            "--virtual-camera", help="Show the portrait as a camera that other programs can choose."
        ),
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="Write the portrait and the speaker's sound here (.mp4).")
    ] = None,
    seed: Seed = 0,
    checkpoint: Annotated[
        str,
        typer.Option(
            help="A .safetensors file that you trained, or the name of the model that ships."
        ),
    ] = "listener",
    face: Face = "largest",
    fast: Annotated[
        bool, typer.Option("--as-fast-as-possible", help="Read a file without waiting.")
    ] = False,
) -> None:
    """Listen in real time, 25 frames a second, until Ctrl-C; nothing is stored without --record."""
    from elp.live.session import Asked, session

    asked = Asked(
        osc=osc,
        lsl=lsl,
        websocket=websocket,
        virtual_camera=virtual_camera,
        record=record,
        portrait=portrait,
    )
    report = session(
        camera,
        asked,
        emotion=emotion,
        microphone=microphone,
        seed=seed,
        checkpoint=checkpoint,
        face=face,
        fast=fast,
        say=lambda words: typer.echo(f"elp: {words}", err=True),
    )
    typer.echo(str(report))
    if report.stopped is not None:
        raise typer.Exit(128 + report.stopped)


@app.command()
def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe by name: listener, small, live, lively, vico, l2l, stream, tiny; "
            "for a renderer: flow, fomm, slim-flow, tiny-flow."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run: model, log, state and card.")],
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the corpus; for a renderer, of videos of people who talk "
            "(default: simulated people)."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1; by default CUDA where there is one.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    seed: Annotated[
        int | None, typer.Option(help="A seed other than the recipe's.", **SEEDS)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="A number of iterations other than the recipe's.", min=1)
    ] = None,
) -> None:
    """Train the Adaptive Space Encoder or a renderer; torchrun spreads it over several GPUs."""
    from dataclasses import replace

    from elp.render.mesh2video.recipes import RECIPES

    changes: dict[str, Any] = {
        name: value for name, value in (("seed", seed), ("steps", steps)) if value is not None
    }
    options: dict[str, Any] = {
        "device": device,
        "resume": resume,
        "progress": sys.stderr.isatty(),
    }
    if recipe in RECIPES:
        from elp.render.mesh2video.run import train as train_renderer

        chosen = replace(RECIPES[recipe](), **changes)
        card = train_renderer(chosen, out, videos=corpus, **options)
    else:
        from elp.corpus import Corpus
        from elp.training import recipes
        from elp.training.run import train as run

        listener = replace(recipes.get(recipe), **changes)
        if corpus is None:
            raise ElpError(f"recipe {recipe} learns from a corpus: give its folder with --corpus")
        card = run(listener, Corpus.open(corpus), out, **options)
    typer.echo(f"{out}/model.safetensors: {recipe}, {card['device']}, {card['seconds']:.0f} s")


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write (.onnx).")],
    step: Annotated[
        bool,
        typer.Option(
            "--step", help="Write one step of the whole listener instead: one frame, and its state."
        ),
    ] = False,
    checkpoint: Annotated[
        str,
        typer.Option(
            help="A .safetensors file that you trained, or the name of the model that ships."
        ),
    ] = "listener",
) -> None:
    """Write the decoders as ONNX, for browsers and other programs: codes and emotion to motion.

    For a model with event heads, such as the one that ships, only the
    decoder of the face is written, since head pose and lids do not come
    from codes. With --step, one frame of the whole listener is written
    instead, from what it hears and sees to its motion.
    """
    from elp.files import keep
    from elp.listener.export import export_decoder
    from elp.listener.export_step import export_step
    from elp.model import checkpoint as checkpoints

    keep([checkpoint], [output])
    model, _ = checkpoints.load(checkpoint)
    (export_step if step else export_decoder)(model, output)
    config, size = model.config, output.stat().st_size / 1e6
    codes = "one frame" if step else f"codes (1, T, {config.heads})"
    typer.echo(
        f"{output}: {size:.1f} MB, {codes}, "
        f"emotions {', '.join(config.emotions)}; checked against the model's own"
    )


@corpus_app.command()
def simulate(
    preset: Annotated[str, typer.Argument(help="vico, crowd, l2l, tiny, or talks (version 2).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    seed: Seed = 0,
    hours: Annotated[float | None, typer.Option(help="Hours of conversation (l2l).")] = None,
    silent: Annotated[
        bool, typer.Option("--silent", help="The same motion without its sound: MFCC stay zero.")
    ] = False,
    mfcc: Annotated[
        Path | None, typer.Option(help="mfcc.npy of the same corpus, made on another machine.")
    ] = None,
    simulator: Annotated[
        int, typer.Option(help="Version: 1, or 2 (shared moods, heads that rest).")
    ] = 1,
) -> None:
    """Make a corpus of simulated dyads, the same bytes for the same seed."""
    from elp.simulator import simulate as run

    made = run(
        output,
        preset,
        seed,
        audio=not silent,
        hours=hours,
        mfcc=mfcc,
        progress=sys.stderr.isatty(),
        version=simulator,
    )
    _describe(made, output)


@app.command()
def evaluate(
    corpus: Annotated[Path, typer.Argument(help="Folder of the corpus.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The result file to write (.json).")
    ],
    checkpoint: Annotated[
        list[str],
        typer.Option(
            help="Model scored as ELP: a file, or the one that ships. Repeat it for several seeds."
        ),
    ] = ["listener"],  # noqa: B006
    method: Annotated[
        list[str] | None,
        typer.Option(help="Another row to measure; may be repeated. Default: all that can be."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(help="Folder of trained models for the other rows, by name and seed."),
    ] = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    samples: Annotated[int, typer.Option(help="Number of answers to each speaker.", min=1)] = 3,
    infer: Annotated[
        bool, typer.Option("--infer", help="Do not tell the methods the listener's emotion.")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Score ELP and the other methods of the paper's Table 1, in that table's columns."""
    from elp.corpus import Corpus
    from elp.evaluation import methods, tables
    from elp.evaluation.evaluate import evaluate as run
    from elp.files import check, keep
    from elp.listener.responder import ELPResponder
    from elp.records import write_json

    if output.suffix != ".json":
        raise ElpError(f"{output}: a result is stored as .json: give the file that ending")
    if output.resolve().parent == corpus.resolve():
        raise ElpError(f"{output}: lies in the corpus, which stays as it is: give another folder")
    keep(checkpoint, [output])
    check(output)
    opened = Corpus.open(corpus)
    rows = methods.answerers(opened, method or (), models=models)
    rows["ELP"] = [ELPResponder.from_checkpoint(path) for path in checkpoint]
    result = run(
        opened,
        rows,
        samples=samples,
        split=split,
        seed=seed,
        infer=infer,
        against="ELP",
        progress=sys.stderr.isatty(),
    )
    write_json(output, result)
    typer.echo(tables.table(result, intervals=False).round(3).to_string())


class ImportCommand(TyperCommand):
    """A command whose help lists the registered importers, which load when it is asked for."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from elp.corpus.importers import IMPORTERS

        self.epilog = "\n\n".join(f"{kind}: {i.reads}" for kind, i in IMPORTERS.items())
        super().format_help(ctx, formatter)


@corpus_app.command("import", cls=ImportCommand)
def import_(
    kind: Annotated[str, typer.Argument(help="The importer: one of those listed below.")],
    source: Annotated[Path, typer.Argument(help="What the corpus's authors ship.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    analyser: Annotated[
        Path | None,
        typer.Option(help="Weights of the speech emotion analyser, for labels from speech."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, for formats made of videos.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes here, for formats made of videos.", min=1)
    ] = None,
) -> None:
    """Read a published corpus into the package's format; lists and leaves out broken rows."""
    from elp.corpus.importers import import_corpus

    shown = sys.stderr.isatty()
    made = import_corpus(
        kind,
        source,
        output,
        analyser=analyser,
        scheduler=scheduler,
        workers=workers,
        progress=shown,
    )
    _describe(made, output)


@corpus_app.command()
def build(
    source: Annotated[Path, typer.Argument(help="A folder of videos, or a csv of pairs.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.")],
    analyser: Annotated[
        Path | None,
        typer.Option(help="Weights of the speech emotion analyser, for labels from speech."),
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes here.", min=1)] = None,
) -> None:
    """Extract many videos into a corpus; started again, it goes on where it stopped."""
    from elp.corpus.importers import import_corpus

    _describe(
        import_corpus(
            "folder",
            source,
            output,
            analyser=analyser,
            scheduler=scheduler,
            workers=workers,
            progress=sys.stderr.isatty(),
        ),
        output,
    )


@corpus_app.command()
def verify(folder: Annotated[Path, typer.Argument(help="Folder of the corpus.")]) -> None:
    """Compare a corpus with its checksums."""
    from elp.corpus import Corpus

    made = Corpus.open(folder)
    made.verify()
    _describe(made, folder)


def _describe(made: Corpus, folder: Path) -> None:
    from elp.motion import FPS

    frames = int(made.index["length"].sum())
    for row in made.card.get("skipped", []):
        typer.echo(f"left out: {row['row']}: {row['reason']}", err=True)
    typer.echo(
        f"{folder}: {len(made)} clips, {frames / FPS / 3600:.2f} hours of faces, "
        f"emotions {', '.join(made.emotions)}"
    )


def main() -> None:
    """Entry point: an ElpError becomes one sentence and exit code 2, a warning one sentence;
    Ctrl-C, TERM and HUP become one sentence and exit code 130, 143 and 129.
    """
    try:
        _standard()
        as_interrupts()
        for stream in (sys.stdout, sys.stderr):  # a name that is not UTF-8 can be said all the same
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        warnings.showwarning = _told_once()
        app()
    except ElpError as error:
        _say(error)
        sys.exit(2)
    except KeyboardInterrupt as stop:  # while the commands were being read
        sys.exit(_stopped(stop))


def _told_once() -> Callable[..., None]:
    """Shows each warning as one line, once: a file that is read again is as odd as before."""
    told: set[str] = set()

    def show(message: object, *_: object, **__: object) -> None:
        if (words := str(message)) not in told:
            told.add(words)
            _say(words)

    return show


def _say(words: object) -> None:
    """One line to stderr, if that takes it."""
    with contextlib.suppress(OSError):
        typer.echo(f"elp: {words}", err=True)


def _standard() -> None:
    """Give a process that was started without them its standard streams, which say nothing: their
    numbers would be those of files that are written, and libraries print into them.
    """
    for stream, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(stream)
        except OSError:
            given = os.open(os.devnull, os.O_RDWR)
            if given != stream:
                os.dup2(given, stream)
                os.close(given)
            os.set_inheritable(stream, True)  # for the processes that we start
            setattr(sys, name, open(stream, mode, closefd=False))  # noqa: SIM115  while we run


if __name__ == "__main__":
    main()
