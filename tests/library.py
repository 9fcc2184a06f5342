"""The Redis function library as the build joins it, whole or some of its parts."""
import pathlib
import runpy

ROOT = pathlib.Path(__file__).resolve().parents[1]
_join = runpy.run_path(str(ROOT / "scripts" / "functions"))
source, order, version_of, lock_of, problem_of = (_join[name] for name in ("source", "order", "version_of", "lock_of", "problem_of"))
FOLDER = _join["FOLDER"]
