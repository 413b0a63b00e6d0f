/* The check of a whole store in child processes, and crashes that are the store's. */
#include "store/check.h"

#include "base/memory.h"
#include "hpx/file.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char name[] = "a-data-set-whose-name-is-damaged";
static char *folder, *data_path;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    data_path = hpx_path_join(folder, "hpx.mdb");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(data_path);
    remove_folder(folder);
    return 0;
}

static void make_store(void)
{
    hpx_store *store;
    hpx_fields record = {0};
    hpx_fields_set_text(&record, "name", name);
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    expect_ok(hpx_store_put_record(store, HPX_RECORD_DATASET, &record, &error), &error);
    hpx_store_close(store);
    hpx_fields_free(&record);
}

static void test_whole(void **state)
{
    (void)state;
    hpx_findings found;
    make_store();
    expect_ok(hpx_store_check(&found, folder, NULL, &error), &error);
    assert_true(found.checked > 0);
    assert_int_equal(found.damaged.count, 0);
    assert_int_equal(found.differing.count, 0);
    assert_false(found.broken);
    hpx_findings_free(&found);
}

static void test_flipped(void **state)
{
    (void)state;
    hpx_findings found;
    make_store();
    hpx_buffer bytes = read_file(data_path);
    uint8_t *at = memmem(bytes.data, bytes.size, name, strlen(name));
    assert_non_null(at);
    *at ^= 1;
    write_file(data_path, bytes.data, bytes.size);
    hpx_buffer_free(&bytes);
    expect_ok(hpx_store_check(&found, folder, NULL, &error), &error);
    assert_int_equal(found.damaged.count, 1);
    expect_contains(found.damaged.lines[0], "do not match their hash");
    assert_false(found.broken); /* one value, not the structure */
    hpx_findings_free(&found);
}

static void test_no_store(void **state)
{
    (void)state;
    hpx_findings found;
    assert_int_equal(hpx_store_check(&found, folder, NULL, &error), HPX_NOT_FOUND);
    assert_int_equal(found.damaged.count, 0);
    hpx_findings_free(&found);
}

/* A fault at an address that `path` is mapped at, beyond its end; how the process ended. */
static int crash_over(const char *path)
{
    int how;
    pid_t child = fork();
    if (child == 0) {
        FILE *file = fopen(path, "r");
        volatile char *map = mmap(NULL, (size_t)1 << 20, PROT_READ, MAP_SHARED, fileno(file), 0);
        signal(SIGBUS, SIG_DFL); /* the test program has a handler */
        hpx_store_on_crash(abort);
        _exit(map[((size_t)1 << 20) - 1]);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void test_crash(void **state)
{
    (void)state;
    char *other = hpx_path_join(folder, "other.mdb");
    write_text(data_path, "short");
    write_text(other, "short");
    int how = crash_over(data_path);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT); /* what was to be called for it */
    how = crash_over(other);
    assert_false(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT); /* no fault of the store's */
    assert_false(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_crash, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
