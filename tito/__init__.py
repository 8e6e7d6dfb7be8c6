"""The course engine: a student's package, its steps, their checks and its progress."""

__version__ = "0.1.0"
