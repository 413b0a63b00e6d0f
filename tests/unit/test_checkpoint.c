/* Checkpoints: what is written is read, and nothing else is. */
#include "nn/checkpoint.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

/* 5 x 7 + 7 + 7 x 3 + 3 parameters: no multiple of 16, so that there is padding behind the arrays. */
enum {
    PARAMETERS = 66,
    EPOCH_AT = 12,
    PERCEPTRON = HPX_CHECKPOINT_PERCEPTRON,
    NETWORK = HPX_CHECKPOINT_NETWORK
};
static const hpx_checkpoint adam = {PERCEPTRON, 3, {5, 7, 3}, PARAMETERS, HPX_ADAM, .states = 2, .epoch = 9};

static uint8_t *make_bytes(const hpx_checkpoint *checkpoint)
{
    uint8_t *bytes = calloc(1, hpx_checkpoint_size(checkpoint));
    assert_non_null(bytes);
    hpx_checkpoint_write_header(bytes, checkpoint);
    for (size_t i = 0; i <= checkpoint->states; i++)
        for (size_t j = 0; j < checkpoint->parameters; j++) {
            const float value = (float)(100 * i + j);
            memcpy(bytes + hpx_checkpoint_offset(checkpoint, i) + 4 * j, &value, sizeof value);
        }
    return bytes;
}

static void assert_damaged(const uint8_t *bytes, size_t size)
{
    hpx_checkpoint out;
    hpx_error error = {0};
    /* A block of that size, so that a sanitizer sees a read behind it. */
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    assert_int_equal(hpx_checkpoint_parse(&out, exact, size, &error), HPX_DAMAGED);
    assert_int_equal(strncmp(error.message, "checkpoint: ", 12), 0);
    free(exact);
}

static void test_round_trip(void **state)
{
    hpx_checkpoint checkpoints[] = {
        adam,
        {PERCEPTRON, 2, {784, 10}, 7850, HPX_SGD, .states = 0, .epoch = 1},
        {PERCEPTRON, 4, {4, 16, 16, 4}, 420, HPX_SGD, .states = 1, .epoch = UINT32_MAX},
        {PERCEPTRON, HPX_CHECKPOINT_NUMBERS_MAX, {0}, 6 * (HPX_CHECKPOINT_NUMBERS_MAX - 1), HPX_ADAM, 2, 2},
        {NETWORK, 1, {0}, 1, HPX_ADAM, .states = 2, .epoch = 2},
        {NETWORK, HPX_CHECKPOINT_NUMBERS_MAX - 1, {7, 0, UINT32_MAX}, 77, HPX_ADAM, .states = 2, .epoch = 2},
    };
    (void)state;
    for (size_t i = 0; i < HPX_CHECKPOINT_NUMBERS_MAX; i++)
        checkpoints[3].numbers[i] = 2;
    for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
        hpx_checkpoint out;
        hpx_error error = {0};
        uint8_t *bytes = make_bytes(&checkpoints[i]);
        if (hpx_checkpoint_parse(&out, bytes, hpx_checkpoint_size(&checkpoints[i]), &error))
            fail_msg("%s", error.message);
        assert_true(out.version == checkpoints[i].version && out.count == checkpoints[i].count);
        assert_memory_equal(out.numbers, checkpoints[i].numbers, sizeof out.numbers);
        assert_int_equal(out.parameters, checkpoints[i].parameters);
        assert_true(out.optimizer == checkpoints[i].optimizer && out.states == checkpoints[i].states);
        assert_int_equal(out.epoch, checkpoints[i].epoch);
        for (uint32_t array = 0; array <= out.states; array++)
            assert_int_equal(hpx_checkpoint_offset(&out, array) % 64, 0);
        free(bytes);
    }
}

/* The bytes as the specification draws them. */
static void test_layout(void **state)
{
    static const uint8_t header[64] = {'H', 'P', 'X', 'C', 2, 0, 0, 0, 64, 0,          0, 0, 9, 0, 0,
                                       0,   1,   0,   0,   0, 2, 0, 0, 0,  PARAMETERS, 0, 0, 0, 0, 0,
                                       0,   0,   2,   0,   0, 0, 5, 0, 0,  0,          7, 0, 0, 0, 3};
    (void)state;
    uint8_t *bytes = make_bytes(&adam);
    assert_memory_equal(bytes, header, sizeof header);
    assert_int_equal(hpx_checkpoint_offset(&adam, 0), 64);
    assert_int_equal(hpx_checkpoint_offset(&adam, 1), 64 + 320);
    assert_int_equal(hpx_checkpoint_size(&adam), 64 + 3 * 320);
    free(bytes);
}

/* The same of another network: what its numbers mean is its model's matter. */
static void test_layout_of_network(void **state)
{
    static const uint8_t header[64] = {'H', 'P', 'X', 'C', 3, 0, 0, 0, 64, 0, 0, 0, 9, 0, 0,
                                       0,   2,   0,   0,   0, 1, 0, 0, 0,  5, 0, 0, 0, 0, 0,
                                       0,   0,   2,   0,   0, 0, 6, 0, 0,  0, 1, 2, 3, 4};
    static const hpx_checkpoint sgd = {NETWORK, 2, {6, 0x04030201}, 5, HPX_SGD, .states = 1, .epoch = 9};
    (void)state;
    uint8_t *bytes = make_bytes(&sgd);
    assert_memory_equal(bytes, header, sizeof header);
    assert_int_equal(hpx_checkpoint_size(&sgd), 64 + 2 * 64);
    for (size_t cut = 0; cut < hpx_checkpoint_size(&sgd); cut++)
        assert_damaged(bytes, cut);
    bytes[24] = 17; /* parameters for which there is no room */
    assert_damaged(bytes, hpx_checkpoint_size(&sgd));
    memset(bytes + 24, 0xff, 8);
    assert_damaged(bytes, hpx_checkpoint_size(&sgd));
    free(bytes);
}

/* Every bit of the header of a perceptron and of the padding is checked; of the epoch only that it is not 0. */
static void test_flipped_bits(void **state)
{
    const size_t size = hpx_checkpoint_size(&adam);
    uint8_t *bytes = make_bytes(&adam);
    (void)state;
    for (size_t at = 0; at < size; at++) {
        const size_t in_array = at < 64 ? 0 : (at - 64) % 320;
        if ((at >= EPOCH_AT && at < EPOCH_AT + 4) || (at >= 64 && in_array < 4 * PARAMETERS))
            continue;
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1 << bit);
            assert_damaged(bytes, size);
            bytes[at] ^= (uint8_t)(1 << bit);
        }
    }
    bytes[EPOCH_AT] = 0;
    assert_damaged(bytes, size);
    free(bytes);
}

static void test_wrong_sizes(void **state)
{
    const size_t size = hpx_checkpoint_size(&adam);
    uint8_t *bytes = make_bytes(&adam);
    (void)state;
    for (size_t cut = 0; cut < size; cut++)
        assert_damaged(bytes, cut);
    uint8_t *longer = calloc(1, size + 64);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    assert_damaged(longer, size + 1);
    assert_damaged(longer, size + 64);
    /* Sizes whose product overflows. */
    memset(longer + 36, 0xff, 12);
    assert_damaged(longer, size);
    free(longer);
    free(bytes);
}

/* Weights are finite, or training would have stopped. A moment may overflow in a training that goes on. */
static void test_values(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    hpx_checkpoint out;
    hpx_error error;
    (void)state;
    uint8_t *bytes = make_bytes(&adam);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t before[4], *last = bytes + hpx_checkpoint_offset(&adam, 0) + 4 * (PARAMETERS - 1);
        memcpy(before, last, 4);
        memcpy(last, &bad[i], 4);
        assert_damaged(bytes, hpx_checkpoint_size(&adam));
        memcpy(last, before, 4);
    }
    memcpy(bytes + hpx_checkpoint_offset(&adam, 2), &bad[1], 4);
    assert_int_equal(hpx_checkpoint_parse(&out, bytes, hpx_checkpoint_size(&adam), &error), HPX_OK);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_layout_of_network), cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_wrong_sizes),       cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
