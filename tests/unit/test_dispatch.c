#include "run/dispatch.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static hpx_dispatch *dispatch;

static int set_up(void **state)
{
    (void)state;
    dispatch = hpx_dispatch_new(2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_dispatch_free(dispatch);
    return 0;
}

static void expect_next(const hpx_task *task, const hpx_task *instead)
{
    hpx_task *found_instead;
    assert_ptr_equal(hpx_dispatch_next(dispatch, &found_instead), task);
    assert_ptr_equal(found_instead, instead);
}

static void expect_counts(size_t waiting, size_t running, size_t speculative)
{
    hpx_dispatch_counts counts = hpx_dispatch_count(dispatch);
    assert_int_equal(counts.waiting, waiting);
    assert_int_equal(counts.running, running);
    assert_int_equal(counts.speculative, speculative);
    assert_int_equal(counts.idle, 2 - running - speculative);
}

static void test_places(void **state)
{
    (void)state;
    hpx_task tasks[3] = {{.length = 1}, {.length = 1}, {.length = 1}};
    expect_next(NULL, NULL);
    for (size_t i = 0; i < 3; i++)
        hpx_dispatch_need(dispatch, &tasks[i]);
    expect_counts(3, 0, 0);
    for (size_t i = 0; i < 2; i++) { /* equally long ones in order of need */
        expect_next(&tasks[i], NULL);
        hpx_dispatch_start(dispatch, &tasks[i]);
    }
    expect_next(NULL, NULL);
    expect_counts(1, 2, 0);
    hpx_dispatch_end(dispatch, &tasks[0]);
    expect_next(&tasks[2], NULL);
    hpx_dispatch_end(dispatch, &tasks[2]); /* it need not be run after all */
    expect_next(NULL, NULL);
    expect_counts(0, 1, 0);
}

static void test_longest_first(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    hpx_task tasks[COUNT] = {{0}};
    uint64_t last = UINT64_MAX;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t words[4];
        hpx_random(words, 1, 1, 0, 0, i);
        tasks[i].length = words[0] % 50;
        hpx_dispatch_need(dispatch, &tasks[i]);
        hpx_dispatch_need(dispatch, &tasks[i]); /* the second time is none */
    }
    uint64_t number = 0;
    for (size_t left = COUNT; left > 0; left--) {
        hpx_task *instead, *task = hpx_dispatch_next(dispatch, &instead);
        expect_counts(left, 0, 0);
        assert_true(task->length < last || (task->length == last && task->number > number));
        last = task->length;
        number = task->number;
        hpx_dispatch_start(dispatch, task);
        hpx_dispatch_end(dispatch, task);
    }
    expect_next(NULL, NULL);
}

static void test_speculative_gives_way(void **state)
{
    (void)state;
    hpx_task speculative[2] = {{.speculative = true, .length = 9}, {.speculative = true, .length = 9}};
    hpx_task needed[2] = {{.length = 2}, {.length = 1}};
    hpx_dispatch_start(dispatch, &speculative[0]);
    hpx_dispatch_start(dispatch, &speculative[1]);
    expect_counts(0, 0, 2);
    expect_next(NULL, NULL);
    hpx_dispatch_need(dispatch, &needed[0]);
    hpx_dispatch_need(dispatch, &needed[1]);
    expect_next(&needed[0], &speculative[1]); /* the last to have started */
    hpx_dispatch_end(dispatch, &speculative[1]);
    expect_next(&needed[0], NULL);
    hpx_dispatch_start(dispatch, &needed[0]);
    expect_next(&needed[1], &speculative[0]);
    /* Needed, it gives way to nobody. */
    hpx_dispatch_need(dispatch, &speculative[0]);
    assert_false(speculative[0].speculative);
    expect_next(NULL, NULL);
    expect_counts(1, 2, 0);
    /* Stopped and needed, it waits like any other. */
    hpx_dispatch_need(dispatch, &speculative[1]);
    hpx_dispatch_end(dispatch, &needed[0]);
    expect_next(&speculative[1], NULL);
}

static void test_set_aside(void **state)
{
    (void)state;
    hpx_task tasks[3] = {{.length = 3}, {.length = 2}, {.length = 1}};
    for (size_t i = 0; i < 3; i++)
        hpx_dispatch_need(dispatch, &tasks[i]);
    hpx_dispatch_set_aside(dispatch, &tasks[0]);
    hpx_dispatch_set_aside(dispatch, &tasks[1]);
    expect_next(&tasks[2], NULL);
    expect_counts(3, 0, 0);
    assert_int_equal(hpx_dispatch_count(dispatch).aside, 2);
    hpx_dispatch_need(dispatch, &tasks[0]);
    expect_next(&tasks[2], NULL);
    hpx_dispatch_resume(dispatch);
    assert_int_equal(hpx_dispatch_count(dispatch).aside, 0);
    expect_next(&tasks[0], NULL);
    expect_counts(3, 0, 0);
}

/* One that is to be alone waits for all that run, holds back all that wait, and goes after them. */
static void test_alone(void **state)
{
    (void)state;
    hpx_task tasks[3] = {{.length = 9, .alone = true}, {.length = 1}, {.length = 1}};
    for (size_t i = 0; i < 3; i++)
        hpx_dispatch_need(dispatch, &tasks[i]);
    for (size_t i = 1; i < 3; i++) {
        expect_next(&tasks[i], NULL);
        hpx_dispatch_start(dispatch, &tasks[i]);
        assert_int_equal(tasks[1].accompanied, i > 1);
    }
    assert_true(tasks[2].accompanied);
    hpx_dispatch_end(dispatch, &tasks[1]);
    expect_next(NULL, NULL);
    assert_int_equal(hpx_dispatch_count(dispatch).idle, 0);
    hpx_dispatch_end(dispatch, &tasks[2]);
    expect_next(&tasks[0], NULL);
    hpx_dispatch_start(dispatch, &tasks[0]);
    hpx_dispatch_need(dispatch, &tasks[1]);
    expect_next(NULL, NULL);
    assert_int_equal(hpx_dispatch_count(dispatch).idle, 0);
    assert_false(tasks[0].accompanied);
    hpx_dispatch_end(dispatch, &tasks[0]);
    expect_next(&tasks[1], NULL);
}

#define WITH_SCHEDULE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCHEDULE(test_places),
        WITH_SCHEDULE(test_longest_first),
        WITH_SCHEDULE(test_speculative_gives_way),
        WITH_SCHEDULE(test_set_aside),
        WITH_SCHEDULE(test_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
