// Matrix products: C = scale * A B (+ C), for matrices with any strides.
//
// The scheme of Goto and van de Geijn (2008): blocks of A and B are packed into panels eight wide,
// in the order in which they are needed, so that they come from the cache; an 8 x 8 tile of C is held
// in registers while the products of one panel each are added to it.
#include "gemm.h"
#include "simd.h"

enum { TILE = 8, DEPTH = 256, ROWS = 192, COLUMNS = 384 }; // of the packed blocks: 192 and 384 KB

static float packed_a[ROWS * DEPTH], packed_b[COLUMNS * DEPTH];

static inline int least(int a, int b) { return a < b ? a : b; }

// A panel: for each of `depth` steps the `width` numbers across, filled up to eight with zeros.
static float *pack_panel(const float *from, ptrdiff_t across, ptrdiff_t along, int width, int depth, float *to) {
  int k = 0;
  if (width == TILE && across == 1) {
    for (; k < depth; k++, from += along, to += TILE) {
      store(to, load(from));
      store(to + 4, load(from + 4));
    }
  } else if (width == TILE && along == 1) { // blocks of 4 x 4 are turned in registers
    for (; k + 4 <= depth; k += 4, from += 4, to += 4 * TILE)
      for (int half = 0; half < TILE; half += 4) {
        const float *p = from + half * across;
        f32x4 a = load(p), b = load(p + across), c = load(p + 2 * across), d = load(p + 3 * across);
        f32x4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
        f32x4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
        store(to + half, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
        store(to + half + TILE, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
        store(to + half + 2 * TILE, __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5));
        store(to + half + 3 * TILE, __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7));
      }
  }
  for (; k < depth; k++, from += along, to += TILE)
    for (int i = 0; i < TILE; i++) to[i] = i < width ? from[i * across] : 0;
  return to;
}

static void pack(const float *from, ptrdiff_t across, ptrdiff_t along, int width, int depth, float *to) {
  for (int i = 0; i < width; i += TILE)
    to = pack_panel(from + i * across, across, along, least(TILE, width - i), depth, to);
}

// An 8 x 8 tile of C from two panels: 16 registers collect it.
__attribute__((noinline)) static void tile(int depth, const float *a, const float *b, float *c, ptrdiff_t row,
                                           f32x4 scale, bool accumulate) {
  f32x4 left[TILE], right[TILE];
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE; i++) left[i] = right[i] = splat(0);
#pragma clang loop unroll_count(4)
  for (int k = 0; k < depth; k++, a += TILE, b += TILE) {
    f32x4 b0 = load(b), b1 = load(b + 4);
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE; i++) {
      f32x4 x = splat(a[i]);
      left[i] += x * b0;
      right[i] += x * b1;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE; i++, c += row) {
    f32x4 before0 = accumulate ? load(c) : splat(0), before1 = accumulate ? load(c + 4) : splat(0);
    store(c, before0 + scale * left[i]);
    store(c + 4, before1 + scale * right[i]);
  }
}

// A tile at an edge of C, or of a C whose columns are not neighbors: through memory of its own.
static void edge_tile(int depth, const float *a, const float *b, Matrix c, float scale, bool accumulate) {
  static float whole[TILE * TILE];
  tile(depth, a, b, whole, TILE, splat(scale), false);
  for (int i = 0; i < c.rows; i++)
    for (int j = 0; j < c.columns; j++) {
      float *place = c.at + i * c.row + j * c.column;
      *place = whole[i * TILE + j] + (accumulate ? *place : 0);
    }
}

// One row times a matrix: every number of B is needed once, so packing would not pay.
static void row_product(const float *a, ptrdiff_t a_step, Matrix b, float *c, ptrdiff_t c_step, float scale,
                        bool accumulate) {
  int j = 0;
  if (b.column == 1)
    for (; j + 4 <= b.columns; j += 4) {
      f32x4 total = splat(0);
      for (int k = 0; k < b.rows; k++) total += splat(a[k * a_step]) * load(b.at + k * b.row + j);
      total *= scale;
      for (int i = 0; i < 4; i++) {
        float *place = c + (j + i) * c_step;
        *place = total[i] + (accumulate ? *place : 0);
      }
    }
  for (; j < b.columns; j++) {
    const float *column = b.at + j * b.column;
    f32x4 totals = splat(0);
    int k = 0;
    if (a_step == 1 && b.row == 1)
      for (; k + 4 <= b.rows; k += 4) totals += load(a + k) * load(column + k);
    float total = add_up(totals);
    for (; k < b.rows; k++) total += a[k * a_step] * column[k * b.row];
    c[j * c_step] = scale * total + (accumulate ? c[j * c_step] : 0);
  }
}

void multiply(Matrix a, Matrix b, Matrix c, float scale, bool accumulate) {
  if (c.rows < 4) {
    for (int i = 0; i < c.rows; i++)
      row_product(a.at + i * a.row, a.column, b, c.at + i * c.row, c.column, scale, accumulate);
    return;
  }
  if (a.columns == 0 && !accumulate)
    for (int i = 0; i < c.rows; i++)
      for (int j = 0; j < c.columns; j++) c.at[i * c.row + j * c.column] = 0;
  for (int j0 = 0; j0 < c.columns; j0 += COLUMNS)
    for (int k0 = 0; k0 < a.columns; k0 += DEPTH) {
      int width = least(COLUMNS, c.columns - j0), depth = least(DEPTH, a.columns - k0);
      pack(b.at + k0 * b.row + j0 * b.column, b.column, b.row, width, depth, packed_b);
      for (int i0 = 0; i0 < c.rows; i0 += ROWS) {
        int height = least(ROWS, c.rows - i0);
        pack(a.at + i0 * a.row + k0 * a.column, a.row, a.column, height, depth, packed_a);
        for (int j = 0; j < width; j += TILE)
          for (int i = 0; i < height; i += TILE) {
            const float *pa = packed_a + i * depth, *pb = packed_b + j * depth;
            float *place = c.at + (i0 + i) * c.row + (j0 + j) * c.column;
            int h = least(TILE, height - i), w = least(TILE, width - j);
            bool more = accumulate || k0 > 0;
            if (h == TILE && w == TILE && c.column == 1)
              tile(depth, pa, pb, place, c.row, splat(scale), more);
            else
              edge_tile(depth, pa, pb, (Matrix){place, h, w, c.row, c.column}, scale, more);
          }
      }
    }
}

void multiply_many(int batch, Matrix a, ptrdiff_t a_step, Matrix b, ptrdiff_t b_step, Matrix c, ptrdiff_t c_step,
                   float scale, bool accumulate) {
  // One B for all, and the rows of the As and Cs follow each other: a single, taller product.
  if (b_step == 0 && a_step == a.rows * a.row && c_step == c.rows * c.row) {
    a.rows *= batch;
    c.rows *= batch;
    batch = 1;
  }
  for (int i = 0; i < batch; i++, a.at += a_step, b.at += b_step, c.at += c_step)
    multiply(a, b, c, scale, accumulate);
}

static Matrix last_two(const Array *x) {
  int n = x->axes;
  return (Matrix){(float *)x->data, x->sizes[n - 2], x->sizes[n - 1], x->strides[n - 2] / 4, x->strides[n - 1] / 4};
}

// Stride of x along the axis that is `back` from the end, in floats; 0 where x is broadcast.
static ptrdiff_t step_of(const Array *x, int back) {
  int axis = x->axes - back;
  return axis < 0 || x->sizes[axis] == 1 ? 0 : x->strides[axis] / 4;
}

// c = scale * a @ b (+ c). a: (..., n, k), b: (..., k, m), c: (..., n, m); leading axes broadcast to c's.
EXPORT int matmul(const Array *a, const Array *b, const Array *c, float scale, int accumulate) {
  if (!floats(a) || !floats(b) || !writable_floats(c) || overlap(a, c) || overlap(b, c)) return DECLINED;
  if (a->axes < 2 || b->axes < 2 || c->axes < 2 || a->axes > c->axes || b->axes > c->axes) return DECLINED;
  Matrix A = last_two(a), B = last_two(b), C = last_two(c);
  if (A.columns != B.rows || A.rows != C.rows || B.columns != C.columns) return DECLINED;
  int total = 1;
  for (int back = c->axes; back > 2; back--) {
    int size = c->sizes[c->axes - back];
    const Array *both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
      int axis = both[i]->axes - back;
      if (axis >= 0 && both[i]->sizes[axis] != size && both[i]->sizes[axis] != 1) return DECLINED;
    }
    total *= size;
  }
  if (total == 0) return DONE;
  int inner = c->axes > 2 ? c->sizes[c->axes - 3] : 1;
  for (int block = 0; block < total / inner; block++) {
    Matrix A1 = A, B1 = B, C1 = C;
    int rest = block;
    for (int back = 4; back <= c->axes; back++) {
      int size = c->sizes[c->axes - back], at = rest % size;
      rest /= size;
      A1.at += at * step_of(a, back);
      B1.at += at * step_of(b, back);
      C1.at += at * step_of(c, back);
    }
    multiply_many(inner, A1, step_of(a, 3), B1, step_of(b, 3), C1, step_of(c, 3), scale, accumulate);
  }
  return DONE;
}
