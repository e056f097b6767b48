import sys
from pathlib import Path

import playwright
import pytest

from tools.pad_in_node import NodeError, find_node, run_script

pytestmark = pytest.mark.needs("keras")  # no device runs the page's JavaScript


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine whose PATH has nothing; playwright takes its own node."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PLAYWRIGHT_NODEJS_PATH", raising=False)
    return tmp_path


def test_the_node_of_the_path_comes_first(nothing):
    program = nothing / "node"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_node() == str(program)


def test_without_one_it_is_that_of_playwright(nothing):
    assert Path(find_node()).is_relative_to(Path(playwright.__file__).parent)
    assert run_script("write(input.map((each) => 2 * each));", b"\1\2") == b"\2\4"


def test_with_neither_one_line_says_so(nothing, monkeypatch):
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(nothing / "none"))
    with pytest.raises(NodeError, match=r"no node on the PATH.* pip install") as caught:
        find_node()
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "playwright._impl._driver", None)  # it is not installed
    with pytest.raises(NodeError, match="no node on the PATH"):
        find_node()
