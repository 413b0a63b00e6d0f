#include "run/plan.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A plane of 4 x 5 cells, and two searches along its columns and its rows. */
static const char text[] = "dataset mnist\nmodel mlp\n  hidden = $a $b\ntrain\n  objective = test_loss\n"
                           "axis a = 1 2 3 4\naxis b = 1 2 3 4 5\n"
                           "search columns\n  method = full-cross\n  first = a\n"
                           "search rows\n  method = full-cross\n  first = b\n";

enum { EPOCHS = 15 }; /* the default */

static hpx_recipe *recipe;
static hpx_plan *plan;

static uint64_t cost(void *context, uint32_t cell)
{
    (void)context;
    return cell + 1;
}

static int set_up(void **state)
{
    (void)state;
    hpx_error error;
    expect_ok(hpx_recipe_parse(&recipe, "plan.rcp", text, strlen(text), NULL, NULL, &error), &error);
    const hpx_recipe_search *searches[] = {&recipe->searches[0], &recipe->searches[1]};
    plan = hpx_plan_new(recipe, searches, 2, cost, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_plan_free(plan);
    hpx_recipe_free(recipe);
    return 0;
}

static hpx_request at(uint32_t cell)
{
    return (hpx_request){cell, EPOCHS};
}

static bool is_speculative(uint32_t cell, size_t room)
{
    const hpx_request *likely;
    size_t count = hpx_plan_speculate(plan, room, &likely);
    for (size_t i = 0; i < count; i++)
        if (likely[i].cell == cell)
            return true;
    return false;
}

static void test_speculate(void **state)
{
    (void)state;
    const hpx_request *requests;
    assert_int_equal(hpx_plan_ask(plan, &requests), 4 + 5 - 1); /* the first column and the first row */
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(requests[i].epochs, EPOCHS);
    /* All but the last cell of the column: the losses say row 2. Of the row: column 3. */
    const uint32_t column[] = {0, 5, 10}, row[] = {1, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        hpx_plan_tell(plan, at(column[i]), i == 2 ? 0.1 : 0.9);
        hpx_plan_tell(plan, at(row[i]), i == 2 ? 0.1 : 0.9);
    }
    assert_int_equal(hpx_plan_ask(plan, &requests), 0);
    size_t count = hpx_plan_speculate(plan, 20, &requests);
    assert_int_equal(count, 4 + 3 - 1); /* (2, 3) is on both */
    for (size_t i = 0; i < count; i++) {
        uint32_t cell = requests[i].cell;
        assert_true((cell / 5 == 2 || cell % 5 == 3) && cell != 10 && cell != 3);
        for (size_t k = 0; k < i; k++)
            assert_true(requests[k].cell != cell);
    }
    /* The two searches take turns. */
    assert_int_equal(hpx_plan_speculate(plan, 2, &requests), 2);
    assert_true((requests[0].cell / 5 == 2) != (requests[1].cell / 5 == 2) || requests[0].cell == 13);

    /* What one search is certain of is not speculative, though the other may come there too. */
    assert_true(is_speculative(13, 20) && is_speculative(8, 20));
    hpx_plan_tell(plan, at(15), 0.9);
    assert_true(is_speculative(13, 20));
    assert_int_equal(hpx_plan_ask(plan, &requests), 4); /* the rest of row 2 */
    assert_false(is_speculative(13, 20));
    assert_true(is_speculative(18, 20));

    /* A hint of a failure is no value to a search: the request is speculative no more, and asked for all the
     * same. */
    hpx_plan_hint(plan, at(8), NAN);
    assert_false(is_speculative(8, 20));
    hpx_plan_tell(plan, at(4), 0.9);
    assert_int_equal(hpx_plan_ask(plan, &requests), 2); /* the rest of column 3 */
    assert_int_equal(requests[0].cell, 8);
    assert_int_equal(requests[1].cell, 18);
    hpx_plan_tell(plan, at(8), 0.05);
    hpx_plan_hint(plan, at(8), 0.9); /* too late */
    assert_true(hpx_plan_value(plan, at(8)) == 0.05);
}

/* A hint leads the speculation where the value will lead the search. */
static void test_hint(void **state)
{
    (void)state;
    const hpx_request *requests;
    hpx_plan_ask(plan, &requests);
    assert_false(is_speculative(17, 20)); /* nothing is known: every row is as likely */
    for (uint32_t a = 0; a < 4; a++)
        hpx_plan_hint(plan, at(a * 5), a == 3 ? 0.1 : 0.9);
    assert_true(is_speculative(17, 20));
    assert_int_equal(hpx_plan_ask(plan, &requests), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_speculate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hint, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
