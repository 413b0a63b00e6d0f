/* The library as other programs see it: stores, recipes and results through hpx.h alone, also by two threads at once, and
 * what is told of bad input. This program is the worker, too. */
#include "hpx.h"

#include "hpx/buffer.h"
#include "worker/worker.h"

#include "../helper/helper.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder, *dataset;
#define WITH_DIGITS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const hpx_open_options self = {.hpx = "/proc/self/exe"};
static const char grid[] = "search all\n  method = grid\n";

static int set_up(void **state)
{
    (void)state;
    folder = make_digits(&dataset);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(dataset);
    remove_folder(folder);
    return 0;
}

static char *path_of(const char *name)
{
    char *path = malloc(strlen(folder) + strlen(name) + 2);
    sprintf(path, "%s/%s", folder, name);
    return path;
}

/* A recipe of this name with two cells of two seeds, and these searches. free() its path. */
static char *write_recipe(const char *name, const char *searches)
{
    hpx_buffer text = {0};
    hpx_buffer_printf(
        &text,
        "%s  validation = 12\nmodel mlp\n  hidden = $n1\ntrain\n  epochs = 2\n  seeds = 1 2\n  batch = 16\n",
        dataset);
    hpx_buffer_printf(&text, "axis n1 = 4 8\n%s", searches);
    char *path = path_of(name);
    write_text(path, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return path;
}

static hpx_handle *open_store(const char *name)
{
    hpx_handle *handle;
    hpx_error error;
    char *path = path_of(name);
    expect_ok(hpx_open(&handle, path, &self, &error), &error);
    free(path);
    return handle;
}

static hpx_recipe *read_recipe(const char *name, const char *searches, const char *word)
{
    hpx_recipe *recipe;
    hpx_error error;
    char *path = write_recipe(name, searches);
    expect_ok(hpx_read_recipe(&recipe, path, &word, word != NULL, &error), &error);
    free(path);
    return recipe;
}

/* Runs a recipe in the store "store", which is closed again. */
static void run_recipe(const hpx_recipe *recipe)
{
    hpx_handle *handle = open_store("store");
    hpx_run_summary *run;
    hpx_error error;
    expect_ok(hpx_run_recipe(&run, handle, recipe, NULL, &error), &error);
    hpx_free_run(run);
    hpx_close(handle);
}

/* --- runs and results ------------------------------------------------------------------------------------- */

struct heard {
    hpx_handle *handle;
    size_t started, epochs, done;
    hpx_status again; /* of a call with the run's own handle */
};

static void hear(void *context, const hpx_news *news)
{
    struct heard *heard = context;
    hpx_trials *trials;
    heard->started += news->kind == HPX_NEWS_STARTED;
    heard->epochs += news->kind == HPX_NEWS_EPOCH;
    if (news->kind != HPX_NEWS_DONE)
        return;
    heard->done++;
    assert_int_equal(news->epoch, 2);
    assert_true(news->value >= 0 && news->value <= 1);
    expect_contains(news->cell, "n1=");
    heard->again = hpx_read_trials(&trials, heard->handle, NULL, 0, NULL);
    assert_null(trials);
}

static void check_trial(const hpx_trial *trial, const char *n1, uint64_t seed)
{
    assert_string_equal(hpx_trial_value(trial, "n1"), n1);
    assert_null(hpx_trial_value(trial, "n2"));
    assert_int_equal(trial->axis_count, 1);
    expect_near(trial->cell[0].number, atof(n1), 0);
    assert_int_equal(trial->seed, seed);
    assert_int_equal(trial->epoch, 2);
    assert_null(trial->failure);
    assert_int_equal(strlen(trial->key), 32);
    assert_int_equal(strlen(trial->code), 40);
    assert_true(hpx_trial_metric(trial, "test_accuracy") >= 0);
    assert_true(isnan(hpx_trial_metric(trial, "none")));
    assert_true(trial->seconds > 0 && trial->started_ns > 0);
}

static void test_run(void **state)
{
    (void)state;
    hpx_handle *handle = open_store("store");
    hpx_recipe *recipe = read_recipe("a.rcp", grid, NULL);
    struct heard heard = {.handle = handle};
    const hpx_run_options options = {.jobs = 2, .news = hear, .context = &heard};
    hpx_run_summary *run;
    hpx_trials *trials;
    hpx_error error;
    expect_ok(hpx_run_recipe(&run, handle, recipe, &options, &error), &error);
    assert_string_equal(error.message, "");
    assert_int_equal(error.status, HPX_OK);
    assert_int_equal(run->trained, 4);
    assert_int_equal(run->search_count, 1);
    assert_string_equal(run->searches[0].name, "all");
    assert_string_equal(run->searches[0].method, "grid");
    assert_true(run->searches[0].done);
    assert_int_equal(run->searches[0].evaluations, 2);
    assert_string_equal(run->searches[0].cell[0].axis, "n1");
    expect_near(run->searches[0].difference, 0, 0);
    assert_int_equal(heard.started, 4);
    assert_int_equal(heard.epochs, 8);
    assert_int_equal(heard.done, 4);
    assert_int_equal(heard.again, HPX_USAGE);
    hpx_free_run(run);

    expect_ok(hpx_run_recipe(&run, handle, recipe, NULL, &error), &error);
    assert_int_equal(run->trained, 0);
    assert_int_equal(run->stored, 4);
    hpx_free_run(run);

    expect_ok(hpx_read_trials(&trials, handle, recipe, 0, &error), &error);
    hpx_free_recipe(recipe);
    hpx_close(handle); /* what was read stays */
    assert_int_equal(trials->count, 4);
    check_trial(&trials->list[0], "4", 1);
    check_trial(&trials->list[3], "8", 2);
    hpx_free_trials(trials);
}

/* All epochs, of a recipe and of the whole store; the newest of every trajectory; words that amend; a store for reading. */
static void test_read(void **state)
{
    (void)state;
    hpx_handle *handle;
    hpx_recipe *recipe = read_recipe("a.rcp", grid, "train.seeds=3");
    hpx_run_summary *run;
    hpx_trials *trials;
    hpx_error error;
    const hpx_open_options reading = {.read_only = 1};
    char *path = path_of("store");
    run_recipe(recipe);

    expect_ok(hpx_open(&handle, path, &reading, &error), &error);
    expect_ok(hpx_read_trials(&trials, handle, NULL, 0, &error), &error);
    assert_int_equal(trials->count, 2);
    assert_int_equal(trials->list[1].epoch, 2);
    hpx_free_trials(trials);
    expect_ok(hpx_read_trials(&trials, handle, NULL, 1, &error), &error);
    assert_int_equal(trials->count, 4);
    assert_int_equal(trials->list[0].epoch, 1);
    hpx_free_trials(trials);
    expect_ok(hpx_read_trials(&trials, handle, recipe, 1, &error), &error);
    assert_int_equal(trials->count, 4);
    assert_int_equal(trials->list[0].seed, 3);
    hpx_free_trials(trials);
    assert_int_equal(hpx_run_recipe(&run, handle, recipe, NULL, &error), HPX_USAGE);
    assert_null(run);
    hpx_close(handle);
    hpx_free_recipe(recipe);
    free(path);
}

static volatile sig_atomic_t stop;

static void stop_after_epoch(void *context, const hpx_news *news)
{
    (void)context;
    stop = stop || news->kind == HPX_NEWS_EPOCH;
}

/* A stopped run says so, and what it has finished is stored. */
static void test_stop(void **state)
{
    (void)state;
    hpx_handle *handle = open_store("store");
    hpx_recipe *recipe = read_recipe("a.rcp", grid, "epochs=100000");
    const hpx_run_options options = {.jobs = 1, .news = stop_after_epoch, .stop = &stop};
    hpx_run_summary *run;
    hpx_trials *trials;
    hpx_error error;
    stop = 0;
    assert_int_equal(hpx_run_recipe(&run, handle, recipe, &options, &error), HPX_INTERRUPTED);
    assert_non_null(run);
    assert_false(run->searches[0].done);
    assert_null(run->searches[0].cell);
    hpx_free_run(run);
    expect_ok(hpx_read_trials(&trials, handle, NULL, 0, &error), &error);
    assert_true(trials->count > 0);
    hpx_free_trials(trials);
    hpx_free_recipe(recipe);
    hpx_close(handle);
}

/* A store that was opened by a relative path stays that one when the process goes elsewhere. */
static void test_goes_elsewhere(void **state)
{
    (void)state;
    hpx_recipe *recipe = read_recipe("a.rcp", grid, NULL);
    hpx_handle *handle;
    hpx_run_summary *run;
    hpx_error error;
    char *here = getcwd(NULL, 0);
    assert_int_equal(chdir(folder), 0);
    expect_ok(hpx_open(&handle, "store", &self, &error), &error);
    assert_int_equal(chdir("/"), 0);
    expect_ok(hpx_run_recipe(&run, handle, recipe, NULL, &error), &error);
    assert_int_equal(run->trained, 4);
    assert_int_equal(chdir(here), 0);
    hpx_free_run(run);
    hpx_free_recipe(recipe);
    hpx_close(handle);
    free(here);
}

/* --- threads ---------------------------------------------------------------------------------------------- */

struct thread {
    const char *store, *recipe;
    size_t results; /* that are stored, each epoch counted */
    size_t trained;
};

/* No cmocka in here: its checks are the first thread's alone. */
static void *work(void *context)
{
    struct thread *thread = context;
    hpx_handle *handle = NULL;
    hpx_recipe *recipe = NULL;
    hpx_run_summary *run = NULL;
    hpx_trials *trials = NULL;
    const hpx_run_options options = {.jobs = 1};
    hpx_error error;
    for (int round = 0; round < 2; round++) {
        if (hpx_open(&handle, thread->store, &self, &error) == HPX_OK &&
            hpx_read_recipe(&recipe, thread->recipe, NULL, 0, &error) == HPX_OK &&
            hpx_run_recipe(&run, handle, recipe, &options, &error) == HPX_OK &&
            hpx_read_trials(&trials, handle, recipe, 1, &error) == HPX_OK && trials->count == thread->results)
            thread->trained += run->trained;
        else
            print_message("%s: %s\n", thread->store, error.message);
        hpx_free_trials(trials);
        hpx_free_run(run);
        hpx_free_recipe(recipe);
        hpx_close(handle);
        handle = NULL, recipe = NULL, run = NULL, trials = NULL;
    }
    return NULL;
}

/* Two threads with two stores: a trainer of ours, and a program, whose files libgit2 looks at. */
static void test_threads(void **state)
{
    (void)state;
    hpx_buffer text = {0};
    pthread_t ids[4];
    hpx_buffer_puts(&text,
                    "program\n  command = sh p.sh $n1 $seed $epochs\n  code = p.sh\n  metrics = stdout\n"
                    "train\n  objective = test_accuracy\n  seeds = 1 2\n  epochs = 2\naxis n1 = 4 8\n");
    hpx_buffer_puts(&text, grid);
    char *stores[] = {path_of("one"), path_of("two"), path_of("three"), path_of("four")},
         *program = path_of("p.rcp"), *script = path_of("p.sh"), *model = write_recipe("a.rcp", grid);
    write_text(program, hpx_buffer_text(&text));
    write_text(script, "for epoch in 1 2; do echo epoch=$epoch test_accuracy=0.$1$2$epoch; done\n");
    struct thread threads[] = {
        {stores[0], model, 8}, {stores[1], model, 8}, {stores[2], program, 4}, {stores[3], program, 4}};
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&ids[i], NULL, work, &threads[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(ids[i], NULL);
        assert_int_equal(threads[i].trained, 4);
        free(stores[i]);
    }
    hpx_buffer_free(&text);
    free(program);
    free(script);
    free(model);
}

/* --- bad input -------------------------------------------------------------------------------------------- */

static void test_bad_stores(void **state)
{
    (void)state;
    hpx_handle *handle = open_store("store"), *other = handle;
    hpx_error error;
    const hpx_open_options reading = {.read_only = 1};
    char *store = path_of("store/."), *file = path_of("train-images"), *none = path_of("none");
    assert_int_equal(hpx_open(&other, store, NULL, &error), HPX_USAGE);
    expect_contains(error.message, "this process has the store open");
    assert_null(other);
    assert_int_equal(hpx_open(&other, file, NULL, &error), HPX_FAILED);
    assert_int_equal(hpx_open(&other, none, &reading, &error), HPX_NOT_FOUND);
    expect_contains(error.message, "none: there is no store");
    assert_int_equal(hpx_open(&other, NULL, NULL, &error), HPX_USAGE);
    assert_int_equal(hpx_open(NULL, store, NULL, &error), HPX_USAGE);
    hpx_close(handle);
    expect_ok(hpx_open(&handle, store, NULL, &error), &error);
    hpx_close(handle);
    hpx_close(NULL);
    free(store);
    free(file);
    free(none);
}

static void test_bad_recipes(void **state)
{
    (void)state;
    hpx_recipe *recipe;
    hpx_error error;
    char *bad = write_recipe("bad.rcp", "search s\n  method = grit\n"), *good = write_recipe("good.rcp", ""),
         *none = path_of("none");
    const char *const words[] = {"epochs=0", "no value", NULL};
    assert_int_equal(hpx_read_recipe(&recipe, bad, NULL, 0, &error), HPX_USAGE);
    expect_contains(error.message, "did you mean 'grid'");
    assert_null(recipe);
    assert_int_equal(hpx_read_recipe(&recipe, good, words, COUNT(words), &error), HPX_USAGE);
    expect_contains(error.message, "epochs");
    assert_int_equal(hpx_read_recipe(&recipe, none, NULL, 0, &error), HPX_NOT_FOUND);
    assert_int_equal(hpx_read_recipe(&recipe, folder, NULL, 0, &error), HPX_FAILED);
    assert_int_equal(hpx_read_recipe(&recipe, NULL, NULL, 0, &error), HPX_USAGE);
    assert_int_equal(hpx_read_recipe(&recipe, good, NULL, 1, NULL), HPX_USAGE);
    hpx_free_recipe(NULL);
    free(bad);
    free(good);
    free(none);
}

/* The options of one run after the other: no search, none of that name, no hpx, one that is none; then it runs. */
static void test_bad_runs(void **state)
{
    (void)state;
    hpx_recipe *without = read_recipe("without.rcp", "", NULL), *recipe = read_recipe("a.rcp", grid, NULL);
    const char *const names[] = {"al"};
    const hpx_run_options named = {.searches = names, .search_count = 1}, alone = {.jobs = 1};
    const hpx_open_options nowhere = {.hpx = "no-such-program"}, false_one = {.hpx = "/bin/false"};
    hpx_handle *handle;
    hpx_run_summary *run;
    hpx_error error;
    char *store = path_of("store");
    expect_ok(hpx_open(&handle, store, &nowhere, &error), &error);
    assert_int_equal(hpx_run_recipe(&run, handle, without, NULL, &error), HPX_USAGE);
    expect_contains(error.message, "there is no search to run");
    assert_int_equal(hpx_run_recipe(&run, handle, recipe, &named, &error), HPX_USAGE);
    expect_contains(error.message, "did you mean 'all'");
    assert_int_equal(hpx_run_recipe(&run, handle, NULL, NULL, &error), HPX_USAGE);
    assert_int_equal(hpx_run_recipe(&run, handle, recipe, NULL, &error), HPX_FAILED);
    expect_contains(error.message, "there is no program hpx");
    hpx_free_run(run);
    hpx_close(handle);

    expect_ok(hpx_open(&handle, store, &false_one, &error), &error);
    assert_int_equal(hpx_run_recipe(&run, handle, recipe, &alone, &error), HPX_FAILED);
    assert_int_equal(run->accidents, 1);
    assert_false(run->searches[0].done);
    hpx_free_run(run);
    hpx_close(handle);

    handle = open_store("store");
    expect_ok(hpx_run_recipe(&run, handle, recipe, &alone, &error), &error);
    assert_int_equal(run->trained, 4);
    hpx_free_run(run);
    hpx_close(handle);
    hpx_free_recipe(without);
    hpx_free_recipe(recipe);
    free(store);
}

static void note(void *context, const char *text)
{
    expect_contains(text, "damaged: ");
    ++*(int *)context;
}

/* Damaged bytes are told, and trained again. */
static void test_damage(void **state)
{
    (void)state;
    int notices = 0;
    const hpx_open_options options = {.hpx = self.hpx, .notice = note, .context = &notices};
    hpx_handle *handle;
    hpx_recipe *recipe = read_recipe("a.rcp", grid, "train.seeds=1");
    hpx_run_summary *run;
    hpx_error error;
    char *store = path_of("store"), *file = path_of("store/hpx.mdb");
    run_recipe(recipe);
    hpx_buffer bytes = read_file(file);
    for (size_t i = 0; i + 16 < bytes.size; i++)
        if (memcmp(bytes.data + i, "validation_loss", 15) == 0)
            bytes.data[i] = 'V';
    write_file(file, bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    expect_ok(hpx_open(&handle, store, &options, &error), &error);
    expect_ok(hpx_run_recipe(&run, handle, recipe, NULL, &error), &error);
    assert_true(notices > 0);
    assert_int_equal(run->trained + run->extended, 2);
    hpx_free_run(run);
    hpx_close(handle);
    hpx_free_recipe(recipe);
    free(store);
    free(file);
}

/* A page of a tree: it begins with its number, and says that it is a branch or a leaf. */
static size_t draw_page(const hpx_buffer *file)
{
    for (;;) {
        const size_t page = 2 + draw(file->size / 4096 - 2);
        const uint8_t *head = file->data + page * 4096;
        if (head[0] == (page & 255) && (head[10] == 1 || head[10] == 2))
            return page;
    }
}

/* A byte of the data file is another one: whatever that is, an error or a notice comes, or it does not count. */
static void test_flips(void **state)
{
    (void)state;
    hpx_handle *handle;
    hpx_recipe *recipe = read_recipe("a.rcp", grid, "train.seeds=1");
    hpx_run_summary *run;
    hpx_trials *trials;
    hpx_error error;
    size_t refused = 0;
    char *store = path_of("store"), *file = path_of("store/hpx.mdb");
    run_recipe(recipe);
    hpx_buffer bytes = read_file(file);
    for (size_t i = 0; i < 400; i++) {
        const size_t at = i % 2 ? draw(bytes.size) : draw_page(&bytes) * 4096 + draw(64);
        const uint8_t mask = (uint8_t)(1 << draw(8));
        bytes.data[at] ^= mask;
        write_file(file, bytes.data, bytes.size);
        bytes.data[at] ^= mask;
        if (hpx_open(&handle, store, &self, &error) != HPX_OK) {
            refused += error.status == HPX_DAMAGED;
            continue;
        }
        if (hpx_read_trials(&trials, handle, NULL, 1, &error) == HPX_OK)
            assert_true(trials->count <= 4);
        hpx_free_trials(trials);
        if (hpx_run_recipe(&run, handle, recipe, NULL, &error) == HPX_OK)
            assert_int_equal(run->stored + run->trained + run->extended, 2);
        hpx_free_run(run);
        hpx_close(handle);
    }
    assert_true(refused > 20);
    hpx_buffer_free(&bytes);
    hpx_free_recipe(recipe);
    free(store);
    free(file);
}

int main(int argc, char **argv)
{
    static hpx_error error;
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return hpx_worker_run(STDIN_FILENO, &error) != HPX_OK;
    alarm(300); /* a run that waits for ever fails */
    const struct CMUnitTest tests[] = {
        WITH_DIGITS(test_run),      WITH_DIGITS(test_read),           WITH_DIGITS(test_stop),
        WITH_DIGITS(test_threads),  WITH_DIGITS(test_bad_stores),     WITH_DIGITS(test_bad_recipes),
        WITH_DIGITS(test_bad_runs), WITH_DIGITS(test_goes_elsewhere), WITH_DIGITS(test_damage),
        WITH_DIGITS(test_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
