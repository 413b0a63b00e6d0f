#include "log.h"

#include "base/memory.h"
#include "hpx/training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 256
#define PART_BYTES (HPX_LOG_BYTES_MAX / 2 - 64) /* of the beginning, and of the end; between them is a line */

/* The line of a stream that is being written, and the last one before it that is not blank. */
struct line {
    char text[LINE_BYTES], whole[LINE_BYTES];
    size_t length; /* of the text */
};

struct hpx_log {
    hpx_buffer head;
    uint8_t *tail;          /* a ring; NULL: all is in the head */
    uint64_t after;         /* bytes behind the head, of which the tail has the last */
    bool is_error, in_line; /* of what came last */
    struct line lines[2];
};

hpx_log *hpx_log_new(void)
{
    return hpx_alloc(sizeof(hpx_log));
}

void hpx_log_free(hpx_log *log)
{
    if (!log)
        return;
    hpx_buffer_free(&log->head);
    free(log->tail);
    free(log);
}

static void keep(hpx_log *log, const uint8_t *bytes, size_t size)
{
    const size_t room = PART_BYTES - log->head.size, first = size < room ? size : room;
    hpx_buffer_add(&log->head, bytes, first);
    bytes += first;
    size -= first;
    if (size == 0)
        return;
    if (!log->tail)
        log->tail = hpx_alloc(PART_BYTES);
    if (size > PART_BYTES) {
        log->after += size - PART_BYTES;
        bytes += size - PART_BYTES;
        size = PART_BYTES;
    }
    const size_t at = log->after % PART_BYTES;
    const size_t before_end = PART_BYTES - at < size ? PART_BYTES - at : size;
    memcpy(log->tail + at, bytes, before_end);
    memcpy(log->tail, bytes + before_end, size - before_end);
    log->after += size;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r")] == 0;
}

static void end_line(struct line *line)
{
    line->text[line->length] = 0;
    if (!is_blank(line->text))
        memcpy(line->whole, line->text, line->length + 1);
    line->length = 0;
}

static void follow(struct line *line, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r')
            end_line(line);
        else if (line->length < LINE_BYTES - 1 && bytes[i] != 0)
            line->text[line->length++] = bytes[i];
    }
    line->text[line->length] = 0;
}

/* Only the last lines of many bytes can matter. */
static void follow_end(struct line *line, const char *bytes, size_t size)
{
    const size_t most = 16 * LINE_BYTES;
    const char *from = size > most ? memchr(bytes + size - most, '\n', most) : NULL;
    if (from)
        line->length = 0;
    follow(line, from ? from : bytes, from ? (size_t)(bytes + size - from) : size);
}

void hpx_log_add(hpx_log *log, bool is_error, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    if (log->in_line && log->is_error != is_error)
        keep(log, (const uint8_t *)"\n", 1);
    keep(log, bytes, size);
    follow_end(&log->lines[is_error], bytes, size);
    log->is_error = is_error;
    log->in_line = ((const char *)bytes)[size - 1] != '\n';
}

const char *hpx_log_last_line(const hpx_log *log)
{
    for (int i = 1; i >= 0; i--) {
        const struct line *line = &log->lines[i];
        const char *last = is_blank(line->text) || line->length == 0 ? line->whole : line->text;
        if (*last)
            return last;
    }
    return "";
}

void hpx_log_text(hpx_buffer *out, const hpx_log *log)
{
    const size_t size = log->after < PART_BYTES ? (size_t)log->after : PART_BYTES;
    const size_t at = log->after > size ? (size_t)(log->after % PART_BYTES) : 0;
    hpx_buffer_add(out, log->head.data, log->head.size);
    if (size == 0)
        return;
    if (log->after > size)
        hpx_buffer_printf(out, "\n... %" PRIu64 " bytes are left out here ...\n", log->after - size);
    hpx_buffer_add(out, log->tail + at, size - at);
    hpx_buffer_add(out, log->tail, at);
}
