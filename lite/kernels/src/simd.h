// Four floats at a time, and the functions that C's library has for one.
#pragma once
#include <wasm_simd128.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef int i32x4 __attribute__((vector_size(16)));

static inline f32x4 load(const float *p) { return (f32x4)wasm_v128_load(p); }
static inline void store(float *p, f32x4 v) { wasm_v128_store(p, (v128_t)v); }
static inline f32x4 splat(float x) { return (f32x4){x, x, x, x}; }

// The first n (0 to 3) of four floats; the others read as 0 and are not written.
static inline f32x4 load_some(const float *p, int n) {
  return (f32x4){n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}
static inline void store_some(float *p, int n, f32x4 v) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}

// The same for 1 to 4 of them.
static inline f32x4 load_part(const float *p, int n) { return n == 4 ? load(p) : load_some(p, n); }
static inline void store_part(float *p, int n, f32x4 v) {
  if (n == 4) store(p, v);
  else store_some(p, n, v);
}

static inline f32x4 choose(i32x4 condition, f32x4 yes, f32x4 no) {
  return (f32x4)wasm_v128_bitselect((v128_t)yes, (v128_t)no, (v128_t)condition);
}
// Like NumPy's maximum, the larger of a number and NaN is NaN.
static inline f32x4 max4(f32x4 a, f32x4 b) { return (f32x4)wasm_f32x4_max((v128_t)a, (v128_t)b); }
static inline f32x4 min4(f32x4 a, f32x4 b) { return (f32x4)wasm_f32x4_min((v128_t)a, (v128_t)b); }
static inline f32x4 abs4(f32x4 x) { return (f32x4)wasm_f32x4_abs((v128_t)x); }
static inline f32x4 sqrt4(f32x4 x) { return (f32x4)wasm_f32x4_sqrt((v128_t)x); }
static inline f32x4 round4(f32x4 x) { return (f32x4)wasm_f32x4_nearest((v128_t)x); }
static inline i32x4 to_int(f32x4 x) { return (i32x4)wasm_i32x4_trunc_sat_f32x4((v128_t)x); }
static inline f32x4 to_float(i32x4 x) { return (f32x4)wasm_f32x4_convert_i32x4((v128_t)x); }

static inline float add_up(f32x4 v) { return (v[0] + v[2]) + (v[1] + v[3]); }
static inline float largest(f32x4 v) {
  f32x4 pairs = max4(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
  return max4(pairs, __builtin_shufflevector(pairs, pairs, 1, 0, 3, 2))[0];
}

// e^x = 2^n e^r with |r| <= ln(2)/2; polynomial of Cephes' expf (Moshier), error 1.2e-7.
// Results below the smallest normal number, 1.2e-38, are 0.
static inline f32x4 exp4(f32x4 x) {
  f32x4 n = round4(x * 1.44269504f);
  f32x4 r = x - n * 0.693359375f + n * 2.12194440e-4f; // ln 2 in two parts: no digit is lost
  f32x4 y = splat(1.9875691500e-4f);
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r + 1.0f;
  y = (f32x4)((i32x4)y + (to_int(n) << 23)); // times 2^n, in the bits of the exponent
  y = choose(x < -87.3365447f, splat(0), y);
  return choose(x > 88.7228391f, splat(__builtin_inff()), y);
}

// ln x = n ln 2 + ln m with m in [sqrt(1/2), sqrt(2)]; polynomial of Cephes' logf.
static inline f32x4 log4(f32x4 x) {
  i32x4 tiny = x < 1.17549435e-38f;
  f32x4 scaled = choose(tiny, x * 8388608.0f, x); // 2^23: makes the smallest numbers normal
  i32x4 bits = (i32x4)scaled;
  f32x4 n = to_float((bits >> 23) - 126) - choose(tiny, splat(23), splat(0));
  f32x4 m = (f32x4)((bits & 0x007fffff) | 0x3f000000);
  i32x4 low = m < 0.707106781f;
  n = n - choose(low, splat(1), splat(0));
  m = m + choose(low, m, splat(0)) - 1.0f;
  f32x4 y = splat(7.0376836292e-2f);
  y = y * m - 1.1514610310e-1f;
  y = y * m + 1.1676998740e-1f;
  y = y * m - 1.2420140846e-1f;
  y = y * m + 1.4249322787e-1f;
  y = y * m - 1.6668057665e-1f;
  y = y * m + 2.0000714765e-1f;
  y = y * m - 2.4999993993e-1f;
  y = y * m + 3.3333331174e-1f;
  f32x4 square = m * m;
  y = y * m * square - n * 2.12194440e-4f - 0.5f * square;
  y = m + y + n * 0.693359375f;
  y = choose(x == __builtin_inff(), x, y);
  y = choose(x == 0.0f, splat(-__builtin_inff()), y);
  return choose((x < 0.0f) | (x != x), splat(__builtin_nanf("")), y);
}

// A ratio of polynomials in x^2, the one Eigen and XLA use; beyond 7.9 it is +-1 in float32.
static inline f32x4 tanh4(f32x4 x) {
  f32x4 c = min4(max4(x, splat(-7.90531110763549805f)), splat(7.90531110763549805f));
  f32x4 s = c * c;
  f32x4 p = splat(-2.76076847742355e-16f);
  p = p * s + 2.00018790482477e-13f;
  p = p * s - 8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  f32x4 q = splat(1.19825839466702e-06f);
  q = q * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return choose(abs4(x) < 0.0004f, x, c * p / q);
}

static inline f32x4 sigmoid4(f32x4 x) { return 1.0f / (1.0f + exp4(-x)); }
