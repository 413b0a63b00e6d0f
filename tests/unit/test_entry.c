/* Entries of a shared store: ActionResults as the published field numbers make them, statements that only their signer can
 * make, and what is refused. */
#include "remote/entry.h"

#include "remote/action_result.h"

#include "hpx/hash.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folder;
static hpx_keys keys;

static int start(void **state)
{
    hpx_signer signer;
    hpx_error error;
    (void)state;
    folder = make_folder();
    setenv("XDG_CONFIG_HOME", folder, 1);
    expect_ok(hpx_key_new(&signer, &error), &error);
    expect_ok(hpx_keys_read(&keys, &error), &error);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    hpx_keys_free(&keys);
    remove_folder(folder);
    return 0;
}

/* --- ActionResult ----------------------------------------------------------------------------------------- */

static hpx_buffer unhex(const char *hex)
{
    hpx_buffer bytes = {0};
    const size_t size = strlen(hex) / 2;
    hpx_buffer_reserve(&bytes, size);
    assert_true(hpx_unhex(bytes.data, size, hex));
    bytes.size = size;
    return bytes;
}

static hpx_status decode(hpx_action_result *out, const char *hex)
{
    hpx_error error;
    static hpx_buffer bytes;
    hpx_buffer_free(&bytes);
    bytes = unhex(hex);
    return hpx_action_result_decode(out, bytes.data, bytes.size, &error);
}

#define ZEROS_8    "3030303030303030"
#define ZEROS_64   ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
#define HASH       "0a40" ZEROS_64
#define DIGEST     "1245" HASH "10ac02" /* of 300 bytes */
#define FILE_A     "124a0a0161" DIGEST
#define FILE_B     "124a0a0162" DIGEST
#define CONTENTS_A "124e0a0161" DIGEST "2a026869"

static void test_published_bytes(void **state)
{
    (void)state;
    hpx_action_result result = {.count = 1};
    hpx_buffer bytes = {0}, expected = unhex(CONTENTS_A);
    result.files[0] = (hpx_output_file){
        .path = "a", .digest = {.size = 300}, .contents = (const uint8_t *)"hi", .contents_size = 2};
    hpx_action_result_encode(&bytes, &result);
    assert_int_equal(bytes.size, expected.size);
    assert_memory_equal(bytes.data, expected.data, bytes.size);
    assert_int_equal(decode(&result, FILE_B CONTENTS_A), HPX_OK);
    assert_int_equal(result.count, 2);
    const hpx_output_file *file = hpx_action_result_find(&result, "a");
    assert_non_null(file);
    assert_int_equal(file->digest.size, 300);
    assert_int_equal(file->contents_size, 2);
    assert_memory_equal(file->contents, "hi", 2);
    assert_null(hpx_action_result_find(&result, "b")->contents);
    assert_null(hpx_action_result_find(&result, "c"));
    hpx_buffer_free(&bytes);
    hpx_buffer_free(&expected);
}

/* What servers add is passed over: execution_metadata (9) with a worker, an unknown varint, 64 and 32 bits. */
static void test_other_fields(void **state)
{
    (void)state;
    hpx_action_result result;
    assert_int_equal(decode(&result, ""), HPX_OK);
    assert_int_equal(result.count, 0);
    assert_int_equal(decode(&result, "4a030a0177" FILE_A "7801"
                                     "790102030405060708"
                                     "7d01020304"
                                     "2000"),
                     HPX_OK);
    assert_int_equal(result.count, 1);
    /* In a file: is_executable (4), node_properties (7). */
    assert_int_equal(decode(&result, "124e0a0161" DIGEST "20013a00"), HPX_OK);
}

static void test_malformed(void **state)
{
    static const char *const wrong[] = {
        "2001",                     /* exit code 1 */
        "20002000",                 /* exit code twice */
        "2200",                     /* exit code of another wire type */
        "00",                       /* field number 0 */
        "0b",                       /* a group */
        "1201",                     /* a length beyond the end */
        "12ffffffffffffffffff01",   /* a length of 64 bits */
        "78ffffffffffffffffff02",   /* a varint of more than 64 bits */
        "78ffffffffffffffffffff01", /* a varint of eleven bytes */
        "78",                       /* no value */
        "7901020304",               /* half of one */
        "1000",                     /* output_files of another wire type */
        FILE_A FILE_A,              /* a path twice */
        "1203"
        "0a0161",                  /* no digest */
        "1247" DIGEST,             /* no path */
        "12490a00" DIGEST,         /* an empty one */
        "124a0a010a" DIGEST,       /* one that cannot be seen */
        "124d0a01610a0162" DIGEST, /* two */
        "12070a016112021000",      /* a digest without a hash */
        "1248"
        "0a0161"
        "1243" HASH "10", /* a size without a value */
        "1251"
        "0a0161"
        "124c" HASH "10ffffffffffffffffff01", /* a negative one */
        "1246"
        "0a0161"
        "1241"
        "0a3f" ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 "30303030303030", /* 63 digits */
        "1247"
        "0a0161"
        "1242"
        "0a40" ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
        "3030303030303041", /* a capital digit */
        "1208"
        "0a0161"
        "0a0162"
        "1200", /* all at once */
    };
    hpx_action_result result;
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (decode(&result, wrong[i]) != HPX_DAMAGED)
            fail_msg("taken: %s", wrong[i]);
}

static void test_too_many_files(void **state)
{
    hpx_action_result result;
    hpx_buffer hex = {0};
    (void)state;
    for (int i = 0; i < HPX_OUTPUT_FILES_MAX; i++)
        hpx_buffer_printf(&hex, "124a0a01%02x" DIGEST, 'a' + i);
    assert_int_equal(decode(&result, hpx_buffer_text(&hex)), HPX_OK);
    hpx_buffer_puts(&hex, "124a0a017a" DIGEST);
    assert_int_equal(decode(&result, hpx_buffer_text(&hex)), HPX_DAMAGED);
    hpx_buffer_free(&hex);
}

/* --- entries ---------------------------------------------------------------------------------------------- */

static hpx_entry some_entry(uint32_t checkpoint_epoch)
{
    hpx_entry entry = {.epoch = 7, .checkpoint_epoch = checkpoint_epoch};
    memset(entry.manifest, 0x11, sizeof entry.manifest);
    for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
        if (hpx_entry_has(&entry, part))
            entry.parts[part] = hpx_digest_of(hpx_part_names[part], strlen(hpx_part_names[part]));
    return entry;
}

static hpx_buffer encode(const hpx_entry *plain)
{
    hpx_entry entry = *plain;
    hpx_buffer bytes = {0}, statement = {0};
    hpx_entry_encode(&bytes, &statement, &entry, &keys);
    assert_int_equal(statement.size, 232);
    hpx_buffer_free(&statement);
    return bytes;
}

static hpx_status open_entry(hpx_entry *out, const hpx_buffer *bytes, const hpx_signer *signer, int manifest,
                             hpx_error *error)
{
    uint8_t sha256[HPX_SHA256_BYTES];
    memset(sha256, manifest, sizeof sha256);
    return hpx_entry_decode(out, bytes->data, bytes->size, sha256, signer, error);
}

static void test_entries(void **state)
{
    (void)state;
    for (uint32_t epoch = 0; epoch <= 7; epoch += 7) {
        hpx_error error;
        hpx_entry entry = some_entry(epoch), again;
        hpx_buffer bytes = encode(&entry);
        expect_ok(open_entry(&again, &bytes, &keys.own, 0x11, &error), &error);
        assert_int_equal(again.epoch, 7);
        assert_int_equal(again.checkpoint_epoch, epoch);
        for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
            assert_true(hpx_digest_equal(&again.parts[part], &entry.parts[part]));
        hpx_buffer_free(&bytes);
    }
}

static void expect_refused(const hpx_entry *entry, const char *why)
{
    hpx_error error;
    hpx_entry again;
    hpx_buffer bytes = encode(entry);
    assert_int_equal(open_entry(&again, &bytes, &keys.own, 0x11, &error), HPX_DAMAGED);
    expect_contains(error.message, why);
    hpx_buffer_free(&bytes);
}

/* A signer who signs nonsense. */
static void test_nonsense(void **state)
{
    (void)state;
    hpx_entry entry = some_entry(7);
    entry.epoch = 0;
    expect_refused(&entry, "malformed");
    entry = some_entry(8);
    expect_refused(&entry, "malformed");
    entry = some_entry(7);
    entry.parts[HPX_BUNDLE_METRICS].size = UINT32_MAX;
    expect_refused(&entry, "malformed");
    entry = some_entry(0);
    entry.parts[HPX_BUNDLE_CHECKPOINT].size = 1;
    expect_refused(&entry, "malformed");
    entry = some_entry(7);
    memset(entry.manifest, 0x12, sizeof entry.manifest);
    expect_refused(&entry, "another manifest");
}

static void test_foreign(void **state)
{
    (void)state;
    hpx_error error;
    hpx_entry entry = some_entry(7), again;
    hpx_buffer bytes = encode(&entry);
    hpx_signer other = keys.own;
    other.bytes[0] ^= 1;
    assert_int_equal(open_entry(&again, &bytes, &other, 0x11, &error), HPX_DAMAGED);
    expect_contains(error.message, "signature");
    assert_int_equal(open_entry(&again, &bytes, &keys.own, 0x12, &error), HPX_DAMAGED);
    expect_contains(error.message, "another manifest");
    hpx_buffer_free(&bytes);
}

/* No bit can be changed, and no byte be missing, but for what hpx does not use of the statement's digest. */
static void test_flipped_bits(void **state)
{
    (void)state;
    hpx_error error;
    hpx_entry entry = some_entry(7), again;
    hpx_buffer bytes = encode(&entry);
    const hpx_buffer whole = bytes;
    size_t taken = 0;
    for (size_t size = 0; size < whole.size; size++) {
        const hpx_buffer part = {.data = whole.data, .size = size};
        assert_int_equal(open_entry(&again, &part, &keys.own, 0x11, &error), HPX_DAMAGED);
    }
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (open_entry(&again, &bytes, &keys.own, 0x11, &error) == HPX_OK) {
            taken++;
            assert_int_equal(again.epoch, entry.epoch);
            for (size_t part = 0; part < HPX_BUNDLE_PARTS; part++)
                assert_true(hpx_digest_equal(&again.parts[part], &entry.parts[part]));
        }
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_in_range(taken, 1, 8 * 70);
    hpx_buffer_free(&bytes);
}

static void test_paths(void **state)
{
    (void)state;
    char a[HPX_ENTRY_PATH_BYTES], b[HPX_ENTRY_PATH_BYTES];
    const hpx_signer zero = {{0}}, one = {{1}};
    uint8_t manifest[HPX_SHA256_BYTES] = {0};
    /* printf 'hpx-1' and 64 zero bytes, through sha256sum */
    hpx_entry_path(a, manifest, &zero);
    assert_string_equal(a, "ac/e1fe7b3107dab9bcab9128c5d8d1979dd408ff966d7b3e0409fc68147bbeee3e");
    hpx_entry_path(b, manifest, &one);
    assert_string_not_equal(a, b);
    manifest[0] = 1;
    hpx_entry_path(b, manifest, &zero);
    assert_string_not_equal(a, b);
    const hpx_digest empty = hpx_digest_of("", 0);
    hpx_blob_path(a, &empty);
    assert_string_equal(a, "cas/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_bytes), cmocka_unit_test(test_other_fields),
        cmocka_unit_test(test_malformed),       cmocka_unit_test(test_too_many_files),
        cmocka_unit_test(test_entries),         cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_foreign),         cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
