/* What a stored network answers, and the network itself as a file. */
#include "parts.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- predictions ------------------------------------------------------------------------------------------ */

/* The shortest decimal that reads back as the same float, as a double, which is printed so. */
static double shortest(float value)
{
    char text[HPX_REAL_TEXT_BYTES];
    double read = (double)value;
    for (int digits = 6; digits <= 9; digits++) {
        hpx_print(text, sizeof text, "%.*g", digits, (double)value);
        read = hpx_strtod(text, NULL);
        if ((float)read == value)
            break;
    }
    return read;
}

void hpx_report_prediction_columns(hpx_rows *rows, const hpx_network *network, bool logits)
{
    hpx_rows_add_column(rows, "image", "image", 'r', NULL, 0);
    hpx_rows_add_column(rows, "class", "class", 'r', NULL, 0);
    for (uint32_t i = 0; i < network->classes; i++) {
        char *name = hpx_format("%c%u", logits ? 'z' : 'p', i);
        hpx_rows_add_column(rows, name, name, 'r', NULL, 0);
        free(name);
    }
}

void hpx_report_predictions(hpx_rows *rows, const hpx_network *network, bool logits, const uint8_t *images,
                            size_t count)
{
    enum { ROWS = 1024 };
    const size_t classes = network->classes;
    float *sums = hpx_alloc(ROWS * classes * sizeof *sums),
          *probabilities = hpx_alloc(ROWS * classes * sizeof *probabilities);
    for (size_t i = 0; i < count; i++) {
        const size_t at = i % ROWS;
        if (at == 0)
            hpx_network_answer(network, sums, probabilities, images + i * network->features,
                               count - i < ROWS ? count - i : ROWS);
        const float *values = (logits ? sums : probabilities) + at * classes;
        hpx_row *row = hpx_rows_begin_flat(rows);
        hpx_row_count(row, "image", i);
        hpx_row_count(row, "class", hpx_network_class(network, sums + at * classes));
        for (uint32_t class = 0; class < classes; class ++) {
            char name[16];
            hpx_print(name, sizeof name, "%c%u", logits ? 'z' : 'p', class);
            hpx_row_real(row, name, shortest(values[class]));
        }
        hpx_rows_end(rows);
    }
    free(probabilities);
    free(sums);
}

void hpx_report_trained_json(hpx_json *json, const hpx_trained *trained)
{
    char hex[HPX_HASH_HEX_BYTES];
    hpx_json_text(json, "key", hpx_hash_hex(hex, &trained->artifact.key));
    hpx_json_count(json, "epoch", trained->artifact.epoch);
    hpx_json_text(json, "model", trained->network.kind->model);
    hpx_json_count(json, "classes", trained->network.classes);
}

/* --- safetensors ------------------------------------------------------------------------------------------ */

/* https://github.com/huggingface/safetensors: the size of the header, 64 bits, little-endian; the header, a JSON object
 * that blanks may follow; the values of all tensors, little-endian, one after the other, where the header says. */

static void add_field(hpx_json *json, const char *name, const hpx_fields *fields, const char *field)
{
    const hpx_field *found = hpx_fields_find(fields, field);
    hpx_buffer text = {0};
    if (!found)
        return;
    hpx_field_print(&text, found);
    hpx_json_text(json, name, hpx_buffer_text(&text));
    hpx_buffer_free(&text);
}

/* All values are texts, as the format asks for. */
static void add_metadata(hpx_json *json, const hpx_trained *trained)
{
    char hex[HPX_HASH_HEX_BYTES], *epoch = hpx_format("%u", trained->artifact.epoch);
    hpx_fields more = {0};
    hpx_json_open(json, "__metadata__", '{');
    hpx_json_text(json, "format", "pt");
    hpx_json_text(json, "model", trained->network.kind->model);
    add_field(json, "activation", &trained->manifest, "model.activation");
    hpx_network_describe(&more, &trained->network);
    for (size_t i = 0; i < more.count; i++)
        add_field(json, more.fields[i].name, &more, more.fields[i].name);
    hpx_json_text(json, "preprocessing", trained->network.kind->scaling);
    add_field(json, "dataset", &trained->dataset, "name");
    hpx_json_text(json, "key", hpx_hash_hex(hex, &trained->artifact.key));
    hpx_json_text(json, "epoch", epoch);
    add_field(json, "code", &trained->code, "version");
    add_field(json, "commit", &trained->code, "describe");
    hpx_json_close(json, '}');
    hpx_fields_free(&more);
    free(epoch);
}

static void add_tensor(hpx_json *json, const hpx_tensor *tensor, uint64_t *at)
{
    const uint64_t bytes = hpx_tensor_count(tensor) * sizeof(float);
    hpx_json_open(json, tensor->name, '{');
    hpx_json_text(json, "dtype", "F32");
    hpx_json_open(json, "shape", '[');
    for (uint32_t i = 0; i < tensor->dimensions; i++)
        hpx_json_count(json, NULL, tensor->sizes[i]);
    hpx_json_close(json, ']');
    hpx_json_open(json, "data_offsets", '[');
    hpx_json_count(json, NULL, *at);
    hpx_json_count(json, NULL, *at += bytes);
    hpx_json_close(json, ']');
    hpx_json_close(json, '}');
}

void hpx_report_safetensors(hpx_buffer *out, const hpx_trained *trained)
{
    enum { ALIGNMENT = 8 };
    hpx_tensor tensor;
    hpx_buffer header = {0};
    hpx_json json = {.out = &header};
    uint64_t bytes = 0;
    hpx_json_open_flat(&json, NULL, '{');
    add_metadata(&json, trained);
    for (size_t i = 0; hpx_network_tensor(&tensor, &trained->network, i); i++)
        add_tensor(&json, &tensor, &bytes);
    hpx_json_close(&json, '}');
    header.data[header.size - 1] = ' '; /* not the end of a line */
    while (header.size % ALIGNMENT)
        hpx_buffer_puts(&header, " ");
    hpx_buffer_u64(out, header.size);
    hpx_buffer_add(out, header.data, header.size);
    hpx_buffer_reserve(out, bytes);
    for (size_t i = 0; hpx_network_tensor(&tensor, &trained->network, i); i++) {
        const size_t size = hpx_tensor_count(&tensor) * sizeof(float);
        float *values = hpx_alloc(size);
        hpx_network_read(values, &trained->network, i);
        hpx_buffer_add(out, values, size);
        free(values);
    }
    hpx_buffer_free(&header);
}
