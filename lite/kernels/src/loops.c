// Inner loops for NumPy's own functions on float32: np.matmul (and @), exp, log, tanh, maximum.
// NumPy calls them with its arguments checked, aligned and free of overlaps that matter; what they do
// not do fast they leave to the loop that was there before.
#include "gemm.h"
#include "simd.h"

typedef void (*Loop)(char **arguments, const ptrdiff_t *sizes, const ptrdiff_t *steps, void *data);

// The loops that NumPy had before ours took their place, in the order in which the caller has the names.
enum { MATMUL, EXP, LOG, TANH, MAXIMUM, COUNT };
static Loop numpys[COUNT];

EXPORT void leave_to(int which, Loop loop) { numpys[which] = loop; }

EXPORT void matmul_loop(char **arguments, const ptrdiff_t *sizes, const ptrdiff_t *steps, void *data) {
  (void)data;
  int batch = sizes[0], rows = sizes[1], depth = sizes[2], columns = sizes[3];
  Matrix a = {(float *)arguments[0], rows, depth, steps[3] / 4, steps[4] / 4};
  Matrix b = {(float *)arguments[1], depth, columns, steps[5] / 4, steps[6] / 4};
  Matrix c = {(float *)arguments[2], rows, columns, steps[7] / 4, steps[8] / 4};
  multiply_many(batch, a, steps[0] / 4, b, steps[1] / 4, c, steps[2] / 4, 1, false);
}

// Whether a result may be written while its argument is read: the same place, or no overlap.
static inline bool safe(const char *in, const char *out, ptrdiff_t n) {
  return in == out || in + 4 * n <= out || out + 4 * n <= in;
}

#define UNARY_LOOP(NAME, FUNCTION, BEFORE)                                                          \
  EXPORT void NAME(char **arguments, const ptrdiff_t *sizes, const ptrdiff_t *steps, void *data) {  \
    ptrdiff_t n = sizes[0], i = 0;                                                                  \
    if (steps[0] != 4 || steps[1] != 4 || !safe(arguments[0], arguments[1], n)) {                   \
      BEFORE(arguments, sizes, steps, data);                                                        \
      return;                                                                                       \
    }                                                                                               \
    const float *x = (const float *)arguments[0];                                                   \
    float *y = (float *)arguments[1];                                                               \
    for (; i + 4 <= n; i += 4) store(y + i, FUNCTION(load(x + i)));                                 \
    if (i < n) store_some(y + i, n - i, FUNCTION(load_some(x + i, n - i)));                         \
  }
UNARY_LOOP(exp_loop, exp4, numpys[EXP])
UNARY_LOOP(log_loop, log4, numpys[LOG])
UNARY_LOOP(tanh_loop, tanh4, numpys[TANH])

EXPORT void maximum_loop(char **arguments, const ptrdiff_t *sizes, const ptrdiff_t *steps, void *data) {
  ptrdiff_t n = sizes[0], i = 0;
  bool one = steps[1] == 0; // np.maximum(x, 0)
  if (steps[0] != 4 || (steps[1] != 4 && !one) || steps[2] != 4 || !safe(arguments[0], arguments[2], n) ||
      !safe(arguments[1], arguments[2], one ? 1 : n)) {
    numpys[MAXIMUM](arguments, sizes, steps, data);
    return;
  }
  const float *x = (const float *)arguments[0], *y = (const float *)arguments[1];
  float *out = (float *)arguments[2];
  f32x4 same = splat(*y);
  for (; i + 4 <= n; i += 4) store(out + i, max4(load(x + i), one ? same : load(y + i)));
  if (i < n) store_some(out + i, n - i, max4(load_some(x + i, n - i), one ? same : load_some(y + i, n - i)));
}
