"""Tests that need compilers of other languages: dear ones, run by `make languages-jvm` and said to be left out elsewhere."""

import os

import pytest


def needs(missing):
    """Skip unless asked for by that target; *missing* says what is not installed, ``""`` when all of it is."""
    if missing:
        return pytest.mark.skip(reason=f"NOT RUN: {missing}")
    asked = bool(os.environ.get("TTA_LANGUAGES"))
    return pytest.mark.skipif(not asked, reason="NOT RUN here: `make languages-jvm` runs it with the real tools")
