/* Numbers as people write them, and the word they probably meant. */
#include "base/text.h"

#include "base/memory.h"

#include "../helper/helper.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_parse_u64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0}, {"007", 7}, {"128", 128}, {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "-1",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "1,5",
                                      "a",
                                      "--",
                                      "\xb2",
                                      "18446744073709551616",
                                      "99999999999999999999"};
    uint64_t value;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(hpx_parse_u64(&value, good[i].text));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (hpx_parse_u64(&value, bad[i]))
            fail_msg("'%s' was read as %llu", bad[i], (unsigned long long)value);
}

static void test_parse_real(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},      {"1e-3", 0.001},      {"0.001", 0.001},   {"-2.5", -2.5}, {".5", 0.5},
                {"1E+2", 100}, {"1.7e308", 1.7e308}, {"5e-324", 5e-324}, {"+1", 1},      {"2.", 2}};
    static const char *const bad[] = {"",      " 1",     "1 ",      "nan",      "inf",   "-inf",
                                      "0x1p3", "1e999",  "-1e999",  "1e",       "1.2.3", "1,5",
                                      "e5",    "1e-999", "-1e-999", "infinity", ".",     "--1"};
    double value;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!hpx_parse_real(&value, good[i].text))
            fail_msg("'%s' was refused", good[i].text);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (hpx_parse_real(&value, bad[i]))
            fail_msg("'%s' was read as %g", bad[i], value);
    assert_true(hpx_parse_real(&value, "-0"));
    assert_true(value == 0 && !signbit(value));
}

/* From the first that is not 0 to the last. */
static int significant_digits(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '0' && digits > 0)
            zeros++;
        else if (*text >= '1' && *text <= '9')
            digits += zeros + 1, zeros = 0;
    }
    return digits;
}

static void expect_shortest(double value)
{
    char text[HPX_REAL_TEXT_BYTES], shorter[400];
    double read;
    assert_ptr_equal(hpx_real_text(text, value), text);
    if (!hpx_parse_real(&read, text) || read != value)
        fail_msg("%a is written as '%s'", value, text);
    int digits = significant_digits(text);
    snprintf(shorter, sizeof shorter, "%.*g", digits - 1, value);
    if (digits > 1 && strtod(shorter, NULL) == value)
        fail_msg("'%s' is also '%s'", text, shorter);
}

static void test_real_text(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {{0, "0"},
                 {0.1, "0.1"},
                 {0.001, "0.001"},
                 {1e-5, "1e-05"},
                 {128, "128"},
                 {-2.5, "-2.5"},
                 {1.0 / 3, "0.3333333333333333"},
                 {1e300, "1e+300"},
                 {5e-324, "5e-324"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {16384, "16384"}};
    char text[HPX_REAL_TEXT_BYTES];
    for (size_t i = 0; i < COUNT(known); i++)
        assert_string_equal(hpx_real_text(text, known[i].value), known[i].text);
    draw_seed(3);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = draw(0);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && value != 0)
            expect_shortest(value);
        expect_shortest((double)(1 + draw(100000)) / (double)(1 + draw(1000)));
        expect_shortest(5e-324 * (double)(1 + draw(1u << (1 + draw(30)))));
    }
    expect_shortest(DBL_MAX);
    expect_shortest(DBL_MIN);
}

static void test_nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = {"relu", "tanh", "sigmoid", "gelu", "partial-cross", NULL};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"relu", "relu"},  {"rleu", "relu"},      /* a swap is one step */
        {"tnah", "tanh"},  {"sigmod", "sigmoid"}, /* left out */
        {"gellu", "gelu"}, {"partialcross", "partial-cross"},
        {"elu", "relu"},   {"xyz", NULL},
        {"", NULL},        {"r", NULL},
        {"softmax", NULL}, {"sgimiod", "sigmoid"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *nearest = hpx_nearest_word(cases[i].word, words);
        if (!cases[i].nearest)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].nearest);
    }
    /* The first of equals; far too long a word. */
    static const char *const equals[] = {"abcx", "abcy", NULL};
    assert_ptr_equal(hpx_nearest_word("abcz", equals), equals[0]);
    char long_word[100];
    memset(long_word, 'a', sizeof long_word);
    long_word[99] = 0;
    assert_null(hpx_nearest_word(long_word, words));
    static const char *const none[] = {NULL};
    assert_null(hpx_nearest_word("relu", none));
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length; /* 0: malformed */
        uint32_t code;
    } cases[] = {
        {"a", 1, 'a'},
        {"\xc3\xa9", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\x80", 0, 0},
        {"\xc0\x80", 0, 0},
        {"\xc3", 0, 0},
        {"\xc3(", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xed\xa0\x80", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xf4\x90\x80\x80", 0, 0},
        {"\xe2\x82", 0, 0},
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t code = 0;
        assert_int_equal(hpx_utf8_next(&code, cases[i].bytes, strlen(cases[i].bytes)), cases[i].length);
        if (cases[i].length)
            assert_int_equal(code, cases[i].code);
    }
}

static void test_show(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain \xc3\xa9\xe2\x82\xac\\", "plain \xc3\xa9\xe2\x82\xac\\"},
        {"\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f"},
        {"a\r\tb", "a\\r\\tb"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"},    /* CSI as one character */
        {"\x9b", "\\x9b"}, /* and as one byte */
        {"\xe2\x80\xae"
         "gpj",
         "\\u202egpj"},                                 /* right-to-left override */
        {"\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069"}, /* isolates */
        {"\xe2\x80\xa8\xef\xbb\xbf", "\\u2028\\ufeff"},
        {"\xf3\xa0\x80\x81", "\\U000e0001"},
        {"\xc3(\xed\xa0\x80", "\\xc3(\\xed\\xa0\\x80"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        hpx_buffer out = {0};
        hpx_text_show(&out, cases[i].text, strlen(cases[i].text), "");
        assert_string_equal(hpx_buffer_text(&out), cases[i].shown);
        assert_int_equal(hpx_text_is_visible(cases[i].text, strlen(cases[i].text)), i == 0);
        assert_true(hpx_text_is_visible(out.data, out.size));
        hpx_buffer_free(&out);
    }
    hpx_buffer out = {0};
    hpx_text_show(&out, "a\nb\tc\0d", 7, "\n\t");
    assert_string_equal(hpx_buffer_text(&out), "a\nb\tc\\x00d");
    hpx_buffer_free(&out);
}

static void test_xml(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_text_xml(&out, "<a b=\"c\">&'\x1b", false);
    assert_string_equal(hpx_buffer_text(&out), "&lt;a b=\"c\"&gt;&amp;'\\x1b");
    out.size = 0;
    hpx_text_xml(&out, "<a b=\"c\">&'", true);
    assert_string_equal(hpx_buffer_text(&out), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;");
    hpx_buffer_free(&out);
}

static void test_shell(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    hpx_text_shell(&out, "it's $1");
    assert_string_equal(hpx_buffer_text(&out), "'it'\\''s $1'");
    out.size = 0;
    hpx_text_shell(&out, "");
    assert_string_equal(hpx_buffer_text(&out), "''");
    hpx_buffer_free(&out);
}

/* In a process of another locale, an embedder's, a point stays a point. */
static void test_locale(void **state)
{
    (void)state;
    char *folder = make_folder();
    char *command = hpx_format("localedef -i de_DE -f UTF-8 '%s/de' >/dev/null 2>&1", folder), text[32];
    const int made = system(command);
    setenv("LOCPATH", folder, 1);
    const bool set = made == 0 && setlocale(LC_ALL, "de") && strcmp(localeconv()->decimal_point, ",") == 0;
    double value = 0;
    if (set) {
        assert_string_equal(hpx_real_text(text, 0.5), "0.5");
        assert_true(hpx_parse_real(&value, "0.25") && value == 0.25);
        hpx_print(text, sizeof text, "%.2f", 1.5);
        assert_string_equal(text, "1.50");
        char *formatted = hpx_format("%g", 0.125);
        assert_string_equal(formatted, "0.125");
        assert_string_equal(localeconv()->decimal_point, ","); /* it is still the process's */
        free(formatted);
    }
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    remove_folder(folder);
    free(command);
    if (!set)
        skip(); /* without the sources of locales */
}

/* As printf spells them, also where three digits round. */
static void test_counts(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    char expected[32];
    static const uint64_t near[] = {0, 1, 4, 5, 6, 9, 49, 50, 51, 99};
    for (uint64_t unit = 1; unit < UINT64_C(10000000000000); unit *= 10)
        for (uint64_t digits = 99; digits < 1002; digits++)
            for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
                const uint64_t count = digits * unit + near[i] * unit / 100;
                out.size = 0;
                hpx_text_about(&out, count);
                snprintf(expected, sizeof expected, "%.3g", (double)count);
                assert_string_equal(hpx_buffer_text(&out), expected);
                out.size = 0;
                hpx_text_count(&out, count);
                snprintf(expected, sizeof expected, "%llu", (unsigned long long)count);
                assert_string_equal(hpx_buffer_text(&out), expected);
            }
    out.size = 0;
    hpx_text_about(&out, UINT64_MAX);
    hpx_text_about(&out, 0);
    hpx_text_count(&out, UINT64_MAX);
    assert_string_equal(hpx_buffer_text(&out), "1.84e+19018446744073709551615");
    hpx_buffer_free(&out);
}

static void test_decimals(void **state)
{
    (void)state;
    static const struct {
        double value;
        int decimals;
        const char *text;
    } known[] = {{-0.0, 2, "0.00"},       {-0.004, 2, "0.00"}, {-0.006, 2, "-0.01"},  {-0.4, 0, "0"},
                 {-1000.5, 1, "-1000.5"}, {0.125, 3, "0.125"}, {-INFINITY, 2, "-inf"}};
    hpx_buffer out = {0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        out.size = 0;
        hpx_text_decimals(&out, known[i].value, known[i].decimals);
        assert_string_equal(hpx_buffer_text(&out), known[i].text);
    }
    hpx_buffer_free(&out);
}

/* Every byte at every place of a long text. */
static void test_show_each_byte(void **state)
{
    (void)state;
    hpx_buffer out = {0};
    for (unsigned byte = 0; byte < 128; byte++)
        for (size_t at = 0; at < 24; at++) {
            char text[25] = "0123456789 ~abcdefghijkl", escape[8], expected[40];
            text[at] = (char)byte;
            snprintf(escape, sizeof escape,
                     byte == '\n'                  ? "\\n"
                     : byte == '\t'                ? "\\t"
                     : byte == '\r'                ? "\\r"
                     : byte < 0x20 || byte == 0x7f ? "\\x%02x"
                                                   : "%c",
                     byte);
            snprintf(expected, sizeof expected, "%.*s%s%s", (int)at, text, escape, text + at + 1);
            out.size = 0;
            hpx_text_show(&out, text, 24, "");
            assert_string_equal(hpx_buffer_text(&out), expected);
        }
    hpx_buffer_free(&out);
}

static void test_width(void **state)
{
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},        {"plain text", 10},    {"\u00e9t\u00e9", 3},
        {"e\u0301", 1}, {"\u65e5\u672c 1", 6}, {"\u2588\u2581", 2},
        {"\xff", 1},    {"\U0001f600", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(hpx_text_width(cases[i].text, strlen(cases[i].text)), cases[i].width);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_u64), cmocka_unit_test(test_parse_real),
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_width),
        cmocka_unit_test(test_decimals),  cmocka_unit_test(test_show_each_byte),
        cmocka_unit_test(test_real_text), cmocka_unit_test(test_nearest_word),
        cmocka_unit_test(test_locale),    cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_show),      cmocka_unit_test(test_xml),
        cmocka_unit_test(test_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
