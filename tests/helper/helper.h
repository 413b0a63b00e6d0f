/* What several tests share. Everything here fails the running test instead of returning an error. */
#ifndef HPX_TESTS_HELPER_H
#define HPX_TESTS_HELPER_H

#include "hpx/blob.h"
#include "hpx/buffer.h"
#include "hpx/dataset.h"
#include "hpx/error.h"
#include "hpx/metrics.h"

#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* An hpx_cell of its pairs: CELL("n1\0" "128\0" "n2\0" "64"). */
#define CELL(pairs)                                                                                          \
    {                                                                                                        \
        (pairs), sizeof(pairs)                                                                               \
    }

/* A new folder for temporary files. */
char *make_folder(void);
/* Removes it with all it holds, and frees its name. */
void remove_folder(char *folder);

void write_file(const char *path, const void *bytes, size_t size);
void write_text(const char *path, const char *text);
hpx_buffer read_file(const char *path);

/* The bytes of a blob, appended; and a blob of bytes, to be closed. */
void add_blob(hpx_buffer *out, const hpx_blob *blob);
hpx_blob blob_of(const void *bytes, size_t size);

/* Fails with the message unless the status is HPX_OK. */
void expect_ok(hpx_status status, const hpx_error *error);
/* Fails unless the value differs from what is expected by no more than that; cmocka's own compares floats. */
void expect_near(double value, double expected, double tolerance);
/* Fails unless `text` contains `part`. */
void expect_contains(const char *text, const char *part);

/* Draws that are the same in every run: draw_seed, then numbers below a bound (0: any 64 bits). */
void draw_seed(uint64_t seed);
uint64_t draw(uint64_t bound);

/* The metrics that the built-in trainer reports, in its order; they last as long as the program. */
hpx_metrics made_metrics(double train_loss, double train_accuracy, double validation_loss,
                         double validation_accuracy, double test_loss, double test_accuracy);

/* Writes the four IDX files of a small data set that can be learned, 4 x 4 pixels and 3 classes, into a
 * folder: train-images, train-labels, test-images, test-labels. */
enum { DIGITS_FEATURES = 16, DIGITS_CLASSES = 3, DIGITS_TRAIN = 60, DIGITS_TEST = 24 };
void write_digits(const char *folder);

/* The lines of a recipe that name those files. free() it. */
char *digits_dataset(const char *folder);

/* A new folder with that data set, and its lines. */
char *make_digits(char **dataset);

#endif
