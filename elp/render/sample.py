"""A sample to begin with: a video of a simulated speaker and a portrait of a simulated listener
(chapter "Your own video").
"""

from __future__ import annotations

from pathlib import Path

from elp.errors import ElpError
from elp.files import check, together
from elp.motion import FPS
from elp.render.frames import PROVENANCE, render
from elp.render.portrait import Portrait
from elp.simulator.cast import Meeting
from elp.simulator.dyads import conversation, cut, utter

SPEAKER, PORTRAIT = "speaker.mp4", "portrait.png"
SECONDS = 9
PHOTO, FILM = 384, 256  # sides of the pictures in pixels
TALKER, HEARER = 5, 8  # whom `Studio` draws for seed 0: odd numbers talk, even ones listen


def sample(folder: str | Path = ".", *, seed: int = 0, progress: bool = False) -> tuple[Path, Path]:
    """Write `speaker.mp4` and `portrait.png`, both or none: what `respond` needs.

    The faces are drawn (`Studio`), speech and movements are simulated: no person is depicted. The
    same seed gives the same pictures and sound on the same machine.

    Args:
        folder: where to, made if it is missing.
        seed: of who they are and what is said.
        progress: show a progress bar on stderr.

    Returns:
        The two files: 9 s of somebody pleased who talks, 256 x 256 at 25 fps with sound; and a
        picture of 384 x 384 of somebody else, mouth closed.

    Raises:
        ElpError: one of the files is there already, or cannot be written.
    """
    from PIL import Image
    from tqdm import tqdm

    from elp.media.write import write_video
    from elp.render.mesh2video.studio import Studio
    from elp.simulator.synthesis import RATE

    paths = Path(folder) / SPEAKER, Path(folder) / PORTRAIT
    for path in paths:
        if path.exists():
            raise ElpError(f"{path}: exists already: give another folder, or delete this file")
    check(*paths)
    meeting = _meeting()
    said = conversation(meeting, seed)
    motion = cut(said.motion)
    talker = Portrait.load(Studio(2 * seed + TALKER).portrait(PHOTO))
    frames = render(talker, motion, FILM)
    shown = tqdm(frames, total=len(motion), desc="sample", unit="frame", disable=not progress)
    with together(*paths) as (video, picture):
        assert video is not None and picture is not None
        Image.fromarray(Studio(2 * seed + HEARER).portrait(PHOTO)).save(picture)
        sound = utter(meeting, seed, said), RATE
        write_video(video, shown, audio=sound, comment=PROVENANCE)
    return paths


def _meeting() -> Meeting:
    return Meeting(
        number=0,
        clip="sample",
        speaker=0,
        listener=0,
        emotion="positive",
        mood=1,
        speaker_mood=1,
        split="test",
        frames=round(SECONDS * FPS),
        version=2,
    )
