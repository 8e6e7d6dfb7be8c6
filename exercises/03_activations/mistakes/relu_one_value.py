"""This asks one question of the whole array: `if`, `and` and Python's `max` want a single yes or no, and `x > 0` has one for each element. NumPy has a function that takes the larger of two, place by place."""


@tensor_method
@array_operation
def relu(x):
    return max(x, 0)
