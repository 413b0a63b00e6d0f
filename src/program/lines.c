#include "lines.h"

#include "line.h"

#include "base/memory.h"
#include "base/text.h"
#include "hpx/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Warnings, each given once. */
enum warning {
    NO_OBJECT = 1,
    IGNORED = 2,
    TOO_LONG = 4,
    TOO_MANY = 8,
    LATE = 16,
    BEYOND = 32,
    AFTER_END = 64,
    UNFINISHED = 128,
};

#define NAME_SLOTS (2 * HPX_METRICS_MAX) /* a power of two, larger than any number of names */

struct hpx_lines {
    hpx_lines_options options;
    hpx_matches *matches;
    hpx_buffer rest; /* a line whose end has not come */
    bool skipping;   /* that line is too long */
    hpx_line line;   /* the last one read */
    uint64_t number; /* of the last line that has begun */

    /* All names of the trial, as a hash table; and of each 1 + its place among the epoch's metrics, or 0. */
    char *names[NAME_SLOTS];
    uint16_t places[NAME_SLOTS];
    size_t name_count;

    uint32_t newest, own;
    bool open; /* the newest epoch has been told of and is not complete */
    hpx_metric metrics[HPX_METRICS_MAX];
    size_t count;
    double told; /* when its last line was read */
    uint64_t changes;

    hpx_buffer checkpoint;
    bool checkpoint_is_last;
    uint32_t checkpoint_epoch, failure_epoch;
    uint64_t checkpoint_change;
    char failure[HPX_FAILURE_BYTES], stopped[HPX_FAILURE_BYTES]; /* "": it has not */
    char *broken;
    unsigned warned;
    hpx_buffer warnings;
};

hpx_status hpx_lines_new(hpx_lines **out, const hpx_lines_options *options, hpx_error *error)
{
    hpx_lines *lines = *out = hpx_alloc(sizeof *lines);
    lines->options = *options;
    lines->newest = options->from;
    hpx_status status = options->match ? hpx_matches_new(&lines->matches, options->match, error) : HPX_OK;
    if (status) {
        hpx_lines_free(lines);
        *out = NULL;
    }
    return status;
}

void hpx_lines_free(hpx_lines *lines)
{
    if (!lines)
        return;
    for (size_t i = 0; i < NAME_SLOTS; i++)
        free(lines->names[i]);
    hpx_matches_free(lines->matches);
    hpx_line_free(&lines->line);
    hpx_buffer_free(&lines->rest);
    hpx_buffer_free(&lines->checkpoint);
    hpx_buffer_free(&lines->warnings);
    free(lines->broken);
    free(lines);
}

static void warn(hpx_lines *lines, enum warning kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(hpx_lines *lines, enum warning kind, const char *format, ...)
{
    va_list args;
    if (lines->warned & kind)
        return;
    lines->warned |= kind;
    char *text = NULL;
    va_start(args, format);
    text = hpx_vformat(format, args);
    va_end(args);
    hpx_buffer_printf(&lines->warnings, "line %" PRIu64 ": ", lines->number);
    hpx_text_show(&lines->warnings, text, strlen(text), "");
    hpx_buffer_puts(&lines->warnings, "\n");
    free(text);
}

/* --- metrics ---------------------------------------------------------------------------------------------- */

/* The slot of that name, or the empty one for it. */
static size_t slot_of(const hpx_lines *lines, const char *name)
{
    const hpx_hash hash = hpx_hash_of(name, strlen(name));
    size_t slot = hpx_load_u16(hash.bytes) % NAME_SLOTS;
    while (lines->names[slot] && strcmp(lines->names[slot], name) != 0)
        slot = (slot + 1) % NAME_SLOTS;
    return slot;
}

bool hpx_lines_has(const hpx_lines *lines, const char *name)
{
    return lines->names[slot_of(lines, name)] != NULL;
}

static void set_metric(hpx_lines *lines, const char *name, double value)
{
    const size_t slot = slot_of(lines, name);
    if (!lines->names[slot]) {
        if (lines->name_count == HPX_METRICS_MAX) {
            warn(lines, TOO_MANY, "'%s' is ignored: a trial has at most %d metrics", name, HPX_METRICS_MAX);
            return;
        }
        lines->names[slot] = hpx_strdup(name);
        lines->name_count++;
    }
    if (lines->places[slot] == 0) {
        lines->places[slot] = (uint16_t)++lines->count;
        lines->metrics[lines->count - 1].name = lines->names[slot];
    }
    lines->metrics[lines->places[slot] - 1].value = value;
}

/* --- epochs ----------------------------------------------------------------------------------------------- */

static void complete(hpx_lines *lines)
{
    const hpx_metrics metrics = {.list = lines->metrics, .count = lines->count};
    if (lines->open)
        lines->options.on_epoch(lines->options.context, lines->newest, &metrics, lines->told);
    lines->open = false;
    lines->count = 0;
    memset(lines->places, 0, sizeof lines->places);
}

/* Whether a line is of the newest epoch or begins the next one; if not, it is ignored, or breaks the training. */
static bool find_epoch(hpx_lines *lines, const hpx_line *line)
{
    const hpx_lines_options *options = &lines->options;
    if (!options->continues) {
        lines->newest = options->to;
        lines->own = line->has_epoch ? line->epoch : lines->own;
        lines->open = true;
        return true;
    }
    const bool joins = line->count == 0 || (lines->open && lines->count == 0);
    const uint64_t epoch = line->has_epoch ? line->epoch : (uint64_t)lines->newest + !joins;
    if (epoch == lines->newest && lines->open)
        return true;
    if (epoch == lines->newest && !line->has_epoch)
        return false; /* of no epoch at all */
    if (epoch > options->to) {
        warn(lines, BEYOND, "epoch %" PRIu64 " is ignored: the last one asked for is %u", epoch, options->to);
        return false;
    }
    if (lines->open && epoch < lines->newest) {
        warn(lines, LATE, "epoch %" PRIu64 " is ignored: a line of epoch %u was read before", epoch,
             lines->newest);
        return false;
    }
    if (epoch == (uint64_t)lines->newest + 1) {
        complete(lines);
        lines->newest = (uint32_t)epoch;
        lines->open = true;
        return true;
    }
    const char *before = lines->open     ? "epochs have no gaps"
                         : options->from ? "it was to go on from a checkpoint"
                                         : "epochs count from 1";
    lines->broken =
        hpx_format("the program reported epoch %" PRIu64 " where epoch %" PRIu32 " was expected: %s", epoch,
                   lines->newest + 1, before);
    return false;
}

/* One line of visible characters that fits. */
static void set_reason(char out[HPX_FAILURE_BYTES], const hpx_buffer *text, const char *without)
{
    hpx_buffer shown = {0};
    uint32_t code;
    size_t length = 0;
    hpx_text_show(&shown, text->data, text->size, "");
    const char *all = shown.size ? hpx_buffer_text(&shown) : without;
    for (size_t step; (step = hpx_utf8_next(&code, all + length, strlen(all + length))) > 0; length += step)
        if (length + step >= HPX_FAILURE_BYTES)
            break;
    memcpy(out, all, length);
    out[length] = 0;
    hpx_buffer_free(&shown);
}

/* In the epoch of the line, or behind the last one that was told. What was told of earlier ones stays. */
static void fail(hpx_lines *lines, const hpx_line *line)
{
    const hpx_lines_options *options = &lines->options;
    const uint64_t next = (uint64_t)lines->newest + 1;
    uint64_t epoch = line->has_epoch && options->continues ? line->epoch : next;
    epoch = epoch > lines->newest ? epoch : lines->open ? lines->newest : next;
    epoch = epoch < options->to && options->continues ? epoch : options->to;
    if (epoch > lines->newest && options->continues)
        complete(lines);
    lines->open = false;
    lines->failure_epoch = (uint32_t)epoch;
    set_reason(lines->failure, &line->failure, "the program says that it failed");
}

static void add_line(hpx_lines *lines, hpx_line *line)
{
    if (line->ignored.size)
        warn(lines, IGNORED, "%.*s", (int)line->ignored.size, (const char *)line->ignored.data);
    lines->checkpoint_is_last = false;
    if (*lines->failure || lines->broken)
        return;
    if (line->failed) {
        fail(lines, line);
        return;
    }
    if (line->has_step && !line->has_epoch) {
        if (!line->stopped)
            return;
        line->count = 0;
    }
    if (*lines->stopped && line->has_epoch && line->epoch > lines->newest) {
        warn(lines, AFTER_END, "epoch %u is ignored: the program has said that it stopped", line->epoch);
        return;
    }
    if (!find_epoch(lines, line))
        return;
    lines->told = hpx_clock_seconds();
    lines->changes++;
    for (size_t i = 0; i < line->count; i++)
        set_metric(lines, line->metrics[i].name, line->metrics[i].value);
    if (line->stopped)
        set_reason(lines->stopped, &line->reason, "the program stopped early");
    if (line->names_checkpoint && line->checkpoint.size) {
        lines->checkpoint.size = 0;
        hpx_buffer_add(&lines->checkpoint, line->checkpoint.data, line->checkpoint.size);
        lines->checkpoint_epoch = lines->newest;
        lines->checkpoint_change = lines->changes;
        lines->checkpoint_is_last = true;
    }
}

/* --- bytes ------------------------------------------------------------------------------------------------ */

static void read_line(hpx_lines *lines, const char *bytes, size_t size)
{
    size -= size > 0 && bytes[size - 1] == '\r';
    hpx_line_clear(&lines->line);
    if (lines->options.printed) {
        if (hpx_line_read_printed(&lines->line, bytes, size, lines->matches))
            add_line(lines, &lines->line);
        else
            lines->checkpoint_is_last = false;
    } else if (hpx_line_read_json(&lines->line, bytes, size)) {
        add_line(lines, &lines->line);
    } else if (size > 0) {
        lines->checkpoint_is_last = false;
        warn(lines, NO_OBJECT, "it is no JSON object and is ignored: %.*s", (int)(size < 80 ? size : 80),
             bytes);
    }
}

/* A line, or with `whole` false the beginning of one. */
static void add_part(hpx_lines *lines, const char *bytes, size_t size, bool whole)
{
    lines->number += lines->rest.size == 0 && !lines->skipping;
    if (lines->skipping || lines->rest.size + size > HPX_LINE_BYTES_MAX) {
        lines->rest.size = 0;
        lines->skipping = !whole;
        lines->checkpoint_is_last = false;
        if (!lines->options.printed)
            warn(lines, TOO_LONG, "it is longer than %zu bytes and is ignored", HPX_LINE_BYTES_MAX);
    } else if (whole && lines->rest.size == 0) {
        read_line(lines, bytes, size);
    } else {
        hpx_buffer_add(&lines->rest, bytes, size);
        if (!whole)
            return;
        read_line(lines, (const char *)lines->rest.data, lines->rest.size);
        lines->rest.size = 0;
    }
}

void hpx_lines_add(hpx_lines *lines, const void *bytes, size_t size)
{
    const char *at = bytes, *end = at + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        add_part(lines, at, (size_t)((newline ? newline : end) - at), newline != NULL);
        at = newline ? newline + 1 : end;
    }
}

void hpx_lines_end(hpx_lines *lines)
{
    if (lines->rest.size) {
        hpx_line_clear(&lines->line);
        if (!lines->options.printed || hpx_line_read_printed(&lines->line, (const char *)lines->rest.data,
                                                             lines->rest.size, lines->matches))
            warn(lines, UNFINISHED, "it is the last one, has no end and is not read");
    }
    complete(lines);
}

hpx_lines_state hpx_lines_state_of(hpx_lines *lines)
{
    return (hpx_lines_state){
        .newest = lines->newest,
        .own = lines->options.continues ? lines->newest : lines->own,
        .metrics = {.list = lines->metrics, .count = lines->count},
        .changes = lines->changes,
        .checkpoint = lines->checkpoint.size ? hpx_buffer_text(&lines->checkpoint) : NULL,
        .checkpoint_epoch = lines->checkpoint_epoch,
        .checkpoint_change = lines->checkpoint_change,
        .checkpoint_is_last = lines->checkpoint_is_last,
        .failure = *lines->failure ? lines->failure : NULL,
        .failure_epoch = lines->failure_epoch,
        .stopped = *lines->stopped ? lines->stopped : NULL,
        .broken = lines->broken,
        .warnings = hpx_buffer_text(&lines->warnings),
    };
}
