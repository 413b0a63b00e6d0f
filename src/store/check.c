/* The child sends what it finds down a pipe and counts in shared memory. Where it dies, another one goes on
 * with the next part. */
#include "store/check.h"

#include "base/memory.h"
#include "base/process.h"
#include "hpx/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void note(hpx_faults *faults, const char *what)
{
    faults->lines = hpx_grow(faults->lines, &faults->capacity, faults->count + 1, sizeof *faults->lines);
    faults->lines[faults->count++] = hpx_strdup(what);
}

static void free_faults(hpx_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->lines[i]);
    free(faults->lines);
}

void hpx_findings_free(hpx_findings *findings)
{
    free_faults(&findings->damaged);
    free_faults(&findings->differing);
    free_faults(&findings->remarks);
    *findings = (hpx_findings){0};
}

/* What the children share with this process. */
struct shared {
    hpx_verify_progress progress;
    bool opened;
    bool refused; /* other commands cannot open it */
};

/* --- the child ------------------------------------------------------------------------------------------ */

struct job {
    const char *folder;
    const hpx_store_judge *judge;
    volatile struct shared *shared;
};

/* Messages in the pipe: a letter (D: damaged, C: a conflict, R: a remark, or a digit: the status the check failed with), a
 * text, a NUL. */
static int pipe_out = -1;

static void send(char letter, const char *text)
{
    hpx_buffer bytes = {0};
    hpx_buffer_add(&bytes, &letter, 1);
    hpx_buffer_add(&bytes, text, strlen(text) + 1);
    for (size_t at = 0; at < bytes.size;) {
        ssize_t put = write(pipe_out, bytes.data + at, bytes.size - at);
        if (put < 0 && errno != EINTR)
            break; /* nobody reads any more */
        at += put > 0 ? (size_t)put : 0;
    }
    hpx_buffer_free(&bytes);
}

static void send_damage(void *context, const char *what)
{
    (void)context;
    send('D', what);
}

static void send_remark(void *context, const char *what)
{
    (void)context;
    send('R', what);
}

static void send_assertion(const char *what)
{
    send('D', what);
}

static hpx_status send_conflict(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)context, (void)error;
    char hex[HPX_HASH_HEX_BYTES], output[HPX_HASH_HEX_BYTES];
    if (artifact->replicate)
        return HPX_OK;
    char *line = hpx_format("%s epoch %u: a second output %s of %s", hpx_hash_hex(hex, &artifact->key),
                            artifact->epoch, hpx_hash_hex(output, &artifact->output), artifact->host);
    send('C', line);
    free(line);
    return HPX_OK;
}

static int check_here(void *context)
{
    static const struct rlimit no_core = {0, 0};
    const struct job *job = context;
    volatile struct shared *shared = job->shared;
    hpx_store *store;
    hpx_error error;
    setrlimit(RLIMIT_CORE, &no_core);
    hpx_store_on_crash(NULL);
    hpx_store_on_broken(send_assertion);
    /* What every command would say of it comes first; then as much as can be seen. */
    hpx_status status = hpx_store_open(&store, job->folder, HPX_STORE_READ, &error);
    if (status == HPX_DAMAGED) {
        if (!shared->refused)
            send('D', error.message);
        shared->refused = true;
        if (hpx_store_open(&store, job->folder, HPX_STORE_CHECK, &error) != HPX_OK)
            return 0;
        status = HPX_OK;
    }
    shared->opened = true;
    if (!status) {
        hpx_store_set_judge(store, job->judge);
        hpx_store_on_remark(store, send_remark, NULL);
    }
    if (!status)
        status = hpx_store_verify_from(store, &shared->progress, send_damage, NULL, &error);
    if (!status)
        status = hpx_store_each_conflict(store, NULL, send_conflict, NULL, &error);
    if (status)
        send((char)('0' + status), error.message);
    hpx_store_close(store);
    return 0;
}

/* --- the parent ----------------------------------------------------------------------------------------- */

/* Takes whole messages; what a dying child left unfinished is dropped. */
static hpx_status take_messages(hpx_findings *findings, const hpx_buffer *bytes, hpx_error *error)
{
    hpx_status status = HPX_OK;
    const char *at = (const char *)bytes->data, *end = at + bytes->size, *stop;
    for (; at < end && (stop = memchr(at, 0, (size_t)(end - at))); at = stop + 1) {
        if (*at == 'D')
            note(&findings->damaged, at + 1);
        else if (*at == 'C')
            note(&findings->differing, at + 1);
        else if (*at == 'R')
            note(&findings->remarks, at + 1);
        else
            status = hpx_error_set(error, (hpx_status)(*at - '0'), "%s", at + 1);
    }
    return status;
}

/* Signals that a process brings upon itself; others, such as the one for lack of memory, say nothing of the
 * store. */
static bool is_crash(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGFPE || number == SIGILL;
}

static void note_death(hpx_findings *findings, const volatile struct shared *shared, int number)
{
    const char *part = shared->opened ? hpx_store_part_name(shared->progress.part) : NULL;
    char *text = hpx_format("the data file's structure is damaged: %s%s died of signal %d (%s) after %" PRIu64
                            " values",
                            shared->opened ? "checking " : "opening it",
                            part             ? part
                            : shared->opened ? "conflicts"
                                             : "",
                            number, strsignal(number), shared->progress.checked);
    note(&findings->damaged, text);
    findings->broken = true;
    free(text);
}

/* How the child ended; its death of a crash is noted. */
static hpx_status end_child(bool *died, hpx_findings *findings, const volatile struct shared *shared,
                            pid_t child, hpx_error *error)
{
    int how;
    hpx_status status = hpx_process_wait(&how, child, error);
    if (status)
        return status;
    *died = WIFSIGNALED(how) && is_crash(WTERMSIG(how));
    if (*died)
        note_death(findings, shared, WTERMSIG(how));
    else if (WIFSIGNALED(how))
        status = hpx_error_set(error, HPX_FAILED, "the check was killed (signal %d, %s); run it again",
                               WTERMSIG(how), strsignal(WTERMSIG(how)));
    else if (WEXITSTATUS(how) != 0)
        status = hpx_error_set(error, HPX_FAILED, "the check ended with exit code %d", WEXITSTATUS(how));
    return status;
}

static void read_all(hpx_buffer *bytes, int fd)
{
    for (ssize_t got = 1; got != 0;) {
        hpx_buffer_reserve(bytes, 4096);
        got = read(fd, bytes->data + bytes->size, 4096);
        if (got < 0 && errno != EINTR)
            break;
        bytes->size += got > 0 ? (size_t)got : 0;
    }
}

/* One child, from shared->progress.part on. *died: of a crash, which is noted. */
static hpx_status run_child(bool *died, hpx_findings *findings, struct job *job, hpx_error *error)
{
    int ends[2];
    pid_t child;
    *died = false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return hpx_error_errno(error, "cannot check the store");
    job->shared->opened = false;
    pipe_out = ends[1];
    hpx_status status = hpx_process_fork(&child, check_here, job, error);
    close(ends[1]);
    if (status) {
        close(ends[0]);
        return status;
    }
    hpx_buffer bytes = {0};
    read_all(&bytes, ends[0]);
    close(ends[0]);
    hpx_error ending;
    hpx_status ended = end_child(died, findings, job->shared, child, &ending);
    status = take_messages(findings, &bytes, error);
    hpx_buffer_free(&bytes);
    if (!status && ended)
        status = hpx_error_set(error, ended, "%s", ending.message);
    return status;
}

hpx_status hpx_store_check(hpx_findings *out, const char *folder, const hpx_store_judge *judge,
                           hpx_error *error)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *out = (hpx_findings){0};
    if (shared == MAP_FAILED)
        return hpx_error_errno(error, "cannot check the store");
    struct job job = {folder, judge, shared};
    hpx_status status = HPX_OK;
    for (bool died = true; died && !status && hpx_store_part_name(shared->progress.part);
         shared->progress.part++) {
        status = run_child(&died, out, &job, error);
        if (died && !shared->opened)
            break;
    }
    out->checked = shared->progress.checked;
    if (status == HPX_DAMAGED)
        note(&out->damaged, error->message);
    out->broken = out->broken || shared->refused || status == HPX_DAMAGED;
    munmap(shared, sizeof *shared);
    return status == HPX_DAMAGED ? HPX_OK : status;
}
