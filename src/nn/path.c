#include "path.h"

#include <stdio.h>

_Thread_local hpx_paths hpx_paths_taken;

static const char *const names[HPX_PATH_COUNT] = {
    [HPX_PATH_BATCH_WHOLE] = "batch, whole",
    [HPX_PATH_BATCH_REST] = "batch, the last and smaller",
    [HPX_PATH_BATCH_OF_ALL] = "batch of all samples",
    [HPX_PATH_EVALUATE_NOTHING] = "evaluation of no samples",
    [HPX_PATH_EVALUATE_WHOLE] = "evaluation, whole batch",
    [HPX_PATH_EVALUATE_REST] = "evaluation, the last and smaller batch",
    [HPX_PATH_HE] = "init he",
    [HPX_PATH_GLOROT] = "init glorot",
    [HPX_PATH_DENSE] = "inputs dense",
    [HPX_PATH_SPARSE] = "inputs sparse",
    [HPX_PATH_PANEL_WHOLE] = "first layer, whole panel",
    [HPX_PATH_PANEL_REST] = "first layer, the last and narrower panel",
    [HPX_PATH_BLOCK_REST] = "first layer, the last and smaller block of inputs",
    [HPX_PATH_HIDDEN_1] = "hidden layer 1",
    [HPX_PATH_HIDDEN_2] = "hidden layer 2",
    [HPX_PATH_HIDDEN_3] = "hidden layer 3",
    [HPX_PATH_HIDDEN_MORE] = "hidden layer 4 or later",
    [HPX_PATH_PARTS] = "layer in parts",
    [HPX_PATH_PART_REST] = "layer in parts, the last and narrower one",
    [HPX_PATH_PARTS_OF_INPUT] = "layer behind one in parts",
    [HPX_PATH_PARTS_OF_LAST] = "last layer behind one in parts",
    [HPX_PATH_RELU] = "activation relu",
    [HPX_PATH_TANH] = "activation tanh",
    [HPX_PATH_SIGMOID] = "activation sigmoid",
    [HPX_PATH_GELU] = "activation gelu",
    [HPX_PATH_DROPOUT] = "dropout",
    [HPX_PATH_DROPOUT_REST] = "dropout, fewer than 4 columns at the end",
    [HPX_PATH_SOFTMAX_WHOLE] = "softmax, 16 rows",
    [HPX_PATH_SOFTMAX_REST] = "softmax, fewer than 16 rows",
    [HPX_PATH_ADAM] = "optimizer adam",
    [HPX_PATH_MOMENTUM] = "optimizer sgd with momentum",
    [HPX_PATH_NESTEROV] = "optimizer sgd with nesterov momentum",
    [HPX_PATH_PLAIN] = "optimizer sgd",
    [HPX_PATH_DECAY] = "weight decay",
    [HPX_PATH_CONSTANT] = "schedule constant",
    [HPX_PATH_STEP_BEFORE] = "schedule step, before the first cut",
    [HPX_PATH_STEP_AFTER] = "schedule step, after a cut",
    [HPX_PATH_COSINE_FIRST] = "schedule cosine, first epoch",
    [HPX_PATH_COSINE_LATER] = "schedule cosine, later epoch",
    [HPX_PATH_PACK_NONE] = "product, panel as it lies",
    [HPX_PATH_PACK_ROWS] = "product, panel of rows",
    [HPX_PATH_PACK_ROWS_REST] = "product, panel of rows, columns at the end",
    [HPX_PATH_PACK_TRANSPOSED] = "product, transposed panel",
    [HPX_PATH_PACK_TRANSPOSED_REST] = "product, transposed panel, rows at the end",
    [HPX_PATH_DEEP] = "product, several panels of rows",
    [HPX_PATH_COLUMN] = "product, a column as a row",
    [HPX_PATH_TALL] = "product, several blocks of rows",
    [HPX_PATH_COMPRESS_WHOLE] = "sparse inputs, whole vectors",
    [HPX_PATH_COMPRESS_REST] = "sparse inputs, bytes at the end",
    [HPX_PATH_SPARSE_BLOCKS] = "sparse inputs, several blocks",
    [HPX_PATH_NO_CONVOLUTION] = "no convolution",
    [HPX_PATH_BLOCK_WHOLE] = "images, 16 samples",
    [HPX_PATH_BLOCK_PART] = "images, fewer than 16 samples",
    [HPX_PATH_TRANSPOSE_REST] = "images to rows, fewer than 4 at the end",
    [HPX_PATH_LOAD_REST] = "images, fewer than 16 bytes at the end",
    [HPX_PATH_IMAGES_DROPOUT] = "dropout of images",
    [HPX_PATH_IMAGES_DROPOUT_REST] = "dropout of images, fewer than 4 values at the end",
    [HPX_PATH_CONVOLUTION_FIRST] = "first convolution",
    [HPX_PATH_CONVOLUTION_LATER] = "later convolution",
    [HPX_PATH_STRIDE] = "convolution with a stride",
    [HPX_PATH_ROWS_OUTSIDE] = "convolution, rows of the kernel outside of the image",
    [HPX_PATH_CHUNKS] = "convolution, several rows of windows one after the other",
    [HPX_PATH_ACTIVATE_SUMS] = "activation before pooling",
    [HPX_PATH_ACTIVATE_POOLED] = "activation after pooling",
};

void hpx_path_name(char out[HPX_PATH_NAME_BYTES], size_t path)
{
    if (path >= HPX_PATH_PRODUCT_TILE && path < HPX_PATH_COUNT) {
        const size_t kind = path - HPX_PATH_PRODUCT_TILE;
        snprintf(out, HPX_PATH_NAME_BYTES, "gradient of %zu filters by %zu columns", kind / 3 + 1,
                 kind % 3 + 1);
    } else if (path >= HPX_PATH_SUM_TILE && path < HPX_PATH_PRODUCT_TILE) {
        const size_t kind = path - HPX_PATH_SUM_TILE;
        snprintf(out, HPX_PATH_NAME_BYTES, "convolution of %zu filters by %zu pixels", kind / 3 + 1,
                 kind % 3 + 1);
    } else if (path >= HPX_PATH_POOL && path < HPX_PATH_SUM_TILE) {
        static const char *const windows[] = {"of 1 sum", "of 2 x 2 sums", "of more sums"};
        const size_t kind = path - HPX_PATH_POOL;
        snprintf(out, HPX_PATH_NAME_BYTES, "the %s %s%s", kind & 2 ? "mean" : "largest", windows[kind / 4],
                 kind & 1 ? ", relu" : "");
    } else if (path >= HPX_PATH_INPUTS && path < HPX_PATH_INPUTS + HPX_PATH_INPUTS_KINDS) {
        const size_t kind = path - HPX_PATH_INPUTS;
        snprintf(out, HPX_PATH_NAME_BYTES, "%s zeros, %s first layer, %s batch", kind & 4 ? "few" : "many",
                 kind & 2 ? "narrow" : "wide", kind & 1 ? "large" : "small");
    } else if (path >= HPX_PATH_SPARSE_PRODUCT && path < HPX_PATH_INPUTS) {
        const size_t kind = path - HPX_PATH_SPARSE_PRODUCT;
        snprintf(out, HPX_PATH_NAME_BYTES, "sparse product of %zu columns%s%s", (kind / 4 + 1) * 16,
                 kind & 2 ? ", padded" : "", kind & 1 ? ", added" : "");
    } else if (path >= HPX_PATH_BLAS && path < HPX_PATH_BLAS + HPX_PATH_BLASES) {
        const size_t kind = path - HPX_PATH_BLAS;
        snprintf(out, HPX_PATH_NAME_BYTES, "product by BLAS%s%s%s", kind & 4 ? ", left transposed" : "",
                 kind & 2 ? ", right transposed" : "", kind & 1 ? ", added" : "");
    } else if (path >= HPX_PATH_TILE && path < HPX_PATH_TILE + HPX_PATH_TILES) {
        const size_t kind = path - HPX_PATH_TILE;
        snprintf(out, HPX_PATH_NAME_BYTES, "product of %s by %zu vector%s%s%s",
                 kind & 4 ? "several rows" : "1 row", kind / 8 + 1, kind / 8 > 0 ? "s" : "",
                 kind & 2 ? ", the last cut" : "", kind & 1 ? ", added" : "");
    } else {
        snprintf(out, HPX_PATH_NAME_BYTES, "%s", path < HPX_PATH_COUNT ? names[path] : "unknown");
    }
}
