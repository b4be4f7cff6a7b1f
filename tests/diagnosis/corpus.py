"""All planted failures."""

from __future__ import annotations

from tests.diagnosis import corpus_sources as sources
from tests.diagnosis import corpus_stores as stores
from tests.diagnosis import corpus_tests as tests

CORPUS = (
    *sources.LINT,
    *sources.IMPORT,
    *sources.TYPES,
    *tests.FLAKY,
    *tests.CONTRACT,
    *tests.INTEGRITY,
    *stores.SCHEMA,
    *stores.DEPENDENCY,
    *stores.TENANCY,
    *stores.SERVICES,
)
