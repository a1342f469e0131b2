"""The held-out sets as they lie in the repository: what no training data may have."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIRST, SECOND = (json.loads((ROOT / "test" / "fixtures" / "tool-adapter" / f"held-out{which}.json").read_text()) for which in ("", "-second"))
CASES = [*FIRST["cases"], *SECOND["cases"]]
