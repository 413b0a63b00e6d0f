/* Why a trial is a hit or not, and what two artifacts differ in. */
#include "parts.h"

#include "base/text.h"
#include "identity/difference.h"
#include "identity/manifest.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* "(src/nn/mlp.c; 2 commits 1a2b3c4d..77f0aa12)" */
static void add_change(hpx_buffer *out, const hpx_code_change *change)
{
    hpx_buffer_puts(out, " (");
    for (size_t i = 0; i < change->file_count; i++)
        hpx_buffer_printf(out, "%s%s", i ? ", " : "", change->files[i].path);
    if (*change->from && *change->to)
        hpx_buffer_puts(out, change->file_count > 0 ? "; " : "");
    if (!*change->from || !*change->to)
        hpx_buffer_puts(out, change->file_count > 0 ? "" : "no file");
    else if (strcmp(change->from, change->to) == 0)
        hpx_buffer_printf(out, "both on commit %.8s", change->to);
    else if (change->ahead + change->behind == 0)
        hpx_buffer_printf(out, "commits %.8s..%.8s", change->from, change->to);
    else if (change->behind == 0)
        hpx_buffer_printf(out, "%zu commit%s %.8s..%.8s", change->ahead, change->ahead == 1 ? "" : "s",
                          change->from, change->to);
    else
        hpx_buffer_printf(out, "%.8s..%.8s: %zu commits ahead, %zu behind", change->from, change->to,
                          change->ahead, change->behind);
    hpx_buffer_puts(out, ")");
}

struct lines {
    hpx_buffer *out;
    const hpx_code_change *change; /* NULL: not known */
};

/* The files of a program have lines of their own. */
static void add_difference(void *context, const char *field, const char *text)
{
    (void)field;
    struct lines *lines = context;
    hpx_buffer_printf(lines->out, "    %s", text);
    if (lines->change && strncmp(text, "trainer ", strlen("trainer ")) == 0)
        add_change(lines->out, lines->change);
    hpx_buffer_puts(lines->out, "\n");
}

/* A line for each difference. */
static void add_differences(hpx_buffer *out, const hpx_compared *compared)
{
    hpx_differences(compared, add_difference, &(struct lines){out, compared->change});
}

static void row_differences(hpx_row *row, const hpx_fields *a, const hpx_fields *b)
{
    const hpx_field *before, *after;
    for (hpx_field_walk at = {0}; hpx_fields_next_difference(&at, a, b, &before, &after);) {
        hpx_row_open_flat(row, NULL, '{');
        hpx_row_text(row, "field", before ? before->name : after->name);
        hpx_row_field(row, "old", before);
        hpx_row_field(row, "new", after);
        hpx_row_close(row);
    }
}

static void row_change(hpx_row *row, const hpx_code_change *change)
{
    if (!change) {
        hpx_row_null(row, "code_change");
        return;
    }
    hpx_row_open_flat(row, "code_change", '{');
    hpx_row_open_flat(row, "files", '[');
    for (size_t i = 0; i < change->file_count; i++)
        hpx_row_text(row, NULL, change->files[i].path);
    hpx_row_close(row);
    hpx_row_text(row, "from", change->from);
    hpx_row_text(row, "to", change->to);
    hpx_row_count(row, "ahead", change->ahead);
    hpx_row_count(row, "behind", change->behind);
    hpx_row_close(row);
}

/* "test 0.9767, ": of the few metrics that tables show the last one, else of all. */
static void add_headline(hpx_buffer *out, const hpx_metrics *metrics)
{
    const hpx_metric *last = NULL;
    for (size_t i = 0; i < metrics->count; i++) {
        const hpx_metric *metric = &metrics->list[i];
        const bool shown = hpx_metric_heading(metric->name) != metric->name;
        if (!last || shown || hpx_metric_heading(last->name) == last->name)
            last = metric;
    }
    if (last)
        hpx_buffer_printf(out, "%s %.4f, ", hpx_metric_heading(last->name), last->value);
}

/* "9f2c41d07b3a n1=128 n2=64, seed 1, epoch 15, test 0.9767, 2026-11-24T08:36:57Z"; "failed: the loss is no
 * longer finite" in place of the accuracy */
static void add_artifact(hpx_buffer *out, const hpx_artifact *artifact)
{
    char hex[HPX_HASH_HEX_BYTES], when[32];
    hpx_buffer_printf(out, "%.*s ", KEY_DIGITS, hpx_hash_hex(hex, &artifact->key));
    hpx_cell_print(out, &artifact->cell);
    hpx_buffer_printf(out, ", seed %" PRIu64 ", epoch %u, ", artifact->seed, artifact->epoch);
    if (*artifact->failure)
        hpx_buffer_printf(out, "failed: %s, ", artifact->failure);
    else
        add_headline(out, &artifact->metrics);
    hpx_buffer_printf(out, "%s\n", hpx_report_time(when, artifact->started_ns));
}

static void add_hint(hpx_buffer *out, const hpx_fields *nearest, const hpx_fields *wanted)
{
    char old[HPX_CODE_HEX_BYTES], new[HPX_CODE_HEX_BYTES];
    if (!hpx_adoption_is_possible(nearest, wanted))
        return;
    hpx_hex(old, hpx_fields_find(nearest, "code.version")->bytes, HPX_CODE_BYTES);
    hpx_hex(new, hpx_manifest_sources(wanted)->version, HPX_CODE_BYTES);
    hpx_buffer_printf(out, "    if that edit changes no number: hpx adopt %.8s %.8s\n", old, new);
}

/* By which adoptions the trainer of this binary is equivalent to another one, if it is. */
static void add_adoptions(hpx_buffer *out, const hpx_why *why)
{
    const hpx_provenance wanted = {.manifest = why->wanted, .adoptions = &why->adoptions};
    const hpx_adoption *adoption;
    if (hpx_manifest_has_version(&why->wanted, hpx_manifest_sources(&why->wanted)->version))
        return;
    for (size_t at = 0; (adoption = hpx_provenance_next_adoption(&at, &wanted));) {
        hpx_buffer_puts(out, "adopted  ");
        hpx_report_adoption(out, adoption);
        hpx_buffer_puts(out, "\n");
    }
}

void hpx_report_why(hpx_buffer *out, const hpx_why *why)
{
    char hex[HPX_HASH_HEX_BYTES];
    const hpx_cell cell = hpx_cell_of(&why->pairs);
    hpx_cell_print(out, &cell);
    hpx_buffer_printf(out, ", seed %u, %u %s: %s\n", why->seed, why->epochs,
                      hpx_plural(why->epochs, "epoch", "epochs"), hpx_verdict_names[why->verdict]);
    hpx_buffer_printf(out, "key      %s\n", hpx_hash_hex(hex, &why->key));
    add_adoptions(out, why);
    if (why->stored.epoch > 0) {
        hpx_buffer_puts(out, "stored   ");
        add_artifact(out, &why->stored);
        if (why->verdict == HPX_EXTEND)
            hpx_buffer_printf(out, "    goes on after epoch %u, which has a checkpoint\n", why->from);
        else if (why->verdict == HPX_TRAIN)
            hpx_buffer_puts(out, "    begins anew: no checkpoint of an earlier epoch is kept\n");
    } else if (why->nearest.found) {
        hpx_buffer_puts(out, "nearest  ");
        add_artifact(out, &why->nearest.artifact);
        const hpx_compared compared = hpx_sides_compare(&why->sides, &why->nearest.manifest, &why->wanted);
        add_differences(out, &compared);
        add_hint(out, &why->nearest.manifest, &why->wanted);
    } else {
        hpx_buffer_puts(out, "nearest  none: the store is empty\n");
    }
}

void hpx_report_why_json(hpx_buffer *out, const hpx_why *why)
{
    hpx_row doc = {0}, *row = &doc;
    const hpx_cell cell = hpx_cell_of(&why->pairs);
    const hpx_artifact *nearest = why->stored.epoch > 0 ? &why->stored
                                  : why->nearest.found  ? &why->nearest.artifact
                                                        : NULL;
    hpx_row_open(row, NULL, '{');
    hpx_row_count(row, "schema", 1);
    hpx_add_cell(row, &cell);
    hpx_row_count(row, "seed", why->seed);
    hpx_row_count(row, "epochs", why->epochs);
    hpx_row_text(row, "verdict", hpx_verdict_names[why->verdict]);
    hpx_add_status(row, why->verdict == HPX_HIT && *why->stored.failure);
    hpx_add_hash(row, "key", &why->key);
    hpx_row_count(row, "from", why->from);
    if (nearest) {
        hpx_row_open(row, "nearest", '{');
        hpx_add_hash(row, "key", &nearest->key);
        hpx_add_cell(row, &nearest->cell);
        hpx_row_count(row, "seed", nearest->seed);
        hpx_add_epoch(row, nearest);
        hpx_row_close(row);
    } else {
        hpx_row_null(row, "nearest");
    }
    hpx_row_open(row, "diff", '[');
    if (why->stored.epoch == 0)
        row_differences(row, &why->nearest.manifest,
                        why->nearest.found ? &why->wanted : &why->nearest.manifest);
    hpx_row_close(row);
    row_change(row, why->sides.change_known ? &why->sides.change : NULL);
    hpx_add_counted(row, &(hpx_provenance){.manifest = why->wanted, .adoptions = &why->adoptions});
    hpx_row_close(row);
    hpx_row_print(out, row);
    hpx_row_free(row);
}

/* How an epoch came out twice. */
static void add_outputs(hpx_buffer *out, const hpx_artifact *old_epoch, const hpx_artifact *new_epoch)
{
    const hpx_metrics *a = &old_epoch->metrics, *b = &new_epoch->metrics;
    if (*old_epoch->failure || *new_epoch->failure) {
        hpx_buffer_printf(out, "    %s%s -> %s%s\n", *old_epoch->failure ? "failed: " : "no failure",
                          old_epoch->failure, *new_epoch->failure ? "failed: " : "no failure",
                          new_epoch->failure);
        return;
    }
    for (size_t i = 0; i < a->count; i++) {
        const char *name = a->list[i].name;
        const double before = a->list[i].value, after = hpx_metrics_value(b, name);
        char old[HPX_REAL_TEXT_BYTES], new[HPX_REAL_TEXT_BYTES];
        if (before != after && !(isnan(before) && isnan(after)))
            hpx_buffer_printf(out, "    %s %s -> %s\n", name, hpx_real_text(old, before),
                              hpx_real_text(new, after));
    }
}

static void row_outputs(hpx_row *row, const hpx_artifact *old_epoch, const hpx_artifact *new_epoch)
{
    for (size_t i = 0; i < old_epoch->metrics.count; i++) {
        const hpx_metric *metric = &old_epoch->metrics.list[i];
        hpx_row_open_flat(row, NULL, '{');
        hpx_row_text(row, "metric", metric->name);
        hpx_row_real(row, "old", metric->value);
        hpx_row_real(row, "new", hpx_metrics_value(&new_epoch->metrics, metric->name));
        hpx_row_close(row);
    }
}

static void row_failure(hpx_row *row, const char *name, const hpx_artifact *artifact)
{
    if (artifact && *artifact->failure)
        hpx_row_text(row, name, artifact->failure);
}

/* Epochs that both have, and the first whose outputs differ (0: none). */
static uint32_t first_difference(uint32_t *common, const hpx_trajectory *a, const hpx_trajectory *b)
{
    uint32_t first = 0;
    *common = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        const hpx_artifact *left = &a->artifacts[i], *right = &b->artifacts[j];
        if (left->epoch == right->epoch) {
            *common = left->epoch;
            if (first == 0 && !hpx_hash_equal(&left->output, &right->output))
                first = left->epoch;
        }
        i += left->epoch <= right->epoch;
        j += right->epoch <= left->epoch;
    }
    return first;
}

static const hpx_artifact *at_epoch(const hpx_trajectory *shown, uint32_t epoch)
{
    for (size_t i = 0; i < shown->count; i++)
        if (shown->artifacts[i].epoch == epoch)
            return &shown->artifacts[i];
    return NULL;
}

void hpx_report_diff(hpx_buffer *out, const hpx_trajectory *a, const hpx_trajectory *b,
                     const hpx_code_change *change)
{
    uint32_t common, first = first_difference(&common, a, b);
    hpx_buffer_puts(out, "old      ");
    add_artifact(out, &a->newest.artifact);
    hpx_buffer_puts(out, "new      ");
    add_artifact(out, &b->newest.artifact);
    hpx_buffer_puts(out, "manifest\n");
    add_differences(out, &(hpx_compared){&a->newest.manifest, &b->newest.manifest, &a->newest.code,
                                         &b->newest.code, &a->newest.dataset, &b->newest.dataset, change});
    if (common == 0) {
        hpx_buffer_puts(out, "outputs  no epoch is stored of both\n");
        return;
    }
    if (first == 0) {
        hpx_buffer_printf(out, "outputs  the same, bit for bit, up to epoch %u\n", common);
        return;
    }
    hpx_buffer_printf(out, "outputs  differ from epoch %u on; at epoch %u:\n", first, common);
    add_outputs(out, at_epoch(a, common), at_epoch(b, common));
}

void hpx_report_diff_json(hpx_buffer *out, const hpx_trajectory *a, const hpx_trajectory *b,
                          const hpx_code_change *change)
{
    uint32_t common, first = first_difference(&common, a, b);
    hpx_row doc = {0}, *row = &doc;
    hpx_row_open(row, NULL, '{');
    hpx_row_count(row, "schema", 1);
    hpx_add_hash(row, "old", &a->newest.artifact.key);
    hpx_add_hash(row, "new", &b->newest.artifact.key);
    hpx_row_open(row, "diff", '[');
    row_differences(row, &a->newest.manifest, &b->newest.manifest);
    hpx_row_close(row);
    hpx_row_count(row, "common_epoch", common);
    hpx_row_count(row, "first_different_epoch", first);
    hpx_row_open(row, "metrics", '[');
    if (common > 0)
        row_outputs(row, at_epoch(a, common), at_epoch(b, common));
    hpx_row_close(row);
    row_failure(row, "old_failure", at_epoch(a, common));
    row_failure(row, "new_failure", at_epoch(b, common));
    row_change(row, change);
    hpx_row_close(row);
    hpx_row_print(out, row);
    hpx_row_free(row);
}

void hpx_report_reproduced(hpx_buffer *out, const hpx_reproduced *reproduced)
{
    const hpx_rebuilt *rebuilt = &reproduced->rebuilt;
    const hpx_provenance *newest = &reproduced->trajectory.newest;
    const bool program = hpx_manifest_is_of_program(&newest->manifest);
    add_artifact(out, &newest->artifact);
    hpx_buffer_printf(out, "trained again by %s\n",
                      program               ? "the program's code that is stored with it"
                      : reproduced->at_code ? "the code that made it, built anew"
                                            : "this binary");
    add_differences(out, &(hpx_compared){.before = &newest->manifest,
                                         .after = &reproduced->manifest,
                                         .change = reproduced->change_known ? &reproduced->change : NULL});
    if (rebuilt->verdict == HPX_REBUILD_SAME) {
        hpx_buffer_printf(out, "the same%s: %u of %u epochs are stored and equal\n",
                          program ? ", by what its recipe says of repeated runs" : ", bit for bit",
                          rebuilt->compared, newest->artifact.epoch);
        return;
    }
    hpx_buffer_printf(out, "differs from epoch %u on; at that epoch:\n", rebuilt->first_difference);
    add_outputs(out, &rebuilt->stored, &rebuilt->again);
}

void hpx_report_reproduced_json(hpx_buffer *out, const hpx_reproduced *reproduced)
{
    const hpx_rebuilt *rebuilt = &reproduced->rebuilt;
    const hpx_provenance *newest = &reproduced->trajectory.newest;
    const bool same = rebuilt->verdict == HPX_REBUILD_SAME;
    hpx_row doc = {0}, *row = &doc;
    hpx_row_open(row, NULL, '{');
    hpx_row_count(row, "schema", 1);
    hpx_add_hash(row, "key", &newest->artifact.key);
    hpx_row_bool(row, "at_code", reproduced->at_code);
    hpx_row_text(row, "verdict", same ? "same" : "differs");
    hpx_row_count(row, "epochs", newest->artifact.epoch);
    hpx_row_count(row, "compared", rebuilt->compared);
    hpx_row_count(row, "first_different_epoch", rebuilt->first_difference);
    hpx_row_open(row, "diff", '[');
    row_differences(row, &newest->manifest, &reproduced->manifest);
    hpx_row_close(row);
    hpx_row_open(row, "metrics", '[');
    if (!same)
        row_outputs(row, &rebuilt->stored, &rebuilt->again);
    hpx_row_close(row);
    row_failure(row, "old_failure", &rebuilt->stored);
    row_failure(row, "new_failure", &rebuilt->again);
    row_change(row, reproduced->change_known ? &reproduced->change : NULL);
    hpx_row_close(row);
    hpx_row_print(out, row);
    hpx_row_free(row);
}
