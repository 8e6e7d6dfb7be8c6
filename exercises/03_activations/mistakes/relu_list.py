"""A loop in brackets gives a list, and for a table it meets whole rows instead of numbers. x as a whole can be compared with 0."""


@tensor_method
@array_operation
def relu(x):
    return [max(value, 0) for value in x]
