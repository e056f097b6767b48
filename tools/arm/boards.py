"""Which processors and runtimes are tried: the boards that an emulator can stand for."""

from __future__ import annotations

from dataclasses import dataclass

PYTHON = "3.11"  # what Debian 12 and its Raspberry Pi OS have; the last with a tflite-runtime


@dataclass(frozen=True)
class Machine:
    """An instruction set.

    Attributes:
        name: what Python's platform.machine() says there, and wheels are called.
        debian: what Debian calls it.
        qemu: the emulator.
        packages: of Debian, for the root.
        provides: by the name in Python, what those packages bring that PyPI has no wheel of.
        cpuinfo: what /proc/cpuinfo says of every such processor.
    """

    name: str
    debian: str
    qemu: str
    packages: tuple[str, ...]
    provides: tuple[str, ...]
    cpuinfo: str


BASE = (f"python{PYTHON}-minimal", f"libpython{PYTHON}-stdlib", "libstdc++6")
AARCH64 = Machine(
    "aarch64", "arm64", "qemu-aarch64-static", BASE, (),
    "Features\t: fp asimd evtstrm crc32 cpuid\nCPU architecture: 8\n",
)  # fmt: skip
ARMV7 = Machine(
    "armv7l", "armhf", "qemu-arm-static", (*BASE, "python3-numpy", "python3-pil"),
    ("numpy", "Pillow"),
    "Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae\n"
    "CPU architecture: 7\n",
)  # fmt: skip


@dataclass(frozen=True)
class Processor:
    """One processor, as qemu and /proc/cpuinfo call it, and the boards that have it."""

    name: str
    machine: Machine
    part: str
    boards: str

    @property
    def cpuinfo(self) -> str:
        """The text of /proc/cpuinfo; LiteRT and ONNX Runtime crash on that of the host."""
        return (
            f"processor\t: 0\nBogoMIPS\t: 108.00\n{self.machine.cpuinfo}"
            f"CPU implementer\t: 0x41\nCPU variant\t: 0x0\nCPU part\t: {self.part}\n"
            "CPU revision\t: 3\n\n"
        )


PROCESSORS = (
    Processor("cortex-a53", AARCH64, "0xd03", "Raspberry Pi 3, Zero 2 W"),
    Processor("cortex-a72", AARCH64, "0xd08", "Raspberry Pi 4"),
    Processor("cortex-a76", AARCH64, "0xd0b", "Raspberry Pi 5"),
    Processor("cortex-a7", ARMV7, "0xc07", "Raspberry Pi 2"),
)
TESTED_BY_ALL = ("cortex-a72", "cortex-a7")
RUNTIMES = {"litert": "litert", "onnx": "onnxruntime", "tflite": "tflite-runtime"}  # by extra


@dataclass(frozen=True)
class Device:
    """A processor with the wheel of one extra: one runtime, as on a board."""

    processor: Processor
    extra: str

    @property
    def runtime(self) -> str:
        """What mnist-edge calls the runtime."""
        return RUNTIMES[self.extra]

    @property
    def runs_tests(self) -> bool:
        """Whether the tests are run too; verify and predict are tried on every device.

        LiteRT, which is taken first, is tested on every processor, the others on one of a machine.
        """
        return self.extra == "litert" or self.processor.name in TESTED_BY_ALL

    @property
    def site(self) -> str:
        """The name of the folder with its packages, which processors of one machine share."""
        return f"{self.processor.machine.name}-{self.extra}"

    @property
    def name(self) -> str:
        """For people and for folders."""
        return f"{self.processor.machine.name}-{self.processor.name}-{self.extra}"

    @property
    def platform(self) -> str:
        """What platforms.json calls it."""
        return f"{self.processor.machine.name} {self.processor.name} (emulated)"


DEVICES = tuple(
    Device(processor, extra)
    for processor in PROCESSORS
    for extra in RUNTIMES
    if processor.machine is AARCH64 or extra == "tflite"  # the others have no 32-bit wheel
)
