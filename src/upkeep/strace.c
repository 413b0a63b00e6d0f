#include "strace.h"

#include "base/glob.h"
#include "base/memory.h"
#include "hpx/buffer.h"
#include "hpx/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const hpx_strace_options[] = {"-D", "-f", "-y", "-q", "-e", "trace=%file,fchdir", NULL};

#define LINE_BYTES_MAX ((size_t)1 << 20) /* a path has 4096, arguments of a program are shortened */

/* A process that lives. */
struct process {
    unsigned long pid;
    char *folder;    /* that it is in; NULL: not known */
    char *beginning; /* of a call that has no end yet; NULL: there is none */
};

struct hpx_strace {
    char *folder; /* of a process that has not said where it is */
    hpx_access_fn *each;
    void *context;
    struct process *processes;
    size_t count, capacity;
};

hpx_strace *hpx_strace_new(const char *folder, hpx_access_fn *each, void *context)
{
    hpx_strace *strace = hpx_alloc(sizeof *strace);
    *strace = (hpx_strace){.folder = hpx_strdup(folder), .each = each, .context = context};
    return strace;
}

static void forget(hpx_strace *strace, struct process *process)
{
    free(process->folder);
    free(process->beginning);
    *process = strace->processes[--strace->count];
}

void hpx_strace_free(hpx_strace *strace)
{
    if (!strace)
        return;
    while (strace->count > 0)
        forget(strace, &strace->processes[strace->count - 1]);
    free(strace->processes);
    free(strace->folder);
    free(strace);
}

static struct process *process_of(hpx_strace *strace, unsigned long pid)
{
    for (size_t i = strace->count; i-- > 0;)
        if (strace->processes[i].pid == pid)
            return &strace->processes[i];
    strace->processes =
        hpx_grow(strace->processes, &strace->capacity, strace->count + 1, sizeof *strace->processes);
    strace->processes[strace->count] = (struct process){.pid = pid};
    return &strace->processes[strace->count++];
}

static void move(struct process *process, const char *folder)
{
    char *copy = hpx_strdup(folder); /* it may be the same */
    free(process->folder);
    process->folder = copy;
}

/* --- paths ------------------------------------------------------------------------------------------------ */

/* The absolute path without empty parts, "." and "..": above the root is the root. free() it. */
static char *absolute(const char *folder, const char *path)
{
    char *whole = hpx_path_join(folder, path), *normal = hpx_path_normal("", whole);
    const char *below = normal;
    while (strncmp(below, "../", 3) == 0)
        below += 3;
    char *out = hpx_format("/%s", strcmp(below, "..") == 0 ? "" : below);
    free(normal);
    free(whole);
    return out;
}

/* A byte that strace has written as \n, \" or in octal digits. */
static char unescape(const char **at)
{
    static const char names[] = "ntrvfabe", bytes[] = "\n\t\r\v\f\a\b\033";
    const char c = *(*at)++;
    const char *name = c ? strchr(names, c) : NULL;
    if (name)
        return bytes[name - names];
    if (c < '0' || c > '7')
        return c;
    int code = c - '0';
    for (int digits = 1; digits < 3 && **at >= '0' && **at <= '7'; digits++)
        code = code * 8 + *(*at)++ - '0';
    return (char)code;
}

/* The text up to the mark that ends it, and *at behind that. free() it; NULL: it has no end. */
static char *read_text(const char **at, char mark)
{
    hpx_buffer text = {0};
    while (**at && **at != mark) {
        char c = *(*at)++;
        if (c == '\\' && **at)
            c = unescape(at);
        hpx_buffer_add(&text, &c, 1);
    }
    if (!**at) {
        hpx_buffer_free(&text);
        return NULL;
    }
    ++*at;
    char *copy = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return copy;
}

/* --- calls ------------------------------------------------------------------------------------------------ */

enum kind { OPEN, CREATE, RUN, LOOK, MOVE, ENTER, ENTER_OPEN };

/* Calls that matter: which of the paths among their arguments does. */
static const struct call {
    const char *name;
    enum kind kind;
    int path;
} calls[] = {
    {"open", OPEN, 1},         {"openat", OPEN, 1},    {"openat2", OPEN, 1},   {"creat", CREATE, 1},
    {"execve", RUN, 1},        {"execveat", RUN, 1},   {"stat", LOOK, 1},      {"lstat", LOOK, 1},
    {"newfstatat", LOOK, 1},   {"fstatat64", LOOK, 1}, {"stat64", LOOK, 1},    {"lstat64", LOOK, 1},
    {"statx", LOOK, 1},        {"access", LOOK, 1},    {"faccessat", LOOK, 1}, {"faccessat2", LOOK, 1},
    {"rename", MOVE, 2},       {"renameat", MOVE, 2},  {"renameat2", MOVE, 2}, {"link", MOVE, 2},
    {"linkat", MOVE, 2},       {"mkdir", CREATE, 1},   {"mkdirat", CREATE, 1}, {"chdir", ENTER, 1},
    {"fchdir", ENTER_OPEN, 0},
};

/* What a call says. */
struct words {
    char *folder;     /* that the path begins in: a descriptor's; NULL: where the process is */
    char *path;       /* NULL: there is none */
    const char *rest; /* behind it: flags and the result */
};

/* Reads arguments up to the path number `wanted`; 0: up to the first descriptor. */
static struct words read_words(struct process *process, const char *at, int wanted)
{
    struct words words = {.rest = at};
    for (int found = 0; found < (wanted ? wanted : 1);) {
        at += strspn(at, " ,");
        const bool here = strncmp(at, "AT_FDCWD", 8) == 0;
        at += strcspn(at, "<\", )");
        const char mark = *at;
        if (!mark || mark == ')')
            break;
        at++;
        if (mark == '<') {
            free(words.folder);
            words.folder = read_text(&at, '>');
            if (here && words.folder)
                move(process, words.folder);
            found += wanted == 0;
        } else if (mark == '"') {
            free(words.path);
            words.path = read_text(&at, '"');
            found++;
        }
        words.rest = at;
    }
    return words;
}

/* The result, behind " = ": in a path that is part of it, or in the arguments of a program, there may be another. */
static const char *find_result(enum kind kind, const char *rest)
{
    static const char mark[] = " = ";
    const char *found = strstr(rest, mark);
    for (const char *next = found; kind == RUN && next; next = strstr(next + 1, mark))
        found = next;
    return found ? found + sizeof mark - 1 : NULL;
}

/* The path of a descriptor that a call gave; NULL: it gave none that has one. free() it. */
static char *read_found(const char *result)
{
    result += strspn(result, "0123456789");
    if (strncmp(result, "</", 2) != 0) /* a number, a pipe, a socket */
        return NULL;
    result++;
    return read_text(&result, '>');
}

static bool has_flag(const struct words *words, const char *result, const char *name)
{
    const char *found = strstr(words->rest, name);
    return found && found < result;
}

/* What a call is to its path; false: nothing. */
static bool access_of(hpx_access *out, enum kind kind, const struct words *words, const char *result)
{
    const bool done = isdigit((unsigned char)*result), missing = strncmp(result, "-1 ENOENT", 9) == 0;
    const bool writes = kind == CREATE || kind == MOVE || has_flag(words, result, "O_CREAT") ||
                        has_flag(words, result, "O_TRUNC");
    *out = missing ? HPX_ACCESS_MISSED : writes ? HPX_ACCESS_WRITTEN : HPX_ACCESS_READ;
    if (missing)
        return !writes;
    return done && kind != LOOK &&
           (writes || !(has_flag(words, result, "O_WRONLY") || has_flag(words, result, "O_DIRECTORY") ||
                        has_flag(words, result, "O_PATH")));
}

static void take(hpx_strace *strace, struct process *process, const struct call *call, const char *arguments)
{
    struct words words = read_words(process, arguments, call->path);
    const char *result = find_result(call->kind, words.rest);
    const char *here = process->folder ? process->folder : strace->folder;
    char *asked = words.path && *words.path ? absolute(words.folder ? words.folder : here, words.path) : NULL;
    char *found = result ? read_found(result) : NULL;
    const char *entered = call->kind == ENTER ? asked : call->kind == ENTER_OPEN ? words.folder : NULL;
    hpx_access access;
    if (result && entered && *result == '0')
        move(process, entered);
    else if (result && !entered && asked && access_of(&access, call->kind, &words, result))
        strace->each(strace->context, access, asked, found ? found : asked);
    free(asked);
    free(found);
    free(words.folder);
    free(words.path);
}

static void take_call(hpx_strace *strace, struct process *process, const char *text)
{
    const size_t length = strcspn(text, "(");
    for (size_t i = 0; i < sizeof calls / sizeof *calls && text[length]; i++)
        if (strlen(calls[i].name) == length && strncmp(text, calls[i].name, length) == 0)
            take(strace, process, &calls[i], text + length + 1);
}

/* --- lines ------------------------------------------------------------------------------------------------ */

static void take_line(hpx_strace *strace, unsigned long pid, char *text)
{
    static const char unfinished[] = " <unfinished ...>", resumed[] = " resumed>";
    const size_t length = strlen(text), mark = sizeof unfinished - 1;
    struct process *process = process_of(strace, pid);
    const char *rest = strncmp(text, "<... ", 5) == 0 ? strstr(text, resumed) : NULL;
    if (strncmp(text, "+++ ", 4) == 0) {
        forget(strace, process);
    } else if (rest) {
        char *whole = process->beginning ? hpx_format("%s%s", process->beginning, rest + sizeof resumed - 1)
                                         : hpx_strdup("");
        free(process->beginning);
        process->beginning = NULL;
        take_call(strace, process, whole);
        free(whole);
    } else if (length > mark && strcmp(text + length - mark, unfinished) == 0) {
        free(process->beginning);
        process->beginning = hpx_strndup(text, length - mark);
    } else {
        take_call(strace, process, text);
    }
}

void hpx_strace_line(hpx_strace *strace, const char *line, size_t size)
{
    if (size > LINE_BYTES_MAX || memchr(line, 0, size))
        return;
    char *copy = hpx_strndup(line, size), *at;
    const unsigned long pid = strtoul(copy, &at, 10);
    if (at > copy && *at == ' ')
        take_line(strace, pid, at + strspn(at, " "));
    free(copy);
}

hpx_status hpx_strace_read(hpx_strace *strace, const char *path, hpx_error *error)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    if (!file)
        return hpx_error_errno(error, "%s: cannot read it", path);
    errno = 0;
    while ((size = getline(&line, &room, file)) > 0)
        hpx_strace_line(strace, line, (size_t)size - (line[size - 1] == '\n'));
    const hpx_status status = ferror(file) ? hpx_error_errno(error, "%s: cannot read it", path) : HPX_OK;
    free(line);
    fclose(file);
    return status;
}
