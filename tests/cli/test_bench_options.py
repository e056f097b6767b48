import pytest

from mnist_edge.cli import run
from mnist_edge.cli.bench_options import check_no_model, check_together
from mnist_edge.errors import SettingError


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["models", "--quick", "--out", "--csv", "--pictures", "--wide"],
        ["--compare", "--max-regression", "--any-machine", "--markdown", "--wide"],
        ["models", "--host", "--keep", "--no-desk", "--out", "--json"],
    ],
)
def test_what_goes_together_is_taken(given):
    check_together(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--compare", "models"], "naming models does not go with --compare"),
        (["--out", "--compare"], "--out does not go with --compare, which reads two records"),
        (["--quick", "--compare"], "--quick does not go"),
        (["--max-regression"], "--max-regression is for --compare OLD NEW"),
        (["--any-machine"], "--any-machine is for"),
        (["--host", "--csv"], "--csv is for one machine's record"),
        (["--host", "--stress"], "--stress is measured on this machine alone: leave it or --host"),
        (["--stress", "--compare"], "--stress does not go with --compare"),
        (["--keep"], "--keep says how to bench on a --host: name one"),
        (["--no-desk"], "--no-desk says"),
    ],
)
def test_what_does_not_is_refused_and_named(given, said):
    with pytest.raises(SettingError, match=said):
        check_together(given)


def test_no_model_is_written_over(bundle, tmp_path):
    model = bundle.folder / "edge-int8.tflite"
    check_no_model([bundle.folder], (bundle.folder / "bench.json", None))
    for models in ([model], [bundle.folder]):
        with pytest.raises(SettingError, match="is a part of what is to be benched"):
            check_no_model(models, (None, model))
    with pytest.raises(SettingError, match="is to be two files"):
        check_no_model([model], (tmp_path / "a", tmp_path / "b" / ".." / "a"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("a.json b.json --quick", "--quick does not go with --compare"),
        ("a.json b.json model.tflite", "naming models does not go with --compare"),
    ],
)
def test_the_command_says_so(words, said, capsys):
    assert run(["bench", "--compare", *words.split()]) == 2
    assert said in capsys.readouterr().err


def test_the_command_knows_what_was_given(capsys):
    assert run(["bench", "--no-desk"]) == 2
    assert "--no-desk says how to bench on a --host" in capsys.readouterr().err
    assert run(["bench", "--max-regression", "10"]) == 2  # the default, and given all the same
    assert "--max-regression is for --compare" in capsys.readouterr().err
