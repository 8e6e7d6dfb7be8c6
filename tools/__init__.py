"""What `make` runs: the environment, the build, the local server, the tests.

Only the standard library is used here, since this code installs everything else.
"""
