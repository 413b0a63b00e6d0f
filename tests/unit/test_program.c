/* What a program's results depend on: its code, data and versions, and what is recorded of them. */
#include "base/memory.h"
#include "code/listing.h"
#include "hpx/code.h"
#include "hpx/file.h"
#include "identity/data_files.h"
#include "identity/program.h"
#include "program/copy.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder;
static hpx_store *store;

static void shell(const char *commands)
{
    char *command = hpx_format("cd '%s' && { %s; } >/dev/null 2>&1", folder, commands);
    if (system(command) != 0)
        fail_msg("%s", commands);
    free(command);
}

static int set_up(void **state)
{
    (void)state;
    char *made = make_folder();
    hpx_error error;
    folder = hpx_path_real(made);
    free(made);
    char *home = hpx_path_join(folder, "home"), *scratch = hpx_path_join(folder, "scratch"),
         *at = hpx_path_join(folder, "store");
    mkdir(home, 0700);
    setenv("HOME", home, 1);
    setenv("HPX_SCRATCH", scratch, 1);
    unsetenv("XDG_CONFIG_HOME");
    shell("git config --global user.name A && git config --global user.email a@b && git config --global "
          "init.defaultBranch main && git init tree && cd tree && mkdir -p exp/src exp/data/more && echo 1 "
          ">exp/train.py && "
          "echo 2 >exp/src/a.py && echo x >exp/data/x.csv && echo y >exp/data/more/y.csv && git add . && git "
          "commit -m first");
    expect_ok(hpx_store_open(&store, at, HPX_STORE_WRITE, &error), &error);
    free(home);
    free(scratch);
    free(at);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_store_close(store);
    hpx_copies_remove();
    shell("chmod -R u+rwx scratch 2>/dev/null; true");
    remove_folder(folder);
    return 0;
}

struct looked {
    hpx_recipe *recipe;
    hpx_program_state *state;
};

/* Looks at a recipe with these lines in its statement, which lies in tree/exp. */
static hpx_status look(struct looked *out, const char *lines, hpx_error *error)
{
    char *path = hpx_path_join(folder, "tree/exp/r.rcp");
    char *text =
        hpx_format("program\n  command = python3 train.py $m\n%s\ntrain\n  objective = maximise acc\n"
                   "axis m = a b\n",
                   lines);
    const hpx_source_options options = {.store = store, .remember = true};
    *out = (struct looked){0};
    hpx_status status = hpx_recipe_parse(&out->recipe, path, text, strlen(text), NULL, NULL, error);
    if (status)
        fail_msg("%s", error->message);
    status = hpx_program_look(&out->state, out->recipe, &options, error);
    free(text);
    free(path);
    return status;
}

static void forget(struct looked *looked)
{
    hpx_program_state_free(looked->state);
    hpx_recipe_free(looked->recipe);
}

/* What it contributes to the manifest of a cell. */
static hpx_hash identity_of(const char *lines, uint32_t cell)
{
    struct looked looked;
    hpx_fields fields = {0};
    hpx_error error;
    expect_ok(look(&looked, lines, &error), &error);
    hpx_program_fields(&fields, looked.state, cell);
    const hpx_hash id = hpx_record_id(&fields);
    hpx_fields_free(&fields);
    forget(&looked);
    return id;
}

static void expect_refused(const char *lines, const char *message)
{
    struct looked looked;
    hpx_error error;
    assert_int_equal(look(&looked, lines, &error), HPX_USAGE);
    expect_contains(error.message, message);
    expect_contains(error.message, "tree/exp/r.rcp:3:");
    forget(&looked);
}

static void test_identity(void **state)
{
    (void)state;
    static const char lines[] =
        "  code = train.py src/\n  data = data/\n  version = \"cat ../../version-$m\"\n";
    static const struct {
        const char *deed;
        bool other;
    } deeds[] = {
        {"echo 22 >tree/exp/src/a.py", true},
        {"echo xx >tree/exp/data/x.csv", true},
        {"echo z >tree/exp/data/z.csv", true},
        {"mv tree/exp/data/z.csv tree/exp/data/zz.csv", true},
        {"echo 2 >version-a", true},
        {"echo 2 >version-b", false},
        {"echo >tree/exp/src/.a.py.swp", false},
        {"touch tree/exp/data/x.csv", false},
        {"mkdir tree/exp/src/__pycache__", false},
        {"cd tree && git add . && git commit -m second", false},
    };
    shell("echo 1 >version-a && echo 1 >version-b");
    hpx_hash before = identity_of(lines, 0);
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        shell(deeds[i].deed);
        const hpx_hash now = identity_of(lines, 0);
        if (hpx_hash_equal(&before, &now) == deeds[i].other)
            fail_msg("%s", deeds[i].deed);
        before = now;
    }
    shell("mv tree/exp/data elsewhere && ln -s ../../elsewhere tree/exp/data");
    const hpx_hash linked = identity_of(lines, 0);
    assert_true(hpx_hash_equal(&linked, &before)); /* the bytes under those names */
}

static void test_mistakes(void **state)
{
    (void)state;
    expect_refused("  data = data/gone.csv\n", "data/gone.csv does not exist");
    expect_refused("  data = data/*.npz\n", "data/*.npz matches no file");
    expect_refused("  code = gone.py\n", "gone.py does not exist");
    expect_refused("  version = \"sh -c 'echo one; echo two words >&2; exit 3'\"\n",
                   "ended with exit code 3: two words");
    expect_refused("  version = \"no-such-program -V\"\n", "no-such-program");
    expect_refused("  version = \"head -c 2000000 /dev/zero\"\n", "prints more than 1 MiB");
    expect_refused("  version = \"sh -c 'kill -9 $$$$'\"\n", "ended with signal 9: it printed nothing");
}

/* Each distinct one once; one that leaves something running is not waited for. */
static void test_versions(void **state)
{
    (void)state;
    struct looked looked;
    hpx_error error;
    expect_ok(
        look(&looked,
             "  version = \"sh -c 'echo $m >>../../runs'\" \"sh -c 'echo c >>../../runs; sleep 100 &'\"\n",
             &error),
        &error);
    char *path = hpx_path_join(folder, "runs");
    hpx_buffer runs = read_file(path);
    assert_string_equal(hpx_buffer_text(&runs), "a\nb\nc\n");
    hpx_buffer_free(&runs);
    free(path);
    forget(&looked);
}

static void test_prepared(void **state)
{
    (void)state;
    struct looked looked;
    hpx_fields conditions = {0}, record = {0}, again = {0};
    hpx_copy *copy;
    hpx_error error;
    const char *text;
    shell("cd tree/exp && echo 22 >src/a.py && echo new >src/new.py && mkdir ../../outside && echo o "
          ">../../outside/o");
    expect_ok(look(&looked,
                   "  code = train.py src/\n  data = data/ ../../outside/o\n  version = \"echo $m 1\"\n",
                   &error),
              &error);
    expect_ok(hpx_program_prepare(&conditions, looked.state, &error), &error);
    hpx_fields_set_text(&conditions, "run.in", "copy");
    shell("echo edited >tree/exp/src/a.py"); /* changes nothing any more */
    expect_ok(hpx_copy_take(&copy, &conditions, &error), &error);
    char *command = hpx_format("cd '%s' && test $(cat src/a.py) = 22 && test $(cat data/more/y.csv) = y && "
                               "test $(cat ../../outside/o) = o && "
                               "test $(ls | wc -l) = 3",
                               hpx_copy_folder(copy));
    assert_int_equal(system(command), 0);
    free(command);
    hpx_copy_release(copy);
    expect_ok(hpx_program_code_record(&record, looked.state, 1, &error), &error);
    assert_null(hpx_program_take_warnings(looked.state));
    expect_ok(hpx_fields_text(&text, &record, "version.1.output", &error), &error);
    assert_string_equal(text, "b 1\n");
    assert_string_equal(hpx_fields_text_or_empty(&record, "branch"), "main");
    assert_int_equal(strlen(hpx_fields_text_or_empty(&record, "commit")), 40);
    assert_int_equal(hpx_fields_find(&record, "dirty")->count, 1);
    const hpx_field *patch = hpx_fields_find(&record, "patch");
    char *shown = hpx_strndup((const char *)patch->bytes, patch->size);
    expect_contains(shown, "-2\n+22\n");
    expect_contains(shown, "b/exp/src/new.py");
    free(shown);
    char *out = hpx_path_join(folder, "written");
    mkdir(out, 0700);
    expect_ok(hpx_code_checkout(out, ".", &record, &error), &error); /* the record has all of it */
    shell("test $(cat written/exp/src/a.py) = 22 && test $(cat written/exp/src/new.py) = new && test $(find "
          "written -type f | wc -l) = 3");
    hpx_fields_free(&record);
    hpx_fields_free(&again);
    hpx_fields_free(&conditions);
    free(out);
    forget(&looked);
}

static bool is_dirty(const char *lines)
{
    struct looked looked;
    hpx_fields conditions = {0}, record = {0};
    hpx_error error;
    expect_ok(look(&looked, lines, &error), &error);
    expect_ok(hpx_program_prepare(&conditions, looked.state, &error), &error);
    expect_ok(hpx_program_code_record(&record, looked.state, 0, &error), &error);
    const bool dirty = hpx_fields_find(&record, "dirty")->count != 0;
    hpx_fields_free(&record);
    hpx_fields_free(&conditions);
    forget(&looked);
    return dirty;
}

static void test_dirty(void **state)
{
    (void)state;
    assert_false(is_dirty("  code = train.py src/\n"));
    assert_false(is_dirty("  code = **/*.py\n"));
    shell("cd tree && ln -s exp/src/a.py link.py && git add . && git commit -m link && echo >elsewhere");
    assert_false(is_dirty("  code = train.py ../link.py\n"));
    assert_true(is_dirty("  code = ..\n"));
    shell("cd tree && rm elsewhere && echo >exp/src/b.py && git add . && git commit -m b && rm exp/src/b.py");
    assert_true(is_dirty("  code = train.py src/\n"));
    assert_true(is_dirty("  code = **/*.py\n"));
    assert_false(is_dirty("  code = train.py\n"));
    shell("cd tree && git update-index --assume-unchanged exp/train.py && echo 11 >exp/train.py");
    assert_true(is_dirty("  code = train.py\n"));
}

/* An edit between the look and the snapshot is noticed. */
static void test_edited(void **state)
{
    (void)state;
    struct looked looked;
    hpx_fields conditions = {0};
    hpx_error error;
    expect_ok(look(&looked, "  code = train.py src/\n  data = data/x.csv\n  run-in = worktree\n", &error),
              &error);
    expect_ok(hpx_program_unchanged(looked.state, &error), &error);
    shell("echo 3 >tree/exp/src/a.py");
    assert_int_equal(hpx_program_prepare(&conditions, looked.state, &error), HPX_FAILED);
    expect_contains(error.message, "exp/src/a.py");
    assert_int_equal(hpx_program_unchanged(looked.state, &error), HPX_DIFFERS);
    expect_contains(error.message, "exp/src/a.py has changed");
    shell("echo xx >tree/exp/data/x.csv");
    assert_int_equal(hpx_program_unchanged(looked.state, &error), HPX_DIFFERS);
    expect_contains(error.message, "data/x.csv has changed");
    hpx_fields_free(&conditions);
    forget(&looked);
}

static void test_data_record(void **state)
{
    (void)state;
    struct looked looked;
    hpx_error error;
    expect_ok(look(&looked, "  data = data/more/*.csv ./data/ data/x.csv\n", &error), &error);
    const hpx_fields *record = hpx_program_data_record(looked.state);
    hpx_data_walk file = {0};
    assert_true(hpx_data_next(&file, record));
    assert_string_equal(file.name, "data/more/y.csv");
    assert_true(hpx_data_next(&file, record));
    assert_string_equal(file.name, "data/x.csv");
    assert_int_equal(file.size, 2);
    const hpx_hash hash = hpx_hash_of("x\n", 2);
    assert_true(hpx_hash_equal(&file.hash, &hash));
    assert_false(hpx_data_next(&file, record));
    forget(&looked);
}

/* However many they are, the record can be stored and read again. */
static void test_many_files(void **state)
{
    (void)state;
    struct looked looked;
    hpx_error error;
    hpx_fields stored = {0};
    shell("cd tree/exp/data && seq 5000 | split -l 1 -a 4 -d - part-");
    expect_ok(look(&looked, "  data = data/\n", &error), &error);
    const hpx_fields *record = hpx_program_data_record(looked.state);
    const hpx_hash id = hpx_record_id(record);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_DATASET, record, &error), &error);
    expect_ok(hpx_store_get_record(&stored, store, HPX_RECORD_DATASET, &id, &error), &error);
    hpx_data_walk file = {0};
    size_t count = 0;
    while (hpx_data_next(&file, &stored))
        count++;
    assert_int_equal(count, 5002);
    assert_string_equal(file.name, "data/x.csv");
    hpx_fields_free(&stored);
    forget(&looked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_prepared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dirty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_data_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
