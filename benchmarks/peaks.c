/* Operations on one REAL in a nanosecond: of fused multiply-adds; of these and additions in turn,
   since some processors have units for additions alone; of divisions. In the widest vectors, 14 of
   them that do not wait for each other, all in registers.
   The best of many short runs, so that a busy machine leaves some alone.
   gcc -O3 -march=native -DREAL=double -o peaks peaks.c ; ./peaks */
#include <stdio.h>
#include <time.h>

#ifdef __AVX512F__
#define BYTES 64
#else
#define BYTES 32
#endif
#define VECTORS 14
#define STEPS 50000
#define REPEATS 500

typedef REAL vector __attribute__((vector_size(BYTES)));

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

#define PEAK(NAME, OPERATION)                                                                      \
    static __attribute__((noinline)) double NAME(vector a, vector b) {                             \
        vector x[VECTORS], sum = a;                                                                \
        for (int i = 0; i < VECTORS; i++) x[i] = a + (REAL)i;                                      \
        double start = now();                                                                      \
        for (long step = 0; step < STEPS; step++) {                                                \
            _Pragma("GCC unroll 14") for (int i = 0; i < VECTORS; i++) x[i] = OPERATION;           \
        }                                                                                          \
        double taken = now() - start;                                                              \
        for (int i = 0; i < VECTORS; i++) sum += x[i];                                             \
        kept = sum[0];                                                                             \
        return 1e-9 * STEPS * VECTORS * (BYTES / sizeof(REAL)) / taken;                            \
    }

static volatile REAL kept; /* what is computed is used */
PEAK(fused, x[i] * a + b)
PEAK(fused_and_add, i % 2 ? x[i] * a + b : x[i] + b)
PEAK(division, a / x[i])

int main(void) {
    volatile REAL factor = 0.5, term = 1.0;
    vector a = {0}, b = {0};
    a += factor;
    b += term;
    double fastest[3] = {0};
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double found[] = {fused(a, b), fused_and_add(a, b), division(a, b)};
        for (int k = 0; k < 3; k++)
            if (found[k] > fastest[k]) fastest[k] = found[k];
    }
    printf("{\"fma\": %g, \"all\": %g, \"division\": %g}\n", fastest[0], fastest[1], fastest[2]);
}
