#pragma once
#include "numpy.h"

// A matrix in memory; row and column are the strides, in floats.
typedef struct {
  float *at;
  int rows, columns;
  ptrdiff_t row, column;
} Matrix;

// c = scale * a b, or c += scale * a b.
void multiply(Matrix a, Matrix b, Matrix c, float scale, bool accumulate);

// The same for `batch` triples of matrices, each that many floats after the one before.
void multiply_many(int batch, Matrix a, ptrdiff_t a_step, Matrix b, ptrdiff_t b_step, Matrix c, ptrdiff_t c_step,
                   float scale, bool accumulate);
