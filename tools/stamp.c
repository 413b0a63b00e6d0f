/* stamp OUTPUT ROOT SOURCES BUILD_SOURCES: writes the definition of hpx_code_built (hpx/code.h) as a C file.
 * Leaves an OUTPUT that already says the same alone, so that make does not link again.
 * stamp --check OUTPUT ...: ends with 1 when OUTPUT says something else, and writes nothing. */
#include "hpx/code.h"
#include "hpx/file.h"
#include "hpx/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_string(hpx_buffer *out, const char *text)
{
    hpx_buffer_puts(out, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 32 || *p > 126 || *p == '"' || *p == '\\' || *p == '?')
            hpx_buffer_printf(out, "\\%03o", *p);
        else
            hpx_buffer_printf(out, "%c", *p);
    }
    hpx_buffer_puts(out, "\"");
}

static void add_bytes(hpx_buffer *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hpx_buffer_printf(out, "%s%u,", i % 24 ? "" : "\n    ", bytes[i]);
}

static void print(hpx_buffer *out, const hpx_code *code, const hpx_hash *fingerprint, const char *root,
                  const char *sources)
{
    const struct {
        const char *member, *value;
    } texts[] = {
        {"commit", code->commit}, {"author_date", code->author_date}, {"describe", code->describe},
        {"branch", code->branch}, {"folder", code->folder},           {"root", root},
        {"sources", sources},
    };
    hpx_buffer_puts(out, "#include \"hpx/code.h\"\n\nstatic const unsigned char patch[] = {");
    add_bytes(out, code->patch.data, code->patch.size);
    hpx_buffer_puts(out, "0};\n\nstatic const unsigned char files[] = {");
    add_bytes(out, code->files.data, code->files.size);
    hpx_buffer_puts(out, "0};\n\nconst hpx_code_stamp hpx_code_built = {\n    .version = {");
    add_bytes(out, code->version, HPX_CODE_BYTES);
    hpx_buffer_puts(out, "},\n    .fingerprint = {{");
    add_bytes(out, fingerprint->bytes, HPX_HASH_BYTES);
    hpx_buffer_puts(out, "}}");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hpx_buffer_printf(out, ",\n    .%s = ", texts[i].member);
        add_string(out, texts[i].value);
    }
    hpx_buffer_printf(
        out,
        ",\n    .dirty = %d,\n    .patch = patch,\n    .patch_size = %zu,\n    .files = files,\n"
        "    .files_size = %zu,\n};\n",
        code->dirty, code->patch.size, code->files.size);
}

static hpx_status make_stamp(hpx_buffer *out, char **unknown, char **arguments, hpx_error *error)
{
    hpx_code code = {0};
    hpx_hash fingerprint;
    hpx_status status = hpx_code_read(&code, arguments[1], arguments[2], arguments[3], error);
    if (!status)
        status = hpx_code_fingerprint(&fingerprint, arguments[1], arguments[2], error);
    if (!status) {
        print(out, &code, &fingerprint, arguments[1], arguments[2]);
        *unknown = code.unknown;
        code.unknown = NULL;
    }
    hpx_code_free(&code);
    return status;
}

int main(int argc, char **argv)
{
    const bool check = argc == 6 && strcmp(argv[1], "--check") == 0;
    if (argc != 5 && !check) {
        fprintf(stderr, "usage: stamp [--check] OUTPUT ROOT SOURCES BUILD_SOURCES\n");
        return 2;
    }
    char **arguments = argv + 1 + check, *unknown = NULL;
    hpx_error error, none;
    hpx_buffer text = {0}, old = {0};
    hpx_status status = make_stamp(&text, &unknown, arguments, &error);
    const bool same = hpx_file_read(&old, arguments[0], SIZE_MAX, &none) == HPX_OK && old.size == text.size &&
                      memcmp(old.data, text.data, text.size) == 0;
    if (!status && !same && check)
        status =
            hpx_error_set(&error, HPX_FAILED, "the sources changed while they were compiled; run make again");
    else if (!status && !same)
        status = hpx_file_write(arguments[0], text.data, text.size, &error);
    if (status)
        fprintf(stderr, "hpx: %s\n", error.message);
    else if (unknown && !same)
        fprintf(stderr, "hpx: warning: unknown: %s\n", unknown);
    hpx_buffer_free(&old);
    hpx_buffer_free(&text);
    free(unknown);
    return status != HPX_OK;
}
