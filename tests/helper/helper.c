#include "helper.h"

#include "base/memory.h"
#include "hpx/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *folder = hpx_format("%s/hpx-test-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        fail_msg("%s: cannot make a temporary folder", folder);
    return folder;
}

void remove_folder(char *folder)
{
    hpx_folder_remove(folder);
    if (hpx_path_exists(folder))
        fail_msg("%s: cannot be removed", folder);
    free(folder);
}

void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        fail_msg("%s: cannot be written", path);
}

void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

hpx_buffer read_file(const char *path)
{
    hpx_buffer bytes = {0};
    hpx_error error;
    expect_ok(hpx_file_read(&bytes, path, SIZE_MAX, &error), &error);
    return bytes;
}

void add_blob(hpx_buffer *out, const hpx_blob *blob)
{
    hpx_error error;
    if (blob->fd < 0)
        return;
    hpx_buffer_reserve(out, blob->size);
    expect_ok(hpx_blob_read(blob, out->data + out->size, blob->size, 0, &error), &error);
    out->size += blob->size;
}

hpx_blob blob_of(const void *bytes, size_t size)
{
    hpx_blob blob;
    hpx_error error;
    expect_ok(hpx_blob_from_bytes(&blob, bytes, size, &error), &error);
    return blob;
}

void expect_ok(hpx_status status, const hpx_error *error)
{
    if (status)
        fail_msg("status %d: %s", status, error->message);
}

void expect_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", value, expected);
}

void expect_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* SplitMix64: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t draw_state;

void draw_seed(uint64_t seed)
{
    draw_state = seed;
}

uint64_t draw(uint64_t bound)
{
    uint64_t z = draw_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return bound ? z % bound : z;
}

hpx_metrics made_metrics(double train_loss, double train_accuracy, double validation_loss,
                         double validation_accuracy, double test_loss, double test_accuracy)
{
    static hpx_arena *arena;
    const hpx_metric list[] = {
        {"train_loss", train_loss},
        {"train_accuracy", train_accuracy},
        {"validation_loss", validation_loss},
        {"validation_accuracy", validation_accuracy},
        {"test_loss", test_loss},
        {"test_accuracy", test_accuracy},
    };
    if (!arena)
        arena = hpx_arena_new();
    return (hpx_metrics){memcpy(hpx_arena_alloc(arena, sizeof list), list, sizeof list), COUNT(list)};
}

static void write_idx(const char *folder, int role, const uint32_t *sizes, uint8_t dimensions,
                      const uint8_t *values, size_t size)
{
    hpx_buffer bytes = {0};
    hpx_buffer_add(&bytes, (const uint8_t[]){0, 0, 8, dimensions}, 4);
    for (size_t i = 0; i < dimensions; i++)
        hpx_buffer_add(&bytes, (const uint8_t[]){0, 0, 0, (uint8_t)sizes[i]}, 4);
    hpx_buffer_add(&bytes, values, size);
    char *path = hpx_path_join(folder, hpx_role_names[role]);
    write_file(path, bytes.data, bytes.size);
    free(path);
    hpx_buffer_free(&bytes);
}

/* Every class lights a row of its own; the rest is noise. */
static void write_half(const char *folder, int images_role, uint32_t count)
{
    uint8_t pixels[DIGITS_TRAIN * DIGITS_FEATURES], labels[DIGITS_TRAIN];
    for (uint32_t i = 0; i < count; i++) {
        labels[i] = (uint8_t)(i % DIGITS_CLASSES);
        for (uint32_t j = 0; j < DIGITS_FEATURES; j++)
            pixels[i * DIGITS_FEATURES + j] = (uint8_t)(j / 4 == labels[i] ? 155 + draw(100) : draw(100));
    }
    write_idx(folder, images_role, (const uint32_t[]){count, 4, 4}, 3, pixels, count * DIGITS_FEATURES);
    write_idx(folder, images_role + 1, &count, 1, labels, count);
}

void write_digits(const char *folder)
{
    draw_seed(1);
    write_half(folder, HPX_TRAIN_IMAGES, DIGITS_TRAIN);
    write_half(folder, HPX_TEST_IMAGES, DIGITS_TEST);
}

char *digits_dataset(const char *folder)
{
    return hpx_format("dataset digits\n"
                      "  train = \"%s/train-images\" \"%s/train-labels\"\n"
                      "  test = \"%s/test-images\" \"%s/test-labels\"\n",
                      folder, folder, folder, folder);
}

char *make_digits(char **dataset)
{
    char *folder = make_folder();
    write_digits(folder);
    *dataset = digits_dataset(folder);
    return folder;
}
