/* The executor with workers that do what their job's manifest says, good or bad: this program is the worker,
 * too. */
#include "worker/executor.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/store.h"
#include "hpx/trainer.h"
#include "identity/manifest.h"
#include "worker/channel.h"
#include "worker/hello.h"
#include "worker/worker.h"

#include "../helper/helper.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static hpx_error error;

/* The worker's side. */

static size_t untaken;

static hpx_packet receive(hpx_buffer *message, hpx_blob *blob)
{
    hpx_packet packet;
    if (hpx_channel_receive(&packet, message, blob, STDIN_FILENO, true, &error))
        _exit(97);
    untaken -= packet == HPX_PACKET_TAKEN;
    return packet;
}

static void send_bytes(const void *bytes, size_t size, const hpx_blob *blob)
{
    hpx_buffer message = {0}, unused = {0};
    hpx_blob none;
    hpx_buffer_add(&message, bytes, size);
    if (hpx_channel_send(STDIN_FILENO, &message, blob, true, &error))
        _exit(99);
    untaken += blob->fd >= 0;
    while (untaken >= HPX_CHANNEL_BLOBS_MAX && receive(&unused, &none) == HPX_PACKET_TAKEN)
        ;
    hpx_buffer_free(&message);
    hpx_buffer_free(&unused);
}

static void answer(const hpx_result *result, size_t size_max)
{
    hpx_buffer bytes = {0};
    hpx_result_encode(&bytes, result);
    send_bytes(bytes.data, bytes.size < size_max ? bytes.size : size_max, &result->checkpoint);
    hpx_buffer_free(&bytes);
}

static void answer_epochs(const hpx_job *job)
{
    for (uint32_t epoch = job->from + 1; epoch <= job->to; epoch++) {
        hpx_result result = {
            .kind = HPX_MESSAGE_EPOCH,
            .key = job->key,
            .epoch = epoch,
            .parent = job->from,
            .checkpoint = job->checkpoint, /* back as it came */
        };
        if (hpx_result_output(&result.output, &result, &error))
            _exit(96);
        answer(&result, SIZE_MAX);
    }
}

#define FOLDER                                                                                               \
    "HPX_TEST_FOLDER" /* of the files by which the owner and a worker tell each other where they are */

static char *file_in_folder(const char *name)
{
    return hpx_path_join(getenv(FOLDER), name);
}

static void make_file(const char *name)
{
    char *path = file_in_folder(name);
    hpx_error ignored;
    if (hpx_file_write(path, "", 0, &ignored))
        _exit(94);
    free(path);
}

static bool is_there(const char *name)
{
    char *path = file_in_folder(name);
    const bool there = hpx_path_exists(path);
    free(path);
    return there;
}

/* Says how it goes, and when its socket hangs up it ends its program, for as long as the owner lets that take. */
static void end_slowly(const hpx_job *job)
{
    hpx_result progress = {
        .kind = HPX_MESSAGE_PROGRESS, .key = job->key, .epoch = 7, .checkpoint = HPX_NO_BLOB};
    struct pollfd hangup = {.fd = STDIN_FILENO};
    answer(&progress, SIZE_MAX);
    poll(&hangup, 1, -1);
    while (!is_there("go"))
        usleep(1000);
    make_file("ended");
    _exit(0);
}

/* What a worker does with a job whose manifest begins with `act`. */
static void serve(const hpx_job *job, const char *act)
{
    hpx_result end = {.kind = HPX_MESSAGE_DONE, .key = job->key, .checkpoint = HPX_NO_BLOB};
    if (strncmp(act, "epochs", 6) == 0) {
        answer_epochs(job);
        answer(&end, SIZE_MAX);
    } else if (strncmp(act, "environment", 11) == 0) {
        const char *threads = getenv("OPENBLAS_NUM_THREADS");
        end.kind = HPX_MESSAGE_FAILED;
        strncpy(end.message, threads ? threads : "not set", sizeof end.message - 1);
        answer(&end, SIZE_MAX);
    } else if (strncmp(act, "killed", 6) == 0) {
        answer_epochs(job);
        raise(SIGKILL);
    } else if (strncmp(act, "terminated", 10) == 0) {
        raise(SIGTERM);
    } else if (strncmp(act, "starved", 7) == 0) {
        _exit(HPX_WORKER_NO_MEMORY);
    } else if (strncmp(act, "exits", 5) == 0) {
        _exit(3);
    } else if (strncmp(act, "half", 4) == 0) {
        answer(&end, 20);
        _exit(0);
    } else if (strncmp(act, "garbage", 7) == 0) {
        send_bytes("Segmentation fault\n", 19, &end.checkpoint);
        pause();
    } else if (strncmp(act, "other", 5) == 0) {
        end.key.bytes[0] ^= 1;
        answer(&end, SIZE_MAX);
        pause();
    } else if (strncmp(act, "twice", 5) == 0) {
        answer(&end, SIZE_MAX);
        answer(&end, SIZE_MAX);
        pause();
    } else if (strncmp(act, "job", 3) == 0) {
        hpx_buffer bytes = {0};
        hpx_job_encode(&bytes, job);
        send_bytes(bytes.data, bytes.size, &end.checkpoint);
        pause();
    } else if (strncmp(act, "never", 5) == 0) {
        pause();
    } else if (strncmp(act, "program", 7) == 0) {
        end_slowly(job);
    }
}

#define HELLO "HPX_TEST_HELLO"

/* Says hello: as this binary, or what the environment asks for. */
static void greet(void)
{
    const char *how = getenv(HELLO);
    hpx_fields hello = {0}, other = {0};
    hpx_buffer bytes = {0};
    hpx_hello_of_binary(&hello);
    if (how && strcmp(how, "numerics") == 0) {
        hpx_manifest_set_binary(&other, hpx_trainer_find("mlp"));
        hpx_fields_set_text(&other, "numerics.libc", "another");
        hpx_fields_encode(&bytes, &other);
        hpx_fields_set_bytes(&hello, "mlp", bytes.data, bytes.size);
    } else if (how && strcmp(how, "trainer") == 0) {
        hpx_fields_remove(&hello, "mlp");
    } else if (how && strcmp(how, "field") == 0) {
        hpx_fields_set_count(&hello, "mlp", 1);
    } else if (how) {
        return;
    }
    bytes.size = 0;
    hpx_hello_encode(&bytes, &hello);
    send_bytes(bytes.data, bytes.size, &HPX_NO_BLOB);
    hpx_buffer_free(&bytes);
    hpx_fields_free(&other);
    hpx_fields_free(&hello);
}

/* Takes jobs until the end of the channel. */
static int run_worker(void)
{
    hpx_buffer in = {0};
    hpx_blob blob;
    hpx_packet packet;
    greet();
    while ((packet = receive(&in, &blob)) != HPX_PACKET_END) {
        hpx_message message;
        hpx_job job;
        if (packet == HPX_PACKET_TAKEN)
            continue;
        if (hpx_message_read(&message, in.data, in.size, &error) ||
            hpx_job_decode(&job, &message, &blob, &error))
            return 98;
        hpx_fields manifest = {0};
        const char *act;
        if (hpx_fields_decode(&manifest, job.manifest.data, job.manifest.size, &error) ||
            hpx_fields_text(&act, &manifest, "act", &error))
            return 95;
        serve(&job, act);
        hpx_fields_free(&manifest);
        hpx_job_free(&job);
    }
    hpx_buffer_free(&in);
    return 0;
}

/* The owner's side. */

static hpx_job make_job(const char *act, uint32_t from, uint32_t to, size_t checkpoint_size)
{
    hpx_job job = {.from = from, .to = to, .checkpoint = HPX_NO_BLOB};
    hpx_fields manifest = {0};
    hpx_fields_set_text(&manifest, "act", act);
    hpx_fields_set_text(&manifest, "model.kind", "mlp");
    hpx_manifest_set_binary(&manifest, hpx_trainer_find("mlp"));
    hpx_fields_encode(&job.manifest, &manifest);
    hpx_fields_free(&manifest);
    job.key = hpx_hash_of(job.manifest.data, job.manifest.size);
    job.paths[job.path_count++] = hpx_strdup("/none");
    if (checkpoint_size) {
        uint8_t *bytes = malloc(checkpoint_size);
        memset(bytes, 'c', checkpoint_size);
        expect_ok(hpx_blob_from_bytes(&job.checkpoint, bytes, checkpoint_size, &error), &error);
        expect_ok(hpx_blob_hash(&job.checkpoint_hash, &job.checkpoint, &error), &error);
        free(bytes);
    }
    return job;
}

static size_t running; /* jobs */

static hpx_hash submit(hpx_executor *executor, const char *act, uint32_t from, uint32_t to,
                       size_t checkpoint_size)
{
    hpx_job job = make_job(act, from, to, checkpoint_size);
    hpx_hash key = job.key;
    expect_ok(executor->submit(executor, &job, &job.key, &error), &error);
    running++;
    hpx_job_free(&job);
    return key;
}

/* What has been heard: per job the epochs, in order, and how it ended. */
enum { JOBS_MAX = 40 };
struct heard {
    size_t count;
    struct {
        hpx_hash key;
        uint32_t epoch;
        uint64_t checkpoint_size;
        hpx_message_kind end;
        char message[HPX_ACCIDENT_BYTES];
    } jobs[JOBS_MAX];
    hpx_status answer; /* of the listener, to every epoch */
};

static size_t place_of(struct heard *heard, const hpx_hash *key)
{
    size_t i = 0;
    while (i < heard->count && !hpx_hash_equal(&heard->jobs[i].key, key))
        i++;
    if (i == heard->count) {
        assert_true(i < JOBS_MAX);
        heard->jobs[heard->count++].key = *key;
    }
    return i;
}

static hpx_status listen(void *context, const hpx_result *result, hpx_error *e)
{
    struct heard *heard = context;
    size_t i = place_of(heard, &result->key);
    assert_int_equal(heard->jobs[i].end, 0); /* nothing comes after the end */
    if (result->kind == HPX_MESSAGE_EPOCH) {
        if (heard->jobs[i].epoch)
            assert_int_equal(result->epoch, heard->jobs[i].epoch + 1);
        heard->jobs[i].epoch = result->epoch;
        heard->jobs[i].checkpoint_size = result->checkpoint.size;
        return heard->answer ? hpx_error_set(e, heard->answer, "listened enough") : HPX_OK;
    }
    if (result->kind == HPX_MESSAGE_PROGRESS) {
        heard->jobs[i].epoch = result->epoch;
        return HPX_OK;
    }
    heard->jobs[i].end = result->kind;
    running--;
    memcpy(heard->jobs[i].message, result->message, sizeof result->message);
    return HPX_OK;
}

static void wait_for_all(hpx_executor *executor, struct heard *heard)
{
    while (running > 0)
        expect_ok(executor->wait(executor, -1, listen, heard, &error), &error);
}

static void expect_failed(const struct heard *heard, const char *message, hpx_message_kind kind)
{
    assert_int_equal(heard->count, 1);
    assert_int_equal(heard->jobs[0].end, kind);
    expect_contains(heard->jobs[0].message, message);
}

static hpx_executor *make_executor(size_t workers)
{
    return hpx_executor_local("/proc/self/exe", workers, false);
}

static void test_done(void **state)
{
    (void)state;
    hpx_executor *executor = make_executor(1);
    struct heard heard = {0};
    assert_int_equal(executor->capacity(executor), 1);
    hpx_hash key = submit(executor, "epochs", 2, 15, 5);
    wait_for_all(executor, &heard);
    assert_int_equal(heard.count, 1);
    assert_memory_equal(&heard.jobs[0].key, &key, sizeof key);
    assert_int_equal(heard.jobs[0].epoch, 15);
    assert_int_equal(heard.jobs[0].checkpoint_size, 5);
    assert_int_equal(heard.jobs[0].end, HPX_MESSAGE_DONE);
    executor->close(executor);
}

/* Checkpoints that no socket holds. */
static void test_large(void **state)
{
    (void)state;
    hpx_executor *executor = make_executor(2);
    struct heard heard = {0};
    submit(executor, "epochs a", 1, 4, 3000001);
    submit(executor, "epochs b", 1, 4, 2000003);
    wait_for_all(executor, &heard);
    assert_int_equal(heard.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(heard.jobs[i].end, HPX_MESSAGE_DONE);
        assert_int_equal(heard.jobs[i].epoch, 4);
        assert_true(heard.jobs[i].checkpoint_size > 2000000);
    }
    executor->close(executor);
}

/* Many more jobs than workers, some of them fatal: every job ends once, as it should. */
static void test_more_jobs_than_workers(void **state)
{
    (void)state;
    static const char *const acts[] = {"epochs", "exits", "epochs", "killed", "garbage"};
    hpx_executor *executor = make_executor(3);
    struct heard heard = {0};
    for (size_t i = 0; i < JOBS_MAX; i++) {
        char *act = hpx_format("%s %zu", acts[i % COUNT(acts)], i);
        while (running == executor->capacity(executor))
            expect_ok(executor->wait(executor, -1, listen, &heard, &error), &error);
        hpx_hash key = submit(executor, act, 0, 3, 0);
        place_of(&heard, &key);
        free(act);
    }
    wait_for_all(executor, &heard);
    assert_int_equal(heard.count, JOBS_MAX);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        bool good = i % 5 == 0 || i % 5 == 2;
        assert_int_equal(heard.jobs[i].end, good         ? HPX_MESSAGE_DONE
                                            : i % 5 == 3 ? HPX_MESSAGE_MEMORY
                                                         : HPX_MESSAGE_FAILED);
        assert_int_equal(heard.jobs[i].epoch, good || i % 5 == 3 ? 3 : 0);
    }
    executor->close(executor);
}

static void test_bad_workers(void **state)
{
    (void)state;
    static const struct {
        const char *act, *message;
        hpx_message_kind end;
    } cases[] = {
        {"killed", "its worker was killed (signal 9); out of memory is the usual cause", HPX_MESSAGE_MEMORY},
        {"starved", "its worker ran out of memory", HPX_MESSAGE_MEMORY},
        {"terminated", "its worker died of signal 15 (Terminated)", HPX_MESSAGE_FAILED},
        {"exits", "its worker ended with exit code 3", HPX_MESSAGE_FAILED},
        {"half", "its worker sent: the message is not whole", HPX_MESSAGE_FAILED},
        {"garbage", "its worker sent: not a message of hpx", HPX_MESSAGE_FAILED},
        {"other", "its worker sent: a result nobody asked for", HPX_MESSAGE_FAILED},
        {"job", "its worker sent: not a result", HPX_MESSAGE_FAILED},
    };
    hpx_executor *executor = make_executor(1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct heard heard = {0}, next = {0};
        submit(executor, cases[i].act, 0, 2, 0);
        wait_for_all(executor, &heard);
        expect_failed(&heard, cases[i].message, cases[i].end);
        assert_int_equal(heard.jobs[0].epoch, i == 0 ? 2 : 0);
        submit(executor, "epochs", 0, 2, 0); /* in a new process */
        wait_for_all(executor, &next);
        assert_int_equal(next.jobs[0].end, HPX_MESSAGE_DONE);
    }
    executor->close(executor);
}

/* A worker of other code or numerics than the job's is refused, and so is one that does not say what it is. */
static void test_hello(void **state)
{
    (void)state;
    static const struct {
        const char *hello, *message;
    } cases[] = {
        {"numerics", "the job is for another numerics.libc: "},
        {"numerics", ", this worker has another"},
        {"trainer", "the job is for a trainer 'mlp', this worker has none"},
        {"field", "its worker sent: a hello with another field"},
        {"none", "its worker sent: no hello"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hpx_executor *executor = make_executor(1);
        struct heard heard = {0};
        setenv(HELLO, cases[i].hello, 1);
        submit(executor, "epochs", 0, 2, 0);
        wait_for_all(executor, &heard);
        expect_failed(&heard, cases[i].message, HPX_MESSAGE_FAILED);
        assert_int_equal(heard.jobs[0].epoch, 0);
        unsetenv(HELLO);
        executor->close(executor);
    }
}

/* What a build asks for its manifests comes from the executor, without a process. */
static void test_binary(void **state)
{
    (void)state;
    hpx_executor *executor = hpx_executor_local("/nowhere/hpx", 1, false);
    hpx_fields said = {0}, mine = {0};
    hpx_manifest_set_binary(&mine, hpx_trainer_find("mlp"));
    expect_ok(executor->binary(&said, executor, hpx_trainer_find("mlp"), &error), &error);
    const hpx_hash a = hpx_record_id(&said), b = hpx_record_id(&mine);
    assert_memory_equal(&a, &b, sizeof a);
    hpx_fields_free(&said);
    hpx_fields_free(&mine);
    executor->close(executor);
}

/* A worker trains no further than HPX_CHANNEL_BLOBS_MAX checkpoints ahead of what has been taken in, and a wait of no time
 * hands on all that it has sent. */
static void test_on_the_way(void **state)
{
    (void)state;
    hpx_executor *executor = make_executor(1);
    struct heard heard = {0};
    submit(executor, "epochs", 1, 100, 1000);
    usleep(200000); /* more than it would take for all of them */
    expect_ok(executor->wait(executor, 0, listen, &heard, &error), &error);
    assert_in_range(heard.jobs[0].epoch, 1 + HPX_CHANNEL_BLOBS_MAX, 1 + HPX_CHANNEL_PACKETS_MAX);
    wait_for_all(executor, &heard);
    assert_int_equal(heard.jobs[0].epoch, 100);
    executor->close(executor);
}

/* A second end of the same job is nobody's: the worker is replaced, and nothing of it is handed on. */
static void test_answers_twice(void **state)
{
    (void)state;
    hpx_executor *executor = make_executor(1);
    struct heard heard = {0}, next = {0};
    submit(executor, "twice", 0, 2, 0);
    wait_for_all(executor, &heard);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.jobs[0].end, HPX_MESSAGE_DONE);
    submit(executor, "epochs", 0, 2, 0);
    wait_for_all(executor, &next);
    assert_int_equal(next.count, 1);
    executor->close(executor);
}

/* One BLAS thread per worker, whatever the environment says. */
static void test_environment(void **state)
{
    (void)state;
    setenv("OPENBLAS_NUM_THREADS", "8", 1);
    hpx_executor *executor = make_executor(1);
    struct heard heard = {0};
    submit(executor, "environment", 0, 1, 0);
    wait_for_all(executor, &heard);
    expect_failed(&heard, "1", HPX_MESSAGE_FAILED);
    assert_string_equal(heard.jobs[0].message, "1");
    executor->close(executor);
}

static void test_no_program(void **state)
{
    (void)state;
    hpx_executor *executor = hpx_executor_local("/nowhere/hpx", 1, false);
    hpx_job job = make_job("epochs", 0, 1, 0);
    assert_int_equal(executor->submit(executor, &job, &job.key, &error), HPX_FAILED);
    expect_contains(error.message, "/nowhere/hpx");
    hpx_job_free(&job);
    executor->close(executor);
}

/* What the listener answers ends the wait, whatever it is. */
static void test_listener_stops(void **state)
{
    (void)state;
    static const hpx_status answers[] = {HPX_FAILED, HPX_INTERRUPTED, HPX_NOT_FOUND};
    for (size_t i = 0; i < COUNT(answers); i++) {
        hpx_executor *executor = make_executor(1);
        struct heard heard = {.answer = answers[i]};
        submit(executor, "epochs", 0, 3, 0);
        hpx_status status = HPX_OK;
        while (!status)
            status = executor->wait(executor, -1, listen, &heard, &error);
        assert_int_equal(status, answers[i]);
        assert_string_equal(error.message, "listened enough");
        assert_int_equal(heard.jobs[0].epoch, 1);
        executor->close(executor);
    }
}

/* Without results a wait ends at its time; freeing ends what runs. */
static void test_timeout(void **state)
{
    (void)state;
    hpx_executor *executor = make_executor(2);
    struct heard heard = {0};
    expect_ok(executor->wait(executor, 0, listen, &heard, &error), &error);
    submit(executor, "never", 0, 1, 0);
    expect_ok(executor->wait(executor, 1, listen, &heard, &error), &error);
    assert_int_equal(heard.count, 0);
    executor->close(executor);
    running = 0;
}

/* A job that is stopped is not heard of again, and another has its place. */
static void test_stop(void **state)
{
    (void)state;
    hpx_executor *executor = make_executor(2);
    struct heard heard = {0};
    hpx_hash never = submit(executor, "never", 0, 1, 0), epochs = submit(executor, "epochs", 0, 3, 0);
    executor->stop(executor, &never);
    running--;
    executor->stop(executor, &never); /* nobody has it */
    submit(executor, "epochs too", 0, 3, 0);
    wait_for_all(executor, &heard);
    assert_int_equal(heard.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(heard.jobs[i].end, HPX_MESSAGE_DONE);
        assert_int_equal(heard.jobs[i].epoch, 3);
    }
    executor->stop(executor, &epochs); /* done */
    executor->close(executor);
}

/* A program has time to end: its slot is free at once, and only the end of the executor waits for it. */
static void test_stop_program(void **state)
{
    (void)state;
    char *folder = make_folder();
    setenv(FOLDER, folder, 1);
    hpx_executor *executor = make_executor(1);
    struct heard heard = {0}, next = {0};
    hpx_job job = make_job("program", 0, 9, 0);
    hpx_fields conditions = {0};
    hpx_fields_set_text(&conditions, "job.trial", "none");
    hpx_fields_encode(&job.conditions, &conditions);
    expect_ok(executor->submit(executor, &job, &job.key, &error), &error);
    while (heard.count == 0)
        expect_ok(executor->wait(executor, -1, listen, &heard, &error), &error);
    assert_int_equal(heard.jobs[0].epoch, 7);
    executor->stop(executor, &job.key);
    submit(executor, "epochs", 0, 3, 0);
    wait_for_all(executor, &next);
    assert_int_equal(next.jobs[0].end, HPX_MESSAGE_DONE);
    assert_false(is_there("ended"));
    make_file("go");
    executor->close(executor);
    assert_true(is_there("ended"));
    assert_int_equal(heard.jobs[0].end, 0);
    hpx_fields_free(&conditions);
    hpx_job_free(&job);
    remove_folder(folder);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return run_worker();
    alarm(300); /* a test that waits for ever fails */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_done),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_more_jobs_than_workers),
        cmocka_unit_test(test_bad_workers),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_on_the_way),
        cmocka_unit_test(test_answers_twice),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_listener_stops),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
