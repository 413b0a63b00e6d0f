/* hpx verify. LMDB may crash over damaged pages of its tree, so the check runs in a child process, before
 * this one has opened the store. The child sends what it finds down a pipe and counts in shared memory; where
 * it dies, another one goes on with the next part. */
#include "cli.h"

#include "base/memory.h"
#include "base/process.h"
#include "identity/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct faults {
    char **lines;
    size_t count, capacity;
};

static void note(struct faults *faults, const char *what)
{
    faults->lines = hpx_grow(faults->lines, &faults->capacity, faults->count + 1, sizeof *faults->lines);
    faults->lines[faults->count++] = hpx_strdup(what);
}

static void print_text(hpx_buffer *text, const struct faults *faults, const struct faults *conflicts,
                       uint64_t checked)
{
    for (size_t i = 0; i < faults->count; i++)
        hpx_buffer_printf(text, "damaged: %s\n", faults->lines[i]);
    for (size_t i = 0; i < conflicts->count; i++)
        hpx_buffer_printf(text, "differs: %s\n", conflicts->lines[i]);
    hpx_buffer_printf(text, "%" PRIu64 " values checked, %zu damaged\n", checked, faults->count);
}

static void add_lines(hpx_json *json, const char *name, const struct faults *faults)
{
    hpx_json_open(json, name, '[');
    for (size_t i = 0; i < faults->count; i++)
        hpx_json_text(json, NULL, faults->lines[i]);
    hpx_json_close(json, ']');
}

static void free_faults(struct faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->lines[i]);
    free(faults->lines);
}

/* What the child shares. */
struct shared {
    hpx_verify_progress progress;
    bool opened;
    bool refused; /* other commands cannot open it */
};

/* Messages in the pipe: a letter (D: damaged, C: a conflict, or a digit: the status the check failed with), a
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
            _exit(EXIT_FAILED);
        at += put > 0 ? (size_t)put : 0;
    }
    hpx_buffer_free(&bytes);
}

static void send_damage(void *context, const char *what)
{
    (void)context;
    send('D', what);
}

static void send_assertion(const char *what)
{
    send('D', what);
}

static hpx_status send_conflict(void *context, const hpx_artifact *artifact, hpx_error *error)
{
    (void)context, (void)error;
    char hex[HPX_HASH_HEX_BYTES], output[HPX_HASH_HEX_BYTES];
    char *line = hpx_format("%s epoch %u: a second output %s of %s", hpx_hash_hex(hex, &artifact->key),
                            artifact->epoch, hpx_hash_hex(output, &artifact->output), artifact->host);
    send('C', line);
    free(line);
    return HPX_OK;
}

static void check(const char *folder, volatile struct shared *shared)
{
    static const struct rlimit no_core = {0, 0};
    hpx_store *store;
    hpx_error error;
    setrlimit(RLIMIT_CORE, &no_core);
    release_damage();
    hpx_store_on_broken(send_assertion);
    /* What every command would say of it comes first; then as much as can be seen. */
    hpx_status status = hpx_store_open(&store, folder, HPX_STORE_READ, &error);
    if (status == HPX_DAMAGED) {
        if (!shared->refused)
            send('D', error.message);
        shared->refused = true;
        if (hpx_store_open(&store, folder, HPX_STORE_CHECK, &error) != HPX_OK)
            _exit(EXIT_DONE);
        status = HPX_OK;
    }
    shared->opened = true;
    if (!status)
        hpx_store_on_checkpoint(store, hpx_manifest_check_checkpoint);
    if (!status)
        status = hpx_store_verify_from(store, &shared->progress, send_damage, NULL, &error);
    if (!status)
        status = hpx_store_each_conflict(store, NULL, send_conflict, NULL, &error);
    if (status)
        send((char)('0' + status), error.message);
    hpx_store_close(store);
    _exit(EXIT_DONE);
}

/* What the children have found. */
struct findings {
    struct faults damaged, conflicts;
    bool broken; /* LMDB crashed, or found the structure damaged */
};

/* Takes whole messages; what a dying child left unfinished is dropped. */
static hpx_status take_messages(struct findings *findings, const hpx_buffer *bytes, hpx_error *error)
{
    hpx_status status = HPX_OK;
    const char *at = (const char *)bytes->data, *end = at + bytes->size, *stop;
    for (; at < end && (stop = memchr(at, 0, (size_t)(end - at))); at = stop + 1) {
        if (*at == 'D')
            note(&findings->damaged, at + 1);
        else if (*at == 'C')
            note(&findings->conflicts, at + 1);
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

static void note_death(struct findings *findings, const volatile struct shared *shared, int number)
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
static hpx_status end_child(bool *died, struct findings *findings, const volatile struct shared *shared,
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
    else if (WEXITSTATUS(how) != EXIT_DONE)
        status = hpx_error_set(error, HPX_FAILED, "the check ended with exit code %d", WEXITSTATUS(how));
    return status;
}

/* One child, from shared->progress.part on. *died: of a crash, which is noted. */
static hpx_status run_child(bool *died, struct findings *findings, const char *folder,
                            volatile struct shared *shared, hpx_error *error)
{
    int ends[2];
    *died = false;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return hpx_error_errno(error, "cannot check the store");
    fflush(NULL);
    shared->opened = false;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        pipe_out = ends[1];
        check(folder, shared);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return hpx_error_errno(error, "cannot check the store");
    }
    hpx_buffer bytes = {0};
    for (ssize_t got = 1; got != 0;) {
        hpx_buffer_reserve(&bytes, 4096);
        got = read(ends[0], bytes.data + bytes.size, 4096);
        if (got < 0 && errno != EINTR)
            break;
        bytes.size += got > 0 ? (size_t)got : 0;
    }
    close(ends[0]);
    hpx_error ending;
    hpx_status ended = end_child(died, findings, shared, child, &ending);
    hpx_status status = take_messages(findings, &bytes, error);
    hpx_buffer_free(&bytes);
    if (!status && ended)
        status = hpx_error_set(error, ended, "%s", ending.message);
    return status;
}

static hpx_status check_apart(uint64_t *checked, struct findings *findings, const char *folder,
                              hpx_error *error)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return hpx_error_errno(error, "cannot check the store");
    hpx_status status = HPX_OK;
    for (bool died = true; died && !status && hpx_store_part_name(shared->progress.part);
         shared->progress.part++) {
        status = run_child(&died, findings, folder, shared, error);
        if (died && !shared->opened)
            break;
    }
    *checked = shared->progress.checked;
    if (status == HPX_DAMAGED)
        note(&findings->damaged, error->message);
    findings->broken = findings->broken || shared->refused || status == HPX_DAMAGED;
    munmap(shared, sizeof *shared);
    if (status == HPX_NOT_FOUND)
        say("%s: there is nothing to check", error->message);
    return status == HPX_NOT_FOUND || status == HPX_DAMAGED ? HPX_OK : status;
}

int run_verify(const struct options *options)
{
    char *folder = store_folder(options, "."), *data = data_folder(folder);
    hpx_store *store = NULL;
    hpx_error error;
    hpx_buffer text = {0};
    hpx_json json = {.out = &text};
    struct findings findings = {0};
    uint64_t checked = 0;
    int code = EXIT_DONE;
    hpx_status status = HPX_OK;
    if (options->store && !hpx_store_exists(folder))
        status = hpx_error_set(&error, HPX_USAGE, "--store %s: there is no store to check", folder);
    if (!status)
        status = check_apart(&checked, &findings, folder, &error);
    bool rebuild = options->rebuild > 0 && !findings.broken;
    if (!status && rebuild)
        status = open_store(&store, options, folder, HPX_STORE_WRITE_OR_READ, &error);
    if (status) {
        code = fail(&error);
    } else {
        if (options->json) {
            hpx_json_open(&json, NULL, '{');
            hpx_json_count(&json, "checked", checked);
            add_lines(&json, "damaged", &findings.damaged);
            add_lines(&json, "differing", &findings.conflicts);
        } else {
            print_text(&text, &findings.damaged, &findings.conflicts, checked);
        }
        if (rebuild)
            code = rebuild_sample(options, store, data, &text, options->json ? &json : NULL);
        if (options->json)
            hpx_json_close(&json, '}');
        int printed = print_result(&text);
        code = printed                    ? printed
               : findings.damaged.count   ? EXIT_DAMAGED
               : findings.conflicts.count ? EXIT_DIFFERS
                                          : code;
    }
    free_faults(&findings.damaged);
    free_faults(&findings.conflicts);
    hpx_store_close(store);
    free(data);
    free(folder);
    return code;
}
