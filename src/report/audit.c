/* `audit`: what the results listed have in common, and what they have not. */
#include "parts.h"

#include "base/memory.h"
#include "identity/manifest.h"
#include "report/groups.h"

#include <stdlib.h>
#include <string.h>

struct hpx_audit {
    hpx_groups trainers, codes, kernels, adoptions, counted, imports;
};

hpx_audit *hpx_audit_new(void)
{
    return hpx_alloc(sizeof(hpx_audit));
}

void hpx_audit_free(hpx_audit *audit)
{
    if (!audit)
        return;
    hpx_groups_free(&audit->trainers);
    hpx_groups_free(&audit->codes);
    hpx_groups_free(&audit->kernels);
    hpx_groups_free(&audit->adoptions);
    hpx_groups_free(&audit->counted);
    hpx_groups_free(&audit->imports);
    free(audit);
}

static char *field_text(const hpx_fields *fields, const char *name, int digits, const char *otherwise)
{
    const hpx_field *field = hpx_fields_find(fields, name);
    hpx_buffer text = {0};
    if (field)
        hpx_field_print(&text, field);
    char *copy = hpx_format("%.*s", digits, text.size ? hpx_buffer_text(&text) : otherwise);
    hpx_buffer_free(&text);
    return copy;
}

/* "trainer c07a1122, v1.2-3-g77f0aa1-dirty on main (77f0aa1c2b90, 2026-11-24T13:06:52+01:00): uncommitted
 * edits (hpx audit --patch 9f2c41d0); no branch or tag leads to its commit" */
static char *describe(const hpx_provenance *provenance, const char *trainer)
{
    const hpx_fields *code = &provenance->code;
    const char *commit = hpx_fields_text_or_empty(code, "commit"),
               *branch = hpx_fields_text_or_empty(code, "branch"),
               *date = hpx_fields_text_or_empty(code, "author-date");
    char hex[HPX_HASH_HEX_BYTES];
    hpx_buffer text = {0};
    hpx_buffer_printf(&text, "%s %s, %s",
                      hpx_manifest_is_of_program(&provenance->manifest) ? "program" : "trainer", trainer,
                      code->count == 0 ? "of a code that is not known any more"
                      : *commit        ? hpx_fields_text_or_empty(code, "describe")
                                       : "of an unknown commit");
    if (*branch)
        hpx_buffer_printf(&text, " on %s", branch);
    if (*commit)
        hpx_buffer_printf(&text, " (%.12s%s%s)", commit, *date ? ", " : "", date);
    if (hpx_code_is_dirty(code))
        hpx_buffer_printf(&text, ": uncommitted edits (hpx audit --patch %.8s)",
                          hpx_hash_hex(hex, &provenance->artifact.code));
    if (provenance->reach == HPX_UNREACHABLE)
        hpx_buffer_puts(&text, "; no branch or tag leads to its commit");
    char *copy = hpx_strdup(hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return copy;
}

/* What other trainers may use the result, and whether it is stored under another one than its own. */
static void count_adoptions(hpx_audit *audit, const hpx_provenance *provenance)
{
    const hpx_adoption *adoption;
    hpx_buffer text = {0};
    for (size_t at = 0; (adoption = hpx_provenance_next_adoption(&at, provenance)); text.size = 0) {
        hpx_report_adoption(&text, adoption);
        hpx_groups_count(&audit->adoptions, hpx_strdup(hpx_buffer_text(&text)), NULL);
    }
    if (hpx_report_counted(&text, provenance))
        hpx_groups_count(&audit->counted, hpx_strdup(hpx_buffer_text(&text)), NULL);
    hpx_buffer_free(&text);
}

void hpx_audit_add(hpx_audit *audit, const hpx_provenance *provenance)
{
    char hex[HPX_HASH_HEX_BYTES], *trainer = field_text(&provenance->code, "version", 8, "?");
    hpx_groups_count(&audit->codes, hpx_strdup(hpx_hash_hex(hex, &provenance->artifact.code)),
                     describe(provenance, trainer));
    free(trainer);
    hpx_groups_count(&audit->trainers, field_text(&provenance->manifest, "code.version", 8, "?"), NULL);
    hpx_groups_count(&audit->kernels, field_text(&provenance->manifest, "numerics.kernel", 255, "none"),
                     NULL);
    count_adoptions(audit, provenance);
    hpx_buffer import = {0};
    if (hpx_report_import(&import, provenance, true))
        hpx_groups_count(&audit->imports, hpx_strdup(hpx_buffer_text(&import)), NULL);
    hpx_buffer_free(&import);
}

static void add_mixture(hpx_buffer *out, const hpx_groups *groups, const char *what)
{
    if (groups->count < 2)
        return;
    hpx_buffer_printf(out, "mixed: %zu %s (", groups->count, what);
    for (size_t i = 0; i < groups->count; i++)
        hpx_buffer_printf(out, "%s%s: %zu", i ? ", " : "", groups->at[i].name, groups->at[i].count);
    hpx_buffer_puts(out, "); their numbers need not be comparable bit for bit\n");
}

static void add_counts(hpx_buffer *out, const hpx_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        hpx_buffer_printf(out, "%zu result%s %s\n", groups->at[i].count, groups->at[i].count == 1 ? "" : "s",
                          groups->at[i].name);
}

void hpx_audit_print(hpx_buffer *out, const hpx_audit *audit)
{
    if (audit->codes.count == 0)
        return;
    hpx_buffer_puts(out, "\n");
    for (size_t i = 0; i < audit->codes.count; i++)
        hpx_buffer_printf(out, "%zu result%s of %s\n", audit->codes.at[i].count,
                          audit->codes.at[i].count == 1 ? "" : "s", audit->codes.at[i].text);
    add_counts(out, &audit->counted);
    add_counts(out, &audit->imports);
    for (size_t i = 0; i < audit->adoptions.count; i++)
        hpx_buffer_printf(out, "%s\n", audit->adoptions.at[i].name);
    add_mixture(out, &audit->trainers, "trainers");
    add_mixture(out, &audit->kernels, "kernels");
}
