"""The bench on other machines, by OpenSSH."""

from mnist_edge.bench.remote.fleet import HostResult, bench_hosts

__all__ = ["HostResult", "bench_hosts"]
