"""The WebAssembly kernels of the page: C sources, the Python around them, and their build."""
