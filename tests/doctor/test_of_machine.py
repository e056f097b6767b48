"""What is said of a machine: trees of Raspberry Pis, and one that tells nothing."""

import pytest

from mnist_edge.doctor.of_machine import of_machine
from mnist_edge.interpreter import Interpreter

PI_OS = Interpreter("3.11.2", "cp311", "Linux", "aarch64", 64, "glibc", (2, 36))
MODELS = {
    3: "Raspberry Pi 3 Model B Plus Rev 1.3",
    4: "Raspberry Pi 4 Model B Rev 1.4",
    5: "Raspberry Pi 5 Model B Rev 1.0",
}


def pi(root, which=4, temperature=48_312, governors=("ondemand",) * 4, free_kb=2_000_000):
    files = {
        "proc/device-tree/model": MODELS[which] + "\0",
        "proc/meminfo": f"MemTotal: 3884360 kB\nMemAvailable: {free_kb} kB\nSwapTotal: 0 kB\n",
        "sys/class/thermal/thermal_zone0/temp": f"{temperature}\n",
    }
    for number, governor in enumerate(governors):
        files[f"sys/devices/system/cpu/cpu{number}/cpufreq/scaling_governor"] = governor + "\n"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def look(root, here=PI_OS, said="throttled=0x0\n"):
    return {finding.name: finding for finding in of_machine(here, root, lambda: said)}


@pytest.mark.parametrize("which", MODELS)
def test_a_healthy_pi_is_told_what_it_is_and_no_more(tmp_path, which):
    found = look(pi(tmp_path, which, governors=("performance",) * 4))
    assert {finding.state for finding in found.values()} == {"ok"}
    assert not any(finding.remedy for finding in found.values())
    assert found["board"].value == MODELS[which]
    assert found["architecture"].value == "aarch64, 64-bit"
    assert found["libc"].value == "glibc 2.36"
    assert found["python"].value == "3.11.2 (cp311)"
    assert found["memory"].value == "3793 MB, no swap, 1953 MB available"
    assert found["temperature"].value == "48 °C"
    assert found["governor"].value == "performance"
    assert found["throttling"].value == "none since it was started"


def test_a_weak_supply_is_seen_now_and_afterwards(tmp_path):
    found = look(pi(tmp_path), said="throttled=0x50005\n")["throttling"]
    assert found.state == "warn"
    assert found.value == (
        "now: under-voltage, throttled; since it was started: under-voltage, throttled"
    )
    assert found.remedy == "use the power supply made for this board and a short cable"
    later = look(tmp_path, said="throttled=0x50000\n")["throttling"]
    assert later.value == "since it was started: under-voltage, throttled"
    assert later.state == "warn"


def test_heat_is_seen(tmp_path):
    found = look(pi(tmp_path, temperature=84_500), said="throttled=0x80008\n")
    assert (found["temperature"].state, found["temperature"].value) == ("warn", "84 °C")
    assert "80 °C" in found["temperature"].remedy
    assert found["throttling"].remedy == "cool it: a heat sink or a fan"
    either = look(tmp_path, said="throttled=0x20000\n")["throttling"]
    assert "power supply" in either.remedy
    assert "cool it" in either.remedy


def test_a_user_who_may_not_ask_the_firmware_is_told_how(tmp_path):
    found = look(pi(tmp_path), said="Can't open device file: /dev/vcio\n")["throttling"]
    assert found.state == "warn"
    assert "/dev/vcio" in found.value
    assert "usermod -aG video" in found.remedy


def test_governors_that_differ_are_counted(tmp_path):
    found = look(pi(tmp_path, governors=("ondemand",) * 3 + ("performance",)))["governor"]
    assert found.value == "ondemand on 3, performance on 1"
    assert found.state == "note"
    assert found.remedy.endswith("scaling_governor")


def test_little_memory_is_seen(tmp_path):
    found = look(pi(tmp_path, free_kb=60_000))["memory"]
    assert (found.state, found.remedy) == ("warn", "stop other programs, or add swap")


def test_32_bit_and_musl_are_warned_of(tmp_path):
    narrow = Interpreter("3.11.2", "cp311", "Linux", "armv7l", 32, "glibc", (2, 36))
    found = look(tmp_path, narrow)["architecture"]
    assert (found.value, found.state) == ("armv7l, 32-bit", "warn")
    assert "64-bit system" in found.remedy
    alpine = Interpreter("3.12.1", "cp312", "Linux", "aarch64", 64, "musl")
    found = look(tmp_path, alpine)["libc"]
    assert (found.value, found.state) == ("musl", "warn")


def test_a_machine_that_tells_nothing_is_not_blamed(tmp_path):
    silent = Interpreter("3.11.2", "cp311", "Linux", "aarch64", 64)
    found = look(tmp_path, silent, None)
    for name in ("board", "memory", "governor", "temperature", "libc"):
        assert (found[name].value, found[name].state) == ("this system does not tell", "note")
    assert found["throttling"].value == "no vcgencmd here to ask"
    assert not any(finding.state in ("warn", "bad") for finding in found.values())
