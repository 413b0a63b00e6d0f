#include "identity/difference.h"

#include "data_files.h"

#include "base/memory.h"
#include "base/text.h"
#include "identity/manifest.h"
#include "program/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS   4  /* of a file's id, at least */
#define SHOWN_BYTES 60 /* of a line of output */

bool hpx_difference_of_code(hpx_code_change *out, const hpx_fields *manifest, const hpx_fields *before,
                            const hpx_fields *after)
{
    const bool program = hpx_manifest_is_of_program(manifest);
    hpx_error unknown;
    return hpx_code_compare(out, program ? "." : hpx_code_built.root,
                            program ? NULL : hpx_manifest_sources(manifest)->names, before, after,
                            &unknown) == HPX_OK;
}
static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "" where the field is no text. */
static const char *text_in(const hpx_field *field)
{
    return field && field->type == HPX_FIELD_TEXT ? (const char *)field->bytes : "";
}

static const char *text_of(const hpx_fields *record, const char *name)
{
    return record ? hpx_fields_text_or_empty(record, name) : "";
}

/* What is being said. */
struct saying {
    const hpx_compared *compared;
    hpx_difference_fn *say;
    void *context;
    const char *field;
};

static void say(struct saying *saying, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct saying *saying, const char *format, ...)
{
    hpx_buffer text = {0};
    va_list args;
    va_start(args, format);
    hpx_buffer_vprintf(&text, format, args);
    va_end(args);
    saying->say(saying->context, saying->field, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void say_plain(struct saying *saying, const char *prefix, const hpx_field *before,
                      const hpx_field *after)
{
    hpx_buffer text = {0};
    hpx_buffer_puts(&text, prefix);
    hpx_manifest_difference(&text, before, after);
    say(saying, "%s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

/* --- code and data ---------------------------------------------------------------------------------------- */

static void say_file(struct saying *saying, const hpx_file_change *file)
{
    size_t digits = ID_DIGITS;
    while (digits < HPX_CODE_HEX_BYTES - 1 && strncmp(file->from, file->to, digits) == 0)
        digits++;
    if (!*file->from || !*file->to)
        say(saying, "%s %s", file->path, *file->from ? "removed" : "added");
    else if (strcmp(file->from, file->to) == 0)
        say(saying, "%s has another mode", file->path);
    else
        say(saying, "%s: %.*s -> %.*s", file->path, (int)digits, file->from, (int)digits, file->to);
}

static void say_code(struct saying *saying, const hpx_field *before, const hpx_field *after)
{
    const hpx_code_change *change = saying->compared->change;
    char old[HPX_CODE_HEX_BYTES] = "", new[HPX_CODE_HEX_BYTES] = "";
    for (size_t i = 0; change && i < change->file_count; i++)
        say_file(saying, &change->files[i]);
    if (change && change->file_count > 0)
        return;
    if (before && before->size == HPX_CODE_BYTES)
        hpx_hex(old, before->bytes, HPX_CODE_BYTES);
    if (after && after->size == HPX_CODE_BYTES)
        hpx_hex(new, after->bytes, HPX_CODE_BYTES);
    say(saying, "code %.8s -> %.8s", *old ? old : "(none)", *new ? new : "(none)");
}

static void say_data_file(struct saying *saying, const char *name, const char *what)
{
    hpx_buffer shown = {0};
    hpx_text_show(&shown, name, strlen(name), "");
    say(saying, "%s %s", hpx_buffer_text(&shown), what);
    hpx_buffer_free(&shown);
}

/* Says which files of `in` another record does not have and, unless `added`, which it has with other bytes. */
static size_t say_files(struct saying *saying, const hpx_fields *in, const hpx_fields *other, bool added)
{
    size_t count = 0;
    hpx_data_walk theirs = {0};
    bool more = hpx_data_next(&theirs, other);
    for (hpx_data_walk at = {0}; hpx_data_next(&at, in);) {
        while (more && strcmp(theirs.name, at.name) < 0)
            more = hpx_data_next(&theirs, other);
        const bool both = more && strcmp(theirs.name, at.name) == 0;
        if (both && (added || hpx_hash_equal(&theirs.hash, &at.hash)))
            continue;
        say_data_file(saying, at.name, both ? "changed" : added ? "added" : "removed");
        count++;
    }
    return count;
}

static void say_data(struct saying *saying)
{
    static const hpx_fields none = {0};
    const hpx_compared *c = saying->compared;
    const hpx_fields *before = c->data_before ? c->data_before : &none,
                     *after = c->data_after ? c->data_after : &none;
    const bool known = before->count > 0 || after->count > 0;
    if (!known || say_files(saying, before, after, false) + say_files(saying, after, before, true) == 0)
        say(saying, "data changed");
}

/* --- versions --------------------------------------------------------------------------------------------- */

static size_t line_length(const char *text)
{
    return strcspn(text, "\n");
}

static void show_cut(hpx_buffer *out, const char *text, size_t size)
{
    const bool cut = size > SHOWN_BYTES;
    hpx_text_show(out, text, cut ? SHOWN_BYTES : size, "");
    hpx_buffer_puts(out, cut ? "..." : size == 0 ? "(nothing)" : "");
}

/* The first line that differs, from its first word that does: "Python 3.11.2 -> 3.12.1". */
static void say_output(struct saying *saying, const char *old, const char *new)
{
    while (*old && *new &&line_length(old) == line_length(new) && strncmp(old, new, line_length(old)) == 0) {
        old += line_length(old) + (old[line_length(old)] == '\n');
        new += line_length(new) + (new[line_length(new)] == '\n');
    }
    const size_t old_size = line_length(old), new_size = line_length(new);
    size_t same = 0, word = 0;
    for (; same < old_size && same < new_size && old[same] == new[same]; same++)
        word = old[same] == ' ' ? same + 1 : word;
    if (same == old_size || same == new_size)
        word = 0;
    hpx_buffer text = {0};
    show_cut(&text, old, old_size);
    hpx_buffer_puts(&text, " -> ");
    show_cut(&text, new + word, new_size - word);
    say(saying, "version: %s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void say_version(struct saying *saying, const hpx_field *before, const hpx_field *after)
{
    const hpx_compared *c = saying->compared;
    char name[HPX_FIELD_NAME_MAX + 16];
    snprintf(name, sizeof name, "%s.command", saying->field);
    const char *old = text_of(c->code_before, name), *new = text_of(c->code_after, name);
    snprintf(name, sizeof name, "%s.output", saying->field);
    if (!before || !after)
        say(saying, "version %s %s", *old ? old : *new ? new : "command", before ? "removed" : "added");
    else if (!*old || !*new)
        say_plain(saying, "version ", before, after);
    else if (strcmp(old, new) != 0)
        say(saying, "version command %s -> %s", old, new);
    else
        say_output(saying, text_of(c->code_before, name), text_of(c->code_after, name));
}

/* --- commands and variables ------------------------------------------------------------------------------- */

/* Appends a field's value as a template has it. */
static void add_value(hpx_buffer *out, const hpx_field *field)
{
    char number[HPX_REAL_TEXT_BYTES];
    hpx_template_literal(out,
                         field->type == HPX_FIELD_REAL ? hpx_real_text(number, field->real) : text_in(field));
}

/* Whether the one text becomes the other when this axis changes. */
static bool becomes(const char *old, const char *new, const hpx_field *before, const hpx_field *after)
{
    hpx_buffer from = {0}, to = {0}, text = {0};
    add_value(&from, before);
    add_value(&to, after);
    for (const char *at = old; *at;) {
        const bool here = from.size > 0 && strncmp(at, hpx_buffer_text(&from), from.size) == 0;
        const bool changed = here && strncmp(new + text.size, hpx_buffer_text(&to), to.size) == 0;
        hpx_buffer_add(&text, changed ? hpx_buffer_text(&to) : at, changed ? to.size : 1);
        at += changed ? from.size : 1;
        if (text.size > strlen(new))
            break;
    }
    const bool same = strcmp(hpx_buffer_text(&text), new) == 0;
    hpx_buffer_free(&from);
    hpx_buffer_free(&to);
    hpx_buffer_free(&text);
    return same;
}

/* Whether a text differs only because the axes do, one of which is its value or stands in it. */
static bool follows_from_axes(const hpx_compared *compared, const char *old, const char *new)
{
    const hpx_field *before, *after;
    for (hpx_field_walk at = {0};
         hpx_fields_next_difference(&at, compared->before, compared->after, &before, &after);)
        if (before && after && has_prefix(before->name, "axis.") && becomes(old, new, before, after))
            return true;
    return strcmp(old, new) == 0;
}

/* The words from `from` to before `to` of `count`, one more before them, and what is left out. */
static void add_words(hpx_buffer *out, char **words, size_t from, size_t to, size_t count)
{
    hpx_buffer text = {0};
    from -= from > 0;
    hpx_buffer_puts(out, from > 0 ? "... " : "");
    for (size_t i = from; i < to; i++)
        hpx_words_add(&text, words[i]);
    hpx_text_show(out, hpx_buffer_text(&text), text.size, "");
    hpx_buffer_puts(out, to < count ? " ..." : "");
    hpx_buffer_free(&text);
}

static void say_words(struct saying *saying, const char *name, char **old, size_t old_count, char **new,
                      size_t new_count)
{
    size_t front = 0, back = 0;
    const size_t least = old_count < new_count ? old_count : new_count;
    bool explained = old_count == new_count;
    for (size_t i = 0; i < old_count && explained; i++)
        explained = follows_from_axes(saying->compared, old[i], new[i]);
    if (explained)
        return;
    while (front < least && strcmp(old[front], new[front]) == 0)
        front++;
    while (back < least - front && strcmp(old[old_count - 1 - back], new[new_count - 1 - back]) == 0)
        back++;
    hpx_buffer text = {0};
    add_words(&text, old, front, old_count - back, old_count);
    hpx_buffer_puts(&text, " -> ");
    add_words(&text, new, front, new_count - back, new_count);
    say(saying, "%s %s", name, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

static void say_command(struct saying *saying, const hpx_field *before, const hpx_field *after)
{
    char **old = NULL, **new = NULL;
    size_t old_count = 0, new_count = 0;
    hpx_error error;
    if (hpx_words_read(&old, &old_count, text_in(before), &error) == HPX_OK &&
        hpx_words_read(&new, &new_count, text_in(after), &error) == HPX_OK)
        say_words(saying, strchr(saying->field, '.') + 1, old, old_count, new, new_count);
    else
        say(saying, "%s changed", saying->field);
    hpx_words_free(old);
    hpx_words_free(new);
}

/* --- all of them ------------------------------------------------------------------------------------------ */

static void say_variable(struct saying *saying, const hpx_field *before, const hpx_field *after)
{
    if (!before || !after || !follows_from_axes(saying->compared, text_in(before), text_in(after)))
        say_plain(saying, "env ", before, after);
}

static void say_of_program(struct saying *saying, const hpx_field *before, const hpx_field *after)
{
    const char *field = saying->field;
    if (strcmp(field, "code.version") == 0)
        say_code(saying, before, after);
    else if (strcmp(field, "dataset.data") == 0)
        say_data(saying);
    else if (has_prefix(field, "version."))
        say_version(saying, before, after);
    else if (strcmp(field, "program.command") == 0)
        say_command(saying, before, after);
    else if (has_prefix(field, "env."))
        say_variable(saying, before, after);
    else
        say_plain(saying, "", before, after);
}

void hpx_differences(const hpx_compared *compared, hpx_difference_fn *fn, void *context)
{
    const bool programs =
        hpx_manifest_is_of_program(compared->before) && hpx_manifest_is_of_program(compared->after);
    const hpx_field *before, *after;
    for (hpx_field_walk at = {0};
         hpx_fields_next_difference(&at, compared->before, compared->after, &before, &after);) {
        struct saying saying = {compared, fn, context, before ? before->name : after->name};
        if (programs)
            say_of_program(&saying, before, after);
        else
            say_plain(&saying, "", before, after);
    }
}

void hpx_sides_find(hpx_sides *out, const hpx_experiment *experiment, hpx_store *store,
                    const hpx_artifact *before, uint32_t cell)
{
    hpx_error unknown;
    *out = (hpx_sides){.change_known = false};
    hpx_store_get_record(&out->code_before, store, HPX_RECORD_CODE, &before->code, &unknown);
    hpx_store_get_record(&out->data_before, store, HPX_RECORD_DATASET, &before->dataset, &unknown);
    hpx_experiment_records(&out->code_after, &out->data_after, experiment, cell);
    out->change_known = hpx_experiment_code_change(&out->change, experiment, &out->code_before);
}

void hpx_sides_free(hpx_sides *sides)
{
    hpx_fields_free(&sides->code_before);
    hpx_fields_free(&sides->code_after);
    hpx_fields_free(&sides->data_before);
    hpx_fields_free(&sides->data_after);
    hpx_code_change_free(&sides->change);
    *sides = (hpx_sides){.change_known = false};
}

hpx_compared hpx_sides_compare(const hpx_sides *sides, const hpx_fields *before, const hpx_fields *after)
{
    return (hpx_compared){
        .before = before,
        .after = after,
        .code_before = &sides->code_before,
        .code_after = &sides->code_after,
        .data_before = &sides->data_before,
        .data_after = &sides->data_after,
        .change = sides->change_known ? &sides->change : NULL,
    };
}
