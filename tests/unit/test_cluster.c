/* The executor of a pool, whose workers these tests play: what they write, and what they leave behind. */
#include "base/memory.h"
#include "hpx/file.h"
#include "worker/executor.h"
#include "worker/member.h"
#include "worker/pool.h"
#include "worker/sign.h"

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
static char *place_of_all, *pool;

/* --- the engine, which has one worker wherever it is asked ---------------------------------------------------------- */

static char worker[HPX_POOL_NAME_BYTES]; /* the last that was asked for */

static hpx_status place(hpx_launcher *launcher, const char *name, size_t count, hpx_error *unused)
{
    (void)launcher;
    (void)unused;
    assert_int_equal(count, 1);
    snprintf(worker, sizeof worker, "%.40s-0", name);
    return HPX_OK;
}

static bool has(hpx_launcher *launcher, const char *name)
{
    (void)launcher;
    (void)name;
    return true;
}

static void do_nothing(hpx_launcher *launcher)
{
    (void)launcher;
}

static hpx_executor *open_pool(void)
{
    static hpx_launcher engine = {.place = place, .has = has, .cancel = do_nothing, .close = do_nothing};
    hpx_executor *executor;
    assert_int_equal(hpx_executor_cluster(&executor, &engine, pool, 1, &error), HPX_OK);
    return executor;
}

/* --- a worker ------------------------------------------------------------------------------------------------------- */

static struct {
    uint64_t beat, results;
} self;

static void say(const char *name, const char *job, const char *ended)
{
    hpx_member_sign sign = {.beat = ++self.beat, .results = self.results};
    hpx_buffer text = {0};
    char *path = hpx_pool_path(pool, "member", name);
    snprintf(sign.job, sizeof sign.job, "%s", job);
    snprintf(sign.ended, sizeof sign.ended, "%s", ended);
    hpx_member_sign_encode(&text, &sign);
    assert_int_equal(hpx_sign_make(path, &error), HPX_OK);
    assert_int_equal(hpx_sign_write(path, &text, &error), HPX_OK);
    hpx_buffer_free(&text);
    free(path);
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
    char *open = hpx_format("%s/job/%s.msg", pool, job), *taken = hpx_format("%s/taken/%s.msg", pool, job);
    assert_int_equal(rename(open, taken), 0);
    say(worker, job, "");
    free(open);
    free(taken);
}

static const hpx_hash name_of_key = {{9}};
static hpx_hash key; /* of the manifest */

static char *result_path(const char *name, uint64_t number, const char *ending)
{
    char *path = hpx_pool_result_path(pool, name, number), *whole = hpx_format("%s%s", path, ending);
    free(path);
    return whole;
}

static void write_result(const char *name, hpx_message_kind kind, uint32_t epoch)
{
    hpx_result result = {.kind = kind, .key = key, .epoch = epoch, .checkpoint = HPX_NO_BLOB};
    hpx_buffer bytes = {0};
    char *path = result_path(name, self.results++, "");
    if (kind == HPX_MESSAGE_EPOCH)
        assert_int_equal(hpx_result_output(&result.output, &result, &error), HPX_OK);
    hpx_result_encode(&bytes, &result);
    assert_int_equal(hpx_message_write_file(path, &bytes, &result.checkpoint, true, &error), HPX_OK);
    hpx_buffer_free(&bytes);
    free(path);
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

static void add_checkpoint(hpx_job *job)
{
    assert_int_equal(hpx_blob_from_bytes(&job->checkpoint, "checkpoint", 10, &error), HPX_OK);
    assert_int_equal(hpx_blob_hash(&job->checkpoint_hash, &job->checkpoint, &error), HPX_OK);
}

static void submit(hpx_executor *executor, uint32_t from, uint32_t to)
{
    hpx_job job = {.key = key, .from = from, .to = to, .checkpoint = HPX_NO_BLOB};
    if (from > 0)
        add_checkpoint(&job);
    hpx_buffer_puts(&job.manifest, MANIFEST);
    assert_int_equal(executor->submit(executor, &job, &name_of_key, &error), HPX_OK);
    hpx_job_free(&job);
}

static void look(hpx_executor *executor)
{
    assert_int_equal(executor->wait(executor, 0, hear, NULL, &error), HPX_OK);
}

static void end(hpx_executor *executor)
{
    say(worker, "", "the build has ended");
    executor->close(executor);
}

static int set_up(void **state)
{
    (void)state;
    char path[] = "/tmp/hpx-cluster-XXXXXX";
    assert_non_null(mkdtemp(path));
    place_of_all = hpx_strdup(path);
    pool = hpx_path_join(path, "pool");
    memset(&self, 0, sizeof self);
    key = hpx_hash_of(MANIFEST, strlen(MANIFEST));
    *heard = *worker = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hpx_folder_remove(place_of_all);
    free(place_of_all);
    free(pool);
    return 0;
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

static void test_results_stay_until_they_are_stored(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = open_pool();
    submit(executor, 0, 2);
    look(executor);
    claim(job);
    char *first = result_path(worker, 0, ".msg");
    write_result(worker, HPX_MESSAGE_EPOCH, 1);
    say(worker, job, "");
    look(executor);
    assert_string_equal(heard, "1");
    assert_true(
        hpx_path_exists(first)); /* an owner that dies before it has stored it leaves it to the next */
    look(executor);
    assert_false(hpx_path_exists(first));
    write_result(worker, HPX_MESSAGE_EPOCH, 2);
    say(worker, "", "");
    look(executor);
    assert_string_equal(heard, "12D");
    end(executor);
    assert_false(hpx_path_exists(pool));
    free(first);
}

static void test_nothing_follows_a_damaged_result(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES], again[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = open_pool();
    submit(executor, 0, 4);
    look(executor);
    claim(job);
    for (uint32_t epoch = 1; epoch <= 3; epoch++)
        write_result(worker, HPX_MESSAGE_EPOCH, epoch);
    damage(worker, 1);
    say(worker, job, "");
    look(executor);
    assert_string_equal(heard, "1L");
    submit(executor, 1, 4);
    write_result(worker, HPX_MESSAGE_EPOCH, 4); /* it has not heard of it yet */
    say(worker, "", "");
    look(executor);
    assert_string_equal(heard, "1L");
    claim(again);
    assert_string_not_equal(again, job);
    for (uint32_t epoch = 2; epoch <= 4; epoch++)
        write_result(worker, HPX_MESSAGE_EPOCH, epoch);
    say(worker, "", "");
    look(executor);
    assert_string_equal(heard, "1L234D");
    end(executor);
}

static void test_a_result_that_is_missing(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = open_pool();
    submit(executor, 0, 3);
    look(executor);
    claim(job);
    write_result(worker, HPX_MESSAGE_EPOCH, 1);
    write_result(worker, HPX_MESSAGE_EPOCH, 2);
    char *first = result_path(worker, 0, ".msg");
    assert_int_equal(unlink(first), 0);
    say(worker, job, "");
    look(executor);
    assert_string_equal(heard, "L");
    end(executor);
    free(first);
}

static void test_what_nobody_wants_any_more_is_removed(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    hpx_executor *executor = open_pool();
    submit(executor, 0, 3);
    look(executor);
    claim(job);
    executor->stop(executor, &name_of_key);
    write_result(worker, HPX_MESSAGE_EPOCH, 1);
    say(worker, job, "");
    look(executor);
    assert_string_equal(heard, "");
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
    hpx_job job = {.key = key, .from = from, .to = 3, .checkpoint = HPX_NO_BLOB};
    hpx_buffer bytes = {0};
    char *path = hpx_pool_path(pool, "job", job_name), *open = hpx_format("%s.msg", path),
         *taken = hpx_format("%s/taken/%s.msg", pool, job_name);
    if (from > 0)
        add_checkpoint(&job);
    hpx_buffer_puts(&job.manifest, MANIFEST);
    hpx_job_encode(&bytes, &job);
    assert_int_equal(hpx_message_write_file(path, &bytes, &job.checkpoint, false, &error), HPX_OK);
    assert_int_equal(rename(open, taken), 0);
    say(worker, job_name, "");
    hpx_buffer_free(&bytes);
    hpx_job_free(&job);
    free(taken);
    free(open);
    free(path);
}

static void test_a_job_is_taken_over(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    leave("old-j0", 0);
    hpx_executor *executor = open_pool();
    wanted(job);
    assert_string_equal(job, "old-j0");
    submit(executor, 0, 3);
    wanted(job);
    assert_string_equal(job, "old-j0");
    write_result(worker, HPX_MESSAGE_EPOCH, 2); /* that owner has stored the first */
    write_result(worker, HPX_MESSAGE_EPOCH, 3);
    say(worker, "", "");
    look(executor);
    assert_string_equal(heard, "23D");
    end(executor);
}

static void test_a_continued_job_is_taken_over(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    leave("old-j0", 1);
    hpx_executor *executor = open_pool();
    submit(executor, 1, 3);
    wanted(job);
    assert_string_equal(job, "old-j0");
    write_result(worker, HPX_MESSAGE_EPOCH, 2);
    write_result(worker, HPX_MESSAGE_EPOCH, 3);
    say(worker, "", "");
    look(executor);
    assert_string_equal(heard, "23D");
    end(executor);
}

/* A worker that would train less, or from later on, is of no use. */
static void test_another_job_is_not_taken_over(void **state)
{
    (void)state;
    char job[HPX_POOL_NAME_BYTES];
    leave("old-j0", 0);
    hpx_executor *executor = open_pool();
    submit(executor, 0, 5);
    for (uint32_t epoch = 1; epoch <= 3; epoch++)
        write_result(worker, HPX_MESSAGE_EPOCH, epoch);
    say(worker, "", "");
    look(executor);
    assert_string_equal(heard, "123"); /* and no end, which would be an accident */
    wanted(job);
    assert_non_null(strstr(job, "-j"));
    assert_string_not_equal(job, "old-j0");
    end(executor);
}

static void test_results_wait_for_who_asks(void **state)
{
    (void)state;
    assert_int_equal(hpx_pool_make(pool, &error), HPX_OK);
    write_result("old-0-0", HPX_MESSAGE_EPOCH, 1);
    write_result("old-0-0", HPX_MESSAGE_EPOCH, 2);
    leave("", 0);
    hpx_executor *executor = open_pool(); /* which asks for none of it */
    look(executor);
    executor->close(executor);
    assert_true(hpx_path_exists(pool));
    executor = open_pool();
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
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
