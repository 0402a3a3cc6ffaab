/* Euler-Maruyama for n uncoupled classic Hodgkin-Huxley neurons with white current noise: what a
   careful C programmer gets from the compiler and libmvec. Times the loop and prints its seconds.
   gcc -Ofast -march=native -o hh hodgkin_huxley.c -lm ; ./hh NEURONS STEPS
   gcc makes one sincos of a sine and a cosine, and libmvec has none that gcc calls, so the loop over
   random numbers stays scalar; -DNO_SINCOS writes the sine as a cosine, and the loop is vectorised. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* what math.h declares with -ffast-math alone: without it too, libmvec has vectors of these */
__attribute__((simd("notinbranch"))) double exp(double), log(double), cos(double), sin(double);

#ifdef NO_SINCOS
#define SIN(x) cos((x) - 1.5707963267948966)
#else
#define SIN(x) sin(x)
#endif

/* xorshift128+ for each lane, and Box-Muller */
static inline uint64_t next(uint64_t *restrict a, uint64_t *restrict b) {
    uint64_t x = *a, y = *b;
    *a = y;
    x ^= x << 23;
    *b = x ^ y ^ (x >> 17) ^ (y >> 26);
    return *b + y;
}

int main(int argc, char **argv) {
    int n = atoi(argv[1]);
    long steps = atol(argv[2]);
    double h = 0.01, sigma = 1.0, I = 10.0;
    double *V = aligned_alloc(64, n * 8), *m = aligned_alloc(64, n * 8);
    double *g = aligned_alloc(64, n * 8), *k = aligned_alloc(64, n * 8);
    double *even = aligned_alloc(64, n * 8), *odd = aligned_alloc(64, n * 8);
    uint64_t *a = aligned_alloc(64, n * 8), *b = aligned_alloc(64, n * 8);
    uint64_t s = 88172645463325252ULL;
    for (int i = 0; i < n; i++) {
        V[i] = -65.0;
        m[i] = 0.0529;
        g[i] = 0.5961;
        k[i] = 0.3177;
        s = s * 6364136223846793005ULL + 1442695040888963407ULL;
        a[i] = s;
        s = s * 6364136223846793005ULL + 1442695040888963407ULL;
        b[i] = s;
    }
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (long step = 0; step < steps; step++) {
        if (step % 2 == 0)
            for (int i = 0; i < n; i++) {
                double u = 0x1p-53 * (double)((next(&a[i], &b[i]) >> 11) + 1);
                double w = 0x1p-53 * (double)(next(&a[i], &b[i]) >> 11);
                double r = sqrt(-2.0 * h * log(u)) * sigma;
                even[i] = r * cos(6.283185307179586 * w);
                odd[i] = r * SIN(6.283185307179586 * w);
            }
        double *kick = step % 2 ? odd : even;
        for (int i = 0; i < n; i++) {
            double v = V[i];
            double am = 0.1 * (v + 40.0) / (1.0 - exp(-0.1 * (v + 40.0)));
            double bm = 4.0 * exp((-65.0 - v) / 18.0);
            double ah = 0.07 * exp((-65.0 - v) / 20.0);
            double bh = 1.0 / (1.0 + exp(-0.1 * (v + 35.0)));
            double ak = 0.01 * (v + 55.0) / (1.0 - exp(-0.1 * (v + 55.0)));
            double bk = 0.125 * exp((-65.0 - v) / 80.0);
            double Na = 120.0 * m[i] * m[i] * m[i] * g[i];
            double K = 36.0 * k[i] * k[i] * k[i] * k[i];
            double f = I + Na * (50.0 - v) + K * (-77.0 - v) + 0.3 * (-54.387 - v);
            V[i] = v + h * f + kick[i];
            m[i] += h * (am * (1.0 - m[i]) - bm * m[i]);
            g[i] += h * (ah * (1.0 - g[i]) - bh * g[i]);
            k[i] += h * (ak * (1.0 - k[i]) - bk * k[i]);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    double seconds = (t1.tv_sec - t0.tv_sec) + 1e-9 * (t1.tv_nsec - t0.tv_nsec);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += V[i];
    fprintf(stderr, "%g\n", sum / n);
    printf("%.6f\n", seconds);
    return !isfinite(sum);
}
