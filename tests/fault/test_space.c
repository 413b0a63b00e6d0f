/* The data file stays near the live bytes while trainings are continued again and again. */
#include "store/space.h"

#include "base/memory.h"

#include "../helper/bytes.h"
#include "../helper/helper.h"

#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CELLS = 66, EPOCHS = 15 };
#define RATIO_MAX 1.5

static char *folder;
static hpx_error error;

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

/* Bytes of a checkpoint of the grid 4..128 x 4..4096 on 64 inputs and 10 classes: parameters and Adam's two
 * moments, from 4 KB to 7 MB. */
static size_t size_of(size_t cell)
{
    size_t n1 = (size_t)4 << cell % 6, n2 = (size_t)4 << cell / 6;
    size_t parameters = 65 * n1 + (n1 + 1) * n2 + (n2 + 1) * 10;
    return 192 + 3 * ((4 * parameters + 63) / 64 * 64);
}

static void put(hpx_store *store, size_t cell, uint32_t epoch, uint8_t *bytes)
{
    hpx_fields fields = {0};
    hpx_buffer manifest = {0};
    hpx_fields_set_count(&fields, "cell", cell);
    hpx_fields_set_text(&fields, "text", "about as long as what a recipe says: 400 bytes, say");
    hpx_fields_encode(&manifest, &fields);
    hpx_fields_free(&fields);
    size_t size = size_of(cell);
    memset(bytes, (int)(cell + epoch), size);
    hpx_artifact artifact = {
        .key = hpx_hash_of(manifest.data, manifest.size), .epoch = epoch, .parent = epoch - 1};
    artifact.output = hpx_output_hash(&artifact.metrics, bytes, size);
    expect_ok(put_bytes(store, &manifest, &artifact, bytes, size, NULL, &error), &error);
    hpx_buffer_free(&manifest);
}

static double ratio_of(hpx_store *store)
{
    hpx_space space;
    expect_ok(hpx_store_space(&space, store, &error), &error);
    return (double)space.file_bytes / (double)space.live_bytes;
}

enum order { EPOCH_BY_EPOCH, CELL_BY_CELL, AT_RANDOM };

/* Which of the cells goes on; all of them reach the last epoch in CELLS * EPOCHS steps. */
static size_t next_cell(enum order order, size_t step, const uint32_t *epochs)
{
    if (order == EPOCH_BY_EPOCH)
        return step % CELLS;
    if (order == CELL_BY_CELL)
        return step / EPOCHS;
    size_t cell;
    do
        cell = draw(CELLS);
    while (epochs[cell] == EPOCHS);
    return cell;
}

/* LMDB may reuse what a transaction has freed in the next but one: beside the live bytes there is room for
 * two checkpoints. So the ratio means something when there are many: after every round, or at the end. */
static void extend(enum order order)
{
    uint32_t epochs[CELLS] = {0};
    uint8_t *bytes = hpx_alloc(size_of(CELLS - 1));
    double worst = 0;
    hpx_store *store;
    expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
    draw_seed(1);
    for (size_t step = 0; step < CELLS * EPOCHS; step++) {
        size_t cell = next_cell(order, step, epochs);
        put(store, cell, ++epochs[cell], bytes);
        if (step + 1 < CELLS * EPOCHS && (order == CELL_BY_CELL || (step + 1) % CELLS != 0))
            continue;
        double ratio = ratio_of(store);
        worst = ratio > worst ? ratio : worst;
    }
    print_message("data file / live bytes: %.3f at most\n", worst);
    if (worst > RATIO_MAX)
        fail_msg("expected at most %.3f", RATIO_MAX);
    hpx_store_close(store);
    free(bytes);
}

static void test_epoch_by_epoch(void **state)
{
    (void)state;
    extend(EPOCH_BY_EPOCH);
}

static void test_cell_by_cell(void **state)
{
    (void)state;
    extend(CELL_BY_CELL);
}

static void test_at_random(void **state)
{
    (void)state;
    extend(AT_RANDOM);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_epoch_by_epoch),
        WITH_FOLDER(test_cell_by_cell),
        WITH_FOLDER(test_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
