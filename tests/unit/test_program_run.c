/* One trial of a program: what it is started with, what becomes of what it says, and how it ends. Programs are lines of sh. */
#include "program/run.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "program/archive.h"
#include "program/copy.h"
#include "program/words.h"

#include "../helper/helper.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define EPOCHS_MAX 256
#define GRACE      0.2 /* for programs that ignore SIGTERM */

struct kept {
    uint32_t epoch;
    char failure[256], stopped[256];
    hpx_metrics metrics;
    hpx_blob checkpoint;
};

/* A trial, and what came of it. */
static struct {
    char *folder; /* scratch, and root of a work tree */
    hpx_fields manifest, conditions;
    uint32_t from, to;
    hpx_blob checkpoint;
    int stop, other; /* the other side of that; -1: it stays open */
    double grace;
    hpx_status status, answer; /* of the run; what its epochs are answered with */
    hpx_error error;
    struct kept kept[EPOCHS_MAX];
    size_t count, progress;
    uint32_t own; /* epoch of the progress so far; and its warnings */
    hpx_buffer warnings, log;
} trial;

static hpx_status keep(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)context;
    assert_true(trial.count < EPOCHS_MAX);
    struct kept *kept = &trial.kept[trial.count++];
    *kept = (struct kept){
        .epoch = epoch->epoch, .metrics = hpx_metrics_copy(&epoch->metrics), .checkpoint = HPX_NO_BLOB};
    snprintf(kept->failure, sizeof kept->failure, "%s", epoch->failure ? epoch->failure : "");
    snprintf(kept->stopped, sizeof kept->stopped, "%s", epoch->stopped ? epoch->stopped : "");
    if (epoch->checkpoint.fd >= 0) {
        kept->checkpoint = epoch->checkpoint;
        kept->checkpoint.fd = dup(epoch->checkpoint.fd);
    }
    return trial.answer ? hpx_error_set(error, trial.answer, "not kept") : HPX_OK;
}

static hpx_status count_progress(void *context, const hpx_epoch *epoch, hpx_error *error)
{
    (void)context, (void)error;
    assert_true(epoch->metrics.count > 0 || epoch->warnings);
    trial.progress++;
    trial.own = epoch->metrics.count > 0 ? epoch->epoch : trial.own;
    hpx_buffer_puts(&trial.warnings, epoch->warnings ? epoch->warnings : "");
    if (trial.other >= 0)
        shutdown(trial.other, SHUT_WR);
    return HPX_OK;
}

static int set_up(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof trial);
    char *folder = make_folder();
    trial.folder = hpx_path_real(folder);
    free(folder);
    trial.checkpoint = HPX_NO_BLOB;
    trial.to = 1;
    trial.grace = GRACE;
    trial.stop = trial.other = -1;
    hpx_fields_set_text(&trial.conditions, "job.scratch", trial.folder);
    hpx_fields_set_text(&trial.conditions, "job.root", trial.folder);
    hpx_fields_set_text(&trial.conditions, "job.trial", "test-trial");
    hpx_fields_set_text(&trial.conditions, "run.in", "copy");
    hpx_fields_set_text(&trial.conditions, "run.continue", "no");
    hpx_fields_set_count(&trial.manifest, "seed", 7);
    hpx_fields_set_count(&trial.manifest, "program.threads", 1);
    return 0;
}

static void forget_results(void)
{
    for (size_t i = 0; i < trial.count; i++) {
        hpx_metrics_free(&trial.kept[i].metrics);
        hpx_blob_close(&trial.kept[i].checkpoint);
    }
    trial.count = trial.progress = trial.own = 0;
    trial.warnings.size = trial.log.size = 0;
}

static int tear_down(void **state)
{
    (void)state;
    forget_results();
    hpx_copies_remove();
    hpx_fields_free(&trial.manifest);
    hpx_fields_free(&trial.conditions);
    hpx_buffer_free(&trial.warnings);
    hpx_buffer_free(&trial.log);
    hpx_blob_close(&trial.checkpoint);
    remove_folder(trial.folder);
    return 0;
}

static void set_command(const char *const *templates)
{
    hpx_buffer words = {0};
    for (; *templates; templates++)
        hpx_words_add(&words, *templates);
    hpx_fields_set_text(&trial.manifest, "program.command", hpx_buffer_text(&words));
    hpx_buffer_free(&words);
}

static void run_command(void)
{
    const hpx_run run = {
        .manifest = &trial.manifest,
        .conditions = &trial.conditions,
        .from = trial.from,
        .to = trial.to,
        .checkpoint = trial.checkpoint.fd >= 0 ? &trial.checkpoint : NULL,
        .on_epoch = keep,
        .on_progress = count_progress,
        .log = &trial.log,
        .stop = trial.stop,
    };
    forget_results();
    trial.status = hpx_program_run_with(&run, trial.grace, &trial.error);
}

/* Runs lines of sh; dollars are the shell's. */
static void run(const char *script)
{
    hpx_buffer template = {0};
    hpx_template_literal(&template, script);
    set_command((const char *[]){"sh", "-c", hpx_buffer_text(&template), NULL});
    hpx_buffer_free(&template);
    run_command();
}

static void run_well(const char *script)
{
    run(script);
    expect_ok(trial.status, &trial.error);
}

/* An accident whose message begins so. */
static void run_badly(const char *script, const char *message)
{
    run(script);
    assert_int_not_equal(trial.status, HPX_OK);
    if (strncmp(trial.error.message, message, strlen(message)) != 0)
        fail_msg("expected '%s...', got '%s'", message, trial.error.message);
}

static double value_of(size_t i, const char *name)
{
    assert_true(i < trial.count);
    return hpx_metrics_value(&trial.kept[i].metrics, name);
}

/* The bytes of the only file in a checkpoint. */
static void expect_checkpoint(size_t i, const char *name, const char *text)
{
    hpx_error error;
    assert_true(i < trial.count);
    assert_true(trial.kept[i].checkpoint.fd >= 0);
    char *folder = make_folder(), *path = hpx_path_join(folder, name);
    expect_ok(hpx_archive_unpack(folder, &trial.kept[i].checkpoint, &error), &error);
    hpx_buffer bytes = read_file(path);
    assert_string_equal(hpx_buffer_text(&bytes), text);
    hpx_buffer_free(&bytes);
    free(path);
    remove_folder(folder);
}

static void continues(const char *how, uint32_t epochs)
{
    hpx_fields_set_text(&trial.conditions, "run.continue", how);
    trial.to = epochs;
}

/* --- one result ------------------------------------------------------------------------------------------- */

static void test_score(void **state)
{
    (void)state;
    run_well("echo '{\"score\": 1.5}' >>$HPX_METRICS; echo hello");
    assert_int_equal(trial.count, 1);
    assert_int_equal(trial.kept[0].epoch, 1);
    assert_true(value_of(0, "score") == 1.5);
    assert_string_equal(hpx_buffer_text(&trial.log), "hello\n");
}

static void test_last_values(void **state)
{
    (void)state;
    trial.to = 5;
    run_well("for e in 0 1 2; do echo \"{\\\"epoch\\\": $e, \\\"acc\\\": 0.$e}\"; done >>$HPX_METRICS; "
             "echo '{\"test\": 3}' >>$HPX_METRICS");
    assert_int_equal(trial.count, 1);
    assert_int_equal(trial.kept[0].epoch, 5);
    assert_true(value_of(0, "acc") == 0.2);
    assert_true(value_of(0, "test") == 3);
}

static void test_stdout(void **state)
{
    (void)state;
    hpx_fields_set_text(&trial.manifest, "program.metrics", "stdout");
    hpx_fields_set_text(&trial.manifest, "program.match", "acc \"Accuracy: .*\\\\(([0-9.]+)%\\\\)\"");
    run_well("echo starting; echo 'loss=0.5; time: 3'; echo 'Accuracy: 97/100 (97.25%)'; echo bye >&2");
    assert_int_equal(trial.count, 1);
    assert_true(value_of(0, "loss") == 0.5);
    assert_true(value_of(0, "time") == 3);
    assert_true(value_of(0, "acc") == 97.25);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("SECRET", "s3cret", 1);
    setenv("NOT_NAMED", "x", 1);
    hpx_fields_set_text(&trial.conditions, "run.pass", "SECRET");
    hpx_fields_set_text(&trial.manifest, "env.MODE", "seed ${seed} for $$1");
    hpx_fields_set_text(&trial.manifest, "env.OMP_NUM_THREADS", "3");
    hpx_fields_set_real(&trial.manifest, "axis.rate", 0.001);
    hpx_fields_set_real(&trial.manifest, "axis.n1", 128);
    hpx_fields_set_text(&trial.manifest, "axis.act", "a\"b");
    trial.to = 4;
    run_well("env | cut -d= -f1 | sort | tr '\\n' ' '; echo; cat $HPX_PARAMS; echo $SECRET $MODE "
             "$OMP_NUM_THREADS $LC_ALL $TZ "
             "$HPX_SEED $HPX_EPOCHS; ls -A $HPX_OUT $TMPDIR; cat; echo '{\"a\":1}' >>$HPX_METRICS");
    const char *log = hpx_buffer_text(&trial.log);
    expect_contains(
        log, "HPX_EPOCHS HPX_METRICS HPX_OUT HPX_PARAMS HPX_SEED HPX_TRIAL LC_ALL MKL_NUM_THREADS MODE "
             "OMP_NUM_THREADS OPENBLAS_NUM_THREADS PATH ");
    expect_contains(log, "PYTHONHASHSEED PYTHONUNBUFFERED SECRET TMPDIR TZ");
    expect_contains(log, "{\"act\": \"a\\\"b\", \"n1\": 128, \"rate\": 0.001, \"seed\": 7, \"epochs\": 4}");
    expect_contains(log, "s3cret seed 7 for $1 3 C.UTF-8 UTC 7 4\n");
    assert_null(strstr(log, "NOT_NAMED"));
    unsetenv("SECRET");
    unsetenv("NOT_NAMED");
}

/* The program's words stand behind those of what looks on. */
static void test_wrapper(void **state)
{
    (void)state;
    hpx_fields_set_text(&trial.conditions, "job.wrapper", "/usr/bin/env WRAPPED=4");
    run_well("echo \"{\\\"score\\\": $WRAPPED}\" >>$HPX_METRICS");
    assert_true(value_of(0, "score") == 4);
}

static void test_templates(void **state)
{
    (void)state;
    set_command((const char *[]){
        "sh", "-c", "test $$1 = ${seed} && test $$2 = 1 && test -z \"$$3\" && echo '{\"a\":1}' >>${metrics}",
        "sh", "${seed}", "${epochs}", "${resume}", NULL});
    run_command();
    expect_ok(trial.status, &trial.error);
    set_command((const char *[]){"no-such-program", NULL});
    run_command();
    assert_int_equal(trial.status, HPX_NOT_FOUND);
    assert_string_equal(trial.error.message, "no-such-program: no such program in PATH");
    set_command((const char *[]){"./train.sh 1", NULL});
    run_command();
    expect_contains(trial.error.message,
                    "no such program, neither in `code` nor beside the recipe; what stands in quotes");
    set_command((const char *[]){"bin/none", NULL});
    run_command();
    assert_int_equal(trial.status, HPX_NOT_FOUND);
}

/* --- how it ends ------------------------------------------------------------------------------------------ */

static void test_accidents(void **state)
{
    (void)state;
    hpx_fields_set_text(&trial.conditions, "run.objective", "acc");
    run_badly("echo first >&2; echo last >&2; echo out; exit 3", "exit code 3: last");
    run_badly("exit 3", "exit code 3");
    run_badly("kill -SEGV $$", "signal 11 (Segmentation fault)");
    run_badly("kill -KILL $$", "signal 9: the program was killed");
    assert_int_equal(trial.status, HPX_NO_MEMORY);
    run_badly("true", "no metrics: the program ended well and reported none");
    run_badly("echo '{\"loss\": 1}' >>$HPX_METRICS",
              "no metrics: the program did not report acc (it reported: loss)");
    run_badly("printf '{\"acc\": 1}' >>$HPX_METRICS", "no metrics");
    expect_contains(hpx_buffer_text(&trial.log),
                    "hpx: line 1: it is the last one, has no end and is not read");
    run_badly("echo '{\"acc\": 1}' >>$HPX_METRICS; sleep 0.1; : >$HPX_METRICS",
              "no metrics: lines must be appended");
    assert_int_equal(trial.count, 0);
}

static void test_failed(void **state)
{
    (void)state;
    continues("yes", 5);
    run_well("m=$HPX_METRICS; echo '{\"epoch\": 1, \"acc\": 1}' >>$m; echo '{\"failed\": \"it diverged\"}' "
             ">>$m; exit 1");
    assert_int_equal(trial.count, 2);
    assert_int_equal(trial.kept[1].epoch, 2);
    assert_string_equal(trial.kept[1].failure, "it diverged");
    assert_int_equal(trial.kept[1].metrics.count, 0);
    continues("no", 5);
    run_well("echo '{\"epoch\": 2, \"failed\": \"x\"}' >>$HPX_METRICS");
    assert_int_equal(trial.count, 1);
    assert_int_equal(trial.kept[0].epoch, 5);
}

static void test_stopped(void **state)
{
    (void)state;
    continues("yes", 9);
    run_well("m=$HPX_METRICS; for e in 1 2 3; do echo \"{\\\"epoch\\\": $e, \\\"acc\\\": $e}\" >>$m; done; "
             "echo '{\"stopped\": \"no progress\"}' >>$m");
    assert_int_equal(trial.count, 3);
    assert_string_equal(trial.kept[1].stopped, "");
    assert_string_equal(trial.kept[2].stopped, "no progress");
    assert_true(value_of(2, "acc") == 3);
}

static void test_too_few(void **state)
{
    (void)state;
    continues("yes", 3);
    run_badly("echo '{\"epoch\": 1, \"acc\": 1}' >>$HPX_METRICS",
              "no metrics: the program ended well after epoch 1");
    assert_int_equal(trial.count, 0);
    run_badly("echo '{\"epoch\": 0, \"acc\": 1}' >>$HPX_METRICS; exec sleep 100",
              "the program reported epoch 0");
    run_badly("echo '{\"epoch\": 2, \"acc\": 1}' >>$HPX_METRICS; exec sleep 100",
              "the program reported epoch 2");
}

static void test_time(void **state)
{
    (void)state;
    hpx_fields_set_real(&trial.conditions, "run.timeout", 0.2);
    run_badly("trap '' TERM; for i in $(seq 999); do sleep 0.05; done",
              "time: the program was ended after 0.2 seconds");
}

/* More than a pipe holds, printed by one that is ended. */
static void test_last_words(void **state)
{
    (void)state;
    hpx_fields_set_real(&trial.conditions, "run.timeout", 0.2);
    trial.grace = 60;
    run_badly("trap 'head -c 200000 /dev/zero; echo saved >&2; exit' TERM; for i in $(seq 999); do sleep "
              "0.02; done",
              "time: ");
    assert_non_null(memmem(trial.log.data, trial.log.size, "saved\n", 6));
}

static void test_memory(void **state)
{
    (void)state;
    hpx_fields_set_count(&trial.conditions, "run.memory", 40 << 20);
    run_badly("x=0123456789; while [ ${#x} -lt 200000000 ]; do x=$x$x; done; exec sleep 100",
              "memory: the program used ");
    assert_int_equal(trial.status, HPX_FAILED);
}

static void test_hang_up(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    close(ends[1]);
    trial.stop = ends[0];
    run_badly("sleep 100", "");
    assert_int_equal(trial.status, HPX_INTERRUPTED);
    close(ends[0]);
}

/* What was finished by then is handed on. */
static void test_half_closed(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    trial.stop = ends[0];
    trial.other = ends[1];
    continues("resume", 9);
    run_badly("echo 1 >$HPX_OUT/c; echo '{\"epoch\": 1, \"acc\": 1, \"checkpoint\": \"c\"}' >>$HPX_METRICS; "
              "exec sleep 100",
              "");
    assert_int_equal(trial.status, HPX_INTERRUPTED);
    assert_int_equal(trial.count, 1);
    expect_checkpoint(0, "c", "1\n");
    close(ends[0]);
    close(ends[1]);
}

static void test_caller(void **state)
{
    (void)state;
    trial.answer = HPX_FAILED;
    run_badly("echo '{\"a\": 1}' >>$HPX_METRICS", "not kept");
}

/* Whether a process with this word on its command line lives; no other test has it. */
static bool lives(const char *word)
{
    char *command =
        hpx_format("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -q 'sle[e]p %s'", word);
    const int how = system(command);
    free(command);
    return how == 0;
}

static void test_descendants(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "(trap '' TERM HUP; setsid sh -c '(trap \"\" TERM; sleep %s; sleep 1) & exit' &) ; sleep 0.05; ",
        "sleep %s & ",
        "trap '' TERM; (env -i sleep %s &) ; ",
    };
    for (size_t i = 0; i < COUNT(scripts); i++) {
        char *word = hpx_format("98.%d", (int)getpid());
        hpx_buffer script = {0};
        for (const char *at = scripts[i]; *at; at++)
            if (strncmp(at, "%s", 2) == 0)
                hpx_buffer_puts(&script, word), at++;
            else
                hpx_buffer_add(&script, at, 1);
        hpx_buffer_puts(&script, "echo '{\"a\": 1}' >>$HPX_METRICS");
        run_well(hpx_buffer_text(&script));
        assert_false(lives(word));
        hpx_buffer_free(&script);
        free(word);
    }
}

/* --- what it prints --------------------------------------------------------------------------------------- */

static void test_much_output(void **state)
{
    (void)state;
    run_well("echo begin; head -c 10000000 /dev/zero; printf '\\033[31mred\\n'; echo end >&2; echo '{\"a\": "
             "1}' >>$HPX_METRICS");
    assert_true(trial.log.size <= HPX_LOG_BYTES_MAX);
    assert_memory_equal(trial.log.data, "begin\n", 6);
    /* The streams' order is that of reading. */
    assert_non_null(memmem(trial.log.data + trial.log.size - 200, 200, "end\n", 4));
}

static void test_own_folder(void **state)
{
    (void)state;
    run_well(
        "cat; echo x >new-file; rm -rf \"$PWD\" \"$HPX_OUT\" \"$TMPDIR\"; echo '{\"a\": 1}' >>$HPX_METRICS");
    run_well("ls -A; ls -A $HPX_OUT; echo '{\"a\": 1}' >>$HPX_METRICS");
    assert_int_equal(trial.log.size, 0);
}

/* --- checkpoints ------------------------------------------------------------------------------------------ */

static void test_continue(void **state)
{
    (void)state;
    static const char script[] = "e=0; [ -z \"$HPX_RESUME\" ] || e=$(cat $HPX_RESUME/sub/last); [ \"$e\" = "
                                 "\"${HPX_RESUME_EPOCH-0}\" ] || exit 9\n"
                                 "mkdir -p $HPX_OUT/sub\n"
                                 "while [ $e -lt $HPX_EPOCHS ]; do e=$((e + 1)); echo $e >$HPX_OUT/sub/last\n"
                                 "echo \"{\\\"epoch\\\": $e, \\\"acc\\\": $e, \\\"checkpoint\\\": "
                                 "\\\"sub/last\\\"}\" >>$HPX_METRICS; done";
    continues("yes", 3);
    run_well(script);
    assert_int_equal(trial.count, 3);
    expect_checkpoint(2, "sub/last", "3\n");
    trial.checkpoint = trial.kept[2].checkpoint;
    trial.kept[2].checkpoint = HPX_NO_BLOB;
    trial.from = 3;
    trial.to = 5;
    run_well(script);
    assert_int_equal(trial.count, 2);
    assert_int_equal(trial.kept[0].epoch, 4);
    expect_checkpoint(1, "sub/last", "5\n");
    run_badly("echo '{\"epoch\": 1, \"acc\": 1}' >>$HPX_METRICS",
              "the program reported epoch 1 where epoch 4");
    assert_int_equal(trial.status, HPX_DAMAGED);
}

static void test_kept_after_accident(void **state)
{
    (void)state;
    continues("resume", 9);
    run_badly("for e in 1 2 3; do echo $e >$HPX_OUT/c; "
              "echo \"{\\\"epoch\\\": $e, \\\"acc\\\": $e, \\\"checkpoint\\\": \\\"$HPX_OUT/c\\\"}\" "
              ">>$HPX_METRICS; done; exit 1",
              "exit code 1");
    assert_int_equal(trial.count, 3);
    assert_true(trial.kept[0].checkpoint.fd < 0 || trial.kept[2].checkpoint.fd >= 0);
    expect_checkpoint(2, "c", "3\n");
}

/* Whatever is taken of a file that is overwritten all the time is of its epoch. */
static void test_overwritten(void **state)
{
    (void)state;
    continues("yes", 200);
    run_well("e=0; while [ $e -lt 200 ]; do e=$((e + 1)); echo $e >$HPX_OUT/c; "
             "echo \"{\\\"epoch\\\": $e, \\\"acc\\\": $e, \\\"checkpoint\\\": \\\"c\\\"}\" >>$HPX_METRICS; "
             "[ $((e % 50)) -gt 0 ] || sleep 0.05; done");
    assert_int_equal(trial.count, 200);
    size_t taken = 0;
    for (size_t i = 0; i < 200; i++) {
        char text[16];
        assert_int_equal(trial.kept[i].epoch, i + 1);
        assert_true(value_of(i, "acc") == (double)(i + 1));
        if (trial.kept[i].checkpoint.fd < 0)
            continue;
        taken++;
        snprintf(text, sizeof text, "%zu\n", i + 1);
        expect_checkpoint(i, "c", text);
    }
    assert_true(taken >= 1);
    assert_true(trial.kept[199].checkpoint.fd >= 0);
}

static void test_odd_checkpoints(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "mkfifo $HPX_OUT/c",
        "ln -s /etc/passwd $HPX_OUT/c",
        ":",
        "mkdir $HPX_OUT/c; ln -s x $HPX_OUT/c/link",
        "mkdir -p $HPX_OUT/c/a; mkfifo $HPX_OUT/c/a/b",
        "ln -s . $HPX_OUT/d; echo x >$HPX_OUT/c",
    };
    continues("yes", 1);
    for (size_t i = 0; i < COUNT(scripts); i++) {
        char *script =
            hpx_format("%s; echo '{\"epoch\": 1, \"acc\": 1, \"checkpoint\": \"%s\"}' >>$HPX_METRICS",
                       scripts[i], i == 5 ? "d/c" : "c");
        run_well(script);
        assert_int_equal(trial.count, 1);
        assert_true(trial.kept[0].checkpoint.fd < 0);
        expect_contains(hpx_buffer_text(&trial.log), "hpx: the checkpoint of epoch 1 is not kept: ");
        free(script);
    }
    run_well("echo '{\"epoch\": 1, \"acc\": 1, \"checkpoint\": \"../../../etc/passwd\"}' >>$HPX_METRICS");
    assert_true(trial.kept[0].checkpoint.fd < 0);
    /* Changed after its line: it is taken before, or not at all. */
    run_well("echo x >$HPX_OUT/c; echo '{\"epoch\": 1, \"acc\": 1, \"checkpoint\": \"c\"}' >>$HPX_METRICS; "
             "sleep 0.03; echo y >>$HPX_OUT/c");
    if (trial.kept[0].checkpoint.fd >= 0)
        expect_checkpoint(0, "c", "x\n");
    else
        expect_contains(hpx_buffer_text(&trial.log), "it has changed since its line was written");
}

static void test_progress(void **state)
{
    (void)state;
    continues("yes", 2);
    run_well("echo '{\"epoch\": 1, \"acc\": 1}' >>$HPX_METRICS; sleep 0.3; echo '{\"epoch\": 2, \"acc\": 1}' "
             ">>$HPX_METRICS; sleep 0.2");
    assert_true(trial.progress >= 1);
    assert_string_equal(hpx_buffer_text(&trial.warnings), "");
}

/* One that does not continue has its own numbers, or none. */
static void test_progress_by_own_numbers(void **state)
{
    (void)state;
    trial.to = 9;
    run_well("echo '{\"epoch\": 3, \"acc\": 1}' >>$HPX_METRICS; sleep 0.3");
    assert_int_equal(trial.own, 3);
    assert_int_equal(trial.kept[0].epoch, 9);
    run_well("echo '{\"acc\": 1}' >>$HPX_METRICS; sleep 0.3");
    assert_true(trial.progress >= 1);
    assert_int_equal(trial.own, 0);
}

/* Each kind of them is handed on once, those of the last line too. */
static void test_warnings(void **state)
{
    (void)state;
    run_well("echo 'oops' >>$HPX_METRICS; sleep 0.3; echo '{\"acc\": 1, \"best\": \"x\"}' >>$HPX_METRICS; "
             "sleep 0.3; "
             "echo 'oops' >>$HPX_METRICS; printf 'more' >>$HPX_METRICS");
    assert_string_equal(hpx_buffer_text(&trial.warnings),
                        "line 1: it is no JSON object and is ignored: oops\n"
                        "line 2: 'best' is no number and is ignored\n"
                        "line 4: it is the last one, has no end and is not read\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_score, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stdout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrapper, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_accidents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hang_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descendants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_much_output, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_continue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kept_after_accident, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overwritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_odd_checkpoints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_by_own_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_warnings, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
