import json

from tools.tables import networks


def test_what_was_only_tried_is_in_brackets_and_gains_have_intervals(monkeypatch, tmp_path):
    row = {
        "step": "a pool",
        "beside": False,
        "errors": 90,
        "decisions": 11998,
        "stressed": 0.98765,
        "parameters": 1234,
        "bytes": 5678,
        "latency": {"ratio": 0.456},
        "cpu_seconds": 90.0,
    }
    gain = {"value": 0.25, "low": -0.05, "high": 0.5}
    tried = {**row, "beside": True, "gain_points": gain, "cpu_seconds": None}
    record = {"recipes": {"edge": [row, tried], "nano": [row]}}
    (tmp_path / "ablation.json").write_text(json.dumps(record))
    monkeypatch.setattr(networks, "ABLATION", tmp_path / "ablation.json")
    lines = networks.ablation_table().splitlines()
    assert lines[0].startswith("| `edge` | wrong, of 11,998 |")
    assert lines[2] == "| a pool | 90 |  | 98.8 | 1,234 | 5,678 bytes | 0.46 | 1.5 min |"
    assert lines[3].startswith("| (a pool) | 90 | +0.25 (-0.05 to +0.50) |")
    assert lines[3].endswith("| – |")
    assert lines[4] == ""
    assert lines[5].startswith("| `nano` |")
