"""Everything of tests/http/conftest.py and its fixtures, under the same name: `from conftest import Daemon, eventually`."""
import importlib.util
import pathlib
import sys

HTTP = pathlib.Path(__file__).resolve().parents[1] / "http"
sys.path.append(str(HTTP))  # rows.py, datasets.py
_spec = importlib.util.spec_from_file_location("http_conftest", HTTP / "conftest.py")
_http = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_http)
globals().update({name: value for name, value in vars(_http).items() if not name.startswith("__")})
