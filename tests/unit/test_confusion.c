/* Answers counted, and the mistakes that a network is most sure of. */
#include "../helper/helper.h"
#include "trainer/confusion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

enum { CLASSES = 5, IMAGES = 3000 };

/* An image of one byte: its answer is the byte by CLASSES, the more probable, the larger the byte is. */
static void answer(void *state, float *logits, float *probabilities, const uint8_t *images, size_t count)
{
    (void)state;
    memset(logits, 0, count * CLASSES * sizeof *logits);
    memset(probabilities, 0, count * CLASSES * sizeof *probabilities);
    for (size_t i = 0; i < count; i++) {
        logits[i * CLASSES + images[i] % CLASSES] = 1;
        probabilities[i * CLASSES + images[i] % CLASSES] = (float)images[i] / 255;
    }
}

static const hpx_network_kind kind = {.model = "byte", .answer = answer};
static const hpx_network network = {.kind = &kind, .features = 1, .classes = CLASSES};

static int by_probability(const void *a, const void *b)
{
    const hpx_mistake *x = a, *y = b;
    return x->probability != y->probability ? (x->probability < y->probability ? 1 : -1)
                                            : (x->image < y->image ? -1 : 1);
}

/* Against all mistakes, sorted. */
static void check(const uint8_t *pixels, const uint8_t *labels, uint32_t count)
{
    hpx_confusion confusion;
    uint32_t counts[CLASSES][CLASSES] = {{0}}, right = 0;
    size_t mistakes = 0;
    hpx_mistake *all = calloc(count + 1, sizeof *all);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t answered = pixels[i] % CLASSES;
        counts[labels[i]][answered]++;
        if (answered == labels[i])
            right++;
        else
            all[mistakes++] = (hpx_mistake){i, labels[i], answered, (float)pixels[i] / 255};
    }
    qsort(all, mistakes, sizeof *all, by_probability);
    hpx_confusion_count(&confusion, &network, &(hpx_samples){pixels, labels, count});
    assert_int_equal(confusion.classes, CLASSES);
    assert_int_equal(confusion.images, count);
    assert_int_equal(confusion.right, right);
    assert_memory_equal(confusion.counts, counts, sizeof counts);
    assert_int_equal(confusion.mistake_count, mistakes < HPX_MISTAKES ? mistakes : HPX_MISTAKES);
    for (size_t i = 0; i < confusion.mistake_count; i++) {
        assert_int_equal(confusion.mistakes[i].image, all[i].image);
        assert_int_equal(confusion.mistakes[i].label, all[i].label);
        assert_int_equal(confusion.mistakes[i].answer, all[i].answer);
    }
    hpx_confusion_free(&confusion);
    hpx_confusion_free(&confusion);
    free(all);
}

static void test_many(void **state)
{
    (void)state;
    static uint8_t pixels[IMAGES], labels[IMAGES];
    draw_seed(3);
    for (size_t i = 0; i < IMAGES; i++) {
        pixels[i] = (uint8_t)draw(256);
        labels[i] = (uint8_t)(draw(4) ? pixels[i] % CLASSES : draw(CLASSES));
    }
    check(pixels, labels, IMAGES);
}

static void test_few(void **state)
{
    (void)state;
    check((const uint8_t[]){7, 7, 9}, (const uint8_t[]){1, 1, 1}, 3);
    check((const uint8_t[]){5, 6}, (const uint8_t[]){0, 1}, 2); /* all right */
    check(NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many), cmocka_unit_test(test_few)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
