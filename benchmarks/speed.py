"""The cost of a first sync, relative to its lower bound and to two other tools.

python -m benchmarks.speed [--pins 66698] [--accounts 20] [--runs 3] [--with dlt,pyairbyte]
                                             [--times-ten]
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from benchmarks.processes import Cost, cost_of, lowest
from benchmarks.server import Api
from test_support.paths import ROOT

PYTHON = sys.executable
CLIENTS = ROOT / ".venv-clients" / "airbyte" / "bin" / "python"  # `make test-clients` installs it
IMPORT = (
    "import sys; sys.modules['rfc3987_syntax'] = None; import airbyte_cdk.sources.declarative.yaml_declarative_source"
)
SYNC = [PYTHON, "-m", "oneup_pinterest.cli", "sync"]
CAPTION = """
{pins:,} pins in {accounts} accounts. Each figure is the lowest of {runs} alternating runs (dlt, PyAirbyte and ten times
the pins ran once). Compare processor seconds (user and system, of a process with its children) and their ratios: wall
time depends on other work of the machine. The API runs on the same machine, and its cost is not counted. Each run was
checked to have written all pins.
"""


def main() -> None:
    """Print a Markdown table and the bounds; exit with 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pins", type=int, default=66_698)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--with", dest="others", default="", metavar="dlt,pyairbyte", help="once, after the runs")
    parser.add_argument("--times-ten", action="store_true", help="also ten times the accounts, and ten times the pins")
    options = parser.parse_args()
    others = [name for name in options.others.split(",") if name]
    if set(others) - {"dlt", "pyairbyte"}:
        parser.error("--with accepts dlt and pyairbyte")
    if others and not CLIENTS.exists():
        parser.error("dlt and PyAirbyte are not installed: make test-clients installs them")
    with tempfile.TemporaryDirectory() as folder:
        costs = measure_all(options.pins, options.accounts, options.runs, others, Path(folder))
        if options.times_ten:
            for name, factor in {"sync, 10 x the accounts": 10, "sync, 10 x the pins of each": 1}.items():
                with Api(10 * options.pins, factor * options.accounts) as api:
                    costs[name] = Contestants(api, 10 * options.pins, Path(folder)).sync()
    print(table(options.pins, costs))
    print(CAPTION.format(**vars(options)))
    results = [verdict(*bound) for bound in bounds(costs)]
    sys.exit(not all(results))


def measure_all(pins: int, accounts: int, runs: int, others: Sequence[str], folder: Path) -> dict[str, Cost]:
    """Return the lowest cost of each contestant by name."""
    with Api(pins, accounts) as api:
        contestants = Contestants(api, pins, folder)
        costs: dict[str, list[Cost]] = {name: [] for name in contestants.all}
        for _ in range(runs):
            for name, run in contestants.all.items():
                costs[name].append(run())
        found = {name: lowest(each) for name, each in costs.items()}
        if "dlt" in others:
            found["dlt"] = contestants.dlt()
        if "pyairbyte" in others:
            found["PyAirbyte"] = contestants.pyairbyte()
    return found


class Contestants:
    """Commands to compare: each method runs one from scratch and checks that it wrote every pin."""

    def __init__(self, api: Api, pins: int, folder: Path) -> None:
        self._api, self._pins, self._folder = api, pins, folder
        self._config, self._catalog, self._messages = (
            folder / name for name in ("config.json", "catalog.json", "messages.jsonl")
        )
        self._database, self._synced = folder / "history.duckdb", folder / "synced.duckdb"
        self._config.write_text(json.dumps(api.config()))
        cost_of([PYTHON, "main.py", "discover", "--config", self._config], output=self._messages)
        self._catalog.write_text(json.dumps(configured_catalog(self._messages.read_text())))

    @property
    def all(self) -> dict[str, Callable[[], Cost]]:
        """Return a function per contestant by name; `status` needs the file of the previous sync."""
        return {
            "CDK import": lambda: cost_of([PYTHON, "-c", IMPORT]),
            "spec": lambda: cost_of([PYTHON, "main.py", "spec"]),
            "--help": lambda: cost_of([PYTHON, "-m", "oneup_pinterest.cli", "--help"]),
            "floor": self.floor,
            "CDK's records": self.records,
            "read": self.read,
            "sync": self.sync,
            "status": lambda: cost_of([PYTHON, "-m", "oneup_pinterest.cli", "status", "--database", self._synced]),
        }

    def floor(self) -> Cost:
        command = [PYTHON, "-m", "benchmarks.floor", f"{self._api.url}/api", self._database]
        return self._into_database(command, "pins")

    def records(self) -> Cost:
        """Return the cost of passing records through the CDK, without that of preparing them."""
        sizes = ("--pins", self._pins, "--accounts", self._api.accounts)
        whole = cost_of([PYTHON, "-m", "benchmarks.records", *sizes], output=self._messages)
        cpu, wall = json.loads(self._messages.read_text().splitlines()[-1])
        return Cost(cpu, wall, whole.megabytes)

    def read(self) -> Cost:
        command = [PYTHON, "main.py", "read", "--config", self._config, "--catalog", self._catalog]
        cost = cost_of(command, output=self._messages)
        with self._messages.open("rb") as messages:
            found = sum(b'"stream":"pins"' in line and b'"type":"RECORD"' in line for line in messages)
        assert found == self._pins, f"read printed {found} of {self._pins} pins"
        return cost

    def sync(self) -> Cost:
        cost = self._into_database([*SYNC, "--config", self._config, "--database", self._database], "pins")
        shutil.copy(self._database, self._synced)
        return cost

    def dlt(self) -> Cost:
        """Load the same rows with dlt's rest_api source."""
        command = [CLIENTS, "benchmarks/dlt_source.py", f"{self._api.url}/api", self._database]
        return self._into_database(command, "oneup.pins", {"HOME": str(self._folder)})

    def pyairbyte(self) -> Cost:
        """Run the PyAirbyte recipe of docs/ with this connector."""
        script = Path(PYTHON).parent / "source-oneup-pinterest"
        home = {"HOME": str(self._folder), "TMPDIR": str(self._folder), "SOURCE_ONEUP_PINTEREST": str(script)}
        command = [CLIENTS, "docs/recipes/pyairbyte_sync.py", self._config, self._database]
        return self._into_database(command, "oneup.pins", home)

    def _into_database(self, command: Sequence[object], table: str, environment: dict[str, str] | None = None) -> Cost:
        self._database.unlink(missing_ok=True)
        cost = cost_of(command, environment)
        with duckdb.connect(self._database, read_only=True) as connection:
            found = (connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,))[0]
        assert found == self._pins, f"{command} wrote {found} of {self._pins} pins"
        return cost


def configured_catalog(messages: str) -> dict[str, object]:
    """Return a configured catalog of all streams from the messages of `discover`, incremental if possible."""
    catalog = next(message["catalog"] for message in map(json.loads, messages.splitlines()) if "catalog" in message)
    return {
        "streams": [
            {"stream": stream, "sync_mode": stream["supported_sync_modes"][-1], "destination_sync_mode": "append_dedup"}
            for stream in catalog["streams"]
        ]
    }


def table(pins: int, costs: dict[str, Cost]) -> str:
    """Return the figures as a Markdown table, with ratios to the sum of floor and CDK import."""
    base = costs["floor"].cpu + costs["CDK import"].cpu
    lines = [
        "| what | user + system s | wall s | peak MB | pins/s | x (floor + CDK import) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, cost in costs.items():
        read = {"CDK import": 0, "spec": 0, "--help": 0, "status": 0}.get(name, 10 * pins if "10 x" in name else pins)
        speed = f"{read / cost.wall:,.0f}" if read else ""
        lines.append(
            f"| {name} | {cost.cpu:.2f} | {cost.wall:.2f} | {cost.megabytes:.0f} | {speed} | {cost.cpu / base:.2f} |"
        )
    return "\n".join(lines)


def bounds(costs: dict[str, Cost]) -> list[tuple[str, float, float]]:
    """Return the name, the value and the upper bound of every measured ratio and figure."""
    sync = costs["sync"]
    found = [
        ("sync / (floor + CDK import)", sync.cpu / (costs["floor"].cpu + costs["CDK import"].cpu), 2.0),
        ("sync, peak MB", sync.megabytes, 400),
        ("--help, wall s", costs["--help"].wall, 0.3),
        ("spec / CDK import", costs["spec"].cpu / costs["CDK import"].cpu, 1.2),
    ]
    for name, bound in {"dlt": 0.30, "PyAirbyte": 0.35}.items():
        if name in costs:
            found.append((f"sync / {name}", sync.cpu / costs[name].cpu, bound))
    for name, cost in costs.items():
        if "10 x" in name:
            found.append((f"{name}, peak MB", cost.megabytes, 400))
            found.append(
                (f"{name}, peak / sync's", cost.megabytes / sync.megabytes, 1.2)
            )  # allows for differences between runs
    return found


def verdict(what: str, value: float, bound: float) -> bool:
    """Print a bound and return whether it holds."""
    print(f"- {what} = {value:.3g} (bound {bound:g}){'' if value <= bound else ': DOES NOT HOLD'}")
    return value <= bound


if __name__ == "__main__":
    main()
