/* Where the results come from: code, data, numerics, machines, imports and equivalent trainers; and how to redo them. */
#include "inside.h"

#include "base/memory.h"
#include "base/text.h"
#include "identity/data_files.h"
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

enum {
    PATCH_BYTES = 16 << 10, /* of what is shown in the page itself */
    FILES = 200,            /* of a data set */
};

/* --- what is told --------------------------------------------------------------------------------------------------- */

size_t hpx_page_find_origin(const hpx_page *page, const hpx_hash *code)
{
    size_t i = 0;
    while (i < page->origin_count && !hpx_hash_equal(&page->origins[i].code, code))
        i++;
    return i;
}

static size_t find_data(const hpx_page *page, const hpx_hash *id)
{
    size_t i = 0;
    while (i < page->data_count && !hpx_hash_equal(&page->data[i].id, id))
        i++;
    return i;
}

unsigned hpx_page_parts(const hpx_page *page, const hpx_artifact *artifact, bool first)
{
    unsigned parts = HPX_PROVENANCE_IMPORT;
    if (first)
        parts |= HPX_PROVENANCE_MANIFEST;
    if (hpx_page_find_origin(page, &artifact->code) == page->origin_count)
        parts |= HPX_PROVENANCE_CODE;
    if (find_data(page, &artifact->dataset) == page->data_count)
        parts |= HPX_PROVENANCE_DATASET;
    return parts;
}

static struct origin *origin_of(hpx_page *page, const hpx_provenance *provenance)
{
    const size_t at = hpx_page_find_origin(page, &provenance->artifact.code);
    if (at < page->origin_count)
        return &page->origins[at];
    const uint8_t *maker = hpx_provenance_maker(provenance);
    const hpx_field *patch = hpx_fields_find(&provenance->code, "patch");
    char version[HPX_CODE_HEX_BYTES] = "";
    if (maker)
        hpx_hex(version, maker, HPX_CODE_BYTES);
    page->origins = hpx_grow(page->origins, &page->origin_capacity, at + 1, sizeof *page->origins);
    page->origins[page->origin_count++] = (struct origin){
        .code = provenance->artifact.code,
        .version = hpx_strdup(version),
        .describe = hpx_strdup(hpx_fields_text_or_empty(&provenance->code, "describe")),
        .branch = hpx_strdup(hpx_fields_text_or_empty(&provenance->code, "branch")),
        .dirty = hpx_code_is_dirty(&provenance->code),
    };
    if (patch)
        hpx_buffer_add(&page->origins[at].patch, patch->bytes, patch->size);
    return &page->origins[at];
}

static struct data_set *data_of(hpx_page *page, const hpx_provenance *provenance)
{
    const size_t at = find_data(page, &provenance->artifact.dataset);
    if (at < page->data_count)
        return &page->data[at];
    page->data = hpx_grow(page->data, &page->data_capacity, at + 1, sizeof *page->data);
    page->data[page->data_count++] = (struct data_set){.id = provenance->artifact.dataset};
    hpx_fields_add(&page->data[at].record, &provenance->dataset);
    return &page->data[at];
}

/* Its numerics, as "kernel AVX2, ..." */
static char *numerics_text(const hpx_fields *manifest)
{
    static const char prefix[] = "numerics.";
    hpx_buffer text = {0};
    for (size_t i = 0; i < manifest->count; i++) {
        const hpx_field *field = &manifest->fields[i];
        if (strncmp(field->name, prefix, strlen(prefix)) != 0)
            continue;
        hpx_buffer_printf(&text, "%s%s ", text.size ? ", " : "", field->name + strlen(prefix));
        hpx_field_print(&text, field);
    }
    char *copy = hpx_strdup(text.size ? hpx_buffer_text(&text) : "none that decide a result");
    hpx_buffer_free(&text);
    return copy;
}

void hpx_page_add_origin(hpx_page *page, const hpx_provenance *provenance)
{
    const hpx_adoption *adoption;
    hpx_buffer text = {0};
    origin_of(page, provenance)->results++;
    data_of(page, provenance)->results++;
    hpx_groups_count(&page->hosts, hpx_strdup(provenance->artifact.host), NULL);
    if (hpx_report_import(&text, provenance, true))
        hpx_groups_count(&page->imports, hpx_strdup(hpx_buffer_text(&text)), NULL);
    if (provenance->manifest.count > 0)
        hpx_groups_count(&page->numerics, numerics_text(&provenance->manifest), NULL);
    for (size_t at = 0;
         provenance->manifest.count > 0 && (adoption = hpx_provenance_next_adoption(&at, provenance));) {
        text.size = 0;
        hpx_report_adoption(&text, adoption);
        hpx_groups_count(&page->adoptions, hpx_strdup(hpx_buffer_text(&text)), NULL);
    }
    hpx_buffer_free(&text);
}

void hpx_page_free_origins(hpx_page *page)
{
    for (size_t i = 0; i < page->origin_count; i++) {
        free(page->origins[i].version);
        free(page->origins[i].describe);
        free(page->origins[i].branch);
        hpx_buffer_free(&page->origins[i].patch);
    }
    for (size_t i = 0; i < page->data_count; i++)
        hpx_fields_free(&page->data[i].record);
    free(page->origins);
    free(page->data);
    hpx_groups_free(&page->hosts);
    hpx_groups_free(&page->imports);
    hpx_groups_free(&page->numerics);
    hpx_groups_free(&page->adoptions);
}

void hpx_page_set_words(hpx_page *page, char *const *words, size_t count)
{
    page->words = words;
    page->word_count = count;
}

/* --- code ----------------------------------------------------------------------------------------------------------- */

static void put_edits(struct sheet *sheet, const struct origin *origin)
{
    char hex[HPX_HASH_HEX_BYTES], *text = NULL;
    if (origin->dirty)
        text = hpx_format("uncommitted edits: hpx audit --patch %.*s", CODE_DIGITS,
                          hpx_hash_hex(hex, &origin->code));
    hpx_sheet_text(sheet, text ? text : "none");
    free(text);
}

/* Line by line, for the end of a line is none that is to be shown. */
static void put_patch(hpx_buffer *out, struct origin *origin)
{
    char hex[HPX_HASH_HEX_BYTES];
    if (origin->patch.size == 0 || origin->patch.size > PATCH_BYTES)
        return;
    hpx_buffer_printf(out,
                      "<details><summary>The uncommitted edits of code %.*s</summary>"
                      "<pre tabindex=\"0\" role=\"region\" aria-label=\"Patch\">",
                      CODE_DIGITS, hpx_hash_hex(hex, &origin->code));
    for (const char *line = hpx_buffer_text(&origin->patch); *line;) {
        const size_t length = strcspn(line, "\n");
        char *text = hpx_strndup(line, length);
        hpx_html_text(out, text);
        hpx_buffer_puts(out, "\n");
        free(text);
        line += length + (line[length] == '\n');
    }
    hpx_buffer_puts(out, "</pre></details>\n");
}

static void put_codes(hpx_buffer *out, const hpx_page *page)
{
    struct sheet sheet;
    hpx_buffer_puts(out, "<h3>Code</h3>\n");
    hpx_sheet_open(&sheet, out, "codes", "Code", page->origin_count);
    hpx_sheet_head(&sheet, "code version", false);
    hpx_sheet_head(&sheet, "commit", false);
    hpx_sheet_head(&sheet, "branch", false);
    hpx_sheet_head(&sheet, "edits", false);
    hpx_sheet_head(&sheet, "epochs stored", true);
    for (size_t i = 0; i < page->origin_count; i++) {
        const struct origin *origin = &page->origins[i];
        hpx_sheet_row(&sheet, NO_CELL);
        hpx_sheet_code(&sheet, *origin->version ? origin->version : "lost", 2 * HPX_CODE_BYTES);
        hpx_sheet_text(&sheet, *origin->describe ? origin->describe : "unknown");
        hpx_sheet_text(&sheet, origin->branch);
        put_edits(&sheet, origin);
        hpx_sheet_count(&sheet, origin->results);
    }
    hpx_sheet_close(&sheet);
    for (size_t i = 0; i < page->origin_count; i++)
        put_patch(out, &page->origins[i]);
}

/* --- data ----------------------------------------------------------------------------------------------------------- */

static void put_file(struct sheet *sheet, const char *set, const char *file, const char *hash, uint64_t size)
{
    hpx_sheet_row(sheet, NO_CELL);
    hpx_sheet_text(sheet, set);
    hpx_sheet_text(sheet, file);
    hpx_sheet_code(sheet, hash, 2 * HPX_HASH_BYTES);
    hpx_sheet_count(sheet, size);
}

/* Inputs of a model: the fields NAME.hash and NAME.size. How many there are. */
static size_t put_inputs(struct sheet *sheet, const char *set, const hpx_fields *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->count; i++) {
        const hpx_field *field = &record->fields[i];
        const char *end = strrchr(field->name, '.');
        if (!end || strcmp(end, ".hash") != 0 || field->type != HPX_FIELD_BYTES)
            continue;
        char *file = hpx_strndup(field->name, (size_t)(end - field->name)),
             *name = hpx_format("%s.size", file);
        hpx_buffer hash = {0};
        hpx_field_print(&hash, field);
        put_file(sheet, set, file, hpx_buffer_text(&hash), hpx_fields_count_or_zero(record, name));
        hpx_buffer_free(&hash);
        free(name);
        free(file);
        count++;
    }
    return count;
}

/* Files of a program's data, however many they are; how many are put there. */
static size_t put_files(struct sheet *sheet, const char *set, const hpx_fields *record, size_t *all)
{
    char hex[HPX_HASH_HEX_BYTES];
    size_t count = 0;
    for (hpx_data_walk file = {0}; hpx_data_next(&file, record); count++)
        if (count < FILES)
            put_file(sheet, set, file.name, hpx_hash_hex(hex, &file.hash), file.size);
    *all += count;
    return count < FILES ? count : FILES;
}

static void put_data(hpx_buffer *out, const hpx_page *page)
{
    struct sheet sheet;
    size_t shown = 0, all = 0;
    hpx_buffer rows = {0};
    hpx_sheet_open(&sheet, &rows, "files", "Data", 0);
    hpx_sheet_head(&sheet, "data set", false);
    hpx_sheet_head(&sheet, "file", false);
    hpx_sheet_head(&sheet, "XXH3-128 of its bytes", false);
    hpx_sheet_head(&sheet, "bytes", true);
    for (size_t i = 0; i < page->data_count; i++) {
        const hpx_fields *record = &page->data[i].record;
        const char *name = hpx_fields_text_or_empty(record, "name");
        const size_t inputs = put_inputs(&sheet, name, record);
        all += inputs;
        shown += inputs + put_files(&sheet, name, record, &all);
    }
    hpx_sheet_close(&sheet);
    hpx_buffer_puts(out, "<h3>Data</h3>\n");
    if (all == 0)
        hpx_buffer_puts(out, "<p>No files are named as data.</p>\n");
    else
        hpx_buffer_puts(out, hpx_buffer_text(&rows));
    if (shown < all)
        hpx_buffer_printf(
            out, "<p class=\"note\">And %zu more files: <code>hpx show KEY</code> has them all.</p>\n",
            all - shown);
    hpx_buffer_free(&rows);
}

/* --- the rest ------------------------------------------------------------------------------------------------------- */

static void put_groups(hpx_buffer *out, const char *heading, const hpx_groups *groups, const char *one,
                       const char *many)
{
    if (groups->count == 0)
        return;
    hpx_buffer_printf(out, "<h3>%s</h3>\n<ul>\n", heading);
    for (size_t i = 0; i < groups->count; i++) {
        hpx_buffer_puts(out, "<li>");
        hpx_html_text(out, groups->at[i].name);
        hpx_buffer_printf(out, " (%zu %s)</li>\n", groups->at[i].count,
                          hpx_plural(groups->at[i].count, one, many));
    }
    hpx_buffer_puts(out, "</ul>\n");
}

/* As a shell takes it. */
static void put_word(hpx_buffer *out, const char *word)
{
    hpx_buffer quoted = {0};
    hpx_text_shell_word(&quoted, word);
    hpx_html_text(out, hpx_buffer_text(&quoted));
    hpx_buffer_free(&quoted);
}

static void put_command(hpx_buffer *out, const char *command, const hpx_page *page, const char *rest)
{
    hpx_buffer_puts(out, command);
    if (page->word_count == 0) {
        hpx_buffer_puts(out, " ");
        put_word(out, page->recipe->path);
    }
    for (size_t i = 0; i < page->word_count; i++) {
        hpx_buffer_puts(out, " ");
        put_word(out, page->words[i]);
    }
    hpx_buffer_printf(out, "%s\n", rest);
}

static void put_commands(hpx_buffer *out, const hpx_page *page)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_buffer_puts(out,
                    "<h3>To redo it</h3>\n<pre tabindex=\"0\" role=\"region\" aria-label=\"Commands\">"
                    "# train what is not stored; this page; each result with its code, data and machine\n");
    put_command(out, "hpx build", page, "");
    put_command(out, "hpx report", page, " -o report.html");
    put_command(out, "hpx audit", page, "");
    if (page->best != NO_CELL)
        hpx_buffer_printf(
            out,
            "# train the best cell’s first seed again, by the code that made it, and compare bit for bit\n"
            "hpx reproduce %.*s --at-code\n",
            KEY_DIGITS, hpx_hash_hex(hex, &page->cells[page->best].key));
    hpx_buffer_puts(out, "</pre>\n");
}

void hpx_page_provenance(hpx_buffer *out, const hpx_page *page)
{
    hpx_buffer_puts(out, "<section id=\"provenance\"><h2>Provenance</h2>\n");
    put_codes(out, page);
    put_data(out, page);
    put_groups(out, "Numerics", &page->numerics, "trial", "trials");
    put_groups(out, "Machines", &page->hosts, "epoch", "epochs");
    put_groups(out, "Imports", &page->imports, "epoch", "epochs");
    put_groups(out, "Equivalent trainers", &page->adoptions, "trial", "trials");
    put_commands(out, page);
    hpx_buffer_puts(out, "</section>\n");
}
