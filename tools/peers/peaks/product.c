/* Matrix products in registers and the inner caches, and a chain of dependent rotations.

   gcc -O3 -march=native -shared -fPIC -o product.so product.c

   A block of 6 rows by 4 vectors of columns stays in registers while the inner dimension is walked
   through: as many multiply-adds an element loaded as the registers allow. */

#include <stdint.h>

#if defined(__AVX512F__)
#define BYTES 64
#define VECTORS 4
#elif defined(__AVX2__)
#define BYTES 32
#define VECTORS 2
#else
#define BYTES 16
#define VECTORS 4
#endif
#define LANES (BYTES / 4)
#define ROWS 6

typedef float floats __attribute__((vector_size(BYTES)));

/* c[m,n] = a[m,k] b[k,n]; m a multiple of 6, n of VECTORS * LANES; b and c aligned to BYTES. */
void product_float32(int m, int n, int k, const float *a, const float *b, float *c) {
  for (int j = 0; j < n; j += VECTORS * LANES)
    for (int i = 0; i < m; i += ROWS) {
      floats sum[ROWS][VECTORS] = {{{0}}};
      for (int p = 0; p < k; p++) {
        const floats *right = (const floats *)(b + p * n + j);
        for (int r = 0; r < ROWS; r++)
          for (int v = 0; v < VECTORS; v++) sum[r][v] += a[(i + r) * k + p] * right[v];
      }
      for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++)
          *(floats *)(c + (i + r) * n + j + v * LANES) = sum[r][v];
    }
}

#if defined(__AVX512VNNI__)
#include <immintrin.h>
typedef __m512i sums;
#define FOUR(word) _mm512_set1_epi32(word)
#define ADD_PRODUCTS(sum, four, right) _mm512_dpbusd_epi32(sum, four, right)
#elif defined(__AVXVNNI__)
#include <immintrin.h>
typedef __m256i sums;
#define FOUR(word) _mm256_set1_epi32(word)
#define ADD_PRODUCTS(sum, four, right) _mm256_dpbusd_avx_epi32(sum, four, right)
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
typedef int32x4_t sums;
#define FOUR(word) vreinterpretq_s8_s32(vdupq_n_s32(word))
#define ADD_PRODUCTS(sum, four, right) vdotq_s32(sum, four, vreinterpretq_s8_s32(right))
#endif

#ifdef ADD_PRODUCTS
#define WIDE (sizeof(sums) / 4)
/* The same of bytes into int32; a below 128, so that its sign does not matter. b is laid out as
   [k/4,n,4]: the four of a column that are multiplied at once lie together. */
int product_int8(int m, int n, int k, const int32_t *a, const int32_t *b, int32_t *c) {
  for (int j = 0; j < n; j += VECTORS * WIDE)
    for (int i = 0; i < m; i += ROWS) {
      sums sum[ROWS][VECTORS] = {{{0}}};
      for (int p = 0; p < k / 4; p++)
        for (int v = 0; v < VECTORS; v++) {
          sums right = *(const sums *)(b + p * n + j + v * WIDE);
          for (int r = 0; r < ROWS; r++)
            sum[r][v] = ADD_PRODUCTS(sum[r][v], FOUR(a[(i + r) * (k / 4) + p]), right);
        }
      for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++) *(sums *)(c + (i + r) * n + j + v * WIDE) = sum[r][v];
    }
  return 0;
}
#else
int product_int8(int m, int n, int k, const int32_t *a, const int32_t *b, int32_t *c) {
  return 1; /* this processor has no instruction for it */
}
#endif

/* 64 * n rotations, each of which waits for the one before: a cycle each. */
uint64_t rotations(int n, uint64_t x) {
  for (int i = 0; i < n; i++) {
#pragma GCC unroll 64
    for (int j = 0; j < 64; j++) {
      x = (x >> 7) | (x << 57);
      __asm__ volatile("" : "+r"(x));
    }
  }
  return x;
}
