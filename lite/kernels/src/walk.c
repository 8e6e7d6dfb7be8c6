// Elementwise work on arrays with any strides.
//
// The axes are put in the order in which they lie in the output's memory, and neighbors that are
// evenly spaced in every operand become one. What is then not contiguous along the innermost axis
// goes through a buffer.
#include "walk.h"

enum { BUFFER = 1024 };
static float buffers[MOST_OPERANDS][BUFFER];

typedef struct {
  int axes;
  ptrdiff_t sizes[MOST_AXES], strides[MOST_OPERANDS][MOST_AXES]; // strides in bytes
} Plan;

static inline ptrdiff_t magnitude(ptrdiff_t x) { return x < 0 ? -x : x; }

// The strides of one operand, 0 where it is broadcast; false if its shape does not fit.
static bool lay_out(const Array *x, const Array *like, ptrdiff_t *strides) {
  int missing = like->axes - x->axes;
  if (missing < 0) return false;
  for (int axis = 0; axis < like->axes; axis++) {
    ptrdiff_t size = axis < missing ? 1 : x->sizes[axis - missing];
    if (size != 1 && size != like->sizes[axis]) return false;
    strides[axis] = size == 1 ? 0 : x->strides[axis - missing];
  }
  return true;
}

static void swap_axes(Plan *plan, int total, int i, int j) {
  ptrdiff_t size = plan->sizes[i];
  plan->sizes[i] = plan->sizes[j], plan->sizes[j] = size;
  for (int k = 0; k < total; k++) {
    ptrdiff_t stride = plan->strides[k][i];
    plan->strides[k][i] = plan->strides[k][j], plan->strides[k][j] = stride;
  }
}

// Sort the axes by the stride of operand `by`, longest first; axes of size 1 disappear.
static void sort_axes(Plan *plan, int total, int by) {
  for (int i = 0; i < plan->axes;)
    if (plan->sizes[i] == 1) {
      for (int j = i; j + 1 < plan->axes; j++) swap_axes(plan, total, j, j + 1);
      plan->axes--;
    } else {
      i++;
    }
  for (int i = 1; i < plan->axes; i++)
    for (int j = i; j > 0 && magnitude(plan->strides[by][j - 1]) < magnitude(plan->strides[by][j]); j--)
      swap_axes(plan, total, j - 1, j);
}

static void merge_axes(Plan *plan, int total) {
  int last = 0;
  for (int axis = 1; axis < plan->axes; axis++) {
    bool even = true;
    for (int k = 0; k < total; k++)
      even = even && plan->strides[k][last] == plan->strides[k][axis] * plan->sizes[axis];
    if (even) plan->sizes[last] *= plan->sizes[axis];
    else plan->sizes[++last] = plan->sizes[axis];
    for (int k = 0; k < total; k++) plan->strides[k][last] = plan->strides[k][axis];
  }
  plan->axes = plan->axes ? last + 1 : 0;
}

static void copy(int n, const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step) {
  for (int i = 0; i < n; i++, from += from_step, to += to_step) *(float *)to = *(const float *)from;
}

// One run along the innermost axis.
static void run_along(Run run, const void *settings, ptrdiff_t n, char **at, const ptrdiff_t *steps, int total,
                      int outputs, bool reads_outputs) {
  bool direct = true;
  for (int k = 0; k < total; k++) direct = direct && steps[k] == 4;
  float *places[MOST_OPERANDS];
  if (direct) {
    for (int k = 0; k < total; k++) places[k] = (float *)at[k];
    run(n, places, settings);
    return;
  }
  for (ptrdiff_t start = 0; start < n; start += BUFFER) {
    int length = n - start < BUFFER ? n - start : BUFFER;
    for (int k = 0; k < total; k++) {
      char *here = at[k] + start * steps[k];
      places[k] = steps[k] == 4 ? (float *)here : buffers[k];
      bool read = k < total - outputs || reads_outputs;
      // A number that repeats fills the buffer once.
      if (steps[k] != 4 && read && !(steps[k] == 0 && start > 0)) copy(length, here, steps[k], (char *)buffers[k], 4);
    }
    run(length, places, settings);
    for (int k = total - outputs; k < total; k++)
      if (steps[k] != 4) copy(length, (char *)buffers[k], 4, at[k] + start * steps[k], steps[k]);
  }
}

int walk(Run run, const void *settings, const Array **operands, int total, int outputs, bool reads_outputs) {
  int first = total - outputs;
  for (int k = 0; k < total; k++)
    if (!(k < first ? floats(operands[k]) : writable_floats(operands[k]))) return DECLINED;
  const Array *like = operands[first];
  Plan plan = {.axes = like->axes};
  for (int axis = 0; axis < like->axes; axis++) plan.sizes[axis] = like->sizes[axis];
  for (int k = 0; k < total; k++) {
    if (!lay_out(operands[k], like, plan.strides[k])) return DECLINED;
    if (count(like) == 0) continue; // NumPy gives no meaning to the strides of nothing
    for (int o = first; o < total; o++) {
      if (o == k) continue;
      bool safe = k < first && same_places(operands[k], operands[o]);
      if (!safe && overlap(operands[k], operands[o])) return DECLINED;
    }
    if (k >= first) // an output must have a place of its own for each element
      for (int axis = 0; axis < like->axes; axis++)
        if (like->sizes[axis] > 1 && plan.strides[k][axis] == 0) return DECLINED;
  }
  if (count(like) == 0) return DONE;
  sort_axes(&plan, total, first);
  merge_axes(&plan, total);
  int inner = plan.axes - 1;
  ptrdiff_t n = inner < 0 ? 1 : plan.sizes[inner], steps[MOST_OPERANDS], at[MOST_AXES] = {0};
  char *places[MOST_OPERANDS];
  for (int k = 0; k < total; k++) {
    places[k] = operands[k]->data;
    steps[k] = inner < 0 ? 4 : plan.strides[k][inner];
  }
  for (;;) {
    run_along(run, settings, n, places, steps, total, outputs, reads_outputs);
    int axis = inner - 1;
    for (; axis >= 0; axis--) {
      at[axis]++;
      for (int k = 0; k < total; k++) places[k] += plan.strides[k][axis];
      if (at[axis] < plan.sizes[axis]) break;
      for (int k = 0; k < total; k++) places[k] -= plan.strides[k][axis] * plan.sizes[axis];
      at[axis] = 0;
    }
    if (axis < 0) return DONE;
  }
}
