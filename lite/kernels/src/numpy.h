// NumPy's arrays as C sees them. The offsets are checked against NumPy when the module is loaded.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST_AXES 8

// What an entry point answers.
enum { DECLINED = 0, DONE = 1 };

// PyArrayObject of numpy/ndarraytypes.h, on 32 bits.
typedef struct {
  ptrdiff_t references;
  const void *type;
  char *data;
  int axes;
  const ptrdiff_t *sizes;
  const ptrdiff_t *strides; // in bytes
  const void *base;
  const void *dtype;
  int flags;
} Array;

// NPY_ARRAY_ALIGNED and NPY_ARRAY_WRITEABLE
enum { ALIGNED = 0x0100, WRITEABLE = 0x0400 };

// Set by `start`: the type ndarray, the dtypes in native byte order, of which there is one each, and None.
extern const void *ndarray_type, *float32_dtype, *int64_dtype, *none;

// Whether this is a plain array of that dtype that can be read. Any Python object may be asked about.
static inline bool readable(const Array *a, const void *dtype) {
  return a->type == ndarray_type && a->dtype == dtype && (a->flags & ALIGNED) && a->axes <= MOST_AXES;
}
static inline bool floats(const Array *a) { return readable(a, float32_dtype); }
static inline bool writable_floats(const Array *a) { return floats(a) && (a->flags & WRITEABLE); }

static inline ptrdiff_t count(const Array *a) {
  ptrdiff_t total = 1;
  for (int i = 0; i < a->axes; i++) total *= a->sizes[i];
  return total;
}

// Whether the elements lie one after another in C order.
static inline bool contiguous(const Array *a) {
  ptrdiff_t step = a->dtype == int64_dtype ? 8 : 4;
  for (int i = a->axes - 1; i >= 0; i--) {
    if (a->sizes[i] != 1 && a->strides[i] != step) return count(a) == 0;
    step *= a->sizes[i];
  }
  return true;
}

// Whether writing b could change what is read from a. Both may be views with negative strides.
static inline bool overlap(const Array *a, const Array *b) {
  const Array *both[2] = {a, b};
  const char *low[2], *high[2];
  for (int i = 0; i < 2; i++) {
    low[i] = high[i] = both[i]->data;
    for (int axis = 0; axis < both[i]->axes; axis++) {
      ptrdiff_t reach = (both[i]->sizes[axis] - 1) * both[i]->strides[axis];
      if (both[i]->sizes[axis] == 0) return false;
      if (reach < 0) low[i] += reach;
      else high[i] += reach;
    }
  }
  return low[0] <= high[1] + 3 && low[1] <= high[0] + 3;
}

// The same elements at the same places: writing one after reading it is safe.
static inline bool same_places(const Array *a, const Array *b) {
  if (a->data != b->data || a->axes != b->axes) return false;
  for (int i = 0; i < a->axes; i++)
    if (a->sizes[i] != b->sizes[i] || (a->sizes[i] > 1 && a->strides[i] != b->strides[i])) return false;
  return true;
}
