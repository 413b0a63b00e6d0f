#include "worker/member.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "identity/manifest.h"
#include "pool.h"
#include "sign.h"
#include "worker/executor.h"
#include "worker/hello.h"
#include "worker/node.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_MIN_MS = 2,   /* between looks at the owner's sign, for a worker that has just had a job */
    IDLE_NEWS_MS = 20, /* likewise at most, while it changes: others get the jobs that come otherwise */
    IDLE_MAX_MS = 500,
    BUSY_MS = 250,
    PROGRESS_SECONDS = 1,   /* between words of it, which nobody needs */
    RETRY_MS = 2000,        /* when a result cannot be written */
    ORPHANED_SECONDS = 300, /* without an owner and without a job: it goes */
    RESERVE_SECONDS = 130,  /* that are not begun an epoch in: those of a last warning, and some */
};

#define NOBODYS "no build knows of it: its pool was removed, or is another build's by now"

struct member {
    const hpx_member_options *options;
    hpx_executor *local;
    hpx_node *node;
    hpx_fields hello;
    /* What its sign says; the thread that beats writes it, too. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t beating;
    bool beats; /* the thread runs */
    bool stops; /* it is to end */
    hpx_member_sign sign;
    /* the job */
    bool busy;
    uint32_t last_epoch; /* that has come */
    double progressed;   /* when progress was last told */
    hpx_hash key;
    bool for_program;
    double longest; /* seconds, of an epoch so far */
    /* the owner */
    hpx_pulse owner;
    bool owner_ended, news; /* its sign has changed since the look before */
    hpx_buffer text, message;
};

static double now(void)
{
    return hpx_clock_seconds();
}

/* Under the lock. What is not written now is at the next beat. */
static void write_sign(struct member *member)
{
    hpx_error unknown;
    hpx_buffer text = {0};
    char *path = hpx_pool_path(member->options->pool, "member", member->options->name);
    member->sign.beat++;
    hpx_member_sign_encode(&text, &member->sign);
    (void)hpx_sign_write(path, &text, &unknown);
    hpx_buffer_free(&text);
    free(path);
}

/* Beats while the other thread is in a file system that takes its time. */
static void *beat(void *context)
{
    struct member *member = context;
    struct timespec until;
    pthread_mutex_lock(&member->lock);
    while (!member->stops) {
        write_sign(member);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += HPX_POOL_BEAT_SECONDS - 1;
        pthread_cond_timedwait(&member->wake, &member->lock, &until);
    }
    pthread_mutex_unlock(&member->lock);
    return NULL;
}

static void say_job(struct member *member, const char *job)
{
    pthread_mutex_lock(&member->lock);
    snprintf(member->sign.job, sizeof member->sign.job, "%s", job);
    *member->sign.wants = '\0';
    write_sign(member);
    pthread_mutex_unlock(&member->lock);
}

static void say_wants(struct member *member, const hpx_hash *hash)
{
    char hex[HPX_HASH_HEX_BYTES];
    if (strcmp(member->sign.wants, hpx_hash_hex(hex, hash)) == 0)
        return;
    pthread_mutex_lock(&member->lock);
    memcpy(member->sign.wants, hex, sizeof hex);
    write_sign(member);
    pthread_mutex_unlock(&member->lock);
}

static void doze(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Whether the owner hears it: not one whose pool was removed while it was suspended, nor one that was never asked for. */
static bool is_known(const struct member *member)
{
    char *path = hpx_pool_path(member->options->pool, "member", member->options->name);
    const bool known = access(path, F_OK) == 0 || errno != ENOENT;
    free(path);
    return known;
}

/* A full disk or a network that is gone are waited for: the result is worth it. */
static hpx_status write_result(struct member *member, const hpx_result *result, hpx_error *error)
{
    char *path = hpx_pool_result_path(member->options->pool, member->options->name, member->sign.results);
    const bool sync = result->kind != HPX_MESSAGE_PROGRESS;
    bool complained = false;
    hpx_status status;
    member->message.size = 0;
    hpx_result_encode(&member->message, result);
    while ((status = hpx_message_write_file(path, &member->message, &result->checkpoint, sync, error)) &&
           is_known(member)) {
        if (!complained)
            member->options->say(error->message);
        complained = true;
        doze(RETRY_MS);
    }
    free(path);
    return status;
}

/* Writes a result, and says that it is there. */
static hpx_status forward(void *context, const hpx_result *result, hpx_error *error)
{
    struct member *member = context;
    if (result->kind == HPX_MESSAGE_PROGRESS && !*result->message &&
        now() - member->progressed < PROGRESS_SECONDS)
        return HPX_OK;
    if (result->kind == HPX_MESSAGE_PROGRESS)
        member->progressed = now();
    if (result->kind == HPX_MESSAGE_EPOCH) {
        member->longest = fmax(member->longest, result->seconds);
        member->last_epoch = result->epoch;
    }
    if (hpx_result_is_end(result))
        member->busy = false;
    const bool says_all = result->kind == HPX_MESSAGE_DONE; /* its sign does, without the job */
    hpx_status status = says_all ? HPX_OK : write_result(member, result, error);
    if (status)
        return status;
    pthread_mutex_lock(&member->lock);
    member->sign.results += !says_all;
    if (!member->busy)
        *member->sign.job = '\0';
    write_sign(member);
    pthread_mutex_unlock(&member->lock);
    return HPX_OK;
}

/* What the owner wants now. False: it is not known, as when its sign is just being written. */
static bool read_owner(hpx_owner_sign *out, struct member *member)
{
    hpx_error unknown;
    char *path = hpx_path_join(member->options->pool, "owner");
    const bool known =
        hpx_sign_read(&member->text, path, &unknown) == HPX_OK && hpx_owner_sign_decode(out, &member->text);
    free(path);
    member->news = known && out->beat != member->owner.beat;
    if (known) {
        hpx_pulse_feel(&member->owner, out->beat);
        member->owner_ended = out->ended;
    }
    return known;
}

/* --- a job ------------------------------------------------------------------------------------------------------------ */

static hpx_status read_job(hpx_job *out, hpx_fields *manifest, struct member *member, const char *name,
                           hpx_error *error)
{
    hpx_message message;
    hpx_blob blob;
    char *path = hpx_pool_path(member->options->pool, "job", name);
    hpx_status status = hpx_message_read_file(&message, &member->message, &blob, path, error);
    if (!status)
        status = hpx_job_decode(out, &message, &blob, error);
    else
        hpx_blob_close(&blob);
    if (!status)
        status = hpx_fields_decode(manifest, out->manifest.data, out->manifest.size, error);
    free(path);
    return status;
}

/* HPX_DIFFERS when this machine is the reason that it cannot train the job, HPX_FAILED when its hpx is. */
static hpx_status check_job(const struct member *member, const hpx_fields *manifest, hpx_error *error)
{
    hpx_status status = hpx_hello_check(&member->hello, manifest, error);
    if (status == HPX_FAILED)
        hpx_error_prefix(error, "on %s", member->options->node);
    return status;
}

/* A job that is there and cannot be read: nobody can train it. It is this worker's, whose end its owner sees. */
static hpx_status fail_to_read(struct member *member, const char *name)
{
    if (!hpx_pool_claim(member->options->pool, name))
        return HPX_OK; /* it was taken back */
    say_job(member, name);
    return HPX_FAILED;
}

/* Has a job run that it has claimed. */
static hpx_status start(struct member *member, const char *name, const hpx_job *job, hpx_error *error)
{
    say_job(member, name);
    member->busy = true;
    member->key = job->key;
    member->for_program = job->conditions.size > 0;
    member->last_epoch = job->from;
    if (member->local->submit(member->local, job, &job->key, error) == HPX_OK)
        return HPX_OK;
    hpx_result failed = {.kind = HPX_MESSAGE_FAILED, .key = job->key, .checkpoint = HPX_NO_BLOB};
    snprintf(failed.message, sizeof failed.message, "%.1000s", error->message);
    return forward(member, &failed, error);
}

/* Takes a job, if it is to be had, and has it run. What only seems to be open, as in attributes that are a minute old, is found
 * out by what it has to do: to be read, and to be renamed. It fails when this worker cannot train it, nor others of its kind:
 * HPX_DIFFERS when its machine is the reason. */
static hpx_status take(struct member *member, const char *name, hpx_error *error)
{
    hpx_job job = HPX_NO_JOB;
    hpx_fields manifest = {0};
    hpx_hash wanted;
    hpx_status status = read_job(&job, &manifest, member, name, error);
    if (status) {
        status = status == HPX_NOT_FOUND ? HPX_OK : fail_to_read(member, name);
    } else if (!(status = check_job(member, &manifest, error))) {
        status = hpx_node_fit(&job, &wanted, member->node, &manifest, error);
        if (status == HPX_NOT_FOUND) {
            say_wants(member, &wanted);
            status = HPX_OK;
        } else if (!status && hpx_pool_claim(member->options->pool, name)) {
            status = start(member, name, &job, error);
        }
    }
    hpx_fields_free(&manifest);
    hpx_job_free(&job);
    return status;
}

/* Begins with another of the open jobs than other workers do. */
static hpx_status look_for_job(struct member *member, const hpx_owner_sign *owner, hpx_error *error)
{
    const char *name = member->options->name;
    const hpx_hash hash = hpx_hash_of(name, strlen(name));
    hpx_status status = HPX_OK;
    for (size_t i = 0; i < owner->job_count && !member->busy && !status; i++) {
        const char *job = owner->jobs[(hash.bytes[0] + i) % owner->job_count];
        if (hpx_pool_is_open(member->options->pool, job))
            status = take(member, job, error);
    }
    return status;
}

static bool is_wanted(const hpx_owner_sign *owner, const char *job)
{
    for (size_t i = 0; i < owner->job_count; i++)
        if (strcmp(owner->jobs[i], job) == 0)
            return true;
    return false;
}

/* Nobody wants it any more. */
static void drop(struct member *member)
{
    member->local->stop(member->local, &member->key);
    member->busy = false;
    say_job(member, "");
}

/* --- its life --------------------------------------------------------------------------------------------------------- */

static double seconds_left(const struct member *member, double began)
{
    return member->options->seconds - (now() - began);
}

/* What a job that is ended has still finished. That it ended is no accident: its sign has the job's name to its last word, from
 * which the owner sees that it is lost. */
static hpx_status forward_last(void *context, const hpx_result *result, hpx_error *error)
{
    struct member *member = context;
    if (!hpx_result_is_end(result) || result->kind == HPX_MESSAGE_DONE)
        return forward(member, result, error);
    member->busy = false;
    return HPX_OK;
}

static hpx_status end_job(struct member *member, hpx_error *error)
{
    hpx_status status = member->local->finish(member->local, forward_last, member, error);
    if (member->busy)
        member->local->stop(member->local, &member->key);
    member->busy = false;
    return status;
}

static hpx_status work_on(struct member *member, hpx_error *error)
{
    const uint32_t epoch = member->last_epoch;
    hpx_owner_sign owner;
    hpx_status status = member->local->wait(member->local, BUSY_MS, forward, member, error);
    if (status || !member->busy)
        return status;
    if (read_owner(&owner, member)) {
        const bool wanted = is_wanted(&owner, member->sign.job);
        free(owner.jobs);
        if (!wanted && !member->owner_ended)
            drop(member);
    }
    if (member->busy && *member->options->told_to_go && (member->for_program || member->last_epoch > epoch))
        status = end_job(member, error);
    return status;
}

/* Why it ends; NULL: it does not. */
static const char *reason_to_go(const struct member *member, double began, double idle_since)
{
    if (member->owner_ended)
        return "the build has ended";
    if (*member->options->told_to_go && !member->busy)
        return "it was told to go";
    if (!member->busy && seconds_left(member, began) < RESERVE_SECONDS + member->longest)
        return "its time is over";
    if (!member->busy && !is_known(member))
        return NOBODYS;
    if (!member->busy && hpx_pulse_is_gone(&member->owner) && now() - idle_since > ORPHANED_SECONDS)
        return "no build has been heard of for five minutes";
    return NULL;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static hpx_status live(const char **why, struct member *member, hpx_error *error)
{
    const double began = now();
    double idle_since = began;
    int pause = IDLE_MIN_MS;
    hpx_status status = HPX_OK;
    while (!status && !(*why = reason_to_go(member, began, idle_since))) {
        hpx_owner_sign owner;
        if (member->busy) {
            status = work_on(member, error);
            idle_since = now();
            pause = IDLE_MIN_MS;
            continue;
        }
        if (read_owner(&owner, member)) {
            status = look_for_job(member, &owner, error);
            free(owner.jobs);
        }
        if (!member->busy) {
            doze(pause);
            pause = least(pause * 3 / 2, member->news ? IDLE_NEWS_MS : IDLE_MAX_MS);
        }
    }
    return status;
}

/* Before its first beat: who hears that finds it. */
static hpx_status say_hello(const struct member *member, hpx_error *error)
{
    char *path = hpx_pool_path(member->options->pool, "hello", member->options->name);
    hpx_status status;
    while ((status = hpx_hello_write(path, &member->hello, error)) && is_known(member)) {
        member->options->say(error->message);
        doze(RETRY_MS);
    }
    free(path);
    return status;
}

static hpx_status begin(struct member *member, hpx_error *error)
{
    hpx_status status = hpx_pool_check(member->options->pool, error);
    if (status)
        return status;
    if (!is_known(member))
        return hpx_error_set(error, HPX_FAILED, "%s: " NOBODYS, member->options->name);
    hpx_hello_of_binary(&member->hello);
    status = say_hello(member, error);
    if (status)
        return status;
    member->node = hpx_node_new(member->options->pool);
    member->local = hpx_executor_local(member->options->program, 1, false);
    member->beats = pthread_create(&member->beating, NULL, beat, member) == 0;
    return member->beats ? HPX_OK : hpx_error_set(error, HPX_FAILED, "cannot start a thread");
}

/* Its last word is in its sign. */
static void end(struct member *member, const char *why)
{
    pthread_mutex_lock(&member->lock);
    member->stops = true;
    pthread_cond_signal(&member->wake);
    pthread_mutex_unlock(&member->lock);
    if (member->beats)
        pthread_join(member->beating, NULL);
    if (member->local)
        member->local->close(member->local);
    hpx_node_free(member->node);
    if (member->beats) {
        snprintf(member->sign.ended, sizeof member->sign.ended, "%.500s", why);
        for (char *at = member->sign.ended; *at; at++)
            *at = *at == '\n' ? ' ' : *at;
        write_sign(member);
    }
    hpx_fields_free(&member->hello);
    hpx_buffer_free(&member->text);
    hpx_buffer_free(&member->message);
}

hpx_status hpx_member_run(const hpx_member_options *options, hpx_error *error)
{
    struct member member = {.options = options};
    hpx_error unknown;
    const char *why = NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&member.lock, NULL);
    pthread_cond_init(&member.wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (options->misfit)
        snprintf(member.sign.unfit, sizeof member.sign.unfit, "%s", options->node);
    hpx_status status = begin(&member, error);
    if (!status && options->misfit)
        status = hpx_error_set(error, HPX_DIFFERS, "%s", options->misfit);
    if (!status)
        status = live(&why, &member, error);
    if (status == HPX_DIFFERS)
        snprintf(member.sign.unfit, sizeof member.sign.unfit, "%s", options->node);
    if (member.busy)
        end_job(&member, status ? &unknown : error);
    end(&member, status ? error->message : why);
    return status;
}
