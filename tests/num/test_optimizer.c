/* Every optimizer against its formulas, written once more in double precision, and against values worked out
 * by hand. */
#include "nn/optimizer.h"

#include "../helper/gradient.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_near(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fmax(fabs(expected), 1e-6)))
        fail_msg("%.9g instead of %.9g", value, expected);
}

static float step_one(const hpx_optimizer *o, float w, float g, float *first, float *second, double rate,
                      uint64_t step)
{
    float *states[] = {first, second};
    const hpx_gradient gradient = whole_gradient(&g, 1);
    hpx_optimizer_step(o, &w, states, &gradient, rate, step);
    return w;
}

/* The first step of Adam is rate * g / (|g| + epsilon): both moments are corrected to g and g^2. Then, with
 * g = 2, -1 and betas 0.9 and 0.999:
 *     m = 0.9 * 0.2 + 0.1 * -1 = 0.08          m_hat = 0.08 / 0.19 = 0.42105263
 *     v = 0.999 * 0.004 + 0.001 * 1 = 0.004996 v_hat = 0.004996 / 0.001999 = 2.49924962
 *     w = 0.9 - 0.1 * 0.42105263 / 1.58090152 = 0.87336629 */
static void test_adam_by_hand(void **state)
{
    const hpx_optimizer adam = {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    float m = 0, v = 0;
    (void)state;
    assert_int_equal(hpx_optimizer_states(&adam), 2);
    float w = step_one(&adam, 1, 2, &m, &v, 0.1, 1);
    assert_near((double)w, 0.9, 1e-6);
    assert_near((double)m, 0.2, 1e-6);
    assert_near((double)v, 0.004, 1e-6);
    w = step_one(&adam, w, -1, &m, &v, 0.1, 2);
    assert_near((double)m, 0.08, 1e-6);
    assert_near((double)v, 0.004996, 1e-6);
    assert_near((double)w, 0.87336629, 1e-6);
}

/* epsilon stands outside the root: w = 0 - 1 * 3 / (3 + 1). */
static void test_adam_epsilon(void **state)
{
    const hpx_optimizer adam = {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1};
    float m = 0, v = 0;
    (void)state;
    assert_near((double)step_one(&adam, 0, 3, &m, &v, 1, 1), -0.75, 1e-6);
}

/* Momentum 0.5, gradients 1, 2, 0, rate 0.1: v = 1, 2.5, 1.25; w = -0.1, -0.35, -0.475.
 * Nesterov steps by g + 0.5 v = 1.5, 3.25, 0.625; w = -0.15, -0.475, -0.5375. */
static void test_momentum_by_hand(void **state)
{
    static const float gradients[] = {1, 2, 0};
    static const double plain[] = {-0.1, -0.35, -0.475}, nesterov[] = {-0.15, -0.475, -0.5375};
    (void)state;
    for (int ahead = 0; ahead < 2; ahead++) {
        const hpx_optimizer sgd = {.kind = HPX_SGD, .momentum = 0.5, .nesterov = ahead};
        float w = 0, v = 0;
        assert_int_equal(hpx_optimizer_states(&sgd), 1);
        for (size_t i = 0; i < 3; i++) {
            w = step_one(&sgd, w, gradients[i], &v, NULL, 0.1, i + 1);
            assert_near((double)w, ahead ? nesterov[i] : plain[i], 1e-6);
        }
    }
}

/* Weight decay 0.5 at w = 2 adds 1 to the gradient. */
static void test_weight_decay_by_hand(void **state)
{
    const hpx_optimizer sgd = {.kind = HPX_SGD, .weight_decay = 0.5};
    const hpx_optimizer momentum = {.kind = HPX_SGD, .weight_decay = 0.5, .momentum = 0.9};
    const hpx_optimizer adam = {
        .kind = HPX_ADAM, .weight_decay = 0.5, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1};
    float m = 0, v = 0;
    (void)state;
    assert_int_equal(hpx_optimizer_states(&sgd), 0);
    assert_near((double)step_one(&sgd, 2, 3, NULL, NULL, 0.1, 1), 1.6, 1e-6);
    assert_near((double)step_one(&momentum, 2, 3, &v, NULL, 0.1, 1), 1.6, 1e-6);
    v = 0;
    assert_near((double)step_one(&adam, 2, 3, &m, &v, 1, 1), 2 - 4 / 5.0, 1e-6);
    assert_near((double)m, 0.4, 1e-6);
}

/* Many parameters over many steps against the papers' formulas in double precision. 37 is no multiple of any
 * vector. */
static void test_against_reference(void **state)
{
    enum { COUNT = 37, STEPS = 50 };
    static const hpx_optimizer optimizers[] = {
        {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
        {.kind = HPX_ADAM, .beta1 = 0, .beta2 = 0.5, .epsilon = 0.01, .weight_decay = 0.1},
        {.kind = HPX_SGD},
        {.kind = HPX_SGD, .weight_decay = 0.1},
        {.kind = HPX_SGD, .momentum = 0.9, .weight_decay = 0.01},
        {.kind = HPX_SGD, .momentum = 0.9, .nesterov = 1, .weight_decay = 0.01},
    };
    (void)state;
    for (size_t kind = 0; kind < sizeof optimizers / sizeof *optimizers; kind++) {
        const hpx_optimizer *o = &optimizers[kind];
        float w[COUNT], g[COUNT], first[COUNT] = {0}, second[COUNT] = {0};
        float *states[] = {first, second};
        double x[COUNT], m[COUNT] = {0}, v[COUNT] = {0};
        for (size_t i = 0; i < COUNT; i++) {
            w[i] = (float)sin((double)i);
            x[i] = (double)w[i];
        }
        for (int step = 1; step <= STEPS; step++) {
            for (size_t i = 0; i < COUNT; i++) {
                g[i] = (float)cos((double)i * step);
                double derivative = (double)g[i] + o->weight_decay * x[i];
                if (o->kind == HPX_ADAM) {
                    m[i] = o->beta1 * m[i] + (1 - o->beta1) * derivative;
                    v[i] = o->beta2 * v[i] + (1 - o->beta2) * derivative * derivative;
                    double m_hat = m[i] / (1 - pow(o->beta1, step)), v_hat = v[i] / (1 - pow(o->beta2, step));
                    x[i] -= 0.01 * m_hat / (sqrt(v_hat) + o->epsilon);
                } else {
                    v[i] = o->momentum * v[i] + derivative;
                    x[i] -= 0.01 * (o->nesterov ? derivative + o->momentum * v[i] : v[i]);
                }
            }
            const hpx_gradient gradient = whole_gradient(g, COUNT);
            hpx_optimizer_step(o, w, states, &gradient, 0.01, (uint64_t)step);
        }
        for (size_t i = 0; i < COUNT; i++)
            if (fabs((double)w[i] - x[i]) > 1e-5)
                fail_msg("optimizer %zu: parameter %zu is %.9g instead of %.9g", kind, i, (double)w[i], x[i]);
    }
}

/* Only what the arrays hold is touched. */
static void test_bounds(void **state)
{
    const hpx_optimizer adam = {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    (void)state;
    for (size_t count = 0; count < 40; count++) {
        float w[41], m[41], v[41], g[41];
        float *states[] = {m, v};
        for (size_t i = 0; i < 41; i++)
            w[i] = m[i] = v[i] = g[i] = 1;
        const hpx_gradient gradient = whole_gradient(g, count);
        hpx_optimizer_step(&adam, w, states, &gradient, 0.1, 1);
        for (size_t i = count; i < 41; i++)
            assert_true(w[i] == 1 && m[i] == 1 && v[i] == 1);
    }
}

static void test_schedules(void **state)
{
    const hpx_schedule constant = {.kind = HPX_CONSTANT, .rate = 0.3};
    const hpx_schedule step = {.kind = HPX_STEP, .rate = 0.3, .step_epochs = 3, .step_factor = 0.5};
    const hpx_schedule cosine = {.kind = HPX_COSINE, .rate = 0.4, .last_epoch = 4};
    static const double steps[] = {0.3, 0.3, 0.3, 0.15, 0.15, 0.15, 0.075};
    static const double cosines[] = {0.4, 0.34142136, 0.2, 0.05857864};
    (void)state;
    for (uint32_t epoch = 1; epoch <= 7; epoch++) {
        assert_true(hpx_schedule_rate(&constant, epoch) == 0.3);
        assert_near(hpx_schedule_rate(&step, epoch), steps[epoch - 1], 1e-12);
    }
    for (uint32_t epoch = 1; epoch <= 4; epoch++)
        assert_near(hpx_schedule_rate(&cosine, epoch), cosines[epoch - 1], 1e-7);
}

/* Steps by parts are the step by the whole, bit for bit. */
static void test_parts(void **state)
{
    enum { COUNT = 550 };
    static const hpx_optimizer optimizers[] = {
        {.kind = HPX_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1},
        {.kind = HPX_SGD, .weight_decay = 0.1},
        {.kind = HPX_SGD, .momentum = 0.9, .nesterov = 1},
    };
    static const size_t edges[] = {0, 1, 180, COUNT};
    (void)state;
    for (size_t kind = 0; kind < sizeof optimizers / sizeof *optimizers; kind++) {
        float g[COUNT], w[2][COUNT], first[2][COUNT] = {0}, second[2][COUNT] = {0};
        for (size_t i = 0; i < COUNT; i++)
            w[0][i] = w[1][i] = (float)sin((double)i);
        for (uint64_t step = 1; step <= 3; step++) {
            for (size_t i = 0; i < COUNT; i++)
                g[i] = (float)cos((double)i * (double)step);
            const hpx_gradient whole = whole_gradient(g, COUNT);
            hpx_optimizer_step(&optimizers[kind], w[0], (float *[]){first[0], second[0]}, &whole, 0.01, step);
            for (size_t part = 0; part < 3; part++) {
                const hpx_gradient gradient = {
                    .values = g + edges[part], .offset = edges[part], .count = edges[part + 1] - edges[part]};
                hpx_optimizer_step(&optimizers[kind], w[1], (float *[]){first[1], second[1]}, &gradient, 0.01,
                                   step);
            }
        }
        assert_memory_equal(w[0], w[1], sizeof w[0]);
        assert_memory_equal(first[0], first[1], sizeof first[0]);
        assert_memory_equal(second[0], second[1], sizeof second[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adam_by_hand),      cmocka_unit_test(test_adam_epsilon),
        cmocka_unit_test(test_momentum_by_hand),  cmocka_unit_test(test_weight_decay_by_hand),
        cmocka_unit_test(test_against_reference), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_schedules),         cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
