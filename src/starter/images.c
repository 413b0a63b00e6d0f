/* Images by the usual names of IDX files: train-images-idx3-ubyte, t10k-labels.idx1-ubyte.gz, test-images, ... */
#include "inside.h"

#include "data/gzip.h"
#include "hpx/dataset.h"
#include "hpx/file.h"
#include "hpx/idx.h"
#include "hpx/known.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_BYTES_MAX ((size_t)256 << 20)
#define VALIDATION       10000
#define SHARE            6 /* of fewer images one in so many is held out */

/* In the order of hpx_role. */
static const struct usual {
    const char *sets[2], *what;
} usual[HPX_ROLES] = {
    {{"train", NULL}, "image"},
    {{"train", NULL}, "label"},
    {{"t10k", "test"}, "image"},
    {{"t10k", "test"}, "label"},
};

struct found {
    char *paths[HPX_ROLES]; /* relative to the folder */
    hpx_idx headers[HPX_ROLES];
};

static void free_found(struct found *found)
{
    for (size_t role = 0; role < HPX_ROLES; role++)
        free(found->paths[role]);
    *found = (struct found){{NULL}, {{0}}};
}

/* The header of an IDX file, which may be compressed. */
static bool read_header(hpx_idx *out, const char *path)
{
    uint8_t start[HPX_IDX_HEADER_MAX];
    hpx_buffer packed = {0}, bytes = {0};
    hpx_error error;
    hpx_file_stat stat;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(start, 1, sizeof start, file) : 0;
    if (file)
        fclose(file);
    if (hpx_file_stat_of(&stat, path, &error) != HPX_OK)
        return false;
    if (!hpx_is_gzip(start, size))
        return hpx_idx_parse_header(out, start, size, stat.size, &error) == HPX_OK;
    const bool good = hpx_file_read(&packed, path, PACKED_BYTES_MAX, &error) == HPX_OK &&
                      hpx_idx_gunzip(&bytes, packed.data, packed.size, &error) == HPX_OK &&
                      hpx_idx_parse_header(out, bytes.data, bytes.size, bytes.size, &error) == HPX_OK;
    hpx_buffer_free(&packed);
    hpx_buffer_free(&bytes);
    return good;
}

static bool is_usual(const char *name, const struct usual *role)
{
    char *lower = hpx_strdup(name);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const bool is_set = strstr(lower, role->sets[0]) || (role->sets[1] && strstr(lower, role->sets[1]));
    const bool is_what = strstr(lower, role->what) != NULL;
    free(lower);
    return is_set && is_what && hpx_starter_is_plain(name);
}

/* Whether the four files are one data set. */
static bool belong_together(const struct found *found)
{
    const hpx_idx *headers = found->headers;
    for (size_t role = 0; role < HPX_ROLES; role++)
        if (!found->paths[role])
            return false;
    return headers[HPX_TRAIN_IMAGES].count > 1 &&
           headers[HPX_TRAIN_IMAGES].count == headers[HPX_TRAIN_LABELS].count &&
           headers[HPX_TEST_IMAGES].count == headers[HPX_TEST_LABELS].count &&
           headers[HPX_TRAIN_IMAGES].item_bytes == headers[HPX_TEST_IMAGES].item_bytes;
}

/* Looks in a folder below the recipe's; "": in that itself. */
static bool look(struct found *out, const char *folder, const char *below)
{
    char *path = *below ? hpx_path_join(folder, below) : hpx_strdup(folder);
    hpx_path_list names = {0};
    hpx_path_list_folder(&names, path, false);
    for (size_t i = 0; i < names.count; i++)
        for (size_t role = 0; role < HPX_ROLES; role++) {
            const bool labels = role == HPX_TRAIN_LABELS || role == HPX_TEST_LABELS;
            char *file = hpx_path_join(path, names.paths[i]);
            hpx_idx header;
            if (!out->paths[role] && is_usual(names.paths[i], &usual[role]) && read_header(&header, file) &&
                (header.dimensions == 1) == labels) {
                out->paths[role] = *below ? hpx_path_join(below, names.paths[i]) : hpx_strdup(names.paths[i]);
                out->headers[role] = header;
            }
            free(file);
        }
    hpx_path_list_free(&names);
    free(path);
    const bool all = belong_together(out);
    if (!all)
        free_found(out);
    return all;
}

static bool find(struct found *out, const char *folder)
{
    hpx_path_list names = {0};
    bool found = look(out, folder, "");
    hpx_path_list_folder(&names, folder, false);
    for (size_t i = 0; !found && i < names.count; i++) {
        char *path = hpx_path_join(folder, names.paths[i]);
        if (hpx_path_is_folder(path) && hpx_starter_is_plain(names.paths[i]))
            found = look(out, folder, names.paths[i]);
        free(path);
    }
    hpx_path_list_free(&names);
    return found;
}

/* The folder's own name, if it can name a data set that is not known already. */
static char *name_of(const char *folder)
{
    char *real = hpx_path_real(folder);
    const char *slash = real ? strrchr(real, '/') : NULL, *name = slash ? slash + 1 : "";
    const size_t length = strspn(name, NAME_CHARACTERS);
    char *out = hpx_strndup(name, length);
    if (length == 0 || name[length] || length > 40 || hpx_known_find(out)) {
        free(out);
        out = hpx_strdup("images");
    }
    free(real);
    return out;
}

bool hpx_starter_images(hpx_starter *out, const char *folder)
{
    struct found found = {{NULL}, {{0}}};
    if (!find(&found, folder))
        return false;
    char *name = name_of(folder);
    const hpx_idx *train = &found.headers[HPX_TRAIN_IMAGES];
    const uint32_t held_out = train->count > 2 * VALIDATION ? VALIDATION : train->count / SHARE;
    hpx_buffer *text = &out->text;
    hpx_buffer_printf(text,
                      "# A perceptron for the images of %s: %u to train on, %u to test, %u bytes each.\n\n",
                      name, train->count, found.headers[HPX_TEST_IMAGES].count, train->item_bytes);
    hpx_buffer_printf(text, "dataset %s\n  train = %s %s\n  test = %s %s\n", name,
                      found.paths[HPX_TRAIN_IMAGES], found.paths[HPX_TRAIN_LABELS],
                      found.paths[HPX_TEST_IMAGES], found.paths[HPX_TEST_LABELS]);
    hpx_buffer_printf(text, "  validation = %u # training images that are held out to select on\n",
                      held_out > 0 ? held_out : 1);
    hpx_starter_perceptron(text);
    out->name = hpx_format("%s.rcp", name);
    out->about = hpx_format("a recipe for the images of %s and the others", found.paths[HPX_TRAIN_IMAGES]);
    free(name);
    free_found(&found);
    return true;
}
