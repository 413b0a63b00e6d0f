/* The executor of a pool, whose workers these tests play: what they write, and what they leave behind. */
#include "base/memory.h"
#include "hpx/file.h"
#include "worker/executor.h"
#include "worker/member.h"
#include "worker/sign.h"

#include "../helper/pool.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MANIFEST "manifest"

static hpx_error error;

/* --- a worker ------------------------------------------------------------------------------------------------------- */

static uint64_t results; /* that were written */

static void say(const char *name, const char *job, const char *ended)
{
    hpx_member_sign sign = {.results = results};
    snprintf(sign.job, sizeof sign.job, "%s", job);
    snprintf(sign.ended, sizeof sign.ended, "%s", ended);
    say_sign(name, &sign);
}

/* The job that the owner wants; empty: none. */
static void wanted(char job[HPX_POOL_NAME_BYTES])
{
    hpx_buffer text = {0};
    hpx_owner_sign sign;
    char *path = hpx_path_join(pool, "owner");
    *job = '\0';
    assert_int_equal(hpx_sign_read(&text, path, &error), HPX_OK);
    assert_true(hpx_owner_sign_decode(&sign, &text));
    assert_true(sign.job_count <= 1);
    if (sign.job_count == 1)
        snprintf(job, HPX_POOL_NAME_BYTES, "%s", sign.jobs[0]);
    free(sign.jobs);
    hpx_buffer_free(&text);
    free(path);
}

static void claim(char job[HPX_POOL_NAME_BYTES])
{
    wanted(job);
    assert_true(hpx_pool_claim(pool, job));
    say(worker, job, "");
}

static const hpx_hash name_of_key = {{9}};
static hpx_hash key; /* of the manifest */

static char *result_path(const char *name, uint64_t number, const char *ending)
{
    char *path = hpx_pool_result_path(pool, name, number), *whole = hpx_format("%s%s", path, ending);
    free(path);
    return whole;
}

static void write_result(const char *name, uint32_t epoch)
{
    hpx_result result = {.kind = HPX_MESSAGE_EPOCH, .key = key, .epoch = epoch, .checkpoint = HPX_NO_BLOB};
    hpx_buffer bytes = {0};
    char *path = result_path(name, results++, "");
    assert_int_equal(hpx_result_output(&result.output, &result, &error), HPX_OK);
    hpx_result_encode(&bytes, &result);
    assert_int_equal(hpx_message_write_file(path, &bytes, &result.checkpoint, true, &error), HPX_OK);
    hpx_buffer_free(&bytes);
    free(path);
}

static void write_epochs(uint32_t first, uint32_t last)
{
    for (uint32_t epoch = first; epoch <= last; epoch++)
        write_result(worker, epoch);
}

static void damage(const char *name, uint64_t number)
{
    char *path = result_path(name, number, ".msg");
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fputs("nothing", file) >= 0, true);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* --- who wants the job ---------------------------------------------------------------------------------------------- */

static char heard[64]; /* epochs as their numbers, ends as their letters */

static hpx_status hear(void *context, const hpx_result *result, hpx_error *unused)
{
    (void)context;
    (void)unused;
    assert_memory_equal(&result->key, &name_of_key, sizeof name_of_key);
    const size_t length = strlen(heard);
    assert_true(length + 2 < sizeof heard);
    heard[length] = (char)(result->kind == HPX_MESSAGE_EPOCH ? '0' + (int)result->epoch : (int)result->kind);
    heard[length + 1] = '\0';
    return HPX_OK;
}

static hpx_job job_of(uint32_t from, uint32_t to)
{
    hpx_job job = {.key = key, .from = from, .to = to, .checkpoint = HPX_NO_BLOB};
    if (from > 0) {
        assert_int_equal(hpx_blob_from_bytes(&job.checkpoint, "checkpoint", 10, &error), HPX_OK);
        assert_int_equal(hpx_blob_hash(&job.checkpoint_hash, &job.checkpoint, &error), HPX_OK);
    }
    hpx_buffer_puts(&job.manifest, MANIFEST);
    return job;
}

static void submit(hpx_executor *executor, uint32_t from, uint32_t to)
{
    hpx_job job = job_of(from, to);
    assert_int_equal(executor->submit(executor, &job, &name_of_key, &error), HPX_OK);
    hpx_job_free(&job);
}

static void look(hpx_executor *executor)
{
    assert_int_equal(executor->wait(executor, 0, hear, NULL, &error), HPX_OK);
}

/* The worker says that it is at this job, or at none; then so much has been heard in all. */
static void expect_heard(hpx_executor *executor, const char *job, const char *expected)
{
    say(worker, job, "");
    look(executor);
    assert_string_equal(heard, expected);
}

/* A build of one job, epochs 1 to `to`, which the worker has taken. */
static hpx_executor *begin(char job[HPX_POOL_NAME_BYTES], uint32_t to)
{
    hpx_executor *executor = open_pool(NULL);
    submit(executor, 0, to);
    look(executor);
    claim(job);
    return executor;
}

static void end(hpx_executor *executor)
{
    say(worker, "", "the build has ended");
    executor->close(executor);
}

static int set_up(void **state)
{
    results = 0;
    key = hpx_hash_of(MANIFEST, strlen(MANIFEST));
    *heard = '\0';
    return set_up_pool(state);
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

static void test_results_stay_until_they_are_stored(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = begin(job, 2);
    char *first = result_path(worker, 0, ".msg");
    write_epochs(1, 1);
    expect_heard(executor, job, "1");
    assert_true(hpx_path_exists(first)); /* for the next owner, should this one die before it is stored */
    look(executor);
    assert_false(hpx_path_exists(first));
    write_epochs(2, 2);
    expect_heard(executor, "", "12D");
    end(executor);
    assert_false(hpx_path_exists(pool));
    free(first);
}

static void test_nothing_follows_a_damaged_result(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES], again[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = begin(job, 4);
    write_epochs(1, 3);
    damage(worker, 1);
    expect_heard(executor, job, "1L");
    submit(executor, 1, 4);
    write_epochs(4, 4); /* it has not heard of it yet */
    expect_heard(executor, "", "1L");
    claim(again);
    assert_string_not_equal(again, job);
    write_epochs(2, 4);
    expect_heard(executor, "", "1L234D");
    end(executor);
}

/* It costs the job, and not the worker, which lives. */
static void test_a_result_that_is_missing(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES], asked_for[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = begin(job, 3);
    write_epochs(1, 2);
    char *first = result_path(worker, 0, ".msg");
    assert_int_equal(unlink(first), 0);
    expect_heard(executor, job, "L");
    memcpy(asked_for, worker, sizeof asked_for);
    submit(executor, 0, 3);
    look(executor);
    assert_string_equal(worker, asked_for);
    assert_null(executor->words(executor));
    end(executor);
    free(first);
}

static void test_what_nobody_wants_any_more_is_removed(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = begin(job, 3);
    executor->stop(executor, &name_of_key);
    write_epochs(1, 1);
    expect_heard(executor, job, "");
    end(executor);
    assert_false(hpx_path_exists(pool));
}

/* What a worker leaves that an owner before this one has asked for, which is at a job of epochs up to 3 or has ended. */
static void leave(const char *job_name, uint32_t from)
{
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    snprintf(worker, sizeof worker, "old-0-0");
    char *workers = hpx_path_join(pool, "workers");
    assert_int_equal(hpx_file_write(workers, "old-0-0\n", 8, &error), HPX_OK);
    free(workers);
    if (!*job_name) {
        say(worker, "", "the build has ended");
        return;
    }
    hpx_job job = job_of(from, 3);
    hpx_buffer bytes = {0};
    char *path = hpx_pool_path(pool, "job", job_name);
    hpx_job_encode(&bytes, &job);
    assert_int_equal(hpx_message_write_file(path, &bytes, &job.checkpoint, false, &error), HPX_OK);
    assert_true(hpx_pool_claim(pool, job_name));
    say(worker, job_name, "");
    hpx_buffer_free(&bytes);
    hpx_job_free(&job);
    free(path);
}

/* The owner before has stored epoch 1, which that worker has trained or gone on from. */
static void take_over(uint32_t from)
{
    char job[HPX_POOL_NAME_BYTES];
    leave("old-j0", from);
    hpx_executor *executor = open_pool(NULL);
    wanted(job);
    assert_string_equal(job, "old-j0");
    submit(executor, from, 3);
    wanted(job);
    assert_string_equal(job, "old-j0");
    write_epochs(2, 3);
    expect_heard(executor, "", "23D");
    end(executor);
}

static void test_a_job_is_taken_over(void **state)
{
    (void)state;
    take_over(0);
}

static void test_a_continued_job_is_taken_over(void **state)
{
    (void)state;
    take_over(1);
}

/* A worker that would train less, or from later on, is of no use. */
static void test_another_job_is_not_taken_over(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    leave("old-j0", 0);
    hpx_executor *executor = open_pool(NULL);
    submit(executor, 0, 5);
    write_epochs(1, 3);
    expect_heard(executor, "", "123"); /* and no end, which would be an accident */
    wanted(job);
    assert_non_null(strstr(job, "-j"));
    assert_string_not_equal(job, "old-j0");
    end(executor);
}

static void test_results_wait_for_who_asks(void **state)
{
    (void)state;
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    write_result("old-0-0", 1);
    write_result("old-0-0", 2);
    leave("", 0);
    hpx_executor *executor = open_pool(NULL); /* which asks for none of it */
    look(executor);
    executor->close(executor);
    assert_true(hpx_path_exists(pool));
    executor = open_pool(NULL);
    look(executor);
    submit(executor, 0, 2);
    look(executor);
    assert_string_equal(heard, "12D");
    executor->close(executor);
    assert_false(hpx_path_exists(pool));
}

/* One whose pool is another owner's by now would take jobs, and nobody would hear of it. */
static void test_a_worker_that_nobody_knows(void **state)
{
    (void)state;
    const volatile sig_atomic_t go = 0;
    const hpx_member_options options = {
        .program = "/bin/false", .pool = pool, .name = "x-0", .told_to_go = &go};
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    assert_int_equal(hpx_member_run(&options, &error), HPX_FAILED);
    assert_non_null(strstr(error.message, "no build knows of it"));
}

/* Nobody can take such a job; a worker that passed it over would have the build wait for ever. */
static void test_a_worker_that_cannot_read_a_job(void **state)
{
    (void)state;
    const volatile sig_atomic_t go = 0;
    const hpx_member_options options = {
        .program = "/bin/false", .pool = pool, .name = "x-0", .seconds = INFINITY, .told_to_go = &go};
    const char *jobs[] = {"a-j0"};
    const hpx_owner_sign owner = {.beat = 1, .jobs = jobs, .job_count = 1};
    hpx_buffer text = {0};
    char *sign = hpx_path_join(pool, "owner"), *job = hpx_pool_path(pool, "job", "a-j0.msg"),
         *self_sign = hpx_pool_path(pool, "member", "x-0");
    hpx_member_sign said;
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    assert_int_equal(hpx_file_write(job, "nothing", 7, &error), HPX_OK);
    hpx_owner_sign_encode(&text, &owner);
    assert_int_equal(hpx_sign_make(sign, &error), HPX_OK);
    assert_int_equal(hpx_sign_make(self_sign, &error), HPX_OK);
    assert_int_equal(hpx_sign_write(sign, &text, &error), HPX_OK);
    assert_int_equal(hpx_member_run(&options, &error), HPX_FAILED);
    assert_non_null(strstr(error.message, "a-j0.msg"));
    assert_int_equal(hpx_sign_read(&text, self_sign, &error), HPX_OK);
    assert_true(hpx_member_sign_decode(&said, &text));
    assert_non_null(strstr(said.ended, "a-j0.msg"));
    hpx_buffer_free(&text);
    free(self_sign);
    free(job);
    free(sign);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_pool)
    const struct CMUnitTest tests[] = {
        TEST(test_results_stay_until_they_are_stored),
        TEST(test_nothing_follows_a_damaged_result),
        TEST(test_a_result_that_is_missing),
        TEST(test_what_nobody_wants_any_more_is_removed),
        TEST(test_a_job_is_taken_over),
        TEST(test_a_continued_job_is_taken_over),
        TEST(test_another_job_is_not_taken_over),
        TEST(test_results_wait_for_who_asks),
        TEST(test_a_worker_that_nobody_knows),
        TEST(test_a_worker_that_cannot_read_a_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
