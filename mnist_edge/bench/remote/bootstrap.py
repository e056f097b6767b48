"""The line that starts the agent on a board, whatever shell and whichever Pythons it has."""

from __future__ import annotations

import base64
import inspect
import shlex

from mnist_edge import interpreter
from mnist_edge.bench.remote import agent

OLDEST = (3, 10)
NEWEST = 15  # that is looked for by name where python3 is too old
NONE = "mnist-edge-none"  # begins the answer where there is no such Python


def bootstrap(function: str, *arguments: str) -> str:
    """Return the line for a board's shell that starts the agent with the newest Python there.

    Whatever that shell is: in the line are no exclamation marks, backslashes or line ends, and
    single quotes around it all; what comes as base64 needs none.
    """
    texts = [_packed(inspect.getsource(module)) for module in (interpreter, agent)]
    passed = "asdict(g['this_interpreter']())" if function == "serve" else repr(arguments[0])
    program = (
        "from base64 import b64decode\nfrom dataclasses import asdict\n"
        "g = {'__name__': '__main__'}\n"
        f"for each in {texts!r}:\n    exec(compile(b64decode(each), 'agent', 'exec'), g)\n"
        f"g[{function!r}]({passed})\n"
    )
    names = " ".join(
        ["python3", *(f"python3.{minor}" for minor in range(NEWEST, OLDEST[1] - 1, -1))]
    )
    asks = f'"$p" -c "import sys; sys.exit(sys.version_info[:2] < {OLDEST})"'
    runs = '"$p" -I -c "import base64, sys; exec(base64.b64decode(sys.argv[1]))"'
    script = (
        f"for p in {names}; do if {asks} </dev/null >/dev/null 2>&1; "
        f"then exec {runs} {_packed(program)}; fi; done; "
        f"echo {NONE} $(python3 -V 2>&1); exit 97"
    )
    return f"exec sh -c {shlex.quote(script)}"


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
