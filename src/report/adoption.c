/* Adoptions: which trainer is equivalent to which, and by what proof. */
#include "parts.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static const char *trainer_text(char hex[HPX_CODE_HEX_BYTES], const uint8_t version[HPX_CODE_BYTES])
{
    hpx_hex(hex, version, HPX_CODE_BYTES);
    return hex;
}

/* "90869680", and the numerics that it has in place of one's own: "90869680 with kernel Cooperlake, vector
 * avx512" */
static void add_as(hpx_buffer *out, const hpx_adoption *adoption)
{
    char hex[HPX_CODE_HEX_BYTES];
    const hpx_field *mine, *other;
    const char *before_name = " with ";
    hpx_buffer_printf(out, "%.8s", trainer_text(hex, hpx_adoption_as_version(adoption)));
    for (hpx_field_walk at = {0};
         hpx_fields_next_difference(&at, &adoption->whose, &adoption->as, &mine, &other);) {
        const char *name = other ? other->name : mine->name, *dot = strrchr(name, '.');
        if (strcmp(name, "code.version") == 0)
            continue;
        hpx_buffer_printf(out, "%s%s%s", before_name, other ? "" : "no ", dot ? dot + 1 : name);
        if (other) {
            hpx_buffer_puts(out, " ");
            hpx_field_print(out, other);
        }
        before_name = ", ";
    }
}

/* "9 epochs of 3 trajectories trained again, equal bit for bit", or that nothing was compared. */
static void add_proof(hpx_buffer *out, const hpx_adoption *adoption)
{
    if (adoption->key_count == 0)
        hpx_buffer_puts(out, "asserted, not proven");
    else
        hpx_buffer_printf(out, "%" PRIu64 " %s of %zu %s equal, bit for bit", adoption->epochs,
                          hpx_plural(adoption->epochs, "epoch", "epochs"), adoption->key_count,
                          hpx_plural(adoption->key_count, "trajectory", "trajectories"));
    if (adoption->key_count > 0 && adoption->hold_count == 0)
        hpx_buffer_puts(out, ", by an older hpx: holds no more, adopt again");
}

void hpx_report_adoption(hpx_buffer *out, const hpx_adoption *adoption)
{
    char mine[HPX_CODE_HEX_BYTES], when[32];
    hpx_buffer_printf(out, "trainer %.8s is equivalent to ",
                      trainer_text(mine, hpx_adoption_version(adoption)));
    add_as(out, adoption);
    hpx_buffer_puts(out, ": ");
    add_proof(out, adoption);
    hpx_buffer_printf(out, ", %s", hpx_report_time(when, adoption->adopted_ns));
    if (*adoption->reason)
        hpx_buffer_printf(out, ": %s", adoption->reason);
}

static void add_paths(hpx_row *row, const char *paths)
{
    hpx_row_open(row, "paths", '[');
    for (const char *at = paths; *at;) {
        const size_t length = strcspn(at, "\n");
        hpx_buffer path = {0};
        hpx_buffer_add(&path, at, length);
        hpx_row_text(row, NULL, hpx_buffer_text(&path));
        hpx_buffer_free(&path);
        at += length + (at[length] == '\n');
    }
    hpx_row_close(row);
}

/* Which trainer is equivalent to which, and how far that is proven. */
static void add_claim(hpx_row *row, const hpx_adoption *adoption)
{
    char hex[HPX_CODE_HEX_BYTES], when[32];
    hpx_row_text(row, "trainer", trainer_text(hex, hpx_adoption_version(adoption)));
    hpx_row_text(row, "as", trainer_text(hex, hpx_adoption_as_version(adoption)));
    hpx_row_bool(row, "proven", adoption->key_count > 0);
    hpx_row_count(row, "trajectories", adoption->key_count);
    hpx_row_count(row, "epochs", adoption->epochs);
    hpx_row_text(row, "adopted", hpx_report_time(when, adoption->adopted_ns));
    hpx_row_text(row, "reason", *adoption->reason ? adoption->reason : NULL);
}

static void add_details(hpx_row *row, const hpx_adoption *adoption)
{
    hpx_buffer as = {0}, proof = {0};
    add_as(&as, adoption);
    add_proof(&proof, adoption);
    hpx_row_text(row, " as", hpx_buffer_text(&as));
    hpx_row_text(row, " proof", hpx_buffer_text(&proof));
    hpx_buffer_free(&proof);
    hpx_buffer_free(&as);
    hpx_add_hash(row, "code", &adoption->code);
    hpx_row_open(row, "keys", '[');
    for (size_t i = 0; i < adoption->key_count; i++)
        hpx_add_hash(row, NULL, &adoption->keys[i]);
    hpx_row_close(row);
    hpx_row_count(row, "holds", adoption->hold_count);
    add_paths(row, adoption->paths);
    hpx_add_numerics(row, "numerics", &adoption->whose);
    hpx_add_numerics(row, "as_numerics", &adoption->as);
}

static void add_adoption(hpx_row *row, const char *name, const hpx_adoption *adoption)
{
    hpx_row_open(row, name, '{');
    add_claim(row, adoption);
    add_details(row, adoption);
    hpx_row_close(row);
}

static const hpx_column columns[] = {
    {"trainer", "trainer", 'l', hpx_show_digits, CODE_DIGITS},
    {"equivalent to", " as", 'l'},
    {"proof", " proof", 'l'},
    {"kernel", "numerics.kernel", 'l'},
    {"vector", "numerics.vector", 'l'},
    {"adopted", "adopted", 'l'},
    {"reason", "reason", 'l'},
};

static void add_adoptions(hpx_rows *rows, const hpx_adoptions *adoptions)
{
    for (size_t i = 0; i < adoptions->count; i++) {
        hpx_row *row = hpx_rows_begin(rows);
        add_claim(row, &adoptions->items[i]);
        add_details(row, &adoptions->items[i]);
        hpx_rows_end(rows);
    }
}

void hpx_report_adoptions(hpx_buffer *out, const hpx_adoptions *adoptions)
{
    hpx_rows *rows = hpx_rows_to_table();
    hpx_rows_add_columns(rows, columns, COUNT_OF(columns));
    add_adoptions(rows, adoptions);
    hpx_rows_finish(out, rows);
}

void hpx_report_adoptions_json(hpx_buffer *out, const hpx_adoptions *adoptions)
{
    hpx_json json = {.out = out};
    hpx_rows *rows = hpx_rows_to_json(&json);
    hpx_json_open(&json, NULL, '[');
    add_adoptions(rows, adoptions);
    hpx_json_close(&json, ']');
    hpx_rows_free(rows);
}

void hpx_report_adopted(hpx_buffer *out, const hpx_adopted *adopted)
{
    char mine[HPX_CODE_HEX_BYTES], as[HPX_CODE_HEX_BYTES];
    if (adopted->made.count == 0)
        return;
    trainer_text(mine, hpx_adoption_version(&adopted->made.items[0]));
    trainer_text(as, hpx_adoption_as_version(&adopted->made.items[0]));
    for (size_t i = 0; i < adopted->made.count; i++) {
        hpx_report_adoption(out, &adopted->made.items[i]);
        hpx_buffer_puts(out, "\n");
    }
    hpx_buffer_printf(out, "%zu %s of %.8s %s %.8s's, too, now\n", adopted->results,
                      hpx_plural(adopted->results, "trajectory", "trajectories"), as,
                      hpx_plural(adopted->results, "is", "are"), mine);
    if (adopted->left)
        hpx_buffer_printf(out, "%zu %s not covered and %s of %.8s only: %s\n", adopted->left,
                          hpx_plural(adopted->left, "trajectory is", "trajectories are"),
                          hpx_plural(adopted->left, "stays", "stay"), as, adopted->why.message);
    if (adopted->copied)
        hpx_buffer_printf(out, "%zu %s stored again under the %s that %.8s has now\n", adopted->copied,
                          hpx_plural(adopted->copied, "trajectory is", "trajectories are"),
                          hpx_plural(adopted->copied, "key", "keys"), mine);
    if (adopted->apart)
        hpx_buffer_printf(out, "%zu %s of %.8s of other numerics: the proof does not reach them\n",
                          adopted->apart, hpx_plural(adopted->apart, "trajectory is", "trajectories are"),
                          as);
}

void hpx_report_adopted_json(hpx_buffer *out, const hpx_adopted *adopted)
{
    hpx_row row = {0};
    hpx_row_open(&row, NULL, '{');
    hpx_row_count(&row, "schema", 1);
    hpx_row_open(&row, "adoptions", '[');
    for (size_t i = 0; i < adopted->made.count; i++)
        add_adoption(&row, NULL, &adopted->made.items[i]);
    hpx_row_close(&row);
    if (adopted->made.count > 0)
        add_adoption(&row, "adoption", &adopted->made.items[0]);
    hpx_row_count(&row, "results", adopted->results);
    hpx_row_count(&row, "left", adopted->left);
    hpx_row_count(&row, "copied", adopted->copied);
    hpx_row_count(&row, "apart", adopted->apart);
    hpx_row_close(&row);
    hpx_row_print(out, &row);
    hpx_row_free(&row);
}

/* --- of one result ---------------------------------------------------------------------------------------- */

bool hpx_report_counted(hpx_buffer *out, const hpx_provenance *provenance)
{
    const uint8_t *maker = hpx_provenance_maker(provenance), *as = hpx_provenance_trainer(provenance);
    char mine[HPX_CODE_HEX_BYTES], other[HPX_CODE_HEX_BYTES];
    if (!maker || !as || memcmp(maker, as, HPX_CODE_BYTES) == 0)
        return false;
    hpx_buffer_printf(out, "made by trainer %.8s, equivalent to %.8s", trainer_text(mine, maker),
                      trainer_text(other, as));
    if (!hpx_adoptions_of(provenance->adoptions, maker, &provenance->manifest))
        hpx_buffer_puts(out, ", by an adoption that this store does not have");
    return true;
}

void hpx_add_counted(hpx_row *row, const hpx_provenance *provenance)
{
    const uint8_t *as = hpx_provenance_trainer(provenance);
    const hpx_adoption *adoption;
    char hex[HPX_CODE_HEX_BYTES];
    hpx_row_text(row, "counted_as", as ? trainer_text(hex, as) : NULL);
    hpx_row_open(row, "adoptions", '[');
    for (size_t at = 0; (adoption = hpx_provenance_next_adoption(&at, provenance));) {
        hpx_row_open_flat(row, NULL, '{');
        add_claim(row, adoption);
        hpx_row_close(row);
    }
    hpx_row_close(row);
}
