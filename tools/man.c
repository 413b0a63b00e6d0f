/* man FOLDER: writes the manual pages hpx.1, hpx-COMMAND.1 and those of the topics into a folder, from the tables and texts of
 * `hpx help`. How a text is written says src/cli/help.h. */
#include "cli/help.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/code.h"
#include "hpx/version.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- characters ------------------------------------------------------------------------------------------- */

static void put_char(hpx_buffer *out, char c)
{
    if (c == '\\')
        hpx_buffer_puts(out, "\\e");
    else if (c == '-')
        hpx_buffer_puts(out, "\\-");
    else if (c == '\'')
        hpx_buffer_puts(out, "\\(aq");
    else if (c == '^' || c == '~')
        hpx_buffer_puts(out, c == '^' ? "\\(ha" : "\\(ti");
    else if (c == '.' && (out->size == 0 || out->data[out->size - 1] == '\n'))
        hpx_buffer_puts(out, "\\&.");
    else
        hpx_buffer_add(out, &c, 1);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* How many bytes from `at` on are a word in capitals, which stands for another: KEY, but no variable and no -C. */
static size_t placeholder(const char *text, size_t at, size_t size)
{
    size_t length = 0;
    if (at > 0 && text[at - 1] == '-')
        return 0;
    for (text += at, size -= at; length < size && is_word(text[length]); length++)
        if (!isupper((unsigned char)text[length]))
            return 0;
    return length;
}

/* What is typed: bold, what stands for another word italic, brackets and dots as they are. */
static void put_typed(hpx_buffer *out, const char *text, size_t size)
{
    char font = 'R';
    for (size_t i = 0, length; i < size; i += length) {
        const bool dots = size - i >= 3 && memcmp(text + i, "...", 3) == 0;
        length = placeholder(text, i, size);
        const char wanted = length ? 'I' : dots || strchr("[]| ", text[i]) ? 'R' : 'B';
        if (length == 0)
            for (length = 1; !dots && is_word(text[i]) && i + length < size && is_word(text[i + length]);)
                length++;
        if (dots)
            length = 3;
        if (wanted != font && text[i] != ' ')
            hpx_buffer_printf(out, "\\f%c", font = wanted);
        for (size_t k = 0; k < length; k++)
            put_char(out, text[i + k]);
    }
    if (font != 'R')
        hpx_buffer_puts(out, "\\fR");
}

/* Prose, with what is typed between backquotes. */
static void put_prose(hpx_buffer *out, const char *text, size_t size)
{
    for (const char *at = text, *end = text + size; at < end; at++) {
        const char *close = *at == '`' ? memchr(at + 1, '`', (size_t)(end - at - 1)) : NULL;
        if (close) {
            put_typed(out, at + 1, (size_t)(close - at - 1));
            at = close;
        } else if (*at == '-' && at > text && is_word(at[-1])) { /* a hyphen */
            hpx_buffer_puts(out, "-");
        } else {
            put_char(out, *at);
        }
    }
}

/* --- texts ------------------------------------------------------------------------------------------------ */

enum kind { NOTHING, PARAGRAPH, ITEM, SHOWN };

struct page {
    hpx_buffer *out;
    enum kind inside; /* what the line before belongs to */
    bool gap;         /* an empty line is behind it */
};

static void put_line(struct page *page, const char *text, size_t size)
{
    put_prose(page->out, text, size);
    hpx_buffer_puts(page->out, "\n");
}

static void leave(struct page *page)
{
    if (page->inside == SHOWN)
        hpx_buffer_puts(page->out, ".EE\n");
    page->inside = NOTHING;
}

static void put_heading(struct page *page, const char *text, size_t size)
{
    leave(page);
    hpx_buffer_printf(page->out, ".SH %.*s\n", (int)size, text);
}

static void put_item(struct page *page, const char *term, size_t size)
{
    leave(page);
    hpx_buffer_puts(page->out, ".TP\n");
    put_typed(page->out, term, size);
    hpx_buffer_puts(page->out, "\n");
    page->inside = ITEM;
}

/* "  term    what it means" */
static void put_item_line(struct page *page, const char *line, size_t length)
{
    const char *term = line + 2, *gap = memmem(term, length - 2, "  ", 2);
    put_item(page, term, gap ? (size_t)(gap - term) : length - 2);
    if (!gap)
        return;
    gap += strspn(gap, " ");
    put_line(page, gap, (size_t)(line + length - gap));
}

static void put_shown(struct page *page, const char *line, size_t length)
{
    if (page->inside != SHOWN) {
        hpx_buffer_puts(page->out, page->inside == NOTHING ? ".EX\n" : ".PP\n.EX\n");
    } else if (page->gap) {
        hpx_buffer_puts(page->out, "\n");
    }
    for (size_t i = 0; i < length; i++)
        put_char(page->out, line[i]);
    hpx_buffer_puts(page->out, "\n");
    page->inside = SHOWN;
}

static void put_paragraph(struct page *page, const char *line, size_t length)
{
    if (page->inside != NOTHING && (page->gap || page->inside != PARAGRAPH)) {
        leave(page);
        hpx_buffer_puts(page->out, ".PP\n");
    }
    put_line(page, line, length);
    page->inside = PARAGRAPH;
}

static void put_option(void *context, const struct option *option)
{
    struct page *page = context;
    char *term =
        hpx_format("%s%.1s%s--%s%s%s", option->letter ? "-" : "", &option->letter, option->letter ? ", " : "",
                   option->name, option->argument ? " " : "", option->argument ? option->argument : "");
    put_item(page, term, strlen(term));
    put_line(page, option->help, strlen(option->help));
    free(term);
}

static void put_commands(struct page *page)
{
    for (const struct command *command = hpx_commands; command->name; command++) {
        if (!command->summary)
            continue;
        leave(page);
        hpx_buffer_printf(page->out, ".TP\n.BR hpx\\-%s (1)\n", command->name);
        put_line(page, command->summary, strlen(command->summary));
    }
    page->inside = ITEM;
}

static void put_language_item(void *context, const char *name, const char *meaning)
{
    put_item(context, name, strlen(name));
    put_line(context, meaning, strlen(meaning));
}

static bool is_heading(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isupper((unsigned char)line[i]) && (line[i] != ' ' || i == 0))
            return false;
    return length > 1;
}

static void put_text_line(struct page *page, const char *line, size_t length)
{
    const size_t indent = strspn(line, " ");
    if (hpx_is_directive(line, length, "@commands"))
        put_commands(page);
    else if (hpx_is_directive(line, length, "@options"))
        hpx_each_option(NULL, put_option, page);
    else if (hpx_language_items(line, length, put_language_item, page))
        return;
    else if (is_heading(line, length))
        put_heading(page, line, length);
    else if (indent == 2)
        put_item_line(page, line, length);
    else if (indent > 2 && page->inside == ITEM && !page->gap)
        put_line(page, line + indent, length - indent);
    else if (indent > 2)
        put_shown(page, line, length);
    else
        put_paragraph(page, line, length);
}

static void put_text(struct page *page, const char *name)
{
    size_t size;
    const char *line = hpx_help_text(name, &size);
    for (const char *end = line + size; line < end;) {
        const size_t length = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line);
        if (length > 0)
            put_text_line(page, line, length);
        page->gap = length == 0;
        line += length + 1;
    }
    leave(page);
}

/* --- pages ------------------------------------------------------------------------------------------------ */

static void put_title(hpx_buffer *out, const char *name, int section, const char *summary)
{
    static const char *const chapters[] = {[1] = "User commands", [5] = "File formats", [7] = "Miscellanea"};
    hpx_buffer_puts(out, ".TH ");
    for (const char *at = name; *at; at++)
        put_char(out, (char)toupper((unsigned char)*at));
    hpx_buffer_printf(out, " %d \"%.10s\" \"hpx %s\" \"%s\"\n.SH NAME\n", section, hpx_code_built.author_date,
                      HPX_VERSION, chapters[section]);
    for (const char *at = name; *at; at++)
        put_char(out, *at);
    hpx_buffer_puts(out, " \\- ");
    put_prose(out, summary, strlen(summary));
    hpx_buffer_puts(out, "\n");
}

/* A line for each way to call it: what stands between bars that are in no brackets. */
static void put_synopsis(hpx_buffer *out, const struct command *command)
{
    const char *usage = command->usage;
    hpx_buffer_puts(out, ".SH SYNOPSIS\n");
    for (const char *separator = "";; separator = ".br\n") {
        size_t length = 0;
        for (int depth = 0; usage[length] && (depth || usage[length] != '|'); length++)
            depth += usage[length] == '[' ? 1 : usage[length] == ']' ? -1 : 0;
        char *line = hpx_format("hpx %s [OPTION]... %.*s", command->name, (int)length, usage);
        hpx_buffer_puts(out, separator);
        put_typed(out, line, strlen(line));
        hpx_buffer_puts(out, "\n");
        free(line);
        usage += length;
        usage += strspn(usage, "| ");
        if (!*usage)
            return;
    }
}

static void put_see_also(hpx_buffer *out, const char *but)
{
    const char *comma = "";
    hpx_buffer_puts(out, ".SH SEE ALSO\n");
    for (const struct topic *topic = hpx_topics; topic->name; topic++) {
        char *name =
            strcmp(topic->name, "hpx") == 0 ? hpx_format("hpx") : hpx_format("hpx\\-%s", topic->name);
        if (strcmp(topic->name, but) != 0) {
            hpx_buffer_printf(out, "%s\\fB%s\\fR(%d)", comma, name, topic->section);
            comma = ",\n";
        }
        free(name);
    }
    hpx_buffer_puts(out, "\n");
}

static int write_page(const char *folder, const char *name, int section, const hpx_buffer *page)
{
    char *path = hpx_format("%s/%s.%d", folder, name, section);
    FILE *file = fopen(path, "w");
    const bool good = file && fwrite(page->data, 1, page->size, file) == page->size;
    if ((file && fclose(file) != 0) || !good) {
        perror(path);
        free(path);
        return 1;
    }
    free(path);
    return 0;
}

static int make_command(const char *folder, const struct command *command)
{
    hpx_buffer out = {0};
    struct page page = {.out = &out};
    char *name = hpx_format("hpx-%s", command->name);
    put_title(&out, name, 1, command->summary);
    put_synopsis(&out, command);
    hpx_buffer_puts(&out, ".SH DESCRIPTION\n");
    put_text(&page, command->name);
    hpx_buffer_puts(&out, ".SH OPTIONS\n");
    hpx_each_option(command, put_option, &page);
    put_see_also(&out, command->name);
    const int code = write_page(folder, name, 1, &out);
    hpx_buffer_free(&out);
    free(name);
    return code;
}

static int make_topic(const char *folder, const struct topic *topic)
{
    hpx_buffer out = {0};
    struct page page = {.out = &out};
    const bool whole = strcmp(topic->name, "hpx") == 0;
    char *name = whole ? hpx_format("hpx") : hpx_format("hpx-%s", topic->name);
    put_title(&out, name, topic->section, topic->summary);
    if (whole)
        hpx_buffer_puts(
            &out, ".SH SYNOPSIS\n\\fBhpx\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n");
    hpx_buffer_puts(&out, ".SH DESCRIPTION\n");
    put_text(&page, topic->name);
    put_see_also(&out, topic->name);
    const int code = write_page(folder, name, topic->section, &out);
    hpx_buffer_free(&out);
    free(name);
    return code;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: man FOLDER\n");
        return 2;
    }
    for (const struct command *command = hpx_commands; command->name; command++)
        if (command->summary)
            failed |= make_command(argv[1], command);
    for (const struct topic *topic = hpx_topics; topic->name; topic++)
        failed |= make_topic(argv[1], topic);
    return failed;
}
