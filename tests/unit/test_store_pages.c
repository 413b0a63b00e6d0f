/* Pages of an LMDB that is not known: nobody looks at them, a store works all the same, and verify says so. This
 * program's mdb_version takes the place of LMDB's. */
#include "hpx/store.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <lmdb.h>

#include <cmocka.h>

static int minor_version;

char *mdb_version(int *major, int *minor, int *patch)
{
    if (major)
        *major = 0;
    if (minor)
        *minor = minor_version;
    if (patch)
        *patch = 0;
    return "LMDB 0.10.0";
}

static void count(void *context, const char *what)
{
    (void)what;
    ++*(size_t *)context;
}

static void keep(void *context, const char *what)
{
    hpx_buffer_printf(context, "%s\n", what);
}

/* Every page gets another number. */
static void damage_page(const char *path)
{
    hpx_buffer file = read_file(path);
    for (size_t page = 2; page < file.size / 4096; page++)
        file.data[page * 4096] ^= 1;
    write_file(path, file.data, file.size);
    hpx_buffer_free(&file);
}

static hpx_status put(hpx_store *store, uint64_t number, hpx_error *error)
{
    hpx_fields fields = {0};
    hpx_fields_set_count(&fields, "number", number);
    hpx_status status = hpx_store_put_record(store, HPX_RECORD_CODE, &fields, error);
    hpx_fields_free(&fields);
    return status;
}

static void test_versions(void **state)
{
    (void)state;
    static const int minors[] = {9, 10};
    for (size_t i = 0; i < COUNT(minors); i++) {
        char *folder = make_folder(), *path = hpx_path_join(folder, "hpx.mdb");
        const bool known = minors[i] == 9;
        hpx_store *store;
        hpx_error error;
        hpx_buffer remarks = {0};
        uint64_t checked;
        size_t faults = 0;
        minor_version = minors[i];
        expect_ok(hpx_store_open(&store, folder, HPX_STORE_WRITE, &error), &error);
        expect_ok(put(store, 1, &error), &error);
        expect_ok(put(store, 1, &error), &error);
        expect_ok(put(store, 2, &error), &error);
        hpx_store_on_remark(store, keep, &remarks);
        expect_ok(hpx_store_verify(store, &checked, count, &faults, &error), &error);
        assert_int_equal(faults, 0);
        expect_contains(hpx_buffer_text(&remarks),
                        known ? "" : "LMDB 0.10.0: its pages are not known to this hpx and not checked");
        assert_int_equal(remarks.size == 0, known);
        hpx_store_close(store);
        /* What guards a write sees what LMDB does not. */
        damage_page(path);
        expect_ok(hpx_store_open(&store, folder, HPX_STORE_CHECK, &error), &error);
        faults = 0;
        expect_ok(hpx_store_verify_from(store, &(hpx_verify_progress){.part = 14}, count, &faults, &error),
                  &error);
        assert_int_equal(faults > 0, known);
        hpx_store_close(store);
        hpx_buffer_free(&remarks);
        free(path);
        remove_folder(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
