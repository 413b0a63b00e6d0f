/* stamp OUTPUT ROOT BUILD_SOURCES [TRAINER SOURCES]...: writes the definitions of hpx_code_built (hpx/code.h)
 * and of hpx_sources_TRAINER (hpx/sources.h) for each as a C file. Leaves an OUTPUT that already says the
 * same alone, so that make does not link again. stamp --check OUTPUT ...: ends with 1 when OUTPUT says
 * something else, and writes nothing. */
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

static void print_code(hpx_buffer *out, const hpx_code *code, const char *root)
{
    const struct {
        const char *member, *value;
    } texts[] = {
        {"commit", code->commit}, {"author_date", code->author_date}, {"describe", code->describe},
        {"branch", code->branch}, {"folder", code->folder},           {"root", root},
    };
    hpx_buffer_puts(out, "#include \"hpx/code.h\"\n\nstatic const unsigned char patch[] = {");
    add_bytes(out, code->patch.data, code->patch.size);
    hpx_buffer_puts(out, "0};\n\nstatic const unsigned char files[] = {");
    add_bytes(out, code->files.data, code->files.size);
    hpx_buffer_puts(out, "0};\n\nconst hpx_code_stamp hpx_code_built = {");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hpx_buffer_printf(out, "\n    .%s = ", texts[i].member);
        add_string(out, texts[i].value);
        hpx_buffer_puts(out, ",");
    }
    hpx_buffer_printf(out,
                      "\n    .dirty = %d,\n    .patch = patch,\n    .patch_size = %zu,\n    .files = files,\n"
                      "    .files_size = %zu,\n};\n",
                      code->dirty, code->patch.size, code->files.size);
}

static void print_sources(hpx_buffer *out, const char *trainer, const hpx_sources *sources)
{
    hpx_buffer_printf(out, "\nextern const hpx_sources hpx_sources_%s;\n", trainer);
    hpx_buffer_printf(out, "const hpx_sources hpx_sources_%s = {\n    .names = ", trainer);
    add_string(out, sources->names);
    hpx_buffer_puts(out, ",\n    .version = {");
    add_bytes(out, sources->version, HPX_CODE_BYTES);
    hpx_buffer_puts(out, "},\n    .fingerprint = {{");
    add_bytes(out, sources->fingerprint.bytes, HPX_HASH_BYTES);
    hpx_buffer_puts(out, "}},\n};\n");
}

static hpx_status stamp_trainer(hpx_buffer *out, const char *root, const char *trainer, const char *names,
                                hpx_error *error)
{
    hpx_sources sources = {.names = names};
    hpx_status status = hpx_code_version(sources.version, root, names, error);
    if (!status)
        status = hpx_code_fingerprint(&sources.fingerprint, root, names, error);
    if (!status)
        print_sources(out, trainer, &sources);
    return status;
}

/* `trainers`: names and their sources, with NULL behind them. */
static hpx_status make_stamp(hpx_buffer *out, char **unknown, const char *root, const char *build_sources,
                             char **trainers, hpx_error *error)
{
    hpx_code code = {0};
    hpx_status status = hpx_code_read(&code, root, build_sources, error);
    if (!status) {
        print_code(out, &code, root);
        *unknown = code.unknown;
        code.unknown = NULL;
    }
    for (char **trainer = trainers; *trainer && !status; trainer += 2)
        status = stamp_trainer(out, root, trainer[0], trainer[1], error);
    hpx_code_free(&code);
    return status;
}

int main(int argc, char **argv)
{
    const bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
    if (argc < 4 + check || (argc - check) % 2 != 0) {
        fprintf(stderr, "usage: stamp [--check] OUTPUT ROOT BUILD_SOURCES [TRAINER SOURCES]...\n");
        return 2;
    }
    char **arguments = argv + 1 + check, *unknown = NULL;
    hpx_error error, none;
    hpx_buffer text = {0}, old = {0};
    hpx_status status = make_stamp(&text, &unknown, arguments[1], arguments[2], arguments + 3, &error);
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
