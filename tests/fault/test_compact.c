/* Compaction among other processes, and killed at any time: whatever happens, the data file is a whole store
 * with all that was acknowledged. */
#include "store/space.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WRITERS = 3, READERS = 2, PUTS = 40, KILLS = 60, SIZE = 50000 };

static char *folder;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static hpx_hash manifest_of(hpx_buffer *out, uint64_t number)
{
    hpx_fields fields = {0};
    hpx_fields_set_count(&fields, "number", number);
    hpx_fields_encode(out, &fields);
    hpx_fields_free(&fields);
    return hpx_hash_of(out->data, out->size);
}

/* Puts what a number stands for, in an opening of its own. */
static hpx_status put(uint64_t number)
{
    static uint8_t checkpoint[SIZE];
    hpx_store *store;
    hpx_buffer manifest = {0};
    hpx_fields record = {0};
    hpx_artifact artifact = {.key = manifest_of(&manifest, number), .epoch = 1};
    memset(checkpoint, (int)number, SIZE);
    artifact.output = hpx_output_hash(&artifact.metrics, checkpoint, SIZE);
    artifact.code = artifact.dataset = hpx_record_id(&record);
    hpx_status status = hpx_store_open(&store, folder, HPX_STORE_WRITE, &error);
    if (!status)
        status = hpx_store_put_record(store, HPX_RECORD_CODE, &record, &error);
    if (!status)
        status = hpx_store_put_record(store, HPX_RECORD_DATASET, &record, &error);
    if (!status)
        status = put_bytes(store, &manifest, &artifact, checkpoint, SIZE, NULL, &error);
    hpx_store_close(store);
    hpx_buffer_free(&manifest);
    return status;
}

static void expect_stored(hpx_store *store, uint64_t number)
{
    hpx_buffer manifest = {0}, checkpoint = {0};
    hpx_artifact artifact;
    uint32_t epoch;
    hpx_hash key = manifest_of(&manifest, number);
    expect_ok(hpx_store_get(&artifact, store, &key, 1, &manifest, &error), &error);
    hpx_artifact_free(&artifact);
    expect_ok(get_newest_bytes(&epoch, &checkpoint, store, &key, 1, &error), &error);
    assert_int_equal(checkpoint.size, SIZE);
    assert_int_equal(checkpoint.data[SIZE - 1], (uint8_t)number);
    hpx_buffer_free(&manifest);
    hpx_buffer_free(&checkpoint);
}

static void count(void *context, const char *what)
{
    fprintf(stderr, "%s\n", what);
    (*(size_t *)context)++;
}

/* Everything in the store is sound; false if it cannot even be opened. */
static bool verify(void)
{
    hpx_store *store;
    uint64_t checked;
    size_t faults = 0;
    if (hpx_store_open(&store, folder, HPX_STORE_READ, &error))
        return false;
    hpx_status status = hpx_store_verify(store, &checked, count, &faults, &error);
    hpx_store_close(store);
    return status == HPX_OK && faults == 0;
}

static void nap(long microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

static void write_all(uint64_t first)
{
    for (uint64_t i = 0; i < PUTS; i++) {
        if (put(first + i)) {
            fprintf(stderr, "put: %s\n", error.message);
            _exit(1);
        }
        nap(2000);
    }
    _exit(0);
}

static void read_on(void)
{
    for (;;) {
        if (!verify()) {
            fprintf(stderr, "verify: %s\n", error.message);
            _exit(1);
        }
        nap(3000);
    }
}

static bool has_ended(pid_t *pid)
{
    int status;
    if (*pid == 0 || waitpid(*pid, &status, WNOHANG) == 0)
        return *pid == 0;
    *pid = 0;
    assert_int_equal(status, 0);
    return true;
}

/* Real processes that open the store, write or read, and close it, while it is compacted again and again. */
static void test_others(void **state)
{
    (void)state;
    pid_t writers[WRITERS], readers[READERS];
    uint64_t before, after;
    size_t compactions = 0;
    expect_ok(put(1000000), &error);
    for (size_t i = 0; i < WRITERS; i++)
        if ((writers[i] = fork()) == 0)
            write_all(1000 * i);
    for (size_t i = 0; i < READERS; i++)
        if ((readers[i] = fork()) == 0)
            read_on();
    for (bool running = true; running;) {
        running = false;
        for (size_t i = 0; i < WRITERS; i++)
            running = !has_ended(&writers[i]) || running;
        hpx_status status = hpx_store_compact(&before, &after, folder, &error);
        if (status)
            expect_contains(error.message, "in use by ");
        compactions += status == HPX_OK;
        nap(1000);
    }
    for (size_t i = 0; i < READERS; i++) {
        if (has_ended(&readers[i]))
            fail_msg("a reader has ended");
        kill(readers[i], SIGKILL);
        waitpid(readers[i], NULL, 0);
    }
    if (compactions < 3)
        fail_msg("%zu compactions among other processes", compactions);
    print_message("%zu compactions\n", compactions);
    hpx_store *store;
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_READ, &error), &error);
    for (uint64_t i = 0; i < WRITERS; i++)
        for (uint64_t k = 0; k < PUTS; k++)
            expect_stored(store, 1000 * i + k);
    hpx_store_close(store);
    assert_true(verify());
}

/* Killed after a random time: between nothing done and all done. */
static void test_killed(void **state)
{
    (void)state;
    size_t whole = 0;
    uint64_t before, after;
    char *left_over = hpx_path_join(folder, "hpx.mdb.compact");
    expect_ok(put(1000000), &error);
    double start = hpx_clock_seconds();
    expect_ok(hpx_store_compact(&before, &after, folder, &error), &error);
    long patience = (long)((hpx_clock_seconds() - start) * 2e6); /* microseconds: twice what it takes */
    draw_seed(1);
    for (uint64_t number = 0; number < KILLS; number++) {
        expect_ok(put(number), &error);
        pid_t pid = fork();
        if (pid == 0)
            _exit(hpx_store_compact(&before, &after, folder, &error) ? 1 : 0);
        int status;
        nap((long)draw((uint64_t)patience) % 900000);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        whole += WIFEXITED(status);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) != 0);
        assert_true(verify());
    }
    print_message("%d kills, %zu too late\n", KILLS, whole);
    assert_true(whole < KILLS);
    expect_ok(hpx_store_compact(&before, &after, folder, &error), &error);
    assert_false(hpx_path_exists(left_over));
    free(left_over);
    hpx_store *store;
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_READ, &error), &error);
    for (uint64_t number = 0; number < KILLS; number++)
        expect_stored(store, number);
    hpx_store_close(store);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    unsetenv("HPX_MAP_SIZE");
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_others),
        WITH_FOLDER(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
