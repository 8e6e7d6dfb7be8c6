// Operations on the rows of a matrix: reductions, softmax, cross-entropy, layer normalization.
// Matrices are contiguous; in and out may be the same one, but must not overlap otherwise.
#include "simd.h"
#include "numpy.h"

typedef struct {
  float *at;
  int rows, width;
} Rows;

static inline float *row(Rows m, int i) { return m.at + (ptrdiff_t)i * m.width; }

static bool as_rows(const Array *x, Rows *m) {
  if (!floats(x) || x->axes != 2 || !contiguous(x)) return false;
  *m = (Rows){(float *)x->data, x->sizes[0], x->sizes[1]};
  return true;
}

static bool as_rows_like(const Array *x, Rows like, Rows *m) {
  return as_rows(x, m) && m->rows == like.rows && m->width == like.width;
}

static bool as_vector(const Array *x, int length, float **at) {
  *at = (float *)x->data;
  return floats(x) && contiguous(x) && count(x) == length;
}

static bool as_optional_vector(const Array *x, int length, float **at) {
  *at = 0;
  return x == none || as_vector(x, length, at);
}

static bool apart(const Array *x, const Array *out) {
  return (out->flags & WRITEABLE) && (same_places(x, out) || !overlap(x, out));
}

// Sums are taken in float over pieces and in double over the pieces: no digit is lost over long rows.
enum { PIECE = 512 };

#define SUM(NAME, ARGUMENTS, WHOLE, REST)                        \
  static float NAME(int n, ARGUMENTS) {                          \
    double total = 0;                                            \
    for (int start = 0; start < n; start += PIECE) {             \
      int end = start + PIECE < n ? start + PIECE : n, i = start; \
      f32x4 sums = splat(0), more = splat(0);                    \
      for (; i + 8 <= end; i += 8) {                             \
        sums += WHOLE(i);                                        \
        more += WHOLE(i + 4);                                    \
      }                                                          \
      for (; i + 4 <= end; i += 4) sums += WHOLE(i);             \
      float rest = 0;                                            \
      for (; i < end; i++) rest += REST;                         \
      total += add_up(sums + more) + rest;                       \
    }                                                            \
    return (float)total;                                         \
  }
#define COMMA ,
#define WHOLE_SUM(i) load(x + (i))
#define WHOLE_DOT(i) (load(x + (i)) * load(y + (i)))
SUM(sum, const float *x, WHOLE_SUM, x[i])
SUM(dot, const float *x COMMA const float *y, WHOLE_DOT, x[i] * y[i])

static float maximum_of(int n, const float *x) {
  if (n < 4) {
    float most = x[0];
    for (int i = 1; i < n; i++) most = x[i] > most || x[i] != x[i] ? x[i] : most;
    return most;
  }
  f32x4 most = load(x + n - 4); // the last four, again after the loop's whole pieces
  for (int i = 0; i + 4 <= n; i += 4) most = max4(most, load(x + i));
  return largest(most);
}

// out[i, k] = the sum (or the largest) of x[i, :, k].
EXPORT int reduce(const Array *x, const Array *out, int largest_of) {
  if (!floats(x) || x->axes != 3 || !contiguous(x) || !writable_floats(out) || !contiguous(out)) return DECLINED;
  int outer = x->sizes[0], n = x->sizes[1], inner = x->sizes[2];
  if (count(out) != (ptrdiff_t)outer * inner || overlap(x, out) || (largest_of && n == 0)) return DECLINED;
  const float *from = (const float *)x->data;
  float *to = (float *)out->data;
  for (int i = 0; i < outer; i++, from += (ptrdiff_t)n * inner, to += inner) {
    if (inner == 1) {
      *to = largest_of ? maximum_of(n, from) : sum(n, from);
      continue;
    }
    for (int k = 0; k < inner; k += 4) {
      int some = inner - k < 4 ? inner - k : 4;
      f32x4 total = splat(0), piece = largest_of ? splat(-__builtin_inff()) : splat(0);
      for (int j = 0; j < n; j++) {
        const float *p = from + (ptrdiff_t)j * inner + k;
        f32x4 value = load_part(p, some);
        piece = largest_of ? max4(piece, value) : piece + value;
        if (!largest_of && j % PIECE == PIECE - 1) total += piece, piece = splat(0);
      }
      f32x4 result = largest_of ? piece : total + piece;
      store_part(to + k, some, result);
    }
  }
  return DONE;
}

// Softmax of n numbers; returns ln(sum(exp(x - max))) + max.
static float softmax_row(int n, const float *x, float *y) {
  float most = maximum_of(n, x);
  f32x4 sums = splat(0), shift = splat(most);
  int i = 0;
  for (; i + 4 <= n; i += 4) {
    f32x4 e = exp4(load(x + i) - shift);
    sums += e;
    store(y + i, e);
  }
  if (i < n) {
    f32x4 e = exp4(load_some(x + i, n - i) - shift);
    store_some(y + i, n - i, e);
    sums += load_some(y + i, n - i);
  }
  float total = add_up(sums), inverse = 1 / total;
  for (i = 0; i + 4 <= n; i += 4) store(y + i, load(y + i) * inverse);
  for (; i < n; i++) y[i] *= inverse;
  return most + log4(splat(total))[0];
}

// Softmax of each row. causal: row i of every `causal` rows sees its first i + 1 numbers only, the
// others get 0; 0 means all.
EXPORT int softmax_rows(const Array *x, const Array *out, int causal) {
  Rows from, to;
  if (!as_rows(x, &from) || !as_rows_like(out, from, &to) || !apart(x, out)) return DECLINED;
  if (from.width == 0) return DONE;
  for (int i = 0; i < from.rows; i++) {
    int n = causal && i % causal + 1 < from.width ? i % causal + 1 : from.width;
    softmax_row(n, row(from, i), row(to, i));
    for (int j = n; j < from.width; j++) row(to, i)[j] = 0;
  }
  return DONE;
}

// y * (g - sum(g * y)), times scale.
EXPORT int softmax_rows_gradient(const Array *g, const Array *y, const Array *out, float scale) {
  Rows outer, p, to;
  if (!as_rows(g, &outer) || !as_rows_like(y, outer, &p) || !as_rows_like(out, outer, &to)) return DECLINED;
  if (!apart(g, out) || !apart(y, out)) return DECLINED;
  for (int r = 0; r < outer.rows; r++) {
    const float *gr = row(outer, r), *pr = row(p, r);
    float *tr = row(to, r), along = dot(outer.width, gr, pr);
    int i = 0;
    for (; i + 4 <= outer.width; i += 4) store(tr + i, load(pr + i) * (load(gr + i) - along) * scale);
    for (; i < outer.width; i++) tr[i] = pr[i] * (gr[i] - along) * scale;
  }
  return DONE;
}

EXPORT int log_softmax_rows(const Array *x, const Array *out) {
  Rows from, to;
  if (!as_rows(x, &from) || !as_rows_like(out, from, &to) || !apart(x, out)) return DECLINED;
  for (int r = 0; r < from.rows && from.width; r++) {
    const float *xr = row(from, r);
    float *tr = row(to, r), most = maximum_of(from.width, xr);
    f32x4 sums = splat(0);
    int i = 0;
    for (; i + 4 <= from.width; i += 4) sums += exp4(load(xr + i) - most);
    float total = add_up(sums);
    for (; i < from.width; i++) total += exp4(splat(xr[i] - most))[0];
    float logarithm = log4(splat(total))[0];
    for (i = 0; i + 4 <= from.width; i += 4) store(tr + i, load(xr + i) - most - logarithm);
    for (; i < from.width; i++) tr[i] = xr[i] - most - logarithm;
  }
  return DONE;
}

// g - softmax * sum(g), with y the logarithm of the softmax.
EXPORT int log_softmax_rows_gradient(const Array *g, const Array *y, const Array *out) {
  Rows outer, log_p, to;
  if (!as_rows(g, &outer) || !as_rows_like(y, outer, &log_p) || !as_rows_like(out, outer, &to)) return DECLINED;
  if (!apart(g, out) || !apart(y, out)) return DECLINED;
  for (int r = 0; r < outer.rows; r++) {
    const float *gr = row(outer, r), *yr = row(log_p, r);
    float *tr = row(to, r), total = sum(outer.width, gr);
    int i = 0;
    for (; i + 4 <= outer.width; i += 4) store(tr + i, load(gr + i) - exp4(load(yr + i)) * total);
    for (; i < outer.width; i++) tr[i] = gr[i] - exp4(splat(yr[i]))[0] * total;
  }
  return DONE;
}

static bool as_classes(const Array *x, Rows rows, const int64_t **at) {
  *at = (const int64_t *)x->data;
  if (!readable(x, int64_dtype) || !contiguous(x) || count(x) != rows.rows) return false;
  for (int i = 0; i < rows.rows; i++)
    if ((*at)[i] < 0 || (*at)[i] >= rows.width) return false;
  return true;
}

// Loss of each row of scores for its class, and the probabilities; `smoothing` is the share of the
// target that goes to all classes evenly.
EXPORT int cross_entropy_rows(const Array *scores, const Array *classes, const Array *losses,
                              const Array *probabilities, float smoothing) {
  Rows x, p;
  const int64_t *right;
  float *loss;
  if (!as_rows(scores, &x) || !as_rows_like(probabilities, x, &p) || overlap(scores, probabilities)) return DECLINED;
  if (!as_classes(classes, x, &right) || !as_vector(losses, x.rows, &loss)) return DECLINED;
  if (!(losses->flags & WRITEABLE) || !(probabilities->flags & WRITEABLE)) return DECLINED;
  if (overlap(losses, scores) || overlap(losses, probabilities)) return DECLINED;
  for (int i = 0; i < x.rows; i++) {
    float total = softmax_row(x.width, row(x, i), row(p, i)), score = row(x, i)[right[i]];
    if (smoothing) score = (1 - smoothing) * score + smoothing / x.width * sum(x.width, row(x, i));
    loss[i] = total - score;
  }
  return DONE;
}

// (probabilities - target) times the gradient of each loss.
EXPORT int cross_entropy_rows_gradient(const Array *each, const Array *probabilities, const Array *classes,
                                       const Array *out, float smoothing) {
  Rows p, to;
  const int64_t *right;
  float *g;
  if (!as_rows(probabilities, &p) || !as_rows_like(out, p, &to) || !apart(probabilities, out)) return DECLINED;
  if (!as_classes(classes, p, &right) || !as_vector(each, p.rows, &g) || overlap(each, out)) return DECLINED;
  for (int r = 0; r < p.rows; r++) {
    float even = smoothing / p.width;
    const float *pr = row(p, r);
    float *tr = row(to, r);
    int i = 0;
    for (; i + 4 <= p.width; i += 4) store(tr + i, (load(pr + i) - even) * g[r]);
    for (; i < p.width; i++) tr[i] = (pr[i] - even) * g[r];
    tr[right[r]] -= (1 - smoothing) * g[r];
  }
  return DONE;
}

// Each row minus its mean, over its deviation, times weight plus bias (each may be None). Mean and
// 1 / sqrt(variance + eps) of each row are kept.
EXPORT int layer_norm_rows(const Array *x, const Array *weight, const Array *bias, const Array *out, const Array *mean,
                           const Array *inverse, float eps) {
  Rows from, to;
  float *w = 0, *b = 0, *means, *inverses;
  if (!as_rows(x, &from) || !as_rows_like(out, from, &to) || !apart(x, out)) return DECLINED;
  if (!as_optional_vector(weight, from.width, &w) || !as_optional_vector(bias, from.width, &b)) return DECLINED;
  if (!as_vector(mean, from.rows, &means) || !as_vector(inverse, from.rows, &inverses)) return DECLINED;
  if ((w && overlap(weight, out)) || (b && overlap(bias, out))) return DECLINED;
  for (int r = 0; r < from.rows; r++) {
    int n = from.width, i = 0;
    const float *xr = row(from, r);
    float *tr = row(to, r), center = sum(n, xr) / n;
    for (; i + 4 <= n; i += 4) store(tr + i, load(xr + i) - center);
    for (; i < n; i++) tr[i] = xr[i] - center;
    float scale = 1 / __builtin_sqrtf(dot(n, tr, tr) / n + eps);
    means[r] = center, inverses[r] = scale;
    for (i = 0; i + 4 <= n; i += 4) {
      f32x4 y = load(tr + i) * scale;
      if (w) y *= load(w + i);
      if (b) y += load(b + i);
      store(tr + i, y);
    }
    for (; i < n; i++) tr[i] = tr[i] * scale * (w ? w[i] : 1) + (b ? b[i] : 0);
  }
  return DONE;
}

// With xhat the normalized row and d = g * weight: dx = (d - mean(d) - xhat * mean(d * xhat)) / deviation.
// for_weight and for_bias are added to.
EXPORT int layer_norm_rows_gradient(const Array *g, const Array *x, const Array *weight, const Array *mean,
                                    const Array *inverse, const Array *out, const Array *for_weight,
                                    const Array *for_bias) {
  Rows outer, from, to;
  float *w = 0, *means, *inverses, *dw, *db;
  if (!as_rows(g, &outer) || !as_rows_like(x, outer, &from) || !as_rows_like(out, outer, &to)) return DECLINED;
  if (overlap(g, out) || overlap(x, out) || !(out->flags & WRITEABLE)) return DECLINED;
  if (!as_optional_vector(weight, from.width, &w)) return DECLINED;
  if (!as_vector(mean, from.rows, &means) || !as_vector(inverse, from.rows, &inverses)) return DECLINED;
  if (!as_vector(for_weight, from.width, &dw) || !as_vector(for_bias, from.width, &db)) return DECLINED;
  for (int r = 0; r < from.rows; r++) {
    int n = from.width, i = 0;
    const float *gr = row(outer, r), *xr = row(from, r);
    float *tr = row(to, r), center = means[r], scale = inverses[r];
    f32x4 sums = splat(0), dots = splat(0);
    for (; i + 4 <= n; i += 4) {
      f32x4 gi = load(gr + i), normal = (load(xr + i) - center) * scale, d = w ? gi * load(w + i) : gi;
      store(dw + i, load(dw + i) + gi * normal);
      store(db + i, load(db + i) + gi);
      store(tr + i, d);
      sums += d;
      dots += d * normal;
    }
    float total = add_up(sums), along = add_up(dots);
    for (; i < n; i++) {
      float normal = (xr[i] - center) * scale, d = gr[i] * (w ? w[i] : 1);
      dw[i] += gr[i] * normal, db[i] += gr[i];
      tr[i] = d, total += d, along += d * normal;
    }
    total /= n, along /= n;
    for (i = 0; i + 4 <= n; i += 4) {
      f32x4 normal = (load(xr + i) - center) * scale;
      store(tr + i, (load(tr + i) - total - normal * along) * scale);
    }
    for (; i < n; i++) tr[i] = (tr[i] - total - (xr[i] - center) * scale * along) * scale;
  }
  return DONE;
}

// into[index[i]] += rows[i]
EXPORT int add_rows(const Array *index, const Array *rows, const Array *into) {
  Rows from, to;
  const int64_t *places = (const int64_t *)index->data;
  if (!as_rows(rows, &from) || !as_rows(into, &to) || from.width != to.width || overlap(rows, into)) return DECLINED;
  if (!readable(index, int64_dtype) || !contiguous(index) || count(index) != from.rows) return DECLINED;
  for (int i = 0; i < from.rows; i++)
    if (places[i] < 0 || places[i] >= to.rows) return DECLINED;
  for (int r = 0; r < from.rows; r++) {
    const float *fr = row(from, r);
    float *tr = row(to, (int)places[r]);
    int i = 0;
    for (; i + 4 <= from.width; i += 4) store(tr + i, load(tr + i) + load(fr + i));
    for (; i < from.width; i++) tr[i] += fr[i];
  }
  return DONE;
}
