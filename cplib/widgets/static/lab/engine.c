/* The engine of the laboratory: networks that train in the reader's own page.

   One source, two builds: WebAssembly for the page, a shared library for the tests,
   which compare it with PyTorch (tools/maintain/make_engine.py). No libc; all memory is
   taken by `init`; one network at a time. Single precision, in vectors of four, neither
   fused nor reordered, so that both builds give the same bits.

   Images and activations are NHWC, their channels padded with zeros to a multiple of 8
   (4 for the input), and the input of a 3x3 convolution has a border of zeros around
   each image. Each row of a kernel then meets one run of adjacent numbers, and a
   convolution is a few matrix products of `tile`. A fully connected layer is a 1x1
   convolution of one image, whose pixels are the examples of the batch. */

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int i4 __attribute__((vector_size(16)));

#define EXPORT __attribute__((visibility("default")))
/* Not inlined: a browser compiles well what it has called often, and not before. */
#define OFTEN static __attribute__((noinline))
#define LAYERS 9
#define INPUT 4 /* channels of the input, padded */
#define V(p) (*(v4 *)(p))

static inline int most(int a, int b) { return a > b ? a : b; }

/* ---- Numbers ------------------------------------------------------------------- */

static double root(double x) { return __builtin_sqrt(x); }

/* 2 to the power k, for -1022 <= k <= 1023. */
static double power(int k) {
  union { u64 bits; double value; } made = {(u64)(k + 1023) << 52};
  return made.value;
}

OFTEN double exponential(double x) {
  if (x < -700) return 0;
  if (x > 700) x = 700;
  int k = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  double f = x - k * 0.6931471805599453, sum = 1;
  for (int i = 13; i > 0; i--) sum = 1 + sum * f * (1.0 / i);
  return sum * power(k);
}

/* The natural logarithm of a normal x > 0. */
static double logarithm(double x) {
  union { double value; u64 bits; } given = {x};
  int k = (int)(given.bits >> 52) - 1023;
  double m = x * power(-k); /* in [1, 2) */
  if (m > 1.4142135623730951) m /= 2, k++;
  double s = (m - 1) / (m + 1), square = s * s, sum = 0;
  for (int i = 17; i > 0; i -= 2) sum = sum * square + 1.0 / i;
  return 2 * s * sum + k * 0.6931471805599453;
}

/* cos(2 pi t) */
OFTEN double cosine(double t) {
  t -= (double)(long long)(t + (t < 0 ? -0.5 : 0.5));
  if (t < 0) t = -t;
  double sign = t > 0.25 ? -1 : 1, x = 6.283185307179586 * (t > 0.25 ? 0.5 - t : t);
  double square = x * x, sum = 1;
  for (int i = 18; i > 0; i -= 2) sum = 1 - sum * square * (1.0 / (i * (i - 1)));
  return sign * sum;
}

/* splitmix64 (Steele, Lea & Flood 2014). What is drawn is keyed by a seed, a purpose
   and an epoch, so that two runs of one seed meet the same images in the same order,
   whatever else they go through. */
enum { WEIGHTS, ORDER, NOISES, CYCLE, SIGNS, PERTURBATION, BACKGROUND, SHAPES };
static u64 state;

static u64 draw(void) {
  u64 z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

static void stream(u32 seed, u32 purpose, u32 epoch) {
  state = seed;
  state = draw() + purpose;
  state = draw() + epoch;
  state = draw();
}

static double uniform(double low, double high) { /* [low, high) */
  return low + (high - low) * (double)(draw() >> 11) / 9007199254740992.0;
}

static int below(u32 n) { return (int)((draw() >> 32) * n >> 32); }

/* Two standard normal numbers at a time (Box & Muller 1958). */
OFTEN void normals(float *out, long count) {
  for (long i = 0; i < count; i += 2) {
    double radius = root(-2 * logarithm(1 - uniform(0, 1))), turn = uniform(0, 1);
    out[i] = (float)(radius * cosine(turn));
    if (i + 1 < count) out[i + 1] = (float)(radius * cosine(turn - 0.25));
  }
}

static double normal(void) {
  float one;
  normals(&one, 1);
  return one;
}

static void permute(int *order, int count) { /* Fisher & Yates */
  for (int i = 0; i < count; i++) order[i] = i;
  for (int i = count - 1; i > 0; i--) {
    int j = below((u32)i + 1), kept = order[i];
    order[i] = order[j], order[j] = kept;
  }
}

/* ---- Memory -------------------------------------------------------------------- */

#define MOST (1 << 29) /* bytes */
#ifdef __wasm__
extern char __heap_base;
#define HEAP (&__heap_base)
#else
static char heap[MOST];
#define HEAP heap
#endif
static long top;
static int failed;

/* `bytes` zeros, from a multiple of 16 on. */
static void *take(long bytes) {
  char *start = (char *)(((u64)HEAP + top + 15) & ~15ull);
  top = start + bytes - HEAP;
#ifdef __wasm__
  long missing = ((long)HEAP + top + 65535) / 65536;
  missing -= (long)__builtin_wasm_memory_size(0);
  if (missing > 0 && __builtin_wasm_memory_grow(0, missing) == -1ul) failed = 1;
#else
  if (top > MOST) failed = 1;
#endif
  if (!failed) __builtin_memset(start, 0, bytes);
  return start;
}

static float *floats(long count) { return take(4 * count); }

/* ---- The network --------------------------------------------------------------- */

typedef struct {
  int kernel, stride, pad; /* pad: the border around the input */
  int in, out;             /* channels, padded */
  int real_in, real_out;   /* channels */
  int from, side;          /* pixels along a side, before and after */
  int weights;             /* kernel^2 in out: [kernel row][kernel column][in][out] */
  int at;                  /* of weights, scale and shift among all parameters */
  float *x, *z;            /* input (with border) and what the weights make of it */
  float *mean, *inverse;   /* of z by channel: mean, 1 / standard deviation */
  float *running_mean, *running_variance;
} Layer;

enum { ALL_CNN, MLP };
static Layer layers[LAYERS + 1]; /* one more, whose input is the output */
static int depth, flat, channels, classes, size, batch, counts[2];
static int total; /* parameters */
static float *parameter, *gradient, *momentum;
static float *slopes[2], *delta, *turned, *sums, *means, *logits;

/* Every layer but the MLP's last has batch normalisation and ReLU after its weights. */
static int normalised(const Layer *l) { return !flat || l != layers + depth - 1; }
static float *weights(const Layer *l) { return parameter + l->at; }
static float *scale(const Layer *l) { return parameter + l->at + l->weights; }
static float *shift(const Layer *l) { return scale(l) + l->out; }
static int high(const Layer *l) { return flat ? 1 : l->side; }
static int wide(const Layer *l, int count) { return flat ? count : l->side; }
static int images(int count) { return flat ? 1 : count; }
static long input_row(const Layer *l, int count) { /* numbers in a row of the input */
  return (long)((flat ? count : l->from) + 2 * l->pad) * l->in;
}
static long input_size(const Layer *l, int count) {
  return input_row(l, count) * (flat ? 1 : l->from + 2 * l->pad);
}

/* c[4][8] += a[4][n] b[n][8]: the product of which everything is made. a has steps
   `row` and `column`, b has rows of `width`. */
static inline void tile(v4 c[8], const float *a, long row, long column, const float *b,
                        long width, int n) {
  for (int k = 0; k < n; k++, a += column, b += width) {
    v4 left = V(b), right = V(b + 4);
    for (int i = 0; i < 4; i++) {
      c[2 * i] += a[i * row] * left;
      c[2 * i + 1] += a[i * row] * right;
    }
  }
}

/* to[i] (+)= the rows of c, `count` of them at most 4, `width` apart. */
static inline void store(float *to, long width, const v4 c[8], int count, int add) {
#pragma unroll /* or c would not stay in registers */
  for (int i = 0; i < 4; i++, to += width)
    if (i < count) {
      V(to) = add ? V(to) + c[2 * i] : c[2 * i];
      V(to + 4) = add ? V(to + 4) + c[2 * i + 1] : c[2 * i + 1];
    }
}

/* One image, with rows of `row` numbers, convolved with w[kernel][kernel in][out] at
   every `stride`-th pixel: z[high][wide][out], with rows of `width` numbers. */
OFTEN void convolve(const float *x, long row, int in, int stride, const float *w,
                    int kernel, int out, float *z, long width, int high, int wide) {
  int run = kernel * in, step = stride * in;
  for (int y = 0; y < high; y++, x += stride * row, z += width)
    for (int left = 0; left < wide; left += 4)
      for (int n = 0; n < out; n += 8) {
        v4 c[8] = {0};
        for (int dy = 0; dy < kernel; dy++)
          tile(c, x + dy * row + left * step, step, 1, w + dy * run * out + n, out,
               run);
        store(z + left * out + n, out, c, wide - left, 0);
      }
}

/* One image: the gradient by w, added to g, given d, that by z: rows of `width`. */
OFTEN void weigh(const Layer *l, const float *x, const float *d, long width, float *g,
                 int count) {
  int across = wide(l, count), run = l->kernel * l->in;
  long row = input_row(l, count), step = l->stride * l->in;
  for (int dy = 0; dy < l->kernel; dy++)
    for (int k = 0; k < run; k += 4)
      for (int n = 0; n < l->out; n += 8) {
        v4 c[8] = {0};
        for (int y = 0; y < high(l); y++)
          tile(c, x + (y * l->stride + dy) * row + k, 1, step, d + y * width + n,
               l->out, across);
        store(g + (dy * run + k) * l->out + n, l->out, c, 4, 1);
      }
}

/* One image: the gradient by x where pixels are left out (a stride of 2), given d. */
OFTEN void spread(const Layer *l, const float *d, long width, float *slope) {
  long row = input_row(l, 1), step = l->stride * l->in;
  int taps = l->kernel * l->kernel;
  __builtin_memset(slope, 0, 4 * input_size(l, 1));
  for (int y = 0; y < l->side; y++)
    for (int left = 0; left < l->side; left += 4)
      for (int tap = 0; tap < taps; tap++) {
        int dy = tap / l->kernel, dx = tap % l->kernel;
        float *to = slope + (y * l->stride + dy) * row + left * step + dx * l->in;
        for (int n = 0; n < l->in; n += 8) {
          v4 c[8] = {0};
          tile(c, d + y * width + left * l->out, l->out, 1,
               turned + (taps - 1 - tap) * l->out * l->in + n, l->in, l->out);
          store(to + n, step, c, l->side - left, 1);
        }
      }
}

/* The kernels turned around: [tap][in][out] -> [last tap - tap][out][in]. */
static void turn(const Layer *l) {
  int taps = l->kernel * l->kernel;
  for (int tap = 0; tap < taps; tap++)
    for (int i = 0; i < l->in; i++)
      for (int n = 0; n < l->out; n++)
        turned[((taps - 1 - tap) * l->out + n) * l->in + i] =
            weights(l)[(tap * l->in + i) * l->out + n];
}

/* Add one image's squares about its own mean to `sums`; that mean to `mean`. */
OFTEN void observe(const float *z, int rows, int width, float *mean) {
  for (int n = 0; n < width; n += 4) {
    v4 sum = {0}, squares = {0};
    for (int i = 0; i < rows; i++) sum += V(z + i * width + n);
    v4 middle = sum / (float)rows;
    for (int i = 0; i < rows; i++) {
      v4 off = V(z + i * width + n) - middle;
      squares += off * off;
    }
    V(mean + n) = middle;
    V(sums + n) += squares;
  }
}

/* Statistics of the batch from those of its images (Chan, Golub & LeVeque 1979). */
static void conclude(Layer *l, int several, int rows) {
  float count = (float)several * (float)rows;
  for (int n = 0; n < l->out; n++) {
    float mean = 0, squares = 0;
    for (int b = 0; b < several; b++) mean += means[b * l->out + n];
    mean /= (float)several;
    for (int b = 0; b < several; b++) {
      float off = means[b * l->out + n] - mean;
      squares += off * off;
    }
    float variance = (sums[n] + squares * (float)rows) / count;
    l->mean[n] = mean;
    l->inverse[n] = 1 / __builtin_sqrtf(variance + 1e-5f);
    l->running_mean[n] = 0.9f * l->running_mean[n] + 0.1f * mean;
    float unbiased = variance * count / most((int)count - 1, 1);
    l->running_variance[n] = 0.9f * l->running_variance[n] + 0.1f * unbiased;
  }
}

static inline v4 positive(v4 test, v4 value) { return (v4)((i4)value & (test > 0)); }

/* Batch normalisation of 4 channels, in the form (z - mean) gain + base. */
typedef struct { v4 mean, gain, base; } Norm;

static Norm norm(const Layer *l, int n) {
  if (!normalised(l)) return (Norm){{0}, {1, 1, 1, 1}, V(shift(l) + n)};
  return (Norm){V(l->mean + n), V(scale(l) + n) * V(l->inverse + n), V(shift(l) + n)};
}

/* Where image b, row y, of the output of layer l begins in its successor's input. */
static long place_of(const Layer *l, int count, int b, int y) {
  const Layer *next = l + 1;
  return b * input_size(next, count) + (y + next->pad) * input_row(next, count) +
         next->pad * next->in;
}

/* Activations of 4 channels, from n on, of image b. */
OFTEN void activate(const Layer *l, int count, int b, int n) {
  int end = wide(l, count) * l->out, normal = normalised(l);
  Norm a = norm(l, n);
  const float *z = l->z + (long)b * high(l) * end + n;
  for (int y = 0; y < high(l); y++, z += end) {
    float *x = l[1].x + place_of(l, count, b, y) + n;
    for (int i = 0; i < end; i += l->out) {
      v4 t = (V(z + i) - a.mean) * a.gain + a.base;
      V(x + i) = normal ? positive(t, t) : t;
    }
  }
}

/* Add the share of image b in the gradients by scale and shift of 4 channels, from n
   on; slope: the gradient by the activations. */
OFTEN void gather(const Layer *l, const float *slope, int count, int b, int n) {
  int end = wide(l, count) * l->out, normal = normalised(l);
  float *by_scale = gradient + l->at + l->weights + n, *by_shift = by_scale + l->out;
  Norm a = norm(l, n);
  v4 with = {0}, alone = {0};
  const float *z = l->z + (long)b * high(l) * end + n;
  for (int y = 0; y < high(l); y++, z += end) {
    const float *s = slope + place_of(l, count, b, y) + n;
    for (int i = 0; i < end; i += l->out) {
      v4 off = V(z + i) - a.mean, t = V(s + i);
      if (normal) t = positive(off * a.gain + a.base, t);
      alone += t;
      with += t * off;
    }
  }
  V(by_shift) += alone;
  if (normal) V(by_scale) += with * V(l->inverse + n);
}

/* d = the gradient by z of the same; share: 1 / examples, or 0 for fixed statistics. */
OFTEN void differ(const Layer *l, const float *slope, int count, int b, int n,
                  float share, float *d, long width) {
  int end = wide(l, count) * l->out, normal = normalised(l);
  const float *by_scale = gradient + l->at + l->weights + n;
  Norm a = norm(l, n);
  v4 mean = share * V(by_scale + l->out);
  v4 tilt = V(l->inverse + n) * share * V(by_scale);
  const float *z = l->z + (long)b * high(l) * end + n;
  d += n;
  for (int y = 0; y < high(l); y++, z += end, d += width) {
    const float *s = slope + place_of(l, count, b, y) + n;
    for (int i = 0; i < end; i += l->out) {
      v4 off = V(z + i) - a.mean, t = V(s + i);
      if (normal)
        t = (positive(off * a.gain + a.base, t) - mean - off * tilt) * a.gain;
      V(d + i) = t;
    }
  }
}

/* Activations of `count` examples, from layers[0].x to layers[depth].x. */
EXPORT void forward(int count, int training) {
  for (Layer *l = layers; l < layers + depth; l++) {
    int across = wide(l, count), rows = high(l) * across, out = l->out;
    int normal = normalised(l);
    __builtin_memset(sums, 0, 4 * out);
    for (int b = 0; b < images(count); b++) {
      float *z = l->z + (long)b * rows * out;
      convolve(l->x + b * input_size(l, count), input_row(l, count), l->in, l->stride,
               weights(l), l->kernel, out, z, across * out, high(l), across);
      if (normal && training) observe(z, rows, out, means + b * out);
    }
    if (normal && training) conclude(l, images(count), rows);
    for (int n = 0; normal && !training && n < out; n++) {
      l->mean[n] = l->running_mean[n];
      l->inverse[n] = 1 / __builtin_sqrtf(l->running_variance[n] + 1e-5f);
    }
    for (int b = 0; b < images(count); b++)
      for (int n = 0; n < out; n += 4) activate(l, count, b, n);
  }
  const Layer *end = layers + depth;
  int pixels = flat ? 1 : end->from * end->from;
  for (int b = 0; b < count; b++)
    for (int n = 0; n < end->in; n++) {
      float sum = 0;
      for (int p = 0; p < pixels; p++) sum += end->x[(b * pixels + p) * end->in + n];
      logits[b * end->in + n] = sum / (float)pixels;
    }
}

/* Gradients of all parameters, given `logits` that hold the gradient by the logits. */
EXPORT void backward(int count, int training) {
  const Layer *end = layers + depth;
  int pixels = flat ? 1 : end->from * end->from;
  float *slope = slopes[0], *other = slopes[1];
  for (int i = 0; i < count * pixels; i++)
    for (int n = 0; n < end->in; n++)
      slope[i * end->in + n] = logits[i / pixels * end->in + n] / (float)pixels;
  for (Layer *l = layers + depth - 1; l >= layers; l--) {
    int across = wide(l, count), out = l->out;
    long width = (across + 2 * l->pad) * out, row = input_row(l, count);
    float share = training ? 1 / ((float)images(count) * high(l) * across) : 0;
    float *inside = delta + l->pad * (width + out);
    __builtin_memset(gradient + l->at, 0, 4 * (l->weights + 2 * out));
    __builtin_memset(delta, 0, 4 * width * (high(l) + 2 * l->pad));
    for (int b = 0; b < images(count); b++)
      for (int n = 0; n < out; n += 4) gather(l, slope, count, b, n);
    if (l > layers) turn(l);
    for (int b = 0; b < images(count); b++) {
      float *to = other + b * input_size(l, count);
      for (int n = 0; n < out; n += 4)
        differ(l, slope, count, b, n, share, inside, width);
      weigh(l, l->x + b * input_size(l, count), inside, width, gradient + l->at, count);
      if (l > layers && l->stride > 1) spread(l, inside, width, to);
      if (l > layers && l->stride == 1)
        convolve(delta, width, out, 1, turned, l->kernel, l->in,
                 to + l->pad * (row + l->in), row, high(l), across);
    }
    float *kept = slope;
    slope = other, other = kept;
  }
}

/* Stochastic gradient descent: m = persistence m + g + decay w; w -= rate m */
EXPORT void descend(float rate, float persistence, float decay) {
  for (int i = 0; i < total; i += 4) {
    V(momentum + i) = persistence * V(momentum + i) +
                      (V(gradient + i) + decay * V(parameter + i));
    V(parameter + i) -= rate * V(momentum + i);
  }
}

EXPORT void forget(void) { __builtin_memset(momentum, 0, 4 * total); }

/* weights = factor weights + noise (a fresh start), drawn uniformly between -+1 / root
   of the inputs, PyTorch's default; so are the biases of the MLP's last layer. */
static void mix(float factor, float noise) {
  for (Layer *l = layers; l < layers + depth; l++) {
    double bound = 1 / root(l->kernel * l->kernel * l->real_in);
    int rows = l->weights / l->out + !normalised(l); /* the last one: biases */
    for (int r = 0; r < rows; r++) {
      int biases = r == l->weights / l->out;
      int real = l > layers ? r % l->in < l->real_in : r % INPUT < channels;
      float *w = biases ? shift(l) : weights(l) + r * l->out;
      for (int n = 0; (real || biases) && n < l->real_out; n++)
        w[n] = factor * w[n] + noise * (float)uniform(-bound, bound);
    }
  }
}

EXPORT void birth(u32 seed) {
  __builtin_memset(parameter, 0, 4 * total);
  forget();
  stream(seed, WEIGHTS, 0);
  mix(0, 1);
  for (Layer *l = layers; l < layers + depth; l++)
    for (int n = 0; n < l->out; n++) {
      if (normalised(l)) scale(l)[n] = 1;
      l->running_mean[n] = 0, l->running_variance[n] = 1;
    }
}

/* Shrink and perturb (Ash & Adams 2020). */
EXPORT void shrink(u32 seed, u32 epoch, float factor, float noise) {
  stream(seed, PERTURBATION, epoch);
  mix(factor, noise);
}

/* ---- Images -------------------------------------------------------------------- */

enum { TRAIN, TEST };
enum { CLEAR, BLUR, FLIP, LABELS, NOISE, GREY, CONTRAST, OCCLUSION, DETAIL };
static u8 *pixels[2], *labels[2], *shown_labels, *rgba;
static float *shown;           /* training images under the deficit, normalised */
static float value[INPUT][256]; /* of each pixel, normalised */
static double middle[INPUT], deviation[INPUT];
static int *order;
static float *kernel; /* scratch: of the background, or of the blur */

/* Mean 0 and deviation 1 in each channel of the training images. */
EXPORT void normalise(void) {
  long count = (long)counts[TRAIN] * size * size;
  for (int c = 0; c < channels; c++) {
    double sum = 0, squares = 0;
    for (long i = 0; i < count; i++) {
      double v = pixels[TRAIN][i * channels + c] / 255.0;
      sum += v, squares += v * v;
    }
    middle[c] = sum / count;
    deviation[c] = root((squares - sum * middle[c]) / (count - 1));
    if (!(deviation[c] > 1 / 255.0)) deviation[c] = 1 / 255.0;
    for (int i = 0; i < 256; i++)
      value[c][i] = (float)((i / 255.0 - middle[c]) / deviation[c]);
  }
}

OFTEN void look(int set, int image, float *out) { /* [size][size][INPUT] */
  int area = size * size;
  const u8 *pixel = pixels[set] + (long)image * area * channels;
  for (int i = 0; i < area; i++)
    for (int c = 0; c < INPUT; c++)
      out[i * INPUT + c] = c < channels ? value[c][pixel[i * channels + c]] : 0;
}

/* What PyTorch's bilinear, antialiased interpolation to `out` of `in` pixels does. */
static void resample(double *matrix, int in, int out) { /* [out][in] */
  double ratio = (double)in / out, support = ratio > 1 ? ratio : 1;
  for (int i = 0; i < out; i++) {
    double centre = ratio * (i + 0.5), sum = 0;
    for (int j = 0; j < in; j++) {
      double off = (j + 0.5 - centre) / support, w = 1 - (off < 0 ? -off : off);
      matrix[i * in + j] = w > 0 ? w : 0;
      sum += matrix[i * in + j];
    }
    for (int j = 0; j < in; j++) matrix[i * in + j] /= sum;
  }
}

/* kernel[size][size]: to `size / factor` pixels along one side and back. */
static void blur(int factor) {
  int few = most(size / factor, 1);
  double down[few * size], up[size * few];
  resample(down, size, few);
  resample(up, few, size);
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) {
      double sum = 0;
      for (int k = 0; k < few; k++) sum += up[i * few + k] * down[k * size + j];
      kernel[i * size + j] = (float)sum;
    }
}

/* out[i] = sum over j of kernel[i][j] in[j], along a line of pixels `step` apart. */
static void smear(const float *in, float *out, long step) {
  for (int i = 0; i < size; i++) {
    v4 sum = {0};
    for (int j = 0; j < size; j++)
      sum += kernel[i * size + j] * V(in + j * step * INPUT);
    V(out + i * step * INPUT) = sum;
  }
}

OFTEN void alter(int kind, float amount, float *image) {
  int row = size * INPUT, area = size * row, side = (int)amount;
  float made[area];
  if (kind == BLUR || kind == DETAIL) {
    float soft[area];
    for (int y = 0; y < size; y++) smear(image + y * row, made + y * row, 1);
    for (int x = 0; x < size; x++) smear(made + x * INPUT, soft + x * INPUT, size);
    for (int i = 0; i < area; i++)
      image[i] = kind == BLUR ? soft[i] : image[i] - soft[i];
  }
  if (kind == FLIP) {
    __builtin_memcpy(made, image, 4 * area);
    for (int y = 0; y < size; y++)
      __builtin_memcpy(image + y * row, made + (size - 1 - y) * row, 4 * row);
  }
  for (int i = 0; kind >= NOISE && i < area; i += INPUT) {
    int y = i / row, x = i % row / INPUT;
    int from_side = side % 2 ? x : y;
    int hidden = (side < 2 ? from_side : size - 1 - from_side) < size / 2;
    float mean = 0;
    for (int c = 0; c < channels; c++) mean += image[i + c] / (float)channels;
    if (kind == NOISE) normals(image + i, channels);
    if (kind == CONTRAST) V(image + i) *= amount;
    if (kind == OCCLUSION && hidden) V(image + i) = (v4){0};
    for (int c = 0; kind == GREY && c < channels; c++) image[i + c] = mean;
  }
}

/* From now on, the first `count` training images are shown under a deficit.

   amount: BLUR, DETAIL: the factor; CONTRAST: of the contrast around the mean colour,
   0 to 1; OCCLUSION: the hidden half, 0 top, 1 left, 2 bottom, 3 right. */
EXPORT void show(int kind, float amount, u32 seed, int count) {
  int cycle[256], map[256];
  stream(seed, CYCLE, 0);
  permute(cycle, classes);
  for (int i = 0; i < classes; i++) map[cycle[i]] = cycle[(i + 1) % classes];
  stream(seed, NOISES, 0);
  if (kind == BLUR || kind == DETAIL) blur((int)amount);
  for (int i = 0; i < count; i++) {
    float *image = shown + (long)i * size * size * INPUT;
    look(TRAIN, i, image);
    alter(kind, amount, image);
    shown_labels[i] = kind == LABELS ? map[labels[TRAIN][i]] : labels[TRAIN][i];
  }
}

/* Training image number i as the network sees it, for display. */
EXPORT u8 *view(int i) {
  for (int p = 0; p < size * size; p++)
    for (int c = 0; c < 4; c++) {
      int from = channels < 3 ? 0 : c;
      double v = shown[((long)i * size * size + p) * INPUT + from];
      v = (v * deviation[from] + middle[from]) * 255 + 0.5;
      rgba[p * 4 + c] = c == 3 ? 255 : v < 0 ? 0 : v > 255 ? 255 : (u8)v;
    }
  return rgba;
}

/* Two images of white noise, circularly convolved with `kernel`. */
OFTEN void background(float *out) {
  int area = size * size;
  float white[area * 8], pink[area * 8];
  normals(white, area * 8);
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x += 4) {
      v4 c[8] = {0};
      for (int row = 0; row < size; row++)
        tile(c, kernel + (row - y + size) % size * 2 * size + size - x, -1, 1,
             white + row * size * 8, 8, size);
      store(pink + (y * size + x) * 8, 8, c, 4, 0);
    }
  for (int p = 0; p < area; p++) {
    V(out + p * INPUT) = V(pink + p * 8);
    V(out + (area + p) * INPUT) = V(pink + p * 8 + 4);
  }
}

/* kernel[size][2 size], each row twice: what an amplitude spectrum 1/f is in space. */
static void soften(void) {
  int area = size * size;
  double wave[size];
  for (int i = 0; i < size; i++) wave[i] = cosine((double)i / size);
  for (int d = 0; d < area; d++) {
    double sum = 0;
    for (int i = 0; i < area; i++) {
      double fy = i / size, fx = i % size;
      if (2 * fy >= size) fy -= size;
      if (2 * fx >= size) fx -= size;
      double radius = root(fy * fy + fx * fx); /* the mean is as the slowest wave */
      double height = wave[(i / size * (d / size) + i % size * (d % size)) % size];
      sum += height / (radius > 1 ? radius : 1);
    }
    float *to = kernel + d / size * 2 * size + d % size;
    to[0] = to[size] = (float)(sum / size);
  }
}

/* Standard deviation of all colours. */
static double spread_of(const float *x, long count) {
  double sum = 0, squares = 0;
  for (long i = 0; i < count; i++)
    for (int c = 0; c < 3; c++) {
      double v = x[i * INPUT + c];
      sum += v, squares += v * v;
    }
  return root(squares / (3 * count) - sum / (3 * count) * (sum / (3 * count)));
}

/* Add the blob of class `label` and the grating it carries to `unit` times an image. */
OFTEN void encode(float *image, int label, double unit, const float *amplitudes) {
  double top = size * uniform(0.25, 0.75), left = size * uniform(0.25, 0.75);
  double width = size * uniform(0.18, 0.30), phase = uniform(0, 1) - 0.25;
  double turn = label / 20.0 + amplitudes[3] * normal() / 6.283185307179586;
  double hue = label / 10.0 + amplitudes[4] * normal() / 6.283185307179586;
  double cycles = 0.32 + 0.04 * normal();
  double across = cycles * cosine(turn), down = cycles * cosine(turn - 0.25);
  double colour[3], rows[size], columns[size];
  for (int c = 0; c < 3; c++) colour[c] = amplitudes[1] * cosine(hue - c / 3.0);
  for (int j = 0; j < size; j++) {
    rows[j] = exponential(-(j - top) * (j - top) / (2 * width * width));
    columns[j] = exponential(-(j - left) * (j - left) / (2 * width * width));
  }
  for (int p = 0; p < size * size; p++) {
    int y = p / size, x = p % size;
    double grating = amplitudes[0] * cosine(across * x + down * y + phase);
    for (int c = 0; c < 3; c++) {
      float *v = image + p * INPUT + c;
      *v = (float)(unit * *v + rows[y] * columns[x] * (colour[c] + grating));
    }
  }
}

/* Fill a set with labelled images by the recipe of cplib.data.gratings. */
EXPORT void gratings(int set, u32 seed, float fine, float coarse, float noise,
                     float jitter_fine, float jitter_coarse) {
  const float amplitudes[] = {fine, coarse, noise, jitter_fine, jitter_coarse};
  int count = counts[set], image = size * size * INPUT;
  soften();
  stream(seed, BACKGROUND, 0);
  for (long i = 0; i < count; i += 2) background(shown + i * image);
  double unit = noise / spread_of(shown, (long)count * size * size);
  stream(seed, SHAPES, 0);
  for (long i = 0; i < count; i++)
    encode(shown + i * image, labels[set][i] = (u8)below(10), unit, amplitudes);
  unit = 32 / spread_of(shown, (long)count * size * size);
  for (long i = 0; i < (long)count * size * size; i++)
    for (int c = 0; c < 3; c++) {
      double v = 128 + unit * shown[i * INPUT + c] + 0.5;
      pixels[set][i * 3 + c] = v < 0 ? 0 : v > 255 ? 255 : (u8)v;
    }
}

/* ---- Training ------------------------------------------------------------------ */

static double tally[2], traces[LAYERS];

/* p = the softmax of a; the logarithm of the sum of its exponentials. */
static double softmax(const float *a, double *p) {
  double highest = a[0], sum = 0;
  for (int n = 1; n < classes; n++) highest = a[n] > highest ? a[n] : highest;
  for (int n = 0; n < classes; n++) sum += p[n] = exponential(a[n] - highest);
  for (int n = 0; n < classes; n++) p[n] /= sum;
  return highest + logarithm(sum);
}

/* Add losses and hits to the tally; logits become the gradient of the mean loss. */
static void judge(const u8 *truth, int count) {
  double p[256];
  for (int b = 0; b < count; b++) {
    float *a = logits + b * layers[depth].in;
    int best = 0;
    for (int n = 1; n < classes; n++) best = a[n] > a[best] ? n : best;
    tally[0] += softmax(a, p) - a[truth[b]];
    tally[1] += best == truth[b];
    for (int n = 0; n < classes; n++)
      a[n] = (float)((p[n] - (n == truth[b])) / count);
  }
}

/* Place `image` as example number b of the input, translated and mirrored. */
OFTEN void place(const float *image, int b, int down, int right, int mirrored) {
  const Layer *l = layers;
  long row = flat ? size * INPUT : input_row(l, 1);
  float *x = l->x + (flat ? (long)b * l->in : b * input_size(l, 1));
  x += l->pad * (row + INPUT);
  for (int i = 0; i < size; i++, x += row)
    for (int j = 0; j < size; j++) {
      u32 y = i + down, column = (mirrored ? size - 1 - j : j) + right;
      int inside = y < (u32)size && column < (u32)size;
      V(x + j * INPUT) = inside ? V(image + (y * size + column) * INPUT) : (v4){0};
    }
}

/* Begin an epoch or an evaluation: nothing counted. */
EXPORT void begin(void) { tally[0] = tally[1] = 0; }

/* Sum of the losses (0), number of right answers (1), since `begin`. */
EXPORT double counted(int which) { return tally[which]; }

EXPORT void shuffle(u32 seed, u32 epoch) {
  stream(seed, ORDER, epoch);
  permute(order, counts[TRAIN]);
}

/* One step, on examples number `first` to `first + count` of the order.

   reach: translation by up to so many pixels; mirror: left to right, half the time. */
EXPORT void train(int first, int count, int reach, int mirror, float rate,
                  float persistence, float decay) {
  u8 truth[count];
  for (int b = 0; b < count; b++) {
    int i = order[first + b];
    int down = below(2 * reach + 1) - reach, right = below(2 * reach + 1) - reach;
    int mirrored = below(2) && mirror;
    place(shown + (long)i * size * size * INPUT, b, down, right, mirrored);
    truth[b] = shown_labels[i];
  }
  forward(count, 1);
  judge(truth, count);
  backward(count, 1);
  descend(rate, persistence, decay);
}

/* Test images number `first` to `first + count`, evaluated. */
EXPORT void test(int first, int count) {
  float image[size * size * INPUT];
  for (int b = 0; b < count; b++) {
    look(TEST, first + b, image);
    place(image, b, 0, 0, 0);
  }
  forward(count, 0);
  judge(labels[TEST] + first, count);
}

/* Trace of the Fisher information of each layer's weights, on the first `count` images
   as they are shown: the sign estimator of cplib.fisher.trace. */
EXPORT double *information(int count, u32 seed, u32 epoch) {
  double p[256], v[256];
  stream(seed, SIGNS, epoch);
  for (int l = 0; l < depth; l++) traces[l] = 0;
  for (int i = 0; i < count; i++) {
    place(shown + (long)i * size * size * INPUT, 0, 0, 0, 0);
    forward(1, 0);
    softmax(logits, p);
    double sum = 0;
    for (int n = 0; n < classes; n++)
      sum += v[n] = root(p[n]) * (below(2) ? 1 : -1);
    for (int n = 0; n < classes; n++) logits[n] = (float)(v[n] - p[n] * sum);
    backward(1, 0);
    for (int l = 0; l < depth; l++)
      for (int k = 0; k < layers[l].weights; k++) {
        double g = gradient[layers[l].at + k];
        traces[l] += g * g / count;
      }
  }
  return traces;
}

/* ---- Beginning and reading out -------------------------------------------------- */

static void add(int side, int stride, int real_in, int in, int out, int from) {
  Layer *l = layers + depth++;
  l->kernel = side, l->stride = stride, l->pad = side / 2;
  l->real_in = real_in, l->in = in, l->real_out = out, l->out = (out + 7) / 8 * 8;
  l->from = from, l->side = (from + stride - 1) / stride;
  l->weights = side * side * l->in * l->out;
  l->at = total;
  total += l->weights + 2 * l->out;
}

/* Memory for a network, two sets of images (sides of a multiple of 4 pixels, up to 3
   colours, up to 256 kinds) and batches of up to `examples`; whether it was enough. */
EXPORT int init(int family, int width, int colours, int kinds, int side, int learned,
                int tested, int examples) {
  static const int strides[LAYERS] = {1, 1, 2, 1, 1, 2, 1, 1, 1};
  top = failed = depth = total = 0;
  flat = family == MLP, channels = colours, classes = kinds, size = side;
  counts[TRAIN] = learned, counts[TEST] = tested, batch = examples;
  if (side % 4 || channels > 3 || classes > 256) return 0;
  if (16.0 * side * side * most(learned, tested) > MOST) return 0;
  int area = side * side, from = flat ? 1 : side, in = flat ? area * INPUT : INPUT;
  int real = flat ? area * channels : channels;
  for (int i = 0; i < (flat ? 6 : LAYERS); i++) {
    int out = flat ? most(1, width * (5 - i) / 5) : i < 2 ? width : 2 * width;
    if (i == (flat ? 5 : LAYERS - 1)) out = classes;
    if (flat) add(1, 1, real, in, out, from);
    else add(i < 7 ? 3 : 1, strides[i], real, in, out, from);
    from = layers[depth - 1].side, real = out, in = layers[depth - 1].out;
  }
  layers[depth] = (Layer){.in = in, .from = from};
  long largest = 0, heaviest = 0, widest = 0, longest = 0;
  for (Layer *l = layers; l <= layers + depth; l++) {
    long inputs = input_size(l, batch) * images(batch);
    l->x = floats(inputs);
    if (l > layers) largest = inputs > largest ? inputs : largest;
    if (l == layers + depth) break;
    long each = (long)(wide(l, batch) + 2 * l->pad) * (high(l) + 2 * l->pad) * l->out;
    longest = each > longest ? each : longest;
    l->z = floats((long)high(l) * wide(l, batch) * l->out * images(batch));
    widest = most((int)widest, l->out);
    if (l > layers) heaviest = most((int)heaviest, l->weights);
    l->mean = floats(l->out), l->inverse = floats(l->out);
    l->running_mean = floats(l->out), l->running_variance = floats(l->out);
  }
  parameter = floats(total), gradient = floats(total), momentum = floats(total);
  slopes[0] = floats(largest), slopes[1] = floats(largest), delta = floats(longest);
  turned = floats(heaviest), sums = floats(widest);
  means = floats(widest * images(batch)), logits = floats((long)batch * in);
  for (int set = 0; set < 2; set++) {
    pixels[set] = take((long)counts[set] * area * channels);
    labels[set] = take(counts[set]);
  }
  shown = floats((most(counts[TRAIN], counts[TEST]) + 1l) * area * INPUT);
  shown_labels = take(counts[TRAIN]), order = take(4l * counts[TRAIN]);
  rgba = take(4l * area), kernel = floats(2l * area);
  take(64l * (area + 1024)); /* tiles may read, but never write, beyond the end */
  return !failed;
}

/* Where things lie; the pixels of a set as [count][size][size][channels]. */
EXPORT u8 *set_pixels(int set) { return pixels[set]; }
EXPORT u8 *set_labels(int set) { return labels[set]; }
EXPORT u8 *labels_shown(void) { return shown_labels; }
EXPORT float *images_shown(void) { return shown; }
EXPORT float *input(void) { return layers[0].x; }
EXPORT float *answers(void) { return logits; }
EXPORT float *all_parameters(void) { return parameter; }
EXPORT float *all_gradients(void) { return gradient; }
EXPORT float *running(int l, int variance) {
  return variance ? layers[l].running_variance : layers[l].running_mean;
}
EXPORT int layer_count(void) { return depth; }
/* Of layer l: 0 first parameter, 1 kernel, 2 padded and 3 real inputs, 4 padded and
   5 real outputs. */
EXPORT int layer(int l, int what) {
  const Layer *a = layers + l;
  const int all[] = {a->at, a->kernel, a->in, a->real_in, a->out, a->real_out};
  return all[what];
}
