"""The Python that runs in the page: its files gathered, checked and put together.

`sources.toml` says what there is, `fetch` gets it, `assemble` makes `build/pyodide/` of it.
"""
