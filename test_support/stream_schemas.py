"""The connector's streams as the writer gets them, without a connector."""

import yaml

from test_support.paths import ROOT

MANIFEST = yaml.safe_load((ROOT / "source_oneup_pinterest" / "manifest.yaml").read_text(encoding="utf-8"))
SCHEMAS = {  # stream → JSON schema, primary key
    stream: (schema, MANIFEST["definitions"][stream]["primary_key"]) for stream, schema in MANIFEST["schemas"].items()
}
