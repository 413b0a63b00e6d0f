/* Known answers of Philox4x32-10, the layout of key and counter, and properties of the permutations. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Philox4x32-10 as Salmon et al. (2011) define it, to have the answer for any key and counter. */
static void philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c[4], k[2] = {key[0], key[1]};
    memcpy(c, counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53 * c[0], p1 = (uint64_t)0xcd9e8d57 * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k[0], (uint32_t)p1,
                            (uint32_t)(p0 >> 32) ^ c[3] ^ k[1], (uint32_t)p0};
        memcpy(c, next, sizeof c);
        k[0] += 0x9e3779b9;
        k[1] += 0xbb67ae85;
    }
    memcpy(out, c, sizeof c);
}

/* The vectors for philox4x32 with 10 rounds that Random123 publishes. */
static void test_known_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], words[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t words[4];
        philox(words, vectors[i].counter, vectors[i].key);
        assert_memory_equal(words, vectors[i].words, sizeof words);
    }
    uint32_t words[4];
    hpx_random(words, 0, 0, 0, 0, 0);
    assert_memory_equal(words, vectors[0].words, sizeof words);
}

static void test_key_and_counter(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t counter[4] = {i * 2654435761u, i ^ 0xdeadbeef, ~i, 0}, key[2] = {i * 7919, 0xffffffff - i};
        uint32_t expected[4], words[4];
        philox(expected, counter, key);
        hpx_random(words, key[0], key[1], counter[0], counter[1], counter[2]);
        assert_memory_equal(words, expected, sizeof words);
    }
}

static void test_float(void **state)
{
    (void)state;
    assert_true(hpx_random_float(0) == 0);
    assert_true(hpx_random_float(0x80000000) == 0.5f);
    assert_true(hpx_random_float(0xffffffff) == 1 - 0x1p-24f);
}

/* Whether `order` holds each of 0 .. count-1 once. */
static int is_permutation(const uint32_t *order, uint32_t count)
{
    unsigned char *seen = calloc(count + 1, 1);
    assert_non_null(seen);
    int good = 1;
    for (uint32_t i = 0; i < count; i++)
        good = good && order[i] < count && !seen[order[i]]++;
    free(seen);
    return good;
}

static void test_permutations(void **state)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 10, 257, 60000};
    static uint32_t order[60000], again[60000];
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const size_t bytes = counts[i] * sizeof *order;
        hpx_random_permutation(order, counts[i], 1, HPX_RANDOM_SHUFFLE, 1);
        assert_true(is_permutation(order, counts[i]));
        hpx_random_permutation(again, counts[i], 1, HPX_RANDOM_SHUFFLE, 1);
        assert_memory_equal(order, again, bytes);
        if (counts[i] < 10)
            continue;
        hpx_random_permutation(again, counts[i], 2, HPX_RANDOM_SHUFFLE, 1);
        assert_memory_not_equal(order, again, bytes);
        hpx_random_permutation(again, counts[i], 1, HPX_RANDOM_SHUFFLE + 1, 1);
        assert_memory_not_equal(order, again, bytes);
        hpx_random_permutation(again, counts[i], 1, HPX_RANDOM_SHUFFLE, 2);
        assert_memory_not_equal(order, again, bytes);
    }
}

/* Each of the 24 orders of 4 items about equally often: chi-square with 23 degrees of freedom is below 49.7
 * with probability 0.999. The draws are fixed, so the outcome is too. */
static void test_permutations_are_uniform(void **state)
{
    enum { DRAWS = 24000 };
    uint32_t seen[256] = {0};
    (void)state;
    for (uint32_t epoch = 0; epoch < DRAWS; epoch++) {
        uint32_t order[4];
        hpx_random_permutation(order, 4, 1, HPX_RANDOM_SHUFFLE, epoch);
        seen[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    double chi_square = 0;
    int kinds = 0;
    for (int i = 0; i < 256; i++) {
        if (seen[i] == 0)
            continue;
        double difference = seen[i] - DRAWS / 24.0;
        chi_square += difference * difference / (DRAWS / 24.0);
        kinds++;
    }
    assert_int_equal(kinds, 24);
    assert_true(chi_square < 49.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_key_and_counter),
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_permutations),
        cmocka_unit_test(test_permutations_are_uniform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
