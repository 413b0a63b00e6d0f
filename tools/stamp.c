/* stamp OUTPUT ROOT SOURCES BUILD_SOURCES: writes the definition of hpx_code_built (hpx/code.h) as a C file.
 * Leaves an OUTPUT that already says the same alone, so that make does not link again. */
#include "hpx/code.h"
#include "hpx/file.h"
#include "hpx/hash.h"

#include <stdio.h>
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
    hpx_buffer_puts(out, "0};\n\nconst hpx_code_stamp hpx_code_built = {\n    .version = {");
    add_bytes(out, code->version, HPX_CODE_BYTES);
    hpx_buffer_puts(out, "},\n    .fingerprint = {{");
    add_bytes(out, fingerprint->bytes, HPX_HASH_BYTES);
    hpx_buffer_puts(out, "}}");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hpx_buffer_printf(out, ",\n    .%s = ", texts[i].member);
        add_string(out, texts[i].value);
    }
    hpx_buffer_printf(out, ",\n    .dirty = %d,\n    .patch = patch,\n    .patch_size = %zu,\n};\n",
                      code->dirty, code->patch.size);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: stamp OUTPUT ROOT SOURCES BUILD_SOURCES\n");
        return 2;
    }
    hpx_error error;
    hpx_code code = {0};
    hpx_hash fingerprint;
    hpx_buffer text = {0}, old = {0};
    hpx_status status = hpx_code_read(&code, argv[2], argv[3], argv[4], &error);
    if (!status)
        status = hpx_code_fingerprint(&fingerprint, argv[2], argv[3], &error);
    if (!status) {
        print(&text, &code, &fingerprint, argv[2], argv[3]);
        bool same = hpx_file_read(&old, argv[1], SIZE_MAX, &error) == HPX_OK && old.size == text.size &&
                    memcmp(old.data, text.data, text.size) == 0;
        if (!same)
            status = hpx_file_write(argv[1], text.data, text.size, &error);
    }
    if (status)
        fprintf(stderr, "stamp: %s\n", error.message);
    hpx_buffer_free(&old);
    hpx_buffer_free(&text);
    hpx_code_free(&code);
    return status != HPX_OK;
}
