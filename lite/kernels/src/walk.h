#pragma once
#include "numpy.h"

#define MOST_OPERANDS 4

// Work on n elements that lie one after another in each operand.
typedef void (*Run)(int n, float **operands, const void *settings);

// Run over all elements of the operands, of which the last `outputs` are written (and read, if
// `reads_outputs`). The others broadcast to the first written one, which gives the shape.
// DECLINED where one is not a float32 array, or where writing could change what is yet to be read.
int walk(Run run, const void *settings, const Array **operands, int total, int outputs, bool reads_outputs);
