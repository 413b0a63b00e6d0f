/* The copies that programs run in: snapshots, what becomes of a copy that a program has been in, what is collected. */
#include "base/memory.h"
#include "hpx/file.h"
#include "program/copy.h"

#include "../helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char *folder, *scratch, *work;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    scratch = hpx_path_join(folder, "scratch");
    work = hpx_path_join(folder, "work");
    mkdir(scratch, 0700);
    mkdir(work, 0700);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_copies_remove();
    char *command = hpx_format("chmod -R u+rwx '%s' 2>/dev/null", folder);
    assert_int_equal(WIFEXITED(system(command)), 1);
    free(command);
    free(scratch);
    free(work);
    remove_folder(folder);
    return 0;
}

static hpx_snapshot_file text_file(const char *path, const char *bytes, uint32_t mode)
{
    return (hpx_snapshot_file){.path = path,
                               .bytes = bytes,
                               .size = strlen(bytes),
                               .mode = mode,
                               .hash = hpx_hash_of(bytes, strlen(bytes))};
}

/* A snapshot of some files, and the conditions of a trial in it. */
static void make_conditions(hpx_fields *out)
{
    const hpx_snapshot_file files[] = {
        text_file("exp/src/deep/er/a.py", "print(1)\n", 0100644),
        text_file("exp/src/util.py", "x = 1\n", 0100644),
        text_file("exp/train.sh", "echo\n", 0100755),
        text_file("exp/link", "src/util.py", 0120000),
        text_file("lib.py", "y = 2\n", 0100644),
    };
    static const char data[] = "exp/data/x.csv\0/etc/passwd\0../../above\0/etc";
    char *snapshot;
    int held;
    hpx_error error;
    expect_ok(hpx_snapshot_make(&snapshot, &held, scratch, "0123", files, 5, &error), &error);
    close(held);
    hpx_fields_set_text(out, "run.in", "copy");
    hpx_fields_set_text(out, "run.folder", "exp");
    hpx_fields_set_text(out, "job.scratch", scratch);
    hpx_fields_set_text(out, "job.snapshot", snapshot);
    hpx_fields_set_text(out, "job.root", work);
    hpx_fields_set_bytes(out, "job.data", data, sizeof data);
    free(snapshot);
}

static char *read_text(const char *in, const char *name)
{
    hpx_buffer bytes = {0};
    hpx_error error;
    char *path = hpx_path_join(in, name);
    expect_ok(hpx_file_read(&bytes, path, 1 << 20, &error), &error);
    char *text = hpx_strdup(hpx_buffer_text(&bytes));
    hpx_buffer_free(&bytes);
    free(path);
    return text;
}

static void expect_text(const char *in, const char *name, const char *text)
{
    char *got = read_text(in, name);
    assert_string_equal(got, text);
    free(got);
}

/* As the shell does it in the copy. */
static void run_in(const hpx_copy *copy, const char *commands)
{
    char *command = hpx_format("cd '%s' && export HPX_OUT='%s' TMPDIR='%s' && %s", hpx_copy_folder(copy),
                               hpx_copy_out(copy), hpx_copy_tmp(copy), commands);
    const int how = system(command);
    if (how != 0)
        fail_msg("%s: %d", command, how);
    free(command);
}

static void expect_whole(const hpx_copy *copy)
{
    const char *in = hpx_copy_folder(copy);
    expect_text(in, "src/deep/er/a.py", "print(1)\n");
    expect_text(in, "src/util.py", "x = 1\n");
    expect_text(in, "link", "x = 1\n");
    expect_text(in, "../lib.py", "y = 2\n");
    run_in(copy, "test $(find . ! -name . | wc -l) = 9 && test -x train.sh && test ! -x src/util.py && test "
                 "-h link && "
                 "test \"$(readlink data/x.csv)\" = /etc/passwd && test -e ../../../above/passwd && "
                 "test -z \"$(ls -A \"$HPX_OUT\" \"$TMPDIR\" | grep -v :)\"");
}

static hpx_copy *take(const hpx_fields *conditions)
{
    hpx_copy *copy;
    hpx_error error;
    expect_ok(hpx_copy_take(&copy, conditions, &error), &error);
    return copy;
}

/* The snapshot that a copy was made from goes, and is made again under its name. */
static void test_lost_snapshot(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    hpx_error error;
    make_conditions(&conditions);
    hpx_copy *copy = take(&conditions);
    run_in(copy, "rm -r src train.sh");
    hpx_copy_release(copy);
    const char *snapshot = hpx_fields_text_or_empty(&conditions, "job.snapshot");
    char *command = hpx_format("chmod -R u+w '%s' && rm -r '%s'", snapshot, snapshot);
    assert_int_equal(system(command), 0);
    free(command);
    assert_int_equal(hpx_copy_take(&copy, &conditions, &error), HPX_NOT_FOUND);
    assert_non_null(strstr(error.message, "the snapshot of the code is gone"));
    assert_null(copy);

    hpx_fields again = {0};
    make_conditions(&again);
    copy = take(&again);
    run_in(copy, "rm -r src train.sh");
    hpx_copy_release(copy);
    command = hpx_format("chmod -R u+w '%s' && rm -r '%s'", snapshot, snapshot);
    assert_int_equal(system(command), 0);
    free(command);
    hpx_fields_free(&conditions);
    conditions = (hpx_fields){0};
    make_conditions(&conditions);
    copy = take(&conditions);
    expect_whole(copy);
    hpx_copy_release(copy);
    hpx_fields_free(&again);
    hpx_fields_free(&conditions);
}

/* Another process finds a snapshot damaged that is in use, and makes it again. */
static void test_damaged_snapshot_in_use(void **state)
{
    (void)state;
    hpx_fields conditions = {0}, other = {0};
    make_conditions(&conditions);
    hpx_copy *copy = take(&conditions);
    char *file = hpx_path_join(hpx_fields_text_or_empty(&conditions, "job.snapshot"), "lib.py");
    char *command = hpx_format("chmod u+w '%s' && echo z >'%s'", file, file);
    assert_int_equal(system(command), 0);
    make_conditions(&other); /* finds it, and makes another one */
    run_in(copy, "rm -r src train.sh");
    hpx_copy_release(copy);
    copy = take(&conditions);
    expect_whole(copy);
    hpx_copy_release(copy);
    free(command);
    free(file);
    hpx_fields_free(&other);
    hpx_fields_free(&conditions);
}

static void test_copy(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    make_conditions(&conditions);
    hpx_copy *copy = take(&conditions);
    expect_whole(copy);
    char *first = hpx_strdup(hpx_copy_folder(copy));
    hpx_copy_release(copy);
    copy = take(&conditions);
    assert_string_equal(hpx_copy_folder(copy), first); /* used again */
    hpx_copy_release(copy);
    hpx_copies_remove();
    assert_false(hpx_path_exists(first));
    free(first);
    hpx_fields_free(&conditions);
}

/* Whatever a program does in its copy, the next one finds it as it was, and nothing outside is touched. */
static void test_restored(void **state)
{
    (void)state;
    static const char *const deeds[] = {
        "echo more >>src/util.py",
        "printf 'x = 2\\n' >src/util.py",                                    /* of the same size */
        "printf 'x = 2\\n' >src/util.py && touch -d 2020-01-01 src/util.py", /* with another time */
        "cp -p src/util.py s && printf 'x = 2\\n' >src/util.py && touch -r s src/util.py", /* with its old time */
        "rm -r src",
        "rm -r src && ln -s /etc src",
        "rm src/util.py && mkdir src/util.py",
        "rm train.sh && mkfifo train.sh",
        "chmod -x train.sh; chmod +x src/util.py",
        "chmod 000 src/deep/er/a.py src/deep/er src/deep src .",
        "mkdir -p src/__pycache__ && echo >src/__pycache__/a.pyc && chmod 000 src/__pycache__",
        "rm link && ln -s train.sh link",
        "rm data/x.csv && echo >data/x.csv",
        "rm -r data && ln -s \"$PWD/../../../../../../outside\" data",
        "ln src/util.py src/second",
        "mkdir -p \"$HPX_OUT/a/b\" \"$TMPDIR/c\" && echo >\"$HPX_OUT/a/b/c\" && chmod 000 \"$HPX_OUT/a/b\"",
        "rm -r \"$HPX_OUT\" && ln -s /etc \"$HPX_OUT\"",
        "cd ../../../.. && rm -rf *",
        "cd ../../../../.. && for n in $(ls | grep -v lock); do rm -r $n; ln -s \"$PWD/../../outside\" $n; "
        "done",
        "for i in $(seq 300); do mkdir d && cd d || exit 1; done",
        "cd src && for i in $(seq 300); do mkdir -p d/e/f && cd d || exit 1; done; chmod 000 .",
    };
    hpx_fields conditions = {0};
    char *outside = hpx_path_join(folder, "outside"), *kept = hpx_path_join(outside, "kept");
    make_conditions(&conditions);
    mkdir(outside, 0755);
    write_text(kept, "kept");
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        hpx_copy *copy = take(&conditions);
        run_in(copy, deeds[i]);
        hpx_copy_release(copy);
        copy = take(&conditions);
        expect_whole(copy);
        hpx_copy_release(copy);
        expect_text(outside, "kept", "kept");
    }
    free(kept);
    free(outside);
    hpx_fields_free(&conditions);
}

/* Written through a mapping right after the copy was made, and with the times put back. */
static void test_mapped(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    make_conditions(&conditions);
    for (int i = 0; i < 3; i++) {
        hpx_copy *copy = take(&conditions);
        char *path = hpx_path_join(hpx_copy_folder(copy), "src/util.py");
        const int fd = open(path, O_RDWR);
        char *bytes = mmap(NULL, 6, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(bytes != MAP_FAILED);
        bytes[4] = '7';
        munmap(bytes, 6);
        close(fd);
        free(path);
        hpx_copy_release(copy);
        copy = take(&conditions);
        expect_whole(copy);
        hpx_copy_release(copy);
    }
    hpx_fields_free(&conditions);
}

static void test_snapshot(void **state)
{
    (void)state;
    char *source = hpx_path_join(folder, "source.py"), *snapshot, *again;
    hpx_snapshot_file file = {
        .path = "a/source.py", .source = source, .mode = 0100644, .hash = hpx_hash_of("old\n", 4)};
    hpx_error error;
    int held, second;
    write_text(source, "new\n"); /* edited since it was hashed */
    assert_int_equal(hpx_snapshot_make(&snapshot, &held, scratch, "v", &file, 1, &error), HPX_DIFFERS);
    expect_contains(error.message, "a/source.py");
    char *path = hpx_path_join(scratch, "snapshots");
    assert_int_equal(rmdir(path), 0); /* nothing is left */
    write_text(source, "old\n");
    expect_ok(hpx_snapshot_make(&snapshot, &held, scratch, "v", &file, 1, &error), &error);
    expect_text(snapshot, "a/source.py", "old\n");
    write_text(source, "new\n");
    expect_ok(hpx_snapshot_make(&again, &second, scratch, "v", &file, 1, &error), &error); /* it is there */
    close(second);
    free(again);
    /* Damaged, it is made again, which needs the bytes. */
    char *inside = hpx_path_join(snapshot, "a/source.py");
    assert_int_equal(chmod(inside, 0600), 0);
    write_text(inside, "bad\n");
    close(held);
    free(snapshot);
    assert_int_equal(hpx_snapshot_make(&snapshot, &held, scratch, "v", &file, 1, &error), HPX_DIFFERS);
    write_text(source, "old\n");
    expect_ok(hpx_snapshot_make(&snapshot, &held, scratch, "v", &file, 1, &error), &error);
    expect_text(snapshot, "a/source.py", "old\n");
    close(held);
    free(snapshot);
    free(inside);
    free(path);
    free(source);
}

static void test_gone(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    hpx_scratch_space space;
    hpx_copy *copy;
    hpx_error error;
    make_conditions(&conditions);
    copy = take(&conditions);
    hpx_scratch_collect(&space, scratch, 0, false); /* both are in use */
    assert_int_equal(space.snapshots + space.copies, 0);
    expect_whole(copy);
    hpx_copy_release(copy);
    hpx_copies_remove();
    hpx_scratch_collect(&space, scratch, 3600, false);
    assert_int_equal(space.snapshots, 0);
    hpx_scratch_collect(&space, scratch, 0, true);
    assert_int_equal(space.snapshots, 1);
    assert_true(space.bytes > 0);
    hpx_scratch_collect(&space, scratch, 0, false);
    assert_int_equal(space.snapshots, 1);
    assert_int_equal(hpx_copy_take(&copy, &conditions, &error), HPX_NOT_FOUND);
    hpx_fields_free(&conditions);
}

/* A process that was killed leaves its copy; it is gone when the next one takes one. */
static void test_left_over(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    hpx_scratch_space space;
    make_conditions(&conditions);
    const pid_t pid = fork();
    if (pid == 0) {
        hpx_copy *copy = take(&conditions);
        run_in(copy, "chmod 000 .");
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
    hpx_scratch_collect(&space, scratch, 3600, false);
    assert_int_equal(space.copies, 1);
    hpx_scratch_collect(&space, scratch, 3600, false);
    assert_int_equal(space.copies, 0);
    hpx_fields_free(&conditions);
}

static void test_worktree(void **state)
{
    (void)state;
    hpx_fields conditions = {0};
    hpx_buffer hint = {0};
    make_conditions(&conditions);
    hpx_fields_set_text(&conditions, "run.in", "worktree");
    hpx_copy *copy = take(&conditions);
    char *there = hpx_path_join(work, "exp");
    assert_string_equal(hpx_copy_folder(copy), there);
    assert_true(hpx_path_is_folder(hpx_copy_out(copy)));
    assert_true(hpx_path_is_folder(hpx_copy_tmp(copy)));
    hpx_copy_undeclared(&hint, copy, "a.py", 4);
    assert_int_equal(hint.size, 0);
    hpx_copy_release(copy);
    free(there);
    hpx_fields_free(&conditions);
}

static void test_undeclared(void **state)
{
    (void)state;
    static const struct {
        const char *output, *hint;
    } cases[] = {
        {"ModuleNotFoundError: No module named 'helper'", "src/helper.py"},
        {"ModuleNotFoundError: No module named 'pack.inner'", "pack/inner.py"},
        {"ModuleNotFoundError: No module named 'pack.gone'", "pack/__init__.py"},
        {"ModuleNotFoundError: No module named 'shared'", "../shared.py"},
        {"FileNotFoundError: [Errno 2] No such file or directory: 'cfg/a.yaml'", "cfg/a.yaml"},
        {"cat: words: No such file or directory\nbye\n", "words"},
        {"python3: can't open file '@/main.py': [Errno 2] No such file or directory", "main.py"},
        {"see words for more", NULL},
        {"ModuleNotFoundError: No module named 'numpy'", NULL},
        {"ModuleNotFoundError: No module named 'util'", NULL}, /* it is in the copy */
        {"", NULL},
    };
    static const char *const names[] = {"exp/src/helper.py", "exp/pack/inner.py", "exp/pack/__init__.py",
                                        "shared.py",         "exp/cfg/a.yaml",    "exp/words",
                                        "exp/main.py",       "exp/src/util.py"};
    hpx_fields conditions = {0};
    hpx_error error;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = hpx_path_join(work, names[i]), *in = hpx_path_directory(path);
        expect_ok(hpx_make_directories(in, &error), &error);
        write_text(path, "");
        free(in);
        free(path);
    }
    make_conditions(&conditions);
    hpx_copy *copy = take(&conditions);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hpx_buffer hint = {0}, output = {0};
        for (const char *at = cases[i].output; *at; at++)
            hpx_buffer_printf(&output, *at == '@' ? "%s" : "%.1s", *at == '@' ? hpx_copy_folder(copy) : at);
        hpx_copy_undeclared(&hint, copy, output.data, output.size);
        char *expected = cases[i].hint
                             ? hpx_format("not declared: %s exists in the work tree\n", cases[i].hint)
                             : hpx_strdup("");
        assert_string_equal(hpx_buffer_text(&hint), expected);
        free(expected);
        hpx_buffer_free(&hint);
        hpx_buffer_free(&output);
    }
    hpx_copy_release(copy);
    hpx_fields_free(&conditions);
}

static void test_scratch(void **state)
{
    (void)state;
    char *tree = hpx_path_join(folder, "tree/.git"), *inside = hpx_path_join(folder, "tree/sub/scratch"),
         *cache = hpx_path_join(folder, "cache"), *expected = hpx_path_join(folder, "cache/hpx"), *got;
    struct stat info;
    hpx_error error;
    expect_ok(hpx_make_directories(tree, &error), &error);
    setenv("HPX_SCRATCH", inside, 1);
    setenv("XDG_CACHE_HOME", cache, 1);
    assert_int_equal(hpx_scratch_folder(&got, false, &error), HPX_NOT_FOUND);
    expect_ok(hpx_scratch_folder(&got, true, &error), &error);
    char *real = hpx_path_real(expected);
    assert_string_equal(got, real); /* a folder in a work tree is passed over, and not made */
    assert_false(hpx_path_exists(inside));
    assert_int_equal(stat(got, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    free(got);
    setenv("HPX_SCRATCH", scratch, 1);
    expect_ok(hpx_scratch_folder(&got, true, &error), &error);
    free(real);
    real = hpx_path_real(scratch);
    assert_string_equal(got, real);
    free(got);
    free(real);
    free(tree);
    free(inside);
    free(cache);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_snapshot_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mapped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_worktree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undeclared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scratch, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
