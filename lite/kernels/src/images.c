// Windows of images: gathering for convolutions, and pooling. Images are (n, h, w, c) with any
// strides for n, h and w, and channels that are neighbors in memory.
#include "simd.h"
#include "numpy.h"

typedef struct {
  float *at;
  int n, h, w, c;
  ptrdiff_t image, row, pixel; // strides in floats
} Images;

// How windows lie: size, stride, padding and dilation, down and across.
typedef struct {
  int kernel[2], stride[2], padding[2], dilation[2];
} Windows;

static bool as_images(const Array *x, Images *m) {
  if (!floats(x) || x->axes != 4 || (x->strides[3] != 4 && x->sizes[3] != 1 && count(x))) return false;
  const ptrdiff_t *s = x->sizes, *t = x->strides;
  *m = (Images){(float *)x->data, s[0], s[1], s[2], s[3], t[0] / 4, t[1] / 4, t[2] / 4};
  return true;
}

static inline float *pixel(Images m, int i, int y, int x) { return m.at + i * m.image + y * m.row + x * m.pixel; }

static bool fits(Windows w, Images from, int rows, int columns) {
  int size[2] = {from.h, from.w}, many[2] = {rows, columns};
  for (int k = 0; k < 2; k++) {
    if (w.kernel[k] < 1 || w.stride[k] < 1 || w.dilation[k] < 1 || w.padding[k] < 0) return false;
    int room = size[k] + 2 * w.padding[k] - w.dilation[k] * (w.kernel[k] - 1) - 1;
    if (room < 0 || room / w.stride[k] + 1 != many[k]) return false;
  }
  return true;
}

static inline void copy_floats(int n, const float *from, float *to) {
  int i = 0;
  for (; i + 4 <= n; i += 4) store(to + i, load(from + i));
  for (; i < n; i++) to[i] = from[i];
}

static inline void add_floats(int n, const float *from, float *to) {
  int i = 0;
  for (; i + 4 <= n; i += 4) store(to + i, load(to + i) + load(from + i));
  for (; i < n; i++) to[i] += from[i];
}

static inline void clear_floats(int n, float *to) {
  int i = 0;
  for (; i + 4 <= n; i += 4) store(to + i, splat(0));
  for (; i < n; i++) to[i] = 0;
}

// One row of a window: its pixels inside the image are [first, last), at x0 + j * dilation.
typedef struct {
  int y, x0, first, last;
} Part;

static inline Part part(Windows w, Images m, int top, int left, int i) {
  int y = top + i * w.dilation[0], d = w.dilation[1], first = 0, last = w.kernel[1];
  while (first < last && left + first * d < 0) first++;
  while (last > first && left + (last - 1) * d >= m.w) last--;
  return (Part){y, left, y >= 0 && y < m.h ? first : 0, y >= 0 && y < m.h ? last : 0};
}

#define WINDOWS_PARAMETERS int kh, int kw, int sh, int sw, int ph, int pw, int dh, int dw
#define WINDOWS ((Windows){{kh, kw}, {sh, sw}, {ph, pw}, {dh, dw}})

// The windows of x as rows: columns is (n * rows * across, kh * kw * c), contiguous, 0 in the padding.
EXPORT int gather_windows(const Array *x, const Array *columns, int rows, int across, WINDOWS_PARAMETERS) {
  Images m;
  Windows w = WINDOWS;
  if (!as_images(x, &m) || !writable_floats(columns) || !contiguous(columns) || overlap(x, columns)) return DECLINED;
  if (!fits(w, m, rows, across) || count(columns) != (ptrdiff_t)m.n * rows * across * kh * kw * m.c) return DECLINED;
  float *to = (float *)columns->data;
  bool run = dw == 1 && m.pixel == m.c; // neighbors in a window's row are neighbors in memory
  for (int n = 0; n < m.n; n++)
    for (int r = 0; r < rows; r++)
      for (int a = 0; a < across; a++)
        for (int i = 0; i < kh; i++) {
          Part p = part(w, m, r * sh - ph, a * sw - pw, i);
          clear_floats(p.first * m.c, to);
          if (run && p.last > p.first)
            copy_floats((p.last - p.first) * m.c, pixel(m, n, p.y, p.x0 + p.first), to + p.first * m.c);
          else
            for (int j = p.first; j < p.last; j++) copy_floats(m.c, pixel(m, n, p.y, p.x0 + j * dw), to + j * m.c);
          clear_floats((kw - p.last) * m.c, to + p.last * m.c);
          to += kw * m.c;
        }
  return DONE;
}

// The opposite: every window, a row of columns, is added to the place in x it was gathered from.
EXPORT int scatter_windows(const Array *columns, const Array *x, int rows, int across, WINDOWS_PARAMETERS) {
  Images m;
  Windows w = WINDOWS;
  if (!as_images(x, &m) || !writable_floats(x) || !floats(columns) || !contiguous(columns)) return DECLINED;
  if (overlap(x, columns) || !fits(w, m, rows, across)) return DECLINED;
  if (count(columns) != (ptrdiff_t)m.n * rows * across * kh * kw * m.c) return DECLINED;
  const float *from = (const float *)columns->data;
  for (int n = 0; n < m.n; n++)
    for (int r = 0; r < rows; r++)
      for (int a = 0; a < across; a++)
        for (int i = 0; i < kh; i++, from += kw * m.c) {
          Part p = part(w, m, r * sh - ph, a * sw - pw, i);
          for (int j = p.first; j < p.last; j++) add_floats(m.c, from + j * m.c, pixel(m, n, p.y, p.x0 + j * dw));
        }
  return DONE;
}

static bool pooled(const Array *x, const Array *y, Windows w, Images *from, Images *to) {
  return as_images(x, from) && as_images(y, to) && from->n == to->n && from->c == to->c &&
         fits(w, *from, to->h, to->w);
}

// The largest number (or the mean, padding counting as 0) of each window of x, for each channel.
EXPORT int pool(const Array *x, const Array *y, int mean, WINDOWS_PARAMETERS) {
  Images from, to;
  Windows w = WINDOWS;
  if (!pooled(x, y, w, &from, &to) || !writable_floats(y) || overlap(x, y)) return DECLINED;
  f32x4 start = splat(mean ? 0 : -__builtin_inff());
  float share = 1.0f / (kh * kw);
  for (int n = 0; n < to.n; n++)
    for (int r = 0; r < to.h; r++)
      for (int a = 0; a < to.w; a++)
        for (int c = 0; c < to.c; c += 4) {
          int some = to.c - c < 4 ? to.c - c : 4;
          f32x4 total = start;
          for (int i = 0; i < kh; i++) {
            Part p = part(w, from, r * sh - ph, a * sw - pw, i);
            for (int j = p.first; j < p.last; j++) {
              const float *at = pixel(from, n, p.y, p.x0 + j * dw) + c;
              f32x4 value = load_part(at, some);
              total = mean ? total + value : max4(total, value);
            }
          }
          if (mean) total *= share;
          store_part(pixel(to, n, r, a) + c, some, total);
        }
  return DONE;
}

// Gradient of the mean of each window, added to `into`, which is like the images.
EXPORT int mean_pool_gradient(const Array *g, const Array *into, WINDOWS_PARAMETERS) {
  Images outer, to;
  Windows w = WINDOWS;
  if (!pooled(into, g, w, &to, &outer) || !writable_floats(into) || overlap(g, into)) return DECLINED;
  float share = 1.0f / (kh * kw);
  for (int n = 0; n < outer.n; n++)
    for (int r = 0; r < outer.h; r++)
      for (int a = 0; a < outer.w; a++)
        for (int i = 0; i < kh; i++) {
          Part p = part(w, to, r * sh - ph, a * sw - pw, i);
          for (int j = p.first; j < p.last; j++) {
            const float *from = pixel(outer, n, r, a);
            float *at = pixel(to, n, p.y, p.x0 + j * dw);
            for (int c = 0; c < to.c; c++) at[c] += from[c] * share;
          }
        }
  return DONE;
}

// Gradient of the largest number y of each window of x, added to `into`: of equal ones the first in
// reading order gets it.
EXPORT int max_pool_gradient(const Array *g, const Array *y, const Array *x, const Array *into, WINDOWS_PARAMETERS) {
  Images outer, top, from, to;
  Windows w = WINDOWS;
  if (!pooled(x, g, w, &from, &outer) || !pooled(x, y, w, &from, &top) || !pooled(into, g, w, &to, &outer))
    return DECLINED;
  if (!writable_floats(into) || overlap(g, into) || overlap(y, into) || overlap(x, into)) return DECLINED;
  for (int n = 0; n < outer.n; n++)
    for (int r = 0; r < outer.h; r++)
      for (int a = 0; a < outer.w; a++)
        for (int c = 0; c < to.c; c += 4) {
          int some = to.c - c < 4 ? to.c - c : 4;
          const float *ga = pixel(outer, n, r, a) + c, *ya = pixel(top, n, r, a) + c;
          f32x4 gradient = load_part(ga, some), most = load_part(ya, some);
          i32x4 open = {-1, -1, -1, -1};
          for (int i = 0; i < kh; i++) {
            Part p = part(w, from, r * sh - ph, a * sw - pw, i);
            for (int j = p.first; j < p.last; j++) {
              const float *xa = pixel(from, n, p.y, p.x0 + j * dw) + c;
              float *ta = pixel(to, n, p.y, p.x0 + j * dw) + c;
              f32x4 value = load_part(xa, some), before = load_part(ta, some);
              i32x4 winner = (value == most) & open;
              open &= ~winner;
              f32x4 after = before + choose(winner, gradient, splat(0));
              store_part(ta, some, after);
            }
          }
        }
  return DONE;
}
