"""What a session of the page has imported and made goes on with code that has changed since."""

import json
import subprocess
import sys

SESSION = """
import json, sys
from pathlib import Path
from tito import isolation

package = Path(sys.argv[1]) / "tinytorch"
student = Path(sys.argv[2])
isolation.load(package, 3, None)
import tinytorch as tt
from tinytorch import Tensor
from tinytorch.activations import relu as bend
x = Tensor([-1.0, 2.0])
def helper():
    return bend(Tensor([-3.0])).tolist()
(student / "activations.py").write_text((package / "activations.py").read_text().replace(
    "np.maximum(x, 0)", "np.maximum(x, 7)"))
isolation.load(package, 3, student)
print(json.dumps({
    "helper": helper(),
    "tensor made before": bend(x).tolist(),
    "method": x.relu().tolist(),
    "arithmetic": (x + Tensor([1.0, 1.0])).tolist(),
    "module": tt.relu(x).tolist(),
    "same class": type(x) is Tensor is tt.Tensor,
}))
"""


def test_names_and_tensors_of_a_session_follow_the_code(tmp_path, course):
    """Without it, the cell after an edit would hand a tensor of the old class to the new code."""
    student = tmp_path / "tinytorch"
    student.mkdir()
    command = [sys.executable, "-c", SESSION, str(course.root), str(student)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=course.root)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "helper": [7.0],
        "tensor made before": [7.0, 7.0],
        "method": [7.0, 7.0],
        "arithmetic": [0.0, 3.0],
        "module": [7.0, 7.0],
        "same class": True,
    }
