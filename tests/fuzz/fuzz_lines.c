/* Any bytes as what a program says: the epochs that they make follow each other, their metrics have names, and it does not
 * matter in which pieces the bytes come. And as a document in JSON. */
#include "fuzz.h"

#include "hpx/buffer.h"
#include "program/json.h"
#include "program/lines.h"

#include <stdlib.h>
#include <string.h>

#define LAST 5

static void expect(bool holds)
{
    if (!holds)
        abort();
}

struct told {
    uint32_t epochs;
    hpx_buffer text;
};

static void tell(void *context, uint32_t epoch, const hpx_metrics *metrics, double at)
{
    struct told *told = context;
    (void)at;
    expect(epoch <= LAST && (epoch == told->epochs + 1 || told->epochs == 0));
    told->epochs = epoch;
    hpx_buffer_printf(&told->text, "%u", epoch);
    for (size_t i = 0; i < metrics->count; i++) {
        expect(hpx_metric_is_name(metrics->list[i].name));
        hpx_buffer_printf(&told->text, " %s=%g", metrics->list[i].name, metrics->list[i].value);
    }
}

static void read_lines(hpx_buffer *out, int kind, const uint8_t *data, size_t size, size_t piece)
{
    struct told told = {0};
    hpx_error error;
    hpx_lines *lines;
    const hpx_lines_options options = {
        .printed = kind % 2,
        .match = kind % 2 ? "acc ([0-9.]+)% epoch ^E([0-9]+)" : NULL,
        .continues = kind < 2,
        .to = LAST,
        .on_epoch = tell,
        .context = &told,
    };
    expect(!hpx_lines_new(&lines, &options, &error));
    for (size_t at = 0; at < size; at += piece)
        hpx_lines_add(lines, data + at, size - at < piece ? size - at : piece);
    hpx_lines_end(lines);
    const hpx_lines_state state = hpx_lines_state_of(lines);
    expect(!state.failure || (state.failure_epoch >= told.epochs && state.failure_epoch <= LAST));
    hpx_buffer_add(out, told.text.data, told.text.size);
    hpx_buffer_printf(out, "|%s|%s|%s|%s|%s", state.checkpoint ? state.checkpoint : "",
                      state.failure ? state.failure : "", state.stopped ? state.stopped : "",
                      state.broken ? state.broken : "", state.warnings);
    hpx_buffer_free(&told.text);
    hpx_lines_free(lines);
}

static void see(void *context, const char *path, const hpx_json_pair *value)
{
    (void)context;
    expect(path && (value->text != NULL) == (value->kind == HPX_JSON_TEXT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hpx_json_document((const char *)data, size, see, NULL);
    for (int kind = 0; kind < 4 && data; kind++) {
        hpx_buffer whole = {0}, pieces = {0};
        read_lines(&whole, kind, data, size, size + 1);
        read_lines(&pieces, kind, data, size, 3);
        expect(whole.size == pieces.size && memcmp(whole.data, pieces.data, whole.size) == 0);
        hpx_buffer_free(&whole);
        hpx_buffer_free(&pieces);
    }
    return 0;
}
