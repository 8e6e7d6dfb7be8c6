// Operations on each element by itself: arithmetic, activations with their gradients, optimizers.
#include "simd.h"
#include "walk.h"

// A loop over n elements: four at a time, then the rest. In the body `IN(k)` is a piece of operand k,
// and `OUT(k, value)` puts one in its place.
#define EACH(NAME, ...)                                               \
  static void NAME(int n, float **x, const void *settings) {          \
    (void)settings;                                                   \
    int i = 0;                                                        \
    for (; i + 4 <= n; i += 4) {                                      \
      const int some = 4;                                             \
      __VA_ARGS__                                                     \
    }                                                                 \
    if (i < n) {                                                      \
      const int some = n - i;                                         \
      __VA_ARGS__                                                     \
    }                                                                 \
  }
#define IN(k) load_part(x[k] + i, some)
#define OUT(k, value) store_part(x[k] + i, some, value)

EACH(add, { OUT(2, IN(0) + IN(1)); })
EACH(subtract, { OUT(2, IN(0) - IN(1)); })
EACH(multiply_each, { OUT(2, IN(0) * IN(1)); })
EACH(divide, { OUT(2, IN(0) / IN(1)); })
EACH(maximum, { OUT(2, max4(IN(0), IN(1))); })
EACH(add_relu, { OUT(2, max4(IN(0) + IN(1), splat(0))); })
EACH(exponential, { OUT(1, exp4(IN(0))); })
EACH(logarithm, { OUT(1, log4(IN(0))); })
EACH(square_root, { OUT(1, sqrt4(IN(0))); })
EACH(tangent, { OUT(1, tanh4(IN(0))); })
EACH(sigmoid, { OUT(1, sigmoid4(IN(0))); })
EACH(relu, { OUT(1, max4(IN(0), splat(0))); })
EACH(copy_each, { OUT(1, IN(0)); })

// Gradients: that of the output, the output y, to that of the input.
EACH(relu_gradient, { f32x4 g = IN(0), y = IN(1); OUT(2, g * choose(y > 0.0f, splat(1), splat(0))); })
EACH(sigmoid_gradient, { f32x4 g = IN(0), y = IN(1); OUT(2, g * (y * (1.0f - y))); })
EACH(tanh_gradient, { f32x4 g = IN(0), y = IN(1); OUT(2, g * (1.0f - y * y)); })

// GELU: x times a gate, which is kept for the gradient (operands x, gate, output). The tanh form's gate
// is (1 + tanh v) / 2 = sigmoid(2 v) with v = sqrt(2 / pi) (x + 0.044715 x^3).
#define SLOPE 0.797884561f
#define CUBIC (0.044715f * SLOPE)
EACH(gelu_tanh, {
  f32x4 u = IN(0);
  f32x4 gate = sigmoid4(2.0f * u * (SLOPE + CUBIC * u * u));
  OUT(1, gate);
  OUT(2, u * gate);
})
EACH(gelu_tanh_gradient, {
  f32x4 g = IN(0), u = IN(1), gate = IN(2);
  f32x4 slope = 2.0f * gate * (1.0f - gate) * (SLOPE + 3.0f * CUBIC * u * u);
  OUT(3, g * (gate + u * slope));
})

// The other form's gate is the probability that a normal number is below x, by the error function
// to 1.2e-7 (Press et al., Numerical Recipes, section 6.2).
static inline f32x4 normal_below(f32x4 x) {
  f32x4 z = abs4(x) * 0.707106781f;
  f32x4 t = 2.0f / (2.0f + z);
  f32x4 y = splat(0.17087277f);
  y = y * t - 0.82215223f;
  y = y * t + 1.48851587f;
  y = y * t - 1.13520398f;
  y = y * t + 0.27886807f;
  y = y * t - 0.18628806f;
  y = y * t + 0.09678418f;
  y = y * t + 0.37409196f;
  y = y * t + 1.00002368f;
  y = y * t - 1.26551223f;
  f32x4 tail = 0.5f * t * exp4(y - z * z); // of the side away from 0
  return choose(x < 0.0f, tail, 1.0f - tail);
}
EACH(gelu_erf, {
  f32x4 u = IN(0);
  f32x4 gate = normal_below(u);
  OUT(1, gate);
  OUT(2, u * gate);
})
EACH(gelu_erf_gradient, {
  f32x4 g = IN(0), u = IN(1), gate = IN(2);
  OUT(3, g * (gate + u * 0.398942280f * exp4(-0.5f * u * u)));
})

// Entry points: one, two or three operands in, and the results in `out` (and `kept`).
#define UNARY(NAME, RUN) \
  EXPORT int NAME(const Array *x, const Array *out) { return walk(RUN, 0, (const Array *[]){x, out}, 2, 1, false); }
#define BINARY(NAME, RUN)                                           \
  EXPORT int NAME(const Array *x, const Array *y, const Array *out) { \
    return walk(RUN, 0, (const Array *[]){x, y, out}, 3, 1, false);   \
  }
#define GATED(NAME, RUN)                                                  \
  EXPORT int NAME(const Array *x, const Array *kept, const Array *out) {  \
    return walk(RUN, 0, (const Array *[]){x, kept, out}, 3, 2, false);    \
  }                                                                       \
  EXPORT int NAME##_gradient(const Array *g, const Array *x, const Array *kept, const Array *out) { \
    return walk(RUN##_gradient, 0, (const Array *[]){g, x, kept, out}, 4, 1, false);                \
  }
UNARY(map_exp, exponential)
UNARY(map_log, logarithm)
UNARY(map_sqrt, square_root)
UNARY(map_tanh, tangent)
UNARY(map_sigmoid, sigmoid)
UNARY(map_relu, relu)
UNARY(map_copy, copy_each)
BINARY(map_add, add)
BINARY(map_sub, subtract)
BINARY(map_mul, multiply_each)
BINARY(map_div, divide)
BINARY(map_maximum, maximum)
BINARY(map_add_relu, add_relu)
BINARY(map_relu_gradient, relu_gradient)
BINARY(map_sigmoid_gradient, sigmoid_gradient)
BINARY(map_tanh_gradient, tanh_gradient)
GATED(map_gelu_tanh, gelu_tanh)
GATED(map_gelu_erf, gelu_erf)

// Optimizers: the parameter and what is kept of it change in place.
typedef struct {
  float lr, decay, beta1, rest1, beta2, rest2, eps, scale, momentum, fresh; // rest: 1 - beta
  int decoupled, nesterov, started;
} Step;

// p -= lr * m / (scale * sqrt(v) + eps), with running means m of g and v of g^2 (operands g, p, m, v).
EACH(adam, {
  const Step *s = settings;
  f32x4 p = IN(1);
  f32x4 g = IN(0);
  if (s->decoupled) p *= 1.0f - s->decay;
  else if (s->decay != 0) g += s->decay * p;
  f32x4 m = s->beta1 * IN(2) + s->rest1 * g;
  f32x4 v = s->beta2 * IN(3) + s->rest2 * (g * g);
  OUT(2, m);
  OUT(3, v);
  OUT(1, p - s->lr * (m / (sqrt4(v) * s->scale + s->eps)));
})

// p -= lr * v, v = momentum * v + fresh * g, fresh = 1 - dampening (operands g, p, v).
EACH(sgd_momentum, {
  const Step *s = settings;
  f32x4 p = IN(1);
  f32x4 g = s->decay != 0 ? IN(0) + s->decay * p : IN(0);
  f32x4 v = s->started ? s->momentum * IN(2) + s->fresh * g : g;
  OUT(2, v);
  OUT(1, p - s->lr * (s->nesterov ? g + s->momentum * v : v));
})

// p -= lr * g (operands g, p).
EACH(sgd, {
  const Step *s = settings;
  f32x4 p = IN(1);
  OUT(1, p - s->lr * (s->decay != 0 ? IN(0) + s->decay * p : IN(0)));
})

// lr: already divided by 1 - beta1^t; scale: 1 / sqrt(1 - beta2^t); decay: of the gradient, or, if
// decoupled, what each parameter loses of itself.
EXPORT int adam_step(const Array *p, const Array *g, const Array *m, const Array *v, float lr, float decay, int decoupled,
                     double beta1, double beta2, float eps, float scale) {
  // In double, since a beta is so near to 1 that float would lose the digits of the difference.
  Step s = {.lr = lr, .decay = decay, .eps = eps, .scale = scale, .decoupled = decoupled};
  s.beta1 = beta1, s.rest1 = 1 - beta1, s.beta2 = beta2, s.rest2 = 1 - beta2;
  return walk(adam, &s, (const Array *[]){g, p, m, v}, 4, 3, true);
}

EXPORT int sgd_step(const Array *p, const Array *g, float lr, float decay) {
  Step s = {.lr = lr, .decay = decay};
  return walk(sgd, &s, (const Array *[]){g, p}, 2, 1, true);
}

EXPORT int sgd_momentum_step(const Array *p, const Array *g, const Array *v, float lr, float decay, float momentum,
                             double dampening, int nesterov, int started) {
  Step s = {.lr = lr, .decay = decay, .momentum = momentum, .fresh = 1 - dampening, .nesterov = nesterov, .started = started};
  return walk(sgd_momentum, &s, (const Array *[]){g, p, v}, 3, 2, true);
}
