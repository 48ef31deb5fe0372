"""An Airbyte source for OneUp's Pinterest analytics."""

import sys

from source_oneup_pinterest import components
from source_oneup_pinterest.source import SourceOneupPinterest

# the manifest names its classes as Airbyte's manifest-only images do, so that one manifest serves both forms
sys.modules.setdefault("source_declarative_manifest.components", components)

__all__ = ["SourceOneupPinterest"]
