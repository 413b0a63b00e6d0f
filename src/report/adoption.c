/* Adoptions: which trainer counts as which, and by what proof. */
#include "parts.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static const char *trainer_text(char hex[HPX_CODE_HEX_BYTES], const uint8_t version[HPX_CODE_BYTES])
{
    hpx_hex(hex, version, HPX_CODE_BYTES);
    return hex;
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
    char mine[HPX_CODE_HEX_BYTES], as[HPX_CODE_HEX_BYTES], when[32];
    hpx_buffer_printf(out,
                      "trainer %.8s counts as %.8s: ", trainer_text(mine, hpx_adoption_version(adoption)),
                      trainer_text(as, adoption->as));
    add_proof(out, adoption);
    hpx_buffer_printf(out, ", %s", report_time(when, adoption->adopted_ns));
    if (*adoption->reason)
        hpx_buffer_printf(out, ": %s", adoption->reason);
}

static const char *text_of(const hpx_fields *fields, const char *name)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    return field && field->type == HPX_FIELD_TEXT ? (const char *)field->bytes : "-";
}

void hpx_report_adoptions(hpx_buffer *out, const hpx_adoptions *adoptions)
{
    static const char *const columns[] = {"trainer", "counts as", "proof",  "kernel",
                                          "vector",  "adopted",   "reason", NULL};
    char hex[HPX_CODE_HEX_BYTES], when[32];
    hpx_table *table = hpx_table_new("lllllll");
    report_columns(table, columns);
    for (size_t i = 0; i < adoptions->count; i++) {
        const hpx_adoption *adoption = &adoptions->items[i];
        hpx_buffer proof = {0};
        add_proof(&proof, adoption);
        hpx_table_add(table, "%.8s", trainer_text(hex, hpx_adoption_version(adoption)));
        hpx_table_add(table, "%.8s", trainer_text(hex, adoption->as));
        hpx_table_add(table, "%s", hpx_buffer_text(&proof));
        hpx_table_add(table, "%s", text_of(&adoption->whose, "numerics.kernel"));
        hpx_table_add(table, "%s", text_of(&adoption->whose, "numerics.vector"));
        hpx_table_add(table, "%s", report_time(when, adoption->adopted_ns));
        hpx_table_add(table, "%s", *adoption->reason ? adoption->reason : "-");
        hpx_buffer_free(&proof);
    }
    hpx_table_print(out, table);
    hpx_table_free(table);
}

static void add_paths(hpx_json *json, const char *paths)
{
    hpx_json_open(json, "paths", '[');
    for (const char *at = paths; *at;) {
        const size_t length = strcspn(at, "\n");
        hpx_buffer path = {0};
        hpx_buffer_add(&path, at, length);
        hpx_json_text(json, NULL, hpx_buffer_text(&path));
        hpx_buffer_free(&path);
        at += length + (at[length] == '\n');
    }
    hpx_json_close(json, ']');
}

/* Which trainer counts as which, and how far that is proven. */
static void add_claim(hpx_json *json, const hpx_adoption *adoption)
{
    char hex[HPX_CODE_HEX_BYTES], when[32];
    hpx_json_text(json, "trainer", trainer_text(hex, hpx_adoption_version(adoption)));
    hpx_json_text(json, "as", trainer_text(hex, adoption->as));
    hpx_json_bool(json, "proven", adoption->key_count > 0);
    hpx_json_count(json, "trajectories", adoption->key_count);
    hpx_json_count(json, "epochs", adoption->epochs);
    hpx_json_text(json, "adopted", report_time(when, adoption->adopted_ns));
    hpx_json_text(json, "reason", *adoption->reason ? adoption->reason : NULL);
}

void hpx_report_adoption_json(hpx_json *json, const char *name, const hpx_adoption *adoption)
{
    char hash[HPX_HASH_HEX_BYTES];
    hpx_json_open(json, name, '{');
    add_claim(json, adoption);
    hpx_json_text(json, "code", hpx_hash_hex(hash, &adoption->code));
    hpx_json_open(json, "keys", '[');
    for (size_t i = 0; i < adoption->key_count; i++)
        hpx_json_text(json, NULL, hpx_hash_hex(hash, &adoption->keys[i]));
    hpx_json_close(json, ']');
    hpx_json_count(json, "holds", adoption->hold_count);
    add_paths(json, adoption->paths);
    hpx_report_numerics_json(json, &adoption->whose);
    hpx_json_close(json, '}');
}

void hpx_report_adoptions_json(hpx_json *json, const char *name, const hpx_adoptions *adoptions)
{
    hpx_json_open(json, name, '[');
    for (size_t i = 0; i < adoptions->count; i++)
        hpx_report_adoption_json(json, NULL, &adoptions->items[i]);
    hpx_json_close(json, ']');
}

void hpx_report_adopted(hpx_buffer *out, const hpx_adopted *adopted)
{
    char mine[HPX_CODE_HEX_BYTES], as[HPX_CODE_HEX_BYTES];
    const hpx_adoption *adoption = &adopted->adoption;
    trainer_text(mine, hpx_adoption_version(adoption));
    trainer_text(as, adoption->as);
    hpx_report_adoption(out, adoption);
    hpx_buffer_printf(out, "\n%zu %s of %.8s count%s for %.8s now\n", adopted->results,
                      hpx_plural(adopted->results, "trajectory", "trajectories"), as,
                      adopted->results == 1 ? "s" : "", mine);
    if (adopted->left)
        hpx_buffer_printf(out, "%zu %s not covered and %s of %.8s only: %s\n", adopted->left,
                          hpx_plural(adopted->left, "trajectory is", "trajectories are"),
                          hpx_plural(adopted->left, "stays", "stay"), as, adopted->why.message);
    if (adopted->copied)
        hpx_buffer_printf(out, "%zu %s of %.8s %s stored again as its\n", adopted->copied,
                          hpx_plural(adopted->copied, "trajectory", "trajectories"), mine,
                          hpx_plural(adopted->copied, "is", "are"));
    if (adopted->apart)
        hpx_buffer_printf(out, "%zu %s of %.8s of other numerics: the proof does not reach them\n",
                          adopted->apart, hpx_plural(adopted->apart, "trajectory is", "trajectories are"),
                          as);
}

void hpx_report_adopted_json(hpx_buffer *out, const hpx_adopted *adopted)
{
    hpx_json json = {.out = out};
    hpx_json_open(&json, NULL, '{');
    hpx_json_count(&json, "schema", 1);
    hpx_report_adoption_json(&json, "adoption", &adopted->adoption);
    hpx_json_count(&json, "results", adopted->results);
    hpx_json_count(&json, "left", adopted->left);
    hpx_json_count(&json, "copied", adopted->copied);
    hpx_json_count(&json, "apart", adopted->apart);
    hpx_json_close(&json, '}');
}

/* --- of one result ----------------------------------------------------------------------------------------
 */

bool report_counted(hpx_buffer *out, const hpx_provenance *provenance)
{
    const uint8_t *maker = hpx_provenance_maker(provenance), *as = hpx_provenance_trainer(provenance);
    char mine[HPX_CODE_HEX_BYTES], other[HPX_CODE_HEX_BYTES];
    if (!maker || !as || memcmp(maker, as, HPX_CODE_BYTES) == 0)
        return false;
    hpx_buffer_printf(out, "made by trainer %.8s, counted as %.8s", trainer_text(mine, maker),
                      trainer_text(other, as));
    if (!hpx_adoptions_lead(provenance->adoptions, maker, &provenance->manifest))
        hpx_buffer_puts(out, ", by an adoption that this store does not have");
    return true;
}

void report_counted_json(hpx_json *json, const hpx_provenance *provenance)
{
    const uint8_t *as = hpx_provenance_trainer(provenance);
    const hpx_adoption *adoption;
    char hex[HPX_CODE_HEX_BYTES];
    hpx_json_text(json, "counted_as", as ? trainer_text(hex, as) : NULL);
    hpx_json_open(json, "adoptions", '[');
    for (size_t at = 0; (adoption = hpx_provenance_next_adoption(&at, provenance));) {
        hpx_json_open_flat(json, NULL, '{');
        add_claim(json, adoption);
        hpx_json_close(json, '}');
    }
    hpx_json_close(json, ']');
}
