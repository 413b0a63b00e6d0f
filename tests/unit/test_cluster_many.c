/* A build with many workers in a pool, and more trials: each is trained once, and what comes of them is not kept in memory.
 * bench/cluster.c is the same with a thousand workers and 100,000 trials. */
#include "base/memory.h"
#include "hpx/build.h"
#include "hpx/file.h"

#include "../helper/fleet.h"
#include "../helper/helper.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    WORKERS = 50,
    SIDE = 45, /* cells on each of two axes */
    TRIALS = SIDE * SIDE,
    GROWTH_MAX = 3 << 20, /* bytes, while nine tenths are trained: their logs alone are 3.6 MiB */
    FILES_MAX = 16,       /* descriptors that are open, likewise */
};

static hpx_error error;

struct watch {
    size_t started, done, memory, files, memory_then, files_then;
};

static size_t files(void)
{
    size_t count = 0;
    DIR *entries = opendir("/proc/self/fd");
    while (entries && readdir(entries))
        count++;
    if (entries)
        closedir(entries);
    return count;
}

static void see(void *context, const hpx_event *event)
{
    struct watch *watch = context;
    watch->started += event->kind == HPX_EVENT_STARTED;
    watch->done += event->kind == HPX_EVENT_DONE;
    assert_int_not_equal(event->kind, HPX_EVENT_FAILED);
    assert_int_not_equal(event->kind, HPX_EVENT_POSTPONED);
    if (event->kind == HPX_EVENT_DONE && watch->done == TRIALS / 10) {
        watch->memory_then = owner_memory();
        watch->files_then = files();
    } else if (event->kind == HPX_EVENT_DONE && watch->done == TRIALS) {
        watch->memory = owner_memory();
        watch->files = files();
    }
}

static void test_many(void **state)
{
    (void)state;
    char *folder = make_folder(), *pool = hpx_path_join(folder, "pool"), *text = fleet_recipe(SIDE, SIDE);
    hpx_recipe *recipe;
    hpx_store *store;
    hpx_outcome *outcome;
    struct watch watch = {.started = 0};
    struct fleet *fleet = fleet_new(pool);
    fleet_add_trainer();
    expect_ok(hpx_recipe_parse(&recipe, "many.rcp", text, strlen(text), NULL, NULL, &error), &error);
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    const hpx_recipe_search *search = &recipe->searches[0];
    const hpx_source_options source = {.store = store, .remember = true, .folder = folder};
    const hpx_build_options options = {
        .jobs = WORKERS, .launcher = fleet_launcher(fleet), .pool = pool, .event = see, .context = &watch};
    expect_ok(hpx_build(&outcome, recipe, &search, 1, &source, &options, &error), &error);
    const char *trouble = fleet_free(fleet);
    if (trouble)
        fail_msg("%s", trouble);
    assert_int_equal(outcome->trained, TRIALS);
    assert_int_equal(outcome->failed, 0);
    assert_int_equal(watch.started, TRIALS);
    assert_int_equal(watch.done, TRIALS);
    assert_false(hpx_path_exists(pool));
    assert_true(watch.files <= watch.files_then + FILES_MAX);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed for a while */
    assert_true(watch.memory <= watch.memory_then + GROWTH_MAX);
#endif
    hpx_outcome_free(outcome);
    hpx_store_close(store);
    hpx_recipe_free(recipe);
    free(text);
    free(pool);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many)};
    alarm(300); /* a build that waits for ever fails */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
