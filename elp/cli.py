"""The command line: `elp extract`, `respond`, `train`, `evaluate`, `corpus`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from elp.errors import ElpError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help="Emotional Listener Portrait.")
corpus_app = typer.Typer(no_args_is_help=True, help="Make, import and check corpora.")
app.add_typer(corpus_app, name="corpus")

Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.")]
Face = Annotated[str, typer.Option(help="Which face of the video: largest, left or right.")]


@app.command()
def extract(
    video: Annotated[Path, typer.Argument(help="A video with one face; any frame rate, size and sound.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The clip to write (.npz).")],
    face: Face = "largest",
) -> None:
    """Measure a video: expression β, head pose p, blinks φ and MFCC at 25 frames per second."""
    from elp.extract import extract as run

    if output.suffix != ".npz":
        raise ElpError(f"{output}: a clip is stored as .npz: give the file that ending")
    clip = run(video, face=face, progress=sys.stderr.isatty())
    clip.save(output)
    seen = clip.motion.valid.mean()
    typer.echo(f"{output}: {len(clip)} frames, {seen:.0%} with a face, {int(clip.motion.blink.sum())} blink frames")


@app.command()
def respond(
    speaker: Annotated[Path, typer.Argument(help="The speaker's video, or a clip that 'elp extract' wrote.")],
    portrait: Annotated[Path | None, typer.Option(help="One image of the listener.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The listener's video (.mp4).")] = None,
    emotion: Annotated[str, typer.Option(help="negative, neutral, positive, auto, or a mixture: neutral=0.5,positive=0.5.")] = "auto",
    seed: Seed = 0,
    params: Annotated[Path | None, typer.Option(help="Also write the listener's motion here (.npz).")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights of your own training (.safetensors).")] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Speaker and listener next to each other.")] = False,
    face: Face = "largest",
) -> None:
    """Synthesise how the person in the portrait listens to the speaker."""
    from elp.respond import respond as run

    if output is None and params is None:
        raise ElpError("nothing to write: give -o OUT.mp4, --params OUT.npz, or both")
    motion = run(
        speaker, portrait, output, emotion=emotion, seed=seed, params=params, checkpoint=checkpoint,
        side_by_side=side_by_side, face=face, progress=sys.stderr.isatty(),
    )  # fmt: skip
    for path in (output, params):
        if path is not None:
            typer.echo(f"{path}: {len(motion)} frames, {len(motion) / motion.fps:.1f} s")


def main() -> None:
    """Entry point: an ElpError becomes one sentence and exit code 2, an interrupt exit code 130."""
    try:
        app()
    except ElpError as error:
        typer.echo(f"elp: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("elp: interrupted; nothing half-written was left behind", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
