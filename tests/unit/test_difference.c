/* Differences between two trajectories, as people say them. */
#include "identity/difference.h"

#include "identity/data_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static hpx_fields before, after, code_before, code_after, data_before, data_after;
static hpx_code_change change;

static void add(void *context, const char *field, const char *text)
{
    assert_true(hpx_fields_find(&before, field) || hpx_fields_find(&after, field));
    hpx_buffer_printf(context, "%s\n", text);
}

static int begin(void **state)
{
    (void)state;
    hpx_fields_set_text(&before, "model.kind", "program");
    hpx_fields_set_text(&after, "model.kind", "program");
    return 0;
}

static int end(void **state)
{
    hpx_fields *all[] = {&before, &after, &code_before, &code_after, &data_before, &data_after};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        hpx_fields_free(all[i]);
    change = (hpx_code_change){0};
    return 0;
}

static void expect(const char *expected)
{
    const hpx_compared compared = {&before,
                                   &after,
                                   &code_before,
                                   &code_after,
                                   &data_before,
                                   &data_after,
                                   change.file_count ? &change : NULL};
    hpx_buffer text = {0};
    hpx_differences(&compared, add, &text);
    assert_string_equal(hpx_buffer_text(&text), expected);
    hpx_buffer_free(&text);
}

static void set_both(const char *name, const char *old, const char *new)
{
    hpx_fields_set_text(&before, name, old);
    hpx_fields_set_text(&after, name, new);
}

static void test_models(void **state)
{
    (void)state;
    set_both("model.kind", "mlp", "mlp");
    hpx_fields_set_real(&before, "train.rate", 0.001);
    hpx_fields_set_real(&after, "train.rate", 0.003);
    hpx_fields_set_bytes(&before, "code.version", "\x5b\x1d\x0a\x2c\x11", 5);
    hpx_fields_set_bytes(&after, "code.version", "\xc0\x7a\x99\xe1\x11", 5);
    hpx_fields_set_count(&before, "last-epoch", 3);
    expect("trainer 5b1d0a2c -> c07a99e1\nlast-epoch 3 -> (none)\nrate 0.001 -> 0.003\n");
}

static void test_code(void **state)
{
    uint8_t version[HPX_CODE_BYTES] = {0x5b, 0x1d, 0x0a, 0x2c};
    hpx_file_change files[] = {
        {"src/gone.py", "1111111111", ""},           {"src/new.py", "", "2222222222"},
        {"src/run.sh", "3333333333", "3333333333"},  {"src/near.py", "abcde11111", "abcdf11111"},
        {"src/util.py", "5b1d0a2c11", "c07a99e111"},
    };
    (void)state;
    hpx_fields_set_bytes(&before, "code.version", version, sizeof version);
    expect("code 5b1d0a2c -> (none)\n");
    version[0] = 0xc0;
    hpx_fields_set_bytes(&after, "code.version", version, sizeof version);
    expect("code 5b1d0a2c -> c01d0a2c\n");
    change = (hpx_code_change){.files = files, .file_count = 5};
    expect("src/gone.py removed\nsrc/new.py added\nsrc/run.sh has another mode\nsrc/near.py: abcde -> abcdf\n"
           "src/util.py: 5b1d -> c07a\n");
}

static void add_file(hpx_data_list *list, const char *name, const char *bytes)
{
    const hpx_hash hash = hpx_hash_of(bytes, strlen(bytes));
    hpx_data_list_add(list, name, &hash, strlen(bytes));
}

static void test_data(void **state)
{
    hpx_data_list old = {0}, new = {0};
    (void)state;
    hpx_fields_set_bytes(&before, "dataset.data", "1", 1);
    hpx_fields_set_bytes(&after, "dataset.data", "2", 1);
    expect("data changed\n");
    add_file(&old, "data/gone.npz", "a");
    add_file(&old, "data/same.npz", "a");
    add_file(&old, "data/train.npz", "a");
    hpx_data_list_record(&data_before, &old);
    add_file(&new, "data/new\n.npz", "a");
    add_file(&new, "data/same.npz", "a");
    add_file(&new, "data/train.npz", "b");
    hpx_data_list_record(&data_after, &new);
    expect("data/gone.npz removed\ndata/train.npz changed\ndata/new\\n.npz added\n");
}

static void set_version(const char *number, const char *command, const char *old, const char *new)
{
    char field[64];
    snprintf(field, sizeof field, "version.%s.command", number);
    hpx_fields_set_text(&code_before, field, command);
    hpx_fields_set_text(&code_after, field, command);
    snprintf(field, sizeof field, "version.%s.output", number);
    hpx_fields_set_text(&code_before, field, old);
    hpx_fields_set_text(&code_after, field, new);
    snprintf(field, sizeof field, "version.%s", number);
    hpx_fields_set_bytes(&before, field, "1", 1);
    hpx_fields_set_bytes(&after, field, "2", 1);
}

static void test_versions(void **state)
{
    (void)state;
    set_version("1", "python3 -V", "Python 3.11.2\n", "Python 3.12.1\n");
    set_version("2", "pip freeze", "attrs==1\ntorch==2.1\nzlib==1\n", "attrs==1\ntorch==2.2\nzlib==2\n");
    set_version("3", "pip list", "a 1\n", "a 1\n\x1b[31mb 2\n");
    hpx_fields_set_bytes(&after, "version.4", "2", 1);
    hpx_fields_set_text(&code_after, "version.4.command", "nvcc -V");
    expect("version: Python 3.11.2 -> 3.12.1\n"
           "version: torch==2.1 -> torch==2.2\n"
           "version: (nothing) -> \\x1b[31mb 2\n"
           "version nvcc -V added\n");
    hpx_fields_set_text(&code_after, "version.1.command", "python3.12 -V");
    hpx_fields_remove(&code_before, "version.2.command");
    expect("version command python3 -V -> python3.12 -V\n"
           "version 2 31 -> 32\n"
           "version: (nothing) -> \\x1b[31mb 2\n"
           "version nvcc -V added\n");
}

static void test_commands(void **state)
{
    (void)state;
    set_both("program.command", "python3 train.py --lr 0.1 --out ${out}",
             "python3 train.py --lr 0.2 --out ${out}");
    expect("command ... --lr 0.1 ... -> ... --lr 0.2 ...\n");
    set_both("program.command", "python3 train.py", "python3 train.py --fast \"a b\"");
    expect("command ... train.py -> ... train.py --fast \"a b\"\n");
    set_both("program.command", "python3 train.py", "awk \"x\ny\"");
    expect("command python3 train.py -> awk \"x\\ny\"\n");
    set_both("env.MODE", "fast", "slow");
    hpx_fields_set_text(&before, "env.A", "1");
    expect("env A 1 -> (none)\nenv MODE fast -> slow\ncommand python3 train.py -> awk \"x\\ny\"\n");
}

/* What only follows from an axis is not said a second time. */
static void test_axes(void **state)
{
    (void)state;
    hpx_fields_set_real(&before, "axis.lr", 0.1);
    hpx_fields_set_real(&after, "axis.lr", 0.01);
    set_both("axis.act", "re$lu", "tanh");
    set_both("env.LR", "0.1", "0.01");
    set_both("program.command", "p --lr=0.1 --lr 0.1,0.1 -n 0.1 re$$lu",
             "p --lr=0.01 --lr 0.01,0.01 -n 0.1 tanh");
    expect("act re$lu -> tanh\nlr 0.1 -> 0.01\n");
    set_both("program.command", "p --lr=0.1 -n 2", "p --lr=0.01 -n 3");
    expect("act re$lu -> tanh\nlr 0.1 -> 0.01\ncommand p --lr=0.1 -n 2 -> p --lr=0.01 -n 3\n");
    set_both("env.LR", "0.1", "0.02");
    set_both("program.command", "p", "p");
    expect("act re$lu -> tanh\nlr 0.1 -> 0.01\nenv LR 0.1 -> 0.02\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(models), TEST(code), TEST(data), TEST(versions), TEST(commands), TEST(axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
