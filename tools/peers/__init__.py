"""The same network and images through other programs' hands, for tools/bench_peers.py."""
