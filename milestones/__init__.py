"""Programs that train a real model and tell the truth about it: `python -m milestones.xor`.

Each ends with a gate, computed from what it measured, and exits with 1 when it is missed. A run
that is stopped with Ctrl-C goes on from its last checkpoint.
"""

import os

# One thread for each matrix product and one worker for each core: products that share cores with
# other programs are slower with threads of their own. Read by NumPy and TinyTorch when imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TINYTORCH_NUM_THREADS", str(min(os.cpu_count() or 1, 8)))
