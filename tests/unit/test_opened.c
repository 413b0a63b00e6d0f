/* Which of the files that a program opened its recipe does not declare. */
#include "upkeep/opened.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/data_files.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* FOLDER/work is a work tree with a recipe in exp/; FOLDER/scratch/snapshots/v has its code, FOLDER/home is HOME. */
static char *folder;
static hpx_fields conditions, data;
static hpx_opened_options options;
static hpx_opened *opened;
static char path_variable[512], home[256];

static char *at(const char *name)
{
    return hpx_path_join(folder, name);
}

static void make_file(const char *name, const void *bytes, size_t size)
{
    hpx_error error;
    char *path = at(name), *parent = hpx_path_directory(path);
    expect_ok(hpx_make_directories(parent, &error), &error);
    write_file(path, bytes, size);
    free(parent);
    free(path);
}

static void make_text(const char *name)
{
    make_file(name, "x\n", 2);
}

static void set_path(const char *field, const char *name)
{
    char *path = at(name);
    hpx_fields_set_text(&conditions, field, path);
    free(path);
}

static int set_up(void **state)
{
    static const char *const files[] = {"work/exp/train.py",
                                        "work/exp/pkg/__init__.py",
                                        "work/exp/pkg/a.py",
                                        "scratch/snapshots/v/exp/train.py",
                                        "scratch/snapshots/v/exp/pkg/__init__.py",
                                        "scratch/snapshots/v/exp/pkg/a.py",
                                        "work/exp/data/x.csv",
                                        "home/.cache/m.pt"};
    hpx_data_list declared = {0};
    static const char links[] = "exp/data/x.csv\0/elsewhere\0../above\0/elsewhere";
    (void)state;
    folder = make_folder();
    for (size_t i = 0; i < COUNT(files); i++)
        make_text(files[i]);
    set_path("job.scratch", "scratch");
    set_path("job.snapshot", "scratch/snapshots/v");
    set_path("job.root", "work");
    hpx_fields_set_text(&conditions, "run.folder", "exp");
    hpx_fields_set_text(&conditions, "run.in", "copy");
    hpx_fields_set_bytes(&conditions, "job.data", links, sizeof links);
    hpx_data_list_add(&declared, "data/x.csv", &(hpx_hash){0}, 0);
    hpx_data_list_record(&data, &declared);
    snprintf(home, sizeof home, "%s/home", folder);
    snprintf(path_variable, sizeof path_variable, "%s/tools/bin:/usr/bin:%s/home/bin", folder, folder);
    options =
        (hpx_opened_options){.conditions = &conditions, .data = &data, .home = home, .path = path_variable};
    hpx_error error;
    char *bin = at("tools/bin");
    expect_ok(hpx_make_directories(bin, &error), &error);
    free(bin);
    opened = hpx_opened_new(&options);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_opened_free(opened);
    hpx_fields_free(&conditions);
    hpx_fields_free(&data);
    remove_folder(folder);
    return 0;
}

static void note(hpx_access access, const char *asked, const char *found)
{
    char *first = at(asked), *second = at(found ? found : asked);
    hpx_opened_note(opened, access, first, second);
    free(first);
    free(second);
}

static void opens(const char *name)
{
    note(HPX_ACCESS_READ, name, NULL);
}

/* The names of a list, with the test's folder as @. */
static void check(const hpx_path_list *list, const char *expected)
{
    hpx_buffer text = {0};
    const size_t length = strlen(folder);
    for (size_t i = 0; i < list->count; i++) {
        const bool inside = strncmp(list->paths[i], folder, length) == 0;
        hpx_buffer_printf(&text, "%s%s%s", i ? " " : "", inside ? "@" : "",
                          list->paths[i] + (inside ? length : 0));
    }
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
}

static void check_all(const char *code, const char *files, const char *in_place)
{
    hpx_undeclared undeclared;
    hpx_opened_sum_up(&undeclared, opened);
    check(&undeclared.code, code);
    check(&undeclared.data, files);
    check(&undeclared.in_place, in_place);
    hpx_undeclared_free(&undeclared);
}

static void test_what_is_declared(void **state)
{
    (void)state;
    opens("scratch/copies/12-0/tree/up/exp/train.py");
    note(HPX_ACCESS_READ, "scratch/copies/12-0/tree/up/exp/data/x.csv", "work/exp/data/x.csv");
    opens("work/exp/data/x.csv");
    opens("scratch/copies/12-0/out/ckpt");
    opens("work/.git/HEAD");
    check_all("", "", "");
}

static void test_code_and_data(void **state)
{
    (void)state;
    make_text("work/exp/util.py");
    make_text("work/lib/b.py");
    make_file("work/exp/w.bin", "\0\1", 2);
    make_text("elsewhere/set.csv");
    opens("work/exp/util.py");
    opens("work/exp/util.py");
    opens("work/lib/b.py");
    opens("work/exp/w.bin");
    opens("elsewhere/set.csv");
    opens("elsewhere/gone");
    opens("elsewhere");
    check_all("../lib/b.py util.py", "@/elsewhere/set.csv w.bin", "");
}

static void test_home(void **state)
{
    hpx_undeclared undeclared;
    (void)state;
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "home/.cache/hub/%d.json", i);
        make_text(name);
        opens(name);
    }
    make_text("home/.config/x");
    opens("home/.config/x");
    opens("home/.cache/m.pt");
    make_text("home/.local/lib/python3.11/site-packages/a.py");
    opens("home/.local/lib/python3.11/site-packages/a.py");
    hpx_opened_sum_up(&undeclared, opened);
    check(&undeclared.data, "@/home/.cache/hub/ @/home/.cache/m.pt @/home/.config/x");
    check(&undeclared.in_home, "@/home/.cache/hub/ @/home/.cache/m.pt @/home/.config/x");
    assert_int_equal(undeclared.installed, 1);
    assert_true(undeclared.python);
    hpx_undeclared_free(&undeclared);
}

static void test_what_is_installed(void **state)
{
    static const char *const files[] = {"tools/bin/run",         "tools/share/x",
                                        "work/.venv/pyvenv.cfg", "work/.venv/lib/m/a.py",
                                        "other/lib/libz.so.1",   "conda/conda-meta/history",
                                        "conda/lib/R/x.R"};
    hpx_undeclared undeclared;
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        make_text(files[i]);
        opens(files[i]);
    }
    hpx_opened_note(opened, HPX_ACCESS_READ, "/etc/passwd", "/etc/passwd");
    hpx_opened_sum_up(&undeclared, opened);
    check(&undeclared.code, "");
    check(&undeclared.data, "");
    assert_int_equal(undeclared.installed, COUNT(files) + 1);
    assert_false(undeclared.python);
    hpx_undeclared_free(&undeclared);
}

/* An editable install: the source of a module, or what Python has made of it. */
static void test_in_the_work_tree(void **state)
{
    hpx_undeclared undeclared;
    (void)state;
    make_text("work/exp/pkg/__pycache__/a.cpython-311.pyc");
    opens("work/exp/pkg/__pycache__/a.cpython-311.pyc");
    opens("work/exp/train.py");
    hpx_opened_sum_up(&undeclared, opened);
    check(&undeclared.in_place, "pkg/a.py train.py");
    assert_string_equal(undeclared.import_folder, ".");
    hpx_undeclared_free(&undeclared);
}

static void test_run_in_work_tree(void **state)
{
    (void)state;
    hpx_opened_free(opened);
    hpx_fields_set_text(&conditions, "run.in", "worktree");
    opened = hpx_opened_new(&options);
    make_text("work/exp/util.py");
    make_text("work/exp/made");
    opens("work/exp/train.py");
    opens("work/exp/util.py");
    note(HPX_ACCESS_WRITTEN, "work/exp/made", NULL);
    opens("work/exp/made");
    check_all("util.py", "", "");
}

/* What is in the work tree and not in the copy, unless the program makes it itself. */
static void test_what_is_missed(void **state)
{
    (void)state;
    make_text("work/exp/local.yaml");
    make_text("work/exp/results/1");
    make_text("work/exp/last.pt");
    make_text("work/exp/util.py");
    make_text("work/exp/__pycache__/train.cpython-311.pyc");
    note(HPX_ACCESS_MISSED, "scratch/copies/1-0/tree/up/exp/local.yaml", NULL);
    note(HPX_ACCESS_MISSED, "scratch/copies/1-0/tree/up/exp/nothing", NULL);
    note(HPX_ACCESS_MISSED, "scratch/copies/1-0/tree/up/exp/results", NULL);
    note(HPX_ACCESS_WRITTEN, "scratch/copies/1-0/tree/up/exp/results/1", NULL);
    note(HPX_ACCESS_MISSED, "scratch/copies/1-0/tree/up/exp/last.pt", NULL);
    note(HPX_ACCESS_WRITTEN, "scratch/copies/1-0/tree/up/exp/last.pt", NULL);
    note(HPX_ACCESS_MISSED, "scratch/copies/1-0/tree/up/exp/__pycache__/train.cpython-311.pyc", NULL);
    note(HPX_ACCESS_MISSED, "work/exp/util.py", NULL);
    check_all("local.yaml", "", "");
}

static void test_what_its_output_tells(void **state)
{
    (void)state;
    make_text("work/exp/util.py");
    make_text("work/lib/b.py");
    hpx_opened_note_missing(opened, "util.py");
    hpx_opened_note_missing(opened, "../lib/b.py");
    hpx_opened_note_missing(opened, "../../outside");
    hpx_opened_note_missing(opened, "");
    check_all("../lib/b.py util.py", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_declared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_code_and_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_home, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_installed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_the_work_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_run_in_work_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_its_output_tells, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
