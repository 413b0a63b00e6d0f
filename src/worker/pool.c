#include "pool.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const parts[] = {"member", "hello", "end", "job", "taken", "out", "log"};

static hpx_status make_folder(const char *path, hpx_error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return hpx_error_errno(error, "%s", path);
    return HPX_OK;
}

hpx_status hpx_pool_make(const char *pool, hpx_error *error)
{
    char *above = hpx_path_directory(pool);
    hpx_status status = hpx_make_directories(above, error);
    free(above);
    if (!status)
        status = make_folder(pool, error);
    if (!status)
        status = hpx_pool_check(pool, error);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !status; i++) {
        char *path = hpx_path_join(pool, parts[i]);
        status = make_folder(path, error);
        free(path);
    }
    return status;
}

hpx_status hpx_pool_check(const char *pool, hpx_error *error)
{
    struct stat info;
    if (lstat(pool, &info) != 0)
        return hpx_error_errno(error, "%s", pool);
    if (!S_ISDIR(info.st_mode))
        return hpx_error_set(error, HPX_FAILED, "%s: it is no folder", pool);
    if (info.st_uid != geteuid())
        return hpx_error_set(
            error, HPX_FAILED,
            "%s: it belongs to user %lu; who writes there runs code as you: choose another folder", pool,
            (unsigned long)info.st_uid);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return hpx_error_set(
            error, HPX_FAILED,
            "%s: others may use it (mode %03o); who writes there runs code as you: chmod 700 %s", pool,
            (unsigned)info.st_mode & 0777, pool);
    return HPX_OK;
}

char *hpx_pool_path(const char *pool, const char *part, const char *name)
{
    return hpx_format("%s/%s/%s", pool, part, name);
}

char *hpx_pool_result_path(const char *pool, const char *member, uint64_t number)
{
    return hpx_format("%s/out/%s.%llu", pool, member, (unsigned long long)number);
}

bool hpx_pool_is_open(const char *pool, const char *job)
{
    char *open = hpx_format("%s/job/%s.msg", pool, job);
    const bool there = hpx_path_exists(open);
    free(open);
    return there;
}

bool hpx_pool_claim(const char *pool, const char *job)
{
    char *open = hpx_format("%s/job/%s.msg", pool, job), *taken = hpx_format("%s/taken/%s.msg", pool, job);
    const bool claimed = rename(open, taken) == 0;
    free(open);
    free(taken);
    return claimed;
}

void hpx_pool_remove(const char *pool, const char *part, const char *name, const char *ending)
{
    char *path = hpx_format("%s/%s/%s%s", pool, part, name, ending);
    unlink(path);
    free(path);
}

void hpx_owner_sign_encode(hpx_buffer *out, const hpx_owner_sign *sign)
{
    out->size = 0;
    hpx_buffer_printf(out, "beat %llu\nended %d\n", (unsigned long long)sign->beat, sign->ended);
    for (size_t i = 0; i < sign->job_count; i++)
        hpx_buffer_printf(out, "%s\n", sign->jobs[i]);
}

bool hpx_owner_sign_decode(hpx_owner_sign *out, hpx_buffer *text)
{
    unsigned long long beat;
    int ended, head = 0;
    *out = (hpx_owner_sign){.beat = 0};
    if (sscanf(hpx_buffer_text(text), "beat %llu\nended %d\n%n", &beat, &ended, &head) != 2 || head == 0)
        return false;
    out->beat = beat;
    out->ended = ended != 0;
    const char **jobs = NULL;
    size_t capacity = 0;
    char *rest;
    for (char *job = strtok_r((char *)text->data + head, "\n", &rest); job;
         job = strtok_r(NULL, "\n", &rest)) {
        jobs = hpx_grow(jobs, &capacity, out->job_count + 1, sizeof *jobs);
        jobs[out->job_count++] = job;
    }
    out->jobs = jobs;
    return true;
}

void hpx_member_sign_encode(hpx_buffer *out, const hpx_member_sign *sign)
{
    out->size = 0;
    hpx_buffer_printf(out, "beat %llu\nresults %llu\njob %s\nwants %s\nunfit %s\nended %s\n",
                      (unsigned long long)sign->beat, (unsigned long long)sign->results, sign->job,
                      sign->wants, sign->unfit, sign->ended);
}

/* The value of a line "NAME VALUE", which is cut to the room that there is; false: the text does not go on with one. */
static bool take_line(char **at, const char *name, char *value, size_t room)
{
    char *end = strchr(*at, '\n');
    const size_t length = strlen(name);
    if (!end || strncmp(*at, name, length) != 0 || (*at)[length] != ' ')
        return false;
    snprintf(value, room, "%.*s", (int)(end - *at - length - 1), *at + length + 1);
    *at = end + 1;
    return true;
}

bool hpx_member_sign_decode(hpx_member_sign *out, hpx_buffer *text)
{
    char beat[24], results[24], *at = (char *)(uintptr_t)hpx_buffer_text(text);
    *out = (hpx_member_sign){.beat = 0};
    return take_line(&at, "beat", beat, sizeof beat) && hpx_parse_u64(&out->beat, beat) &&
           take_line(&at, "results", results, sizeof results) && hpx_parse_u64(&out->results, results) &&
           take_line(&at, "job", out->job, sizeof out->job) &&
           take_line(&at, "wants", out->wants, sizeof out->wants) &&
           take_line(&at, "unfit", out->unfit, sizeof out->unfit) &&
           take_line(&at, "ended", out->ended, sizeof out->ended);
}

void hpx_pulse_feel(hpx_pulse *pulse, uint64_t beat)
{
    if (pulse->changed > 0 && pulse->beat == beat)
        return;
    *pulse = (hpx_pulse){.beat = beat, .changed = hpx_clock_seconds()};
}

bool hpx_pulse_is_gone(const hpx_pulse *pulse)
{
    return pulse->changed > 0 && hpx_clock_seconds() - pulse->changed > HPX_POOL_EXPIRY_SECONDS;
}
