/* Programs say what they miss in many ways:
 *
 *     ModuleNotFoundError: No module named 'util.io'
 *     FileNotFoundError: [Errno 2] No such file or directory: 'data/x.csv'
 *     python3: can't open file '/SCRATCH/copies/12-0/tree/train.py': [Errno 2] No such file or directory
 *     cat: words: No such file or directory
 *
 * So each word of the last lines is tried as the name of a file, and the one behind "module named" as a module. Only what is
 * missing in the copy and is there in the work tree is told. */
#include "undeclared.h"

#include "copy.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINES_MAX      32
#define BYTES_MAX      16384
#define NAME_MAX_BYTES 512
#define HINTS_MAX      5

static const char before_name[] = "not declared: ", behind_name[] = " exists in the work tree";

struct finding {
    hpx_buffer *out;
    const undeclared_places *places;
    char *told[HINTS_MAX];
    size_t count;
};

static bool is_told(const struct finding *finding, const char *name)
{
    for (size_t i = 0; i < finding->count; i++)
        if (strcmp(finding->told[i], name) == 0)
            return true;
    return false;
}

static bool exists(const char *folder, const char *name, bool plain_file)
{
    struct stat info;
    char *path = hpx_path_join(folder, name);
    const bool there =
        stat(path, &info) == 0 && (S_ISREG(info.st_mode) || (S_ISDIR(info.st_mode) && !plain_file));
    free(path);
    return there;
}

/* `name` is below the recipe's folder, or above it. */
static bool try_name(struct finding *finding, const char *name, bool plain_file)
{
    if (!*name || name[0] == '/' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        exists(finding->places->copy, name, false) || !exists(finding->places->work, name, plain_file))
        return false;
    if (finding->count == HINTS_MAX || is_told(finding, name))
        return true;
    finding->told[finding->count++] = hpx_strdup(name);
    hpx_buffer_puts(finding->out, before_name);
    hpx_text_show(finding->out, name, strlen(name), "");
    hpx_buffer_printf(finding->out, "%s\n", behind_name);
    return true;
}

char *hpx_undeclared_name(const char *line, size_t size)
{
    const size_t before = sizeof before_name - 1, behind = sizeof behind_name - 1;
    if (size <= before + behind || memcmp(line, before_name, before) != 0 ||
        memcmp(line + size - behind, behind_name, behind) != 0)
        return NULL;
    return hpx_strndup(line + before, size - before - behind);
}

/* "a.b" is a/b.py, a/b/__init__.py or the folder a/b; or it is something in the module a. */
static void try_module(struct finding *finding, const char *module)
{
    static const char *const endings[] = {".py", "/__init__.py", ""};
    char *path = hpx_strdup(module);
    bool found = false;
    for (char *dot = path; (dot = strchr(dot, '.'));)
        *dot = '/';
    while (!found && *path) {
        for (size_t f = 0; f < finding->places->folder_count && !found; f++)
            for (size_t i = 0; i < sizeof endings / sizeof *endings && !found; i++) {
                char *name = hpx_format("%s%s%s", finding->places->folders[f], path, endings[i]);
                found = try_name(finding, name, i < 2);
                free(name);
            }
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = 0;
    }
    free(path);
}

/* A path in the copy is told as the recipe would name it. */
static void try_word(struct finding *finding, const char *word, bool missing)
{
    const char *copy = finding->places->copy;
    const size_t length = strlen(copy);
    const bool inside = strncmp(word, copy, length) == 0 && word[length] == '/';
    if (inside)
        word += length + 1;
    while (strncmp(word, "./", 2) == 0)
        word += 2;
    const bool is_path = inside || strpbrk(word, "./");
    if (is_path || missing)
        try_name(finding, word, !missing);
}

/* The next word of a line: between blanks, quotes and what stands around names. */
static char *next_word(const char **at, const char *end)
{
    static const char marks[] = " \t\r\"'`,;()[]<>{}=|";
    while (*at < end && strchr(marks, **at))
        ++*at;
    const char *begin = *at;
    while (*at < end && **at && !strchr(marks, **at))
        ++*at;
    size_t length = (size_t)(*at - begin);
    if (*at < end && !**at)
        ++*at;
    while (length > 1 && (begin[length - 1] == ':' || begin[length - 1] == '.'))
        length--;
    return length > 0 && length < NAME_MAX_BYTES ? hpx_strndup(begin, length) : NULL;
}

static bool line_has(const char *line, size_t size, const char *words)
{
    return memmem(line, size, words, strlen(words)) != NULL;
}

static void try_line(struct finding *finding, const char *line, size_t size)
{
    const bool module = line_has(line, size, "odule named ");
    const bool missing = line_has(line, size, "o such file") || line_has(line, size, "ot found") ||
                         line_has(line, size, "t open") || line_has(line, size, "not exist");
    for (const char *at = line; at < line + size;) {
        char *word = next_word(&at, line + size);
        if (word && module)
            try_module(finding, word);
        if (word)
            try_word(finding, word, missing);
        free(word);
    }
}

void hpx_undeclared_find(hpx_buffer *out, const undeclared_places *places, const void *output, size_t size)
{
    struct finding finding = {.out = out, .places = places};
    const char *begin = output, *end = begin + size;
    if (size > BYTES_MAX)
        begin = end - BYTES_MAX;
    for (size_t lines = 0; end > begin && lines < LINES_MAX; lines++) {
        const char *newline = memrchr(begin, '\n', (size_t)(end - begin));
        const char *line = newline ? newline + 1 : begin;
        try_line(&finding, line, (size_t)(end - line));
        end = newline ? newline : begin;
    }
    for (size_t i = 0; i < finding.count; i++)
        free(finding.told[i]);
}
