// What is told to the module when it is loaded, and what tells the loader that it sees arrays rightly.
#include "numpy.h"

const void *ndarray_type, *float32_dtype, *int64_dtype, *none;

EXPORT void start(const void *type, const void *float32, const void *int64, const void *absent) {
  ndarray_type = type, float32_dtype = float32, int64_dtype = int64, none = absent;
}

// The fields of an array as they are read here: address, axes, flags, then sizes and strides.
EXPORT void describe(const Array *a, int *out) {
  *out++ = (int)a->data, *out++ = a->axes, *out++ = a->flags;
  *out++ = a->type == ndarray_type, *out++ = a->dtype == float32_dtype;
  for (int i = 0; i < a->axes; i++) *out++ = a->sizes[i];
  for (int i = 0; i < a->axes; i++) *out++ = a->strides[i];
}
