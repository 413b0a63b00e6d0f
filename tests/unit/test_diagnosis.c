/* What the doctor makes of runs of a trial and of the files that it opened. */
#include "upkeep/diagnosis.h"

#include "../helper/helper.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const command[] = {"/opt/x/python3.11", "train.py"}, *const code[] = {"train.py",
                                                                                         "my src/"};
static hpx_program_pair variables[] = {{"A", "${n} b"}};
static hpx_program program = {.command = {(const char **)command, 2},
                              .code = {(const char **)code, 2},
                              .env = variables,
                              .env_count = 1};
static const hpx_recipe recipe = {.program = &program, .objective.name = "score"};

/* Frees it. */
static void check(hpx_diagnosis *diagnosis, hpx_doctor_verdict verdict, const char *found,
                  const char *bindings)
{
    hpx_examination all = {.checks = {*diagnosis}}; /* the others are empty */
    assert_int_equal(diagnosis->verdict, verdict);
    expect_contains(hpx_buffer_text(&all.checks[0].found), found);
    assert_string_equal(hpx_buffer_text(&all.checks[0].bindings), bindings);
    hpx_examination_free(&all);
}

static void compare(double a, double b, const hpx_comparison *comparison, hpx_doctor_verdict verdict,
                    const char *found, const char *bindings)
{
    hpx_diagnosis diagnosis = {.verdict = HPX_DOCTOR_PASS};
    hpx_metric one[] = {{"score", 1}, {"loss", a}, {"epoch_time", a}},
               two[] = {{"score", 1}, {"loss", b}, {"epoch_time", 7}};
    struct told_epoch epochs[] = {{3, {.list = one, .count = 3}}},
                      others[] = {{3, {.list = two, .count = 3}}};
    const struct hpx_trial_run first = {.ran = true, .epochs = epochs, .count = 1};
    const struct hpx_trial_run second = {.ran = true, .epochs = others, .count = 1};
    hpx_diagnose_deterministic(&diagnosis, &first, &second, comparison);
    check(&diagnosis, verdict, found, bindings);
}

static void test_two_runs(void **state)
{
    const hpx_comparison exact = {.likeness = HPX_LIKE_METRICS}, any = {.likeness = HPX_LIKE_ANY},
                         near = {.likeness = HPX_LIKE_METRICS, .within = 0.5};
    (void)state;
    compare(0.5, 0.5, &exact, HPX_DOCTOR_PASS, "equal metrics", "");
    compare(NAN, NAN, &exact, HPX_DOCTOR_PASS, "equal metrics", "");
    compare(0.5, 0.5012, &exact, HPX_DOCTOR_FAIL, "in epoch 3: loss 0.5, and 0.5012",
            "repeat = within 0.003\n");
    compare(100, 140, &exact, HPX_DOCTOR_FAIL, "repeat = exact", "repeat = within 80\n");
    compare(0.5, NAN, &exact, HPX_DOCTOR_FAIL, "loss 0.5", "repeat = no\n");
    compare(0.5, 0.9, &near, HPX_DOCTOR_PASS, "repeat = within 0.5", "");
    compare(0.5, 1.5, &near, HPX_DOCTOR_FAIL, "repeat = within 0.5", "repeat = within 2\n");
    compare(0.5, 1.5, &any, HPX_DOCTOR_PASS, "repeat = no", "");
}

static void test_runs_that_end_otherwise(void **state)
{
    const hpx_comparison exact = {.likeness = HPX_LIKE_METRICS};
    const struct hpx_trial_run good = {.ran = true}, failed = {.ran = true, .failure = "diverged"},
                               killed = {.ran = true, .accident = (char *)"signal 9"};
    hpx_diagnosis diagnosis = {.verdict = HPX_DOCTOR_PASS};
    (void)state;
    hpx_diagnose_deterministic(&diagnosis, &good, &failed, &exact);
    check(&diagnosis, HPX_DOCTOR_FAIL, "ended otherwise", "repeat = no\n");
    diagnosis = (hpx_diagnosis){.verdict = HPX_DOCTOR_PASS};
    hpx_diagnose_deterministic(&diagnosis, &good, &killed, &exact);
    check(&diagnosis, HPX_DOCTOR_NOT_TRIED, "the second run ended by accident", "");
}

static void test_undeclared(void **state)
{
    char *more[] = {(char *)"it's.py", (char *)"src/b.py"}, *files[] = {(char *)"/h/.cache/$x"};
    const hpx_undeclared undeclared = {.code = {.paths = more, .count = 2},
                                       .data = {.paths = files, .count = 1},
                                       .in_home = {.paths = files, .count = 1},
                                       .in_place = {.paths = more, .count = 2},
                                       .import_folder = (char *)"s$c",
                                       .installed = 3,
                                       .python = true};
    hpx_diagnosis diagnosis = {.verdict = HPX_DOCTOR_PASS};
    (void)state;
    hpx_diagnose_declared(&diagnosis, &recipe, &undeclared, "why");
    check(&diagnosis, HPX_DOCTOR_FAIL,
          "2 files are not declared, 1 file in HOME is not declared, 2 files were opened in the work tree; "
          "more is not "
          "known: why",
          "code = train.py \"my src/\" \"it's.py\" src/b.py\n"
          "data = \"/h/.cache/$x\"\n"
          "env = \"A=${n} b\" \"PYTHONPATH=s$$c\"\n"
          "version = \"/opt/x/python3.11 -V\" \"/opt/x/python3.11 -m pip freeze\"\n");
    const hpx_undeclared nothing = {.installed = 0};
    diagnosis = (hpx_diagnosis){.verdict = HPX_DOCTOR_PASS};
    hpx_diagnose_declared(&diagnosis, &recipe, &nothing, NULL);
    check(&diagnosis, HPX_DOCTOR_PASS, "all files that it opened are declared", "");
    diagnosis = (hpx_diagnosis){.verdict = HPX_DOCTOR_PASS};
    hpx_diagnose_declared(&diagnosis, &recipe, &nothing, "why");
    check(&diagnosis, HPX_DOCTOR_NOT_TRIED, "why", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_runs),
        cmocka_unit_test(test_runs_that_end_otherwise),
        cmocka_unit_test(test_undeclared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
