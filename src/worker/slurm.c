/* Workers through Slurm: sbatch places an array of them, scancel takes it back, squeue says once how long a worker may stay. No
 * accounting database is needed, and nothing is polled: workers say themselves how they are (worker/pool.h). */
#include "worker/launcher.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "hpx/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_MAX 1000  /* Slurm's MaxArraySize is 1001, unless its administrator says otherwise */
#define WARNING   "120" /* seconds before the end of its time that a worker is told to go */

struct slurm {
    hpx_launcher calls;
    const char *program, *pool;
    hpx_slurm_request request;
    char *const *options;
    hpx_buffer avoided; /* nodes, parted by commas */
    struct array {
        char *batch, *id; /* as sbatch gave it */
    } * arrays;
    size_t count, capacity;
};

/* Runs a command with `input`, and takes what it prints, errors too. HPX_FAILED, with that, unless it ends well. */
static hpx_status run(hpx_buffer *out, char *const *arguments, const hpx_buffer *input, hpx_error *error)
{
    int in = memfd_create("input", MFD_CLOEXEC), printed = memfd_create("output", MFD_CLOEXEC), how = 0;
    pid_t pid;
    hpx_status status = HPX_OK;
    if (in < 0 || printed < 0 || (input && write(in, input->data, input->size) != (ssize_t)input->size) ||
        lseek(in, 0, SEEK_SET) != 0)
        status = hpx_error_errno(error, "%s", arguments[0]);
    const hpx_process_options options = {.arguments = arguments, .descriptors = {in, printed, printed}};
    if (!status && hpx_process_start(&pid, &options, error))
        status = hpx_error_set(error, HPX_FAILED, "cannot run %s: %s", arguments[0], strerror(errno));
    if (!status)
        status = hpx_process_wait(&how, pid, error);
    if (!status) {
        const off_t size = lseek(printed, 0, SEEK_END);
        hpx_buffer_reserve(out, (size_t)size + 1);
        const ssize_t got = pread(printed, out->data, (size_t)size, 0);
        out->size = got > 0 ? (size_t)got : 0;
        while (out->size > 0 && out->data[out->size - 1] == '\n')
            out->size--;
        if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
            status = hpx_error_set(error, HPX_FAILED, "%s: %.800s", arguments[0], hpx_buffer_text(out));
    }
    if (in >= 0)
        close(in);
    if (printed >= 0)
        close(printed);
    return status;
}

/* The shell hands the warning on, and says how the worker has ended where that can no longer say so itself. */
static void put_script(hpx_buffer *out, const char *program, const char *pool, const char *name)
{
    hpx_buffer_puts(out, "#!/bin/sh\nname=");
    hpx_text_shell(out, name);
    hpx_buffer_puts(out, "-$SLURM_ARRAY_TASK_ID\n");
    hpx_text_shell(out, program);
    hpx_buffer_puts(out, " worker ");
    hpx_text_shell(out, pool);
    hpx_buffer_puts(out, " \"$name\" &\nworker=$!\ntrap 'kill -TERM $worker' TERM\n"
                         "wait $worker; code=$?\n"
                         "while kill -0 $worker 2>/dev/null; do wait $worker; code=$?; done\n"
                         "[ $code -eq 0 ] || echo \"its worker ended with exit code $code\" >>");
    char *ends = hpx_path_join(pool, "end");
    hpx_text_shell(out, ends);
    hpx_buffer_puts(out, "/$name\n");
    free(ends);
}

struct words {
    char **at;
    size_t count, capacity;
};

static void add_word(struct words *words, char *word)
{
    words->at = hpx_grow(words->at, &words->capacity, words->count + 2, sizeof *words->at);
    words->at[words->count++] = word;
    words->at[words->count] = NULL;
}

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->at[i]);
    free(words->at);
}

/* The nodes that an option of the user's leaves out; NULL: it is another option. */
static const char *excluded(const char *option, const char *next)
{
    static const char name[] = "--exclude";
    if (strncmp(option, "-x", 2) == 0)
        return option[2] ? option + 2 : next;
    if (strncmp(option, name, sizeof name - 1) != 0)
        return NULL;
    const char *rest = option + sizeof name - 1;
    return *rest == '=' ? rest + 1 : *rest == '\0' ? next : NULL;
}

/* The nodes to avoid, and those that the user leaves out. */
static void exclude(struct words *words, const hpx_buffer *avoided, char *const *options)
{
    const char *own = NULL;
    for (size_t i = 0; options && options[i]; i++) {
        const char *nodes = excluded(options[i], options[i + 1]);
        own = nodes ? nodes : own;
    }
    add_word(words, hpx_format("--exclude=%s%s%.*s", own ? own : "", own ? "," : "", (int)avoided->size,
                               (const char *)avoided->data));
}

/* Where what workers print goes: %a is a worker's number, and a % of the path is two. */
static char *log_option(const char *pool, const char *name)
{
    hpx_buffer option = {0};
    hpx_buffer_puts(&option, "--output=");
    for (const char *c = pool; *c; c++)
        hpx_buffer_printf(&option, *c == '%' ? "%%%%" : "%c", *c);
    hpx_buffer_printf(&option, "/log/%s-%%a", name);
    char *text = hpx_strdup(hpx_buffer_text(&option));
    hpx_buffer_free(&option);
    return text;
}

/* The command for workers first to first + count - 1 of a batch. Of an option that is given twice Slurm takes the last: what the
 * user says comes behind what hpx says, and the nodes to avoid, with the user's own, behind that. */
static struct words command(const char *pool, const char *name, const hpx_slurm_request *request,
                            char *const *options, const hpx_buffer *avoided, size_t first, size_t count)
{
    struct words words = {0};
    add_word(&words, hpx_strdup("sbatch"));
    add_word(&words, hpx_strdup("--parsable"));
    add_word(&words, hpx_format("--array=%zu-%zu", first, first + count - 1));
    add_word(&words, hpx_strdup("--job-name=hpx"));
    add_word(&words, log_option(pool, name));
    add_word(&words, hpx_strdup("--open-mode=append"));
    add_word(&words, hpx_strdup("--signal=B:TERM@" WARNING));
    add_word(&words, hpx_strdup("--no-requeue"));
    if (request->processors > 0)
        add_word(&words, hpx_format("--cpus-per-task=%zu", request->processors));
    if (request->memory_bytes > 0)
        add_word(&words, hpx_format("--mem=%lluM",
                                    (unsigned long long)((request->memory_bytes + (1u << 20) - 1) >> 20)));
    if (request->gpus > 0)
        add_word(&words, hpx_format("--gpus-per-task=%zu", request->gpus));
    for (size_t i = 0; options && options[i]; i++)
        add_word(&words, hpx_strdup(options[i]));
    if (avoided->size > 0)
        exclude(&words, avoided, options);
    return words;
}

void hpx_slurm_describe(hpx_buffer *out, const char *program, const char *pool,
                        const hpx_slurm_request *request, char *const *options, size_t count)
{
    struct words words = command(pool, "NAME", request, options, &(hpx_buffer){0}, 0, count);
    for (size_t i = 0; i < words.count; i++) {
        hpx_buffer_puts(out, i > 0 ? " " : "");
        hpx_text_shell_word(out, words.at[i]);
    }
    hpx_buffer_puts(out, "\n\n");
    put_script(out, program, pool, "NAME");
    free_words(&words);
}

/* Takes back the arrays from that one on. */
static void cancel_from(struct slurm *slurm, size_t from)
{
    struct words words = {0};
    hpx_buffer said = {0};
    hpx_error unknown;
    add_word(&words, hpx_strdup("scancel"));
    for (size_t i = from; i < slurm->count; i++) {
        add_word(&words, slurm->arrays[i].id);
        free(slurm->arrays[i].batch);
    }
    if (words.count > 1)
        (void)run(&said, words.at, NULL, &unknown); /* of those that have ended it complains */
    free_words(&words);
    slurm->count = from;
    hpx_buffer_free(&said);
}

/* All of a batch, or none: of a part nobody would know. */
static hpx_status place(hpx_launcher *launcher, const char *name, size_t count, hpx_error *error)
{
    struct slurm *slurm = (struct slurm *)launcher;
    const size_t before = slurm->count;
    hpx_buffer script = {0};
    hpx_status status = HPX_OK;
    put_script(&script, slurm->program, slurm->pool, name);
    for (size_t first = 0; first < count && !status; first += ARRAY_MAX) {
        const size_t some = count - first < ARRAY_MAX ? count - first : ARRAY_MAX;
        hpx_buffer id = {0};
        struct words words =
            command(slurm->pool, name, &slurm->request, slurm->options, &slurm->avoided, first, some);
        status = run(&id, words.at, &script, error);
        if (!status) {
            slurm->arrays =
                hpx_grow(slurm->arrays, &slurm->capacity, slurm->count + 1, sizeof *slurm->arrays);
            slurm->arrays[slurm->count++] = (struct array){
                hpx_strdup(name), hpx_strndup(hpx_buffer_text(&id), strcspn(hpx_buffer_text(&id), ";\n"))};
        }
        hpx_buffer_free(&id);
        free_words(&words);
    }
    if (status)
        cancel_from(slurm, before);
    hpx_buffer_free(&script);
    return status;
}

/* What squeue does not know has ended. When it does not answer, nothing is known. */
static bool has(hpx_launcher *launcher, const char *name)
{
    const struct slurm *slurm = (const struct slurm *)launcher;
    bool some = false;
    for (size_t i = 0; i < slurm->count && !some; i++) {
        hpx_buffer said = {0};
        hpx_error error;
        char *const arguments[] = {"squeue", "-h", "-o", "%i", "-j", slurm->arrays[i].id, NULL};
        if (strcmp(slurm->arrays[i].batch, name) == 0)
            some = run(&said, arguments, NULL, &error) ? !strstr(error.message, "Invalid job id")
                                                       : said.size > 0;
        hpx_buffer_free(&said);
    }
    return some;
}

static void avoid(hpx_launcher *launcher, const char *node)
{
    struct slurm *slurm = (struct slurm *)launcher;
    hpx_buffer_printf(&slurm->avoided, "%s%s", slurm->avoided.size > 0 ? "," : "", node);
}

static void cancel(hpx_launcher *launcher)
{
    cancel_from((struct slurm *)launcher, 0);
}

static void close_slurm(hpx_launcher *launcher)
{
    struct slurm *slurm = (struct slurm *)launcher;
    for (size_t i = 0; i < slurm->count; i++) {
        free(slurm->arrays[i].batch);
        free(slurm->arrays[i].id);
    }
    free(slurm->arrays);
    hpx_buffer_free(&slurm->avoided);
    free(slurm);
}

hpx_launcher *hpx_launcher_slurm(const char *program, const char *pool, const hpx_slurm_request *request,
                                 char *const *options)
{
    struct slurm *slurm = hpx_alloc(sizeof *slurm);
    slurm->calls =
        (hpx_launcher){.place = place, .has = has, .avoid = avoid, .cancel = cancel, .close = close_slurm};
    slurm->program = program;
    slurm->pool = pool;
    slurm->request = *request;
    slurm->options = options;
    return &slurm->calls;
}

hpx_status hpx_slurm_check_options(char *const *options, hpx_error *error)
{
    static const char *const ours[] = {
        "--parsable",   "--array",   "-a",     "--output",   "-o", "--error", "-e", "--open-mode", "--signal",
        "--no-requeue", "--requeue", "--wrap", "--job-name", "-J", "--wait",  "-W"};
    for (size_t i = 0; options && options[i]; i++)
        for (size_t j = 0; j < sizeof ours / sizeof *ours; j++) {
            const size_t length = strlen(ours[j]);
            const bool is_long = ours[j][1] == '-';
            if (strncmp(options[i], ours[j], length) == 0 &&
                (!is_long || options[i][length] == '\0' || options[i][length] == '='))
                return hpx_error_set(error, HPX_USAGE, "%s is an option of sbatch that hpx sets itself",
                                     ours[j]);
        }
    return HPX_OK;
}

/* "1-02:03:04", "02:03", "UNLIMITED"; squeue prints no other numbers of days, hours, minutes and seconds. */
static double seconds_of(const char *text)
{
    double days = 0, part = 0, sum = 0;
    const char *dash = strchr(text, '-');
    char *end;
    if (dash) {
        days = strtod(text, &end);
        text = dash + 1;
    }
    for (;; text = end + 1) {
        part = strtod(text, &end);
        if (end == text)
            return INFINITY;
        sum = sum * 60 + part;
        if (*end != ':')
            return days * 86400 + sum;
    }
}

double hpx_slurm_time_left(void)
{
    const char *job = getenv("SLURM_JOB_ID");
    char *const arguments[] = {"squeue", "-h", "-o", "%L", "-j", (char *)(uintptr_t)job, NULL};
    hpx_buffer said = {0};
    hpx_error unknown;
    double seconds = INFINITY;
    if (job && run(&said, arguments, NULL, &unknown) == HPX_OK)
        seconds = seconds_of(hpx_buffer_text(&said));
    hpx_buffer_free(&said);
    return seconds;
}

char *hpx_slurm_node(void)
{
    const char *node = getenv("SLURMD_NODENAME");
    char host[64];
    hpx_host_name(host, sizeof host);
    return hpx_strdup(node && *node ? node : host);
}
