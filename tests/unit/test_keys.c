/* Keys and signatures: what is made is found again, what is open to others or damaged is refused, nothing is lost. */
#include "remote/keys.h"

#include "hpx/file.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char *folder, *key_file, *trusted_file;

static int start(void **state)
{
    (void)state;
    folder = make_folder();
    setenv("XDG_CONFIG_HOME", folder, 1);
    key_file = hpx_path_of_user("key");
    trusted_file = hpx_path_of_user("trusted");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(key_file);
    free(trusted_file);
    remove_folder(folder);
    return 0;
}

static hpx_signer new_key(void)
{
    hpx_signer signer;
    hpx_error error;
    expect_ok(hpx_key_new(&signer, &error), &error);
    return signer;
}

static hpx_signer parse(const char *text)
{
    hpx_signer signer;
    hpx_error error;
    expect_ok(hpx_signer_parse(&signer, text, &error), &error);
    return signer;
}

static void expect_refused(const char *why)
{
    hpx_keys keys;
    hpx_error error;
    assert_int_equal(hpx_keys_read(&keys, &error), HPX_USAGE);
    expect_contains(error.message, why);
    hpx_keys_free(&keys);
}

/* RFC 8032, 7.1, test 2: the public key of that seed, and its signature of one byte. */
static void test_published_vector(void **state)
{
    (void)state;
    hpx_keys keys;
    hpx_error error;
    uint8_t signature[HPX_SIGNATURE_BYTES], expected[HPX_SIGNATURE_BYTES];
    char hex[2 * HPX_SIGNER_BYTES + 1];
    expect_ok(hpx_make_directories(folder, &error), &error);
    new_key();
    write_text(key_file,
               "hpx-private-key-1 4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb\n");
    expect_ok(hpx_keys_read(&keys, &error), &error);
    assert_true(keys.can_sign);
    hpx_hex(hex, keys.own.bytes, sizeof keys.own.bytes);
    assert_string_equal(hex, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    hpx_sign(signature, &keys, "\x72", 1);
    assert_true(hpx_unhex(expected, sizeof expected,
                          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
    assert_memory_equal(signature, expected, sizeof expected);
    hpx_keys_free(&keys);
}

static void test_sign_and_verify(void **state)
{
    (void)state;
    hpx_keys keys;
    hpx_error error;
    uint8_t signature[HPX_SIGNATURE_BYTES];
    char message[] = "what is signed";
    hpx_signer own = new_key(), other = {{1, 2, 3}};
    expect_ok(hpx_keys_read(&keys, &error), &error);
    assert_true(hpx_signer_equal(&own, &keys.own));
    hpx_sign(signature, &keys, message, sizeof message);
    hpx_keys_free(&keys);
    assert_true(hpx_is_signed(signature, &own, message, sizeof message));
    assert_false(hpx_is_signed(signature, &other, message, sizeof message));
    assert_false(hpx_is_signed(signature, &own, message, sizeof message - 1));
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] ^= 1;
        assert_false(hpx_is_signed(signature, &own, message, sizeof message));
        message[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 1;
        assert_false(hpx_is_signed(signature, &own, message, sizeof message));
        signature[i] ^= 1;
    }
}

/* Every character counts: a slip of the pen is no other key. */
static void test_text(void **state)
{
    (void)state;
    hpx_error error;
    char text[HPX_SIGNER_TEXT_BYTES];
    hpx_signer signer = new_key(), back;
    hpx_signer_text(text, &signer);
    assert_int_equal(strlen(text), HPX_SIGNER_TEXT_BYTES - 1);
    back = parse(text);
    assert_true(hpx_signer_equal(&signer, &back));
    for (size_t i = 0; i < strlen(text); i++) {
        const char was = text[i];
        text[i] = was == 'x' ? 'y' : 'x';
        assert_int_equal(hpx_signer_parse(&back, text, &error), HPX_USAGE);
        text[i] = '\0';
        assert_int_equal(hpx_signer_parse(&back, text, &error), HPX_USAGE);
        text[i] = was;
    }
}

static void test_the_private_key_is_kept(void **state)
{
    (void)state;
    struct stat info;
    hpx_signer again;
    hpx_error error;
    const mode_t mask = umask(0);
    new_key();
    umask(mask);
    assert_int_equal(stat(key_file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    hpx_buffer before = read_file(key_file);
    assert_int_equal(hpx_key_new(&again, &error), HPX_USAGE);
    hpx_buffer after = read_file(key_file);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, after.size);
    hpx_buffer_free(&before);
    hpx_buffer_free(&after);
}

static void test_refused(void **state)
{
    (void)state;
    new_key();
    chmod(key_file, 0640);
    expect_refused("others may read");
    chmod(key_file, 0600);
    write_text(key_file, "hpx-private-key-1 00\n");
    expect_refused("no private key");
    write_text(key_file, "");
    expect_refused("no private key");
    remove(key_file);
    write_text(trusted_file, "");
    chmod(trusted_file, 0664);
    expect_refused("others may write");
    chmod(trusted_file, 0644);
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"# a comment\nanna\n", "trusted:2: expected a name"},
        {"anna hpx1AAAA\n", "not whole"},
        {"anna ssh-ed25519\n", "no public key"},
        {"own hpx1AAAA\n", "expected a name"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        write_text(trusted_file, bad[i].text);
        expect_refused(bad[i].why);
    }
}

static void test_trust(void **state)
{
    (void)state;
    hpx_keys keys;
    hpx_error error;
    char text[HPX_SIGNER_TEXT_BYTES];
    struct stat info;
    hpx_signer anna = new_key(), bob, own;
    remove(key_file);
    bob = new_key();
    remove(key_file);
    own = new_key();
    const mode_t mask = umask(0);
    expect_ok(hpx_key_trust("anna", &anna, &error), &error);
    umask(mask);
    assert_int_equal(stat(trusted_file, &info), 0);
    assert_int_equal(info.st_mode & 022, 0);
    assert_int_equal(hpx_key_trust("anna", &bob, &error), HPX_USAGE);
    assert_int_equal(hpx_key_trust("me", &own, &error), HPX_USAGE);
    static const char *const names[] = {"",    "own",  "-n",  "a b",
                                        "a/b", "hpx1", "a\n", "12345678901234567890123456789012345678901"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(hpx_key_trust(names[i], &bob, &error), HPX_USAGE);

    /* What the user has written there stays. */
    char *lines = NULL;
    hpx_signer_text(text, &anna);
    assert_true(asprintf(&lines, "# from the mail\n\n  anna\t %s", text) > 0);
    write_text(trusted_file, lines);
    free(lines);
    expect_ok(hpx_key_trust("bob", &bob, &error), &error);
    expect_ok(hpx_key_trust("anna.b", &anna, &error), &error);
    expect_ok(hpx_keys_read(&keys, &error), &error);
    assert_int_equal(keys.count, 3);
    assert_string_equal(keys.trusted[0].name, "own");
    assert_string_equal(hpx_keys_find(&keys, &anna)->name, "anna.b");
    assert_true(hpx_signer_equal(&hpx_keys_named(&keys, "bob")->signer, &bob));
    assert_null(hpx_keys_named(&keys, "anna"));
    hpx_keys_free(&keys);

    expect_ok(hpx_key_distrust(&anna, &error), &error);
    expect_ok(hpx_key_distrust(&anna, &error), &error);
    expect_ok(hpx_keys_read(&keys, &error), &error);
    assert_int_equal(keys.count, 2);
    assert_null(hpx_keys_find(&keys, &anna));
    hpx_keys_free(&keys);
    hpx_buffer file = read_file(trusted_file);
    expect_contains(hpx_buffer_text(&file), "# from the mail");
    hpx_buffer_free(&file);
}

static void test_nothing_there(void **state)
{
    (void)state;
    hpx_keys keys;
    hpx_error error;
    expect_ok(hpx_keys_read(&keys, &error), &error);
    assert_false(keys.can_sign);
    assert_int_equal(keys.count, 0);
    hpx_keys_free(&keys);
    assert_false(hpx_path_exists(key_file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_published_vector, start, stop),
        cmocka_unit_test_setup_teardown(test_sign_and_verify, start, stop),
        cmocka_unit_test_setup_teardown(test_text, start, stop),
        cmocka_unit_test_setup_teardown(test_the_private_key_is_kept, start, stop),
        cmocka_unit_test_setup_teardown(test_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_trust, start, stop),
        cmocka_unit_test_setup_teardown(test_nothing_there, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
