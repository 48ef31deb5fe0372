"""Writes the manifest-only form of the connector: python -m source_oneup_pinterest.export FOLDER.

`manifest.yaml` and `components.py` are what Airbyte's Builder and `source-declarative-manifest` run. From a checkout
the files that surround them in Airbyte's repository come along, with metadata that says what the form is.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent
_BESIDE = ("icon.svg", "acceptance-test-config.yml", "BEHAVIOR.md", "LICENSE")


def export(folder: Path) -> list[Path]:
    """The files that were written into `folder`, which is made where it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [Path(shutil.copy(_PACKAGE / name, folder / name)) for name in ("manifest.yaml", "components.py")]
    if not (_CHECKOUT / "metadata.yaml").exists():
        return written
    written += [Path(shutil.copy(_CHECKOUT / name, folder / name)) for name in _BESIDE]
    (folder / "metadata.yaml").write_text(_metadata_of_the_form(), encoding="utf-8")
    samples = folder / "integration_tests"
    samples.mkdir(exist_ok=True)
    written += [Path(shutil.copy(file, samples)) for file in (_CHECKOUT / "integration_tests").glob("*.json")]
    return [*written, folder / "metadata.yaml"]


def _metadata_of_the_form() -> str:
    manifest = (_PACKAGE / "manifest.yaml").read_text(encoding="utf-8")
    version = manifest.partition("\nversion: ")[2].partition("\n")[0]
    # by tag: an older image refuses a newer manifest, and this one's digest could not be looked up
    image = f"baseImage: docker.io/airbyte/source-declarative-manifest:{version}"
    metadata = (_CHECKOUT / "metadata.yaml").read_text(encoding="utf-8")
    return re.sub("baseImage: .*", image, metadata.replace("language:python", "language:manifest-only"))


def main() -> None:
    """Exports into the folder that is named on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m source_oneup_pinterest.export",
        description="Write the connector as a manifest and components, for Airbyte's Builder.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write; name it source-oneup-pinterest")
    folder = parser.parse_args().folder
    try:
        for path in sorted(export(folder)):
            print(path)
    except OSError as error:
        sys.exit(f"{error.filename} cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
