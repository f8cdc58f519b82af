"""The probes: none gets out, and they are no blanks - without the layer that stops them, they do."""

import sys
from pathlib import Path

import pytest

from tta_orchestrate.sandbox import escapes, probes
from tta_orchestrate.sandbox.spec import Level

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable


@pytest.mark.slow
def test_no_probe_gets_out():
    found = escapes.run(Level.PRIVATE, python=PYTHON, binds=())
    assert len(found) >= 40
    assert [one for one in found if one.reached or not one.ran] == []


@pytest.mark.parametrize(
    ("name", "layer"), [("netlink_socket", "seccomp"), ("io_uring", "seccomp"), ("personality", "seccomp")]
)
def test_a_probe_reaches_its_aim_when_its_layer_is_gone(name, layer):
    (attempt,) = escapes.run(Level.PRIVATE, python=PYTHON, binds=(), without=(layer,), names=(name,))
    assert attempt.reached, attempt.detail


def test_without_a_private_view_landlock_alone_still_hides_the_secret():
    names = ("secret_file", "holder_environment", "path_socket", "abstract_socket", "tcp", "signal_holder")
    found = escapes.run(Level.PRIVATE, python=PYTHON, binds=(), without=("namespaces",), names=names)
    assert [(one.name, one.reached, one.ran) for one in found] == [(name, False, True) for name in names]


def test_a_probe_that_could_not_start_is_not_counted_as_stopped():
    (attempt,) = escapes.run(Level.PRIVATE, python="/no/such/python", binds=(), names=("tcp",))
    assert not attempt.ran


def test_containment_probes_are_all_known():
    assert set(probes.CONTAINMENT) <= set(probes.PROBES)
