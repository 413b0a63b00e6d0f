/* hpx predict: what a stored network answers for images. */
#include "cli.h"

#include "data/gzip.h"
#include "hpx/idx.h"
#include "identity/trained.h"

#include <stdlib.h>

#define BYTES_MAX ((size_t)4 << 30)

/* The images of an IDX file, which may be compressed: they are in `bytes`. */
static hpx_status read_images(hpx_idx *images, hpx_buffer *bytes, const char *path, hpx_error *error)
{
    hpx_buffer file = {0};
    hpx_status status = hpx_path_is_stream(path) ? hpx_stream_read(&file, path, BYTES_MAX, error)
                                                 : hpx_file_read(&file, path, BYTES_MAX, error);
    if (status)
        return status;
    if (hpx_is_gzip(file.data, file.size)) {
        status = hpx_idx_gunzip(bytes, file.data, file.size, error);
        hpx_buffer_free(&file);
    } else {
        *bytes = file;
    }
    if (!status)
        status = hpx_idx_parse(images, bytes->data, bytes->size, error);
    if (!status && images->dimensions < 2)
        status = hpx_error_set(error, HPX_FAILED, "images have 2 dimensions or more, this file has 1");
    return status ? hpx_error_prefix(error, "%s", path) : HPX_OK;
}

/* As those that the network was trained with: sizes beside the count, or, where one of the two does not tell rows and
 * columns apart, the number of bytes. */
static hpx_status check_size(const hpx_idx *images, const char *path, const hpx_trained *trained,
                             hpx_error *error)
{
    const uint64_t height = hpx_fields_count_or_zero(&trained->dataset, "height"),
                   width = hpx_fields_count_or_zero(&trained->dataset, "width");
    const bool shaped = images->dimensions > 2 && height > 1;
    if (images->item_bytes == trained->network.features &&
        !(shaped && (images->sizes[1] != height || images->sizes[2] != width)))
        return HPX_OK;
    hpx_buffer has = {0}, expected = {0};
    for (uint32_t i = 1; i < images->dimensions; i++)
        hpx_buffer_printf(&has, "%s%u", i > 1 ? " x " : "", images->sizes[i]);
    if (shaped)
        hpx_buffer_printf(&expected, "%llu x %llu", (unsigned long long)height, (unsigned long long)width);
    else
        hpx_buffer_printf(&expected, "%u bytes", trained->network.features);
    hpx_status status =
        hpx_error_set(error, HPX_USAGE, "%s: images of %s, and the network was trained on images of %s", path,
                      hpx_buffer_text(&has), hpx_buffer_text(&expected));
    hpx_buffer_free(&has);
    hpx_buffer_free(&expected);
    return status;
}

static void print(hpx_buffer *text, const hpx_trained *trained, const hpx_idx *images,
                  const struct options *options)
{
    hpx_json json = {.out = text};
    hpx_rows *rows = options->json ? hpx_rows_to_json(&json) : hpx_rows_to_csv();
    if (options->json) {
        hpx_json_open(&json, NULL, '{');
        hpx_json_count(&json, "schema", 1);
        hpx_report_trained_json(&json, trained);
        hpx_json_open(&json, "images", '[');
    }
    hpx_report_prediction_columns(rows, &trained->network, options->logits);
    hpx_report_predictions(rows, &trained->network, options->logits, images->values, images->count);
    if (options->json) {
        hpx_json_close(&json, ']');
        hpx_json_close(&json, '}');
        hpx_rows_free(rows);
    } else {
        hpx_rows_finish(text, rows);
    }
}

static hpx_status predict(hpx_buffer *text, hpx_store *store, const struct options *options, hpx_error *error)
{
    const char *path = options->arguments[1];
    hpx_trained trained = {.artifact = {.epoch = 0}};
    hpx_buffer bytes = {0};
    hpx_idx images;
    hpx_status status = hpx_trained_find(&trained, store, options->arguments[0], error);
    if (!status)
        status = read_images(&images, &bytes, path, error);
    if (!status)
        status = check_size(&images, path, &trained, error);
    if (!status)
        print(text, &trained, &images, options);
    hpx_buffer_free(&bytes);
    hpx_trained_close(&trained);
    return status;
}

int hpx_run_predict(const struct options *options)
{
    return hpx_print_from_store(options, predict, hpx_print_bytes);
}
