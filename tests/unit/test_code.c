/* The code version against git itself, in every state a work tree can be in. */
#include "hpx/code.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/hash.h"

#include "../helper/helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define SOURCES "src/nn src/base/random.c"
#define BUILD   "Makefile src"
#define DATE    "2024-07-08T03:04:05-03:30"

static char *folder, *repository;
static hpx_error error;

/* Runs a shell command and returns what it prints, without the last newline; it must succeed. $F is the
 * folder of the test. */
static char *shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *shell(const char *format, ...)
{
    char command[4096] = "IFS=; "; /* $F is one word, whatever is in it */
    va_list args;
    va_start(args, format);
    vsnprintf(command + strlen(command), sizeof command - strlen(command), format, args);
    va_end(args);
    hpx_buffer text = {0};
    char part[4096];
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t got; (got = fread(part, 1, sizeof part, pipe)) > 0;)
        hpx_buffer_add(&text, part, got);
    if (pclose(pipe) != 0)
        fail_msg("%s", command);
    if (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    hpx_buffer_text(&text);
    return (char *)text.data;
}

static void run(const char *command)
{
    free(shell("{ %s\n} >/dev/null 2>&1", command));
}

static int set_up(void **state)
{
    (void)state;
    folder = make_folder();
    repository = hpx_path_join(folder, "r");
    setenv("F", folder, 1);
    run("mkdir -p $F/r/src/nn $F/r/src/base $F/r/docs && cd $F/r &&"
        "echo 'int a;' >src/nn/a.c && echo 'int b;' >src/nn/b.c && echo r >src/base/random.c &&"
        "echo t >src/base/text.c && echo all: >Makefile && echo read >README && echo d >docs/d.md &&"
        "printf '\\0\\1\\2' >src/nn/table.bin && printf '#!/bin/sh\\n' >src/nn/tool.sh && chmod 755 "
        "src/nn/tool.sh");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(repository);
    remove_folder(folder);
    return 0;
}

static void commit_all(void)
{
    run("cd $F/r && git init -q -b main && git add -A && git commit -q -m first");
}

static void hex_version(char out[HPX_CODE_HEX_BYTES], const char *root, const char *sources)
{
    uint8_t version[HPX_CODE_BYTES];
    expect_ok(hpx_code_version(version, root, sources, &error), &error);
    hpx_hex(out, version, HPX_CODE_BYTES);
}

/* What git says of a copy: `git write-tree` of these paths in a fresh index. */
static void expect_git_version(const char *root, const char *prefix, const char *sources)
{
    char version[HPX_CODE_HEX_BYTES];
    hex_version(version, root, SOURCES);
    char *git =
        shell("rm -rf $F/copy && cp -a '%s' $F/copy && cd $F/copy && export GIT_INDEX_FILE=$F/copy.index && "
              "rm -f $GIT_INDEX_FILE && git add -A -- %s && git write-tree %s",
              repository, sources, prefix);
    assert_string_equal(version, git);
    free(git);
}

/* The same files without a repository. */
static void expect_version_without_git(void)
{
    char version[HPX_CODE_HEX_BYTES], bare[HPX_CODE_HEX_BYTES];
    hex_version(version, repository, SOURCES);
    run("rm -rf $F/bare && cp -a $F/r $F/bare && rm -rf $F/bare/.git");
    char *copy = hpx_path_join(folder, "bare");
    hex_version(bare, copy, SOURCES);
    assert_string_equal(version, bare);
    free(copy);
}

/* Everything below .git: names, bytes and times. */
static char *git_folder(void)
{
    return shell("cd $F/r/.git 2>/dev/null || exit 0; find . -type f -exec sha256sum {} + | sort && find . "
                 "-printf '%%p %%T@ "
                 "%%s\\n' | sort");
}

static hpx_code read_code(void)
{
    hpx_code code;
    char *before = git_folder();
    expect_ok(hpx_code_read(&code, repository, BUILD, &error), &error);
    char *after = git_folder();
    assert_string_equal(before, after);
    free(before);
    free(after);
    return code;
}

/* The patch applies to a clean clone of the commit, and then the sources are those of the work tree. */
static void expect_patch(const hpx_code *code)
{
    char *path = hpx_path_join(folder, "patch"), *clone = hpx_path_join(folder, "clone");
    write_file(path, code->patch.data, code->patch.size);
    run("rm -rf $F/clone && git clone -q $F/r $F/clone && cd $F/clone && git checkout -q --detach "
        "$(git -C $F/r rev-parse HEAD) && git apply --check $F/patch && git apply $F/patch");
    char mine[HPX_CODE_HEX_BYTES], theirs[HPX_CODE_HEX_BYTES];
    hex_version(mine, repository, "src Makefile");
    hex_version(theirs, clone, "src Makefile");
    assert_string_equal(theirs, mine);
    free(path);
    free(clone);
}

static void expect_read(bool dirty)
{
    hpx_code code = read_code();
    assert_int_equal(code.dirty, dirty);
    assert_int_equal(code.patch.size > 0, dirty);
    char *commit = shell("git -C $F/r rev-parse HEAD"),
         *describe = shell("git -C $F/r describe --tags --always"),
         *branch = shell("git -C $F/r symbolic-ref -q --short HEAD || true"),
         *date = shell("git -C $F/r log -1 --format=%%aI");
    assert_string_equal(code.branch, branch);
    assert_string_equal(code.author_date, date);
    assert_string_equal(code.folder, "");
    free(branch);
    free(date);
    assert_string_equal(code.commit, commit);
    char *expected = hpx_format("%s%s", describe, dirty ? "-dirty" : "");
    assert_string_equal(code.describe, expected);
    if (dirty)
        expect_patch(&code);
    free(expected);
    free(commit);
    free(describe);
    hpx_code_free(&code);
}

/* Changes one after the other: what each must do to the version and to the dirty flag. */
static void test_changes(void **state)
{
    (void)state;
    static const struct {
        const char *what, *command;
        bool version_changes, dirty;
    } changes[] = {
        {"a commit elsewhere", "echo more >>README && git commit -qam readme", false, false},
        {"an edit elsewhere", "echo more >>README && echo new >docs/new.md", false, false},
        {"an edit of the build, not the trainer", "echo x >>src/base/text.c", false, true},
        {"an edit", "echo 'int c;' >>src/nn/a.c", true, true},
        {"a staged edit", "git add src/nn/a.c", false, true},
        {"an edit of the same size", "sed -i s/c/d/ src/nn/a.c", true, true},
        {"an untracked file", "mkdir src/nn/deep && printf 'no newline' >src/nn/deep/new.c", true, true},
        {"a staged new file", "echo s >src/nn/staged.c && git add src/nn/staged.c", true, true},
        {"a deleted file", "rm src/nn/b.c", true, true},
        {"an executable bit", "chmod +x src/nn/a.c", true, true},
        {"bytes", "printf '\\0\\3' >>src/nn/table.bin", true, true},
        {"a time", "touch src/nn/a.c src/nn/tool.sh", false, true},
        {"a commit of all", "git add -A && git commit -qm second", false, false},
        {"a renamed file", "mv src/nn/a.c src/nn/z.c", true, true},
        {"a revert", "mv src/nn/z.c src/nn/a.c", true, false},
        {"a detached HEAD", "git checkout -q --detach", false, false},
        {"a tag", "git tag v1.0", false, false},
        {"a commit behind the tag", "git commit -q --allow-empty -m empty", false, false},
        {"a link", "ln -s tool.sh src/nn/link", true, true},
        {"an empty folder", "mkdir src/nn/empty", false, true},
    };
    commit_all();
    char version[HPX_CODE_HEX_BYTES], before[HPX_CODE_HEX_BYTES];
    hex_version(version, repository, SOURCES);
    expect_read(false);
    for (size_t i = 0; i < COUNT(changes); i++) {
        print_message("%s\n", changes[i].what);
        memcpy(before, version, sizeof before);
        char *command = hpx_format("cd $F/r && %s", changes[i].command);
        run(command);
        free(command);
        hex_version(version, repository, SOURCES);
        assert_int_equal(strcmp(before, version) != 0, changes[i].version_changes);
        expect_git_version(repository, "", SOURCES);
        expect_version_without_git();
        expect_read(changes[i].dirty);
    }
}

/* 100,000 files before and behind the sources, none of which is in the work tree: only the sources are looked
 * at. bench/repository.sh times it. */
static void test_many_files(void **state)
{
    (void)state;
    commit_all();
    char before[HPX_CODE_HEX_BYTES], after[HPX_CODE_HEX_BYTES];
    hex_version(before, repository, SOURCES);
    run("cd $F/r && blob=$(git rev-parse HEAD:README) && for folder in aa zz; do "
        "seq -f \"100644 $blob\t$folder/%.0f\" 50000; done | git update-index --index-info &&"
        "git commit -q -m many && mkdir src/nn-more src/nnn && echo 1 >src/nn-more/a.c && echo 1 "
        ">src/nnn/a.c &&"
        "git add src && git commit -q -m neighbours");
    hex_version(after, repository, SOURCES);
    assert_string_equal(after, before);
    hpx_code code = read_code();
    assert_false(code.dirty);
    hpx_code_free(&code);
    run("cd $F/r && echo 'int c;' >>src/nn/a.c && echo n >src/nn/new.c && git add src/nn/new.c");
    expect_git_version(repository, "", SOURCES);
    code = read_code();
    assert_true(code.dirty);
    size_t files = 0;
    hpx_buffer_text(&code.patch);
    for (const char *p = (const char *)code.patch.data; (p = strstr(p, "diff --git ")); p++)
        files++;
    assert_int_equal(files, 2);
    hpx_code_free(&code);
}

/* The fields of a code record of what is in that source tree now. */
static hpx_fields record_of(const char *root)
{
    hpx_code code;
    hpx_fields fields = {0};
    expect_ok(hpx_code_read(&code, root, BUILD, &error), &error);
    const hpx_code_stamp stamp = hpx_code_stamp_of(&code);
    hpx_sources sources = {.names = SOURCES};
    expect_ok(hpx_code_version(sources.version, root, SOURCES, &error), &error);
    hpx_code_fields(&fields, &stamp, &sources);
    hpx_code_free(&code);
    return fields;
}

/* Checked out, a record's sources have the version that it says. The work tree may have moved on. */
static void expect_checkout(const char *root, const hpx_fields *record)
{
    char *out = hpx_path_join(folder, "out");
    uint8_t version[HPX_CODE_BYTES];
    const uint8_t *expected;
    size_t size;
    run("rm -rf $F/out && mkdir $F/out");
    char *before = git_folder();
    expect_ok(hpx_code_checkout(out, root, record, &error), &error);
    char *after = git_folder();
    assert_string_equal(before, after);
    expect_ok(hpx_code_version(version, out, SOURCES, &error), &error);
    expect_ok(hpx_fields_bytes(&expected, &size, record, "version", &error), &error);
    assert_memory_equal(version, expected, HPX_CODE_BYTES);
    run("test -f $F/out/Makefile && test -x $F/out/src/nn/tool.sh");
    free(before);
    free(after);
    free(out);
}

/* What git ignores counts, for the compiler reads it. What editors leave beside a source does not. */
static void test_names(void **state)
{
    (void)state;
    char before[HPX_CODE_HEX_BYTES], after[HPX_CODE_HEX_BYTES];
    commit_all();
    hex_version(before, repository, SOURCES);
    run("cd $F/r/src/nn && echo x >.a.c.swp && echo x >.hidden.c && echo x >a.c~ && echo x >'#a.c#' &&"
        "ln -s nowhere .#a.c && mkdir .deps && echo x >.deps/a.c && mkfifo pipe");
    hex_version(after, repository, SOURCES);
    assert_string_equal(after, before);
    expect_read(false);
    run("rm -r $F/r/src/nn/pipe $F/r/src/nn/.[a-z#]*");
    run("cd $F/r && echo tables.h >.gitignore && git add .gitignore && git commit -qm ignore &&"
        "echo 1 >src/nn/tables.h");
    hex_version(after, repository, SOURCES);
    assert_string_not_equal(after, before);
    hpx_code code = read_code();
    assert_true(code.dirty); /* the commit does not have it */
    hpx_code_free(&code);
}

/* Names as they can be on a disk, and bytes that no patch carries. */
static void test_odd_files(void **state)
{
    (void)state;
    commit_all();
    run("cd $F/r/src/nn && echo 1 >'with blank.c' && echo 2 >\"$(printf 'line\\nbreak\\377')\" &&"
        "echo 3 >'\"quoted\\.c' && printf '/* \\000 */\\r\\n' >nul.c && : >empty.c && ln -s nul.c link.c &&"
        "echo 4 >a && mkdir a.d && echo 5 >a.d/x && echo 6 >a-b && mkdir a0 && echo 7 >a0/y");
    expect_git_version(repository, "", SOURCES);
    hpx_fields record = record_of(repository);
    run("rm -rf $F/r/.git");
    expect_checkout(repository, &record);
    run("diff -r --no-dereference $F/r/src $F/out/src");
    hpx_fields_free(&record);
}

/* A source tree that is a part of a repository: its version does not depend on where it is. */
static void test_subfolder(void **state)
{
    (void)state;
    run("mkdir $F/outer && mv $F/r $F/outer/lab && mv $F/outer $F/r && echo x >$F/r/lab/src/nn/new.c");
    commit_all();
    run("echo more >>$F/r/lab/src/nn/a.c");
    char *root = hpx_path_join(repository, "lab");
    expect_git_version(root, "--prefix=lab/", "lab/src/nn lab/src/base/random.c");
    char inside[HPX_CODE_HEX_BYTES], alone[HPX_CODE_HEX_BYTES];
    hex_version(inside, root, SOURCES);
    run("cp -a $F/r/lab $F/alone");
    char *copy = hpx_path_join(folder, "alone");
    hex_version(alone, copy, SOURCES);
    assert_string_equal(inside, alone);
    hpx_code code;
    expect_ok(hpx_code_read(&code, root, BUILD, &error), &error);
    assert_true(code.dirty);
    assert_string_equal(code.folder, "lab");
    hpx_code_free(&code);
    free(root);
    free(copy);
}

static void test_worktree(void **state)
{
    (void)state;
    commit_all();
    run("cd $F/r && git worktree add -q $F/w && echo more >>$F/w/src/nn/a.c");
    char *root = hpx_path_join(folder, "w");
    char here[HPX_CODE_HEX_BYTES], there[HPX_CODE_HEX_BYTES];
    hex_version(here, repository, SOURCES);
    hex_version(there, root, SOURCES);
    assert_string_not_equal(here, there);
    hpx_code code;
    char *before = git_folder();
    expect_ok(hpx_code_read(&code, root, BUILD, &error), &error);
    char *after = git_folder();
    assert_string_equal(before, after);
    assert_true(code.dirty);
    hpx_code_free(&code);
    run("echo more >>$F/r/src/nn/a.c");
    hex_version(here, repository, SOURCES);
    assert_string_equal(here, there);
    free(before);
    free(after);
    free(root);
}

static void test_unborn(void **state)
{
    (void)state;
    run("cd $F/r && git init -q -b main");
    hpx_code code = read_code();
    expect_git_version(repository, "", SOURCES);
    assert_string_equal(code.commit, "");
    assert_string_equal(code.describe, "");
    assert_string_equal(code.branch, "main");
    assert_string_equal(code.author_date, "");
    assert_true(code.dirty); /* all of it */
    hpx_buffer_text(&code.patch);
    expect_contains((const char *)code.patch.data, "int a;");
    hpx_code_free(&code);
}

static void test_no_repository(void **state)
{
    (void)state;
    hpx_code code;
    expect_ok(hpx_code_read(&code, repository, BUILD, &error), &error);
    assert_string_equal(code.commit, "");
    assert_string_equal(code.describe, "");
    assert_string_equal(code.branch, "");
    assert_string_equal(code.author_date, "");
    assert_string_equal(code.folder, "");
    assert_false(code.dirty);
    assert_int_equal(code.patch.size, 0);
    char version[HPX_CODE_HEX_BYTES];
    hex_version(version, repository, SOURCES);
    hpx_code_free(&code);
    commit_all();
    char *git =
        shell("cd $F/r && git ls-tree HEAD:src/nn >/dev/null && GIT_INDEX_FILE=$F/index git add -A -- %s && "
              "GIT_INDEX_FILE=$F/index git write-tree",
              SOURCES);
    assert_string_equal(version, git);
    free(git);
}

static void test_refused(void **state)
{
    (void)state;
    hpx_code code;
    uint8_t version[HPX_CODE_BYTES];
    for (int with_git = 0; with_git < 2; with_git++) {
        assert_int_equal(hpx_code_read(&code, repository, "src/nn src/gone", &error), HPX_FAILED);
        expect_contains(error.message, "src/gone: no such source");
        assert_int_equal(hpx_code_version(version, repository, "src/gone.c", &error), HPX_FAILED);
        if (!with_git)
            commit_all();
    }
    char *missing = hpx_path_join(folder, "missing");
    assert_int_equal(hpx_code_version(version, missing, SOURCES, &error), HPX_FAILED);
    free(missing);
    /* A link to a file of the tree that is not in the list is that file. */
    uint8_t edited[HPX_CODE_BYTES];
    run("ln -s ../base/text.c $F/r/src/nn/text.c");
    expect_ok(hpx_code_version(version, repository, SOURCES, &error), &error);
    run("echo x >>$F/r/src/base/text.c");
    expect_ok(hpx_code_version(edited, repository, SOURCES, &error), &error);
    assert_memory_not_equal(version, edited, HPX_CODE_BYTES);
    run("ln -sf $F/outside.c $F/r/src/nn/text.c && echo x >$F/outside.c");
    assert_int_equal(hpx_code_version(version, repository, SOURCES, &error), HPX_FAILED);
    expect_contains(error.message, "src/nn/text.c: a link to a file outside of the source tree");
    run("ln -sf ../base/random.c $F/r/src/nn/text.c");
    expect_git_version(repository, "", SOURCES);
}

/* What git does not say is unknown, with a word; the version is the same. */
static void expect_unknown(const char *part)
{
    hpx_code code;
    char version[HPX_CODE_HEX_BYTES];
    expect_ok(hpx_code_read(&code, repository, BUILD, &error), &error);
    hex_version(version, repository, SOURCES);
    assert_string_equal(code.commit, "");
    assert_string_equal(code.describe, "");
    assert_false(code.dirty);
    assert_non_null(code.unknown);
    expect_contains(code.unknown, part);
    assert_true(code.files.size > 0);
    hpx_code_free(&code);
    expect_version_without_git();
}

/* Ways in which libgit2 cannot read a repository. */
static void test_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *command, *part;
    } faults[] = {
        {"git config core.repositoryformatversion 1 && git config extensions.refstorage reftable",
         "extensions.refstorage"},
        {"echo damaged >.git/refs/heads/main", "HEAD"},
        {"rm -r .git/objects/??", "HEAD"},
        {"git config core.bare true", "no work tree"},
        {"echo '[' >.git/config", "config"},
    };
    for (size_t i = 0; i < COUNT(faults); i++) {
        print_message("%s\n", faults[i].command);
        run("rm -rf $F/r/.git");
        commit_all();
        char *command = hpx_format("cd $F/r && %s", faults[i].command);
        run(command);
        free(command);
        expect_unknown(faults[i].part);
    }
}

/* States of git that must not matter: the commit is known, and so is what differs from it. */
static void test_states_of_git(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "git update-index --split-index",
        "git config index.sparse true && git sparse-checkout set --cone --sparse-index src",
        "rm .git/index",
        "echo damaged >.git/index",
        "git update-index --assume-unchanged src/nn/a.c",
        "git update-index --skip-worktree src/nn/a.c",
        "git rm -q --cached src/nn/a.c src/base/text.c",
        "git config core.repositoryformatversion 1 && git config extensions.worktreeConfig true",
        "git config core.repositoryformatversion 1 && git config extensions.partialClone origin",
        "git config core.autocrlf true && mkdir -p .git/info && echo '* text' >.git/info/attributes",
        "git config core.fileMode false && git config core.symlinks false",
        "git commit -q --allow-empty -m second && git rev-parse HEAD >.git/shallow",
    };
    for (size_t i = 0; i < COUNT(commands); i++) {
        print_message("%s\n", commands[i]);
        run("cd $F/r && rm -rf .git && git init -q -b main && git add -A && git commit -qm first");
        char *command = hpx_format("cd $F/r && %s", commands[i]);
        run(command);
        free(command);
        expect_version_without_git();
        hpx_code code = read_code();
        char *commit = shell("git -C $F/r rev-parse HEAD");
        assert_string_equal(code.commit, commit);
        assert_false(code.dirty);
        assert_null(code.unknown);
        hpx_code_free(&code);
        run("cp $F/r/src/nn/a.c $F/kept && echo edit >>$F/r/src/nn/a.c");
        code = read_code();
        assert_true(code.dirty);
        assert_string_equal(code.unknown ? code.unknown : "", "");
        hpx_buffer_text(&code.patch);
        expect_contains((const char *)code.patch.data, "+edit");
        hpx_code_free(&code);
        run("cp $F/kept $F/r/src/nn/a.c");
        free(commit);
    }
}

/* What is staged is not what is on disk. */
static void test_staged_and_undone(void **state)
{
    (void)state;
    commit_all();
    run("cd $F/r && cp src/nn/a.c $F/kept && echo staged >>src/nn/a.c && git add -A && cp $F/kept "
        "src/nn/a.c");
    expect_read(false);
}

static void test_detached(void **state)
{
    (void)state;
    commit_all();
    run("cd $F/r && git checkout -q --detach && echo more >>src/nn/a.c && git commit -q -a -m second && git "
        "checkout -q "
        "--detach HEAD~1");
    expect_git_version(repository, "", SOURCES);
    expect_read(false);
}

/* The files of a repository inside count as any others; the commit has only a name for them. */
static void test_submodule(void **state)
{
    (void)state;
    commit_all();
    run("git init -q -b main $F/s && cd $F/s && echo 's;' >s.c && git add -A && git commit -q -m s");
    run("cd $F/r && git -c protocol.file.allow=always submodule add -q $F/s src/nn/sub && git commit "
        "-q -m submodule");
    char before[HPX_CODE_HEX_BYTES], after[HPX_CODE_HEX_BYTES];
    hex_version(before, repository, SOURCES);
    expect_version_without_git();
    hpx_code code = read_code();
    assert_true(code.dirty);
    hpx_code_free(&code);
    run("echo 't;' >>$F/r/src/nn/sub/s.c");
    hex_version(after, repository, SOURCES);
    assert_string_not_equal(after, before);
    hpx_fields record = record_of(repository);
    run("rm -rf $F/r/.git");
    expect_checkout(repository, &record);
    hpx_fields_free(&record);
}

/* The bytes that the compiler reads, however git would convert them. */
static void test_line_endings(void **state)
{
    (void)state;
    char unix_version[HPX_CODE_HEX_BYTES], version[HPX_CODE_HEX_BYTES];
    commit_all();
    hex_version(unix_version, repository, SOURCES);
    run("cd $F/r && echo '*.c text' >.gitattributes && git config core.autocrlf true && printf 'int "
        "a;\\r\\n' >src/nn/a.c");
    hex_version(version, repository, SOURCES);
    assert_string_not_equal(version, unix_version);
    expect_version_without_git();
    hpx_code code = read_code();
    assert_true(code.dirty);
    hpx_code_free(&code);
    hpx_fields record = record_of(repository);
    expect_checkout(repository, &record);
    hpx_fields_free(&record);
}

static void test_hash_of_another_kind(void **state)
{
    (void)state;
    run("cd $F/r && git init -q --object-format=sha256 -b main && git add -A && git commit -q -m first");
    expect_unknown("objectformat");
}

/* The record as an earlier version would have written it: without these fields. */
static hpx_fields without(const hpx_fields *record, const char *names)
{
    hpx_fields old = {0};
    for (size_t i = 0; i < record->count; i++)
        if (!strstr(names, record->fields[i].name))
            hpx_fields_set(&old, &record->fields[i]);
    return old;
}

/* Whatever becomes of the repository. */
static void test_checkout(void **state)
{
    (void)state;
    commit_all();
    hpx_fields clean = record_of(repository);
    run("cd $F/r && echo edit >>src/nn/a.c && rm src/nn/b.c && echo new >src/nn/new.c && printf '\\0\\7' "
        ">src/nn/table.bin");
    hpx_fields dirty = record_of(repository);
    static const char *const states[] = {
        "cd $F/r && git add -A && git commit -qm second && git config core.autocrlf true",
        "cd $F/r && git checkout -q --orphan other && git rm -qrf . && git commit -q --allow-empty -m other "
        "&&"
        "git branch -D main && git reflog expire --expire=now --all && git gc -q --prune=now",
        "rm -rf $F/r/.git",
    };
    for (size_t i = 0; i < COUNT(states); i++) {
        run(states[i]);
        expect_checkout(repository, &clean);
        expect_checkout(repository, &dirty);
    }
    hpx_fields_free(&clean);
    hpx_fields_free(&dirty);
}

/* Records of earlier versions have commit and patch in place of the files. */
static void test_checkout_of_old_records(void **state)
{
    (void)state;
    static const char *const lacking[] = {"files", "files branch author-date folder"};
    commit_all();
    hpx_fields clean = record_of(repository);
    run("cd $F/r && echo edit >>src/nn/a.c && rm src/nn/b.c && echo new >src/nn/new.c && printf '\\0\\7' "
        ">src/nn/table.bin");
    hpx_fields dirty = record_of(repository);
    run("cd $F/r && git add -A && git commit -qm second && git config core.autocrlf true");
    for (size_t i = 0; i < COUNT(lacking); i++) {
        hpx_fields old_clean = without(&clean, lacking[i]), old_dirty = without(&dirty, lacking[i]);
        expect_checkout(repository, &old_clean);
        expect_checkout(repository, &old_dirty);
        hpx_fields_set_text(&old_dirty, "commit", "0123456789012345678901234567890123456789");
        assert_int_equal(hpx_code_checkout(folder, repository, &old_dirty, &error), HPX_NOT_FOUND);
        hpx_fields_set_text(&old_clean, "commit", "");
        assert_int_equal(hpx_code_checkout(folder, repository, &old_clean, &error), HPX_NOT_FOUND);
        hpx_fields_free(&old_clean);
        hpx_fields_free(&old_dirty);
    }
    hpx_fields_free(&clean);
    hpx_fields_free(&dirty);
}

/* Files that no list of hpx's would have: nothing is written outside of the folder, or through a link. */
static void test_checkout_refuses(void **state)
{
    (void)state;
    static const uint8_t file[] = {0xa4, 0x81, 0, 0}, link[] = {0, 0xa0, 0, 0};
    static const struct {
        const uint8_t *mode;
        const char *path, *content;
    } entries[][2] = {
        {{file, "../out.c", "x"}},
        {{file, "/tmp/out.c", "x"}},
        {{file, "a//b", "x"}},
        {{file, "a/./b", "x"}},
        {{file, "", "x"}},
        {{file, "b", "x"}, {file, "a", "x"}},
        {{file, "a", "x"}, {file, "a", "x"}},
        {{link, "a", ".."}, {file, "a/b", "x"}},
        {{link, "a", ""}},
        {{(const uint8_t *)"abc", "a", "x"}},
    };
    for (size_t i = 0; i < COUNT(entries); i++) {
        hpx_buffer bytes = {0}, packed = {0};
        for (size_t k = 0; k < 2 && entries[i][k].path; k++) {
            hpx_buffer_add(&bytes, entries[i][k].mode, 4);
            hpx_buffer_u32(&bytes, (uint32_t)strlen(entries[i][k].path));
            hpx_buffer_puts(&bytes, entries[i][k].path);
            hpx_buffer_u64(&bytes, strlen(entries[i][k].content));
            hpx_buffer_puts(&bytes, entries[i][k].content);
        }
        uint8_t stream[1024];
        uLongf size = sizeof stream;
        assert_int_equal(compress(stream, &size, bytes.data, bytes.size), Z_OK);
        hpx_buffer_u64(&packed, bytes.size);
        hpx_buffer_add(&packed, stream, size);
        hpx_fields record = {0};
        hpx_fields_set_bytes(&record, "files", packed.data, packed.size);
        run("rm -rf $F/out && mkdir $F/out");
        char *out = hpx_path_join(folder, "out");
        assert_int_equal(hpx_code_checkout(out, repository, &record, &error), HPX_DAMAGED);
        run("test -z \"$(ls $F/out)\" && test ! -e $F/out.c");
        free(out);
        hpx_fields_free(&record);
        hpx_buffer_free(&bytes);
        hpx_buffer_free(&packed);
    }
}

/* What would be run is shown, not what a record says of it. */
static void test_show(void **state)
{
    (void)state;
    commit_all();
    run("cd $F/r && echo edit >>src/nn/a.c && rm src/nn/b.c");
    hpx_fields record = record_of(repository);
    hpx_fields_set_bytes(&record, "patch", "harmless", 8);
    hpx_buffer text = {0};
    char *patch = shell("git -C $F/r diff");
    expect_ok(hpx_code_show(&text, repository, &record, &error), &error);
    text.size--;
    assert_string_equal(hpx_buffer_text(&text), patch);
    free(patch);
    /* Without the commit all of it is new. */
    hpx_fields_set_text(&record, "commit", "");
    text.size = 0;
    expect_ok(hpx_code_show(&text, repository, &record, &error), &error);
    expect_contains(hpx_buffer_text(&text), "+++ b/src/nn/tool.sh");
    run("rm -rf $F/r/.git");
    text.size = 0;
    expect_ok(hpx_code_show(&text, repository, &record, &error), &error);
    expect_contains(hpx_buffer_text(&text), "+++ b/src/nn/tool.sh");
    hpx_buffer_free(&text);
    hpx_fields_free(&record);
}

static void test_checkout_unborn(void **state)
{
    (void)state;
    run("cd $F/r && git init -q -b main");
    hpx_fields record = record_of(repository);
    run("cd $F/r && echo later >>src/nn/a.c");
    expect_checkout(repository, &record);
    hpx_fields_free(&record);
}

static void expect_change(const char *root, const hpx_fields *before, const hpx_fields *after,
                          const char *files, size_t ahead)
{
    hpx_code_change change;
    hpx_buffer text = {0};
    expect_ok(hpx_code_compare(&change, root, SOURCES, before, after, &error), &error);
    for (size_t i = 0; i < change.file_count; i++)
        hpx_buffer_printf(&text, "%s ", change.files[i].path);
    assert_string_equal(hpx_buffer_text(&text), files);
    assert_int_equal(change.ahead, ahead);
    assert_int_equal(change.behind, 0);
    hpx_buffer_free(&text);
    hpx_code_change_free(&change);
}

/* The same in a source tree that is a folder of its repository, also after that was renamed. */
static void test_records_of_a_subfolder(void **state)
{
    (void)state;
    run("mkdir $F/outer && mv $F/r $F/outer/lab && mv $F/outer $F/r && mkdir -p $F/r/src/nn && echo not "
        ">$F/r/src/nn/a.c");
    commit_all();
    char *root = hpx_path_join(repository, "lab"), *moved = hpx_path_join(repository, "tools/lab");
    hpx_fields clean = record_of(root);
    run("cd $F/r && echo edit >>lab/src/nn/a.c && echo new >lab/src/nn/new.c && echo not >>src/nn/a.c && "
        "echo t "
        ">>lab/src/base/text.c");
    hpx_fields dirty = record_of(root);
    hpx_fields old = without(&dirty, "files");
    expect_checkout(root, &clean);
    expect_checkout(root, &dirty);
    expect_checkout(root, &old);
    expect_change(root, &old, &dirty, "", 0);
    hpx_fields_free(&old);
    run("test ! -e $F/out/lab");
    expect_change(root, &clean, &dirty, "src/nn/a.c src/nn/new.c ", 0);
    run("cd $F/r && git add -A && git commit -qm second");
    hpx_fields second = record_of(root);
    expect_change(root, &clean, &second, "src/nn/a.c src/nn/new.c ", 1);
    run("cd $F/r && mkdir tools && git mv lab tools && git commit -qm moved");
    hpx_fields third = record_of(moved);
    expect_change(moved, &second, &third, "", 1);
    expect_checkout(moved, &dirty);
    expect_checkout(moved, &third);
    hpx_fields_free(&clean);
    hpx_fields_free(&dirty);
    hpx_fields_free(&second);
    hpx_fields_free(&third);
    free(moved);
    free(root);
}

static void test_foreign_owner(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    /* A machine may say for all its users whom git trusts. */
    if (system("git config --system --get-all safe.directory >$F/trusted 2>&1") == 0)
        skip();
    commit_all();
    run("chown -R 12345 $F/r");
    expect_unknown("own");
    /* git's word for all of them. */
    run("mkdir $F/home && printf '[safe]\\n\\tdirectory = *\\n' >$F/home/.gitconfig");
    char *home = hpx_path_join(folder, "home");
    setenv("HOME", home, 1);
    hpx_code code;
    expect_ok(hpx_code_read(&code, repository, BUILD, &error), &error);
    assert_true(strlen(code.commit) == 40);
    hpx_code_free(&code);
    setenv("HOME", "/nonexistent", 1);
    free(home);
}

static void test_stamp(void **state)
{
    (void)state;
    commit_all();
    hpx_code code = read_code();
    uint8_t now[HPX_CODE_BYTES];
    hpx_code_stamp stamp = hpx_code_stamp_of(&code);
    stamp.dirty = true;
    stamp.patch = (const unsigned char *)"\0p";
    stamp.patch_size = 2;
    stamp.files_size = 0;
    stamp.root = repository;
    hpx_sources sources = {.names = SOURCES};
    expect_ok(hpx_code_version(sources.version, repository, SOURCES, &error), &error);
    expect_ok(hpx_code_fingerprint(&sources.fingerprint, repository, SOURCES, &error), &error);
    assert_false(hpx_code_is_stale(now, stamp.root, &sources));
    run("echo more >>$F/r/README");
    assert_false(hpx_code_is_stale(now, stamp.root, &sources));
    run("touch $F/r/src/nn/a.c; echo swap >$F/r/src/nn/.a.c.swp");
    assert_false(hpx_code_is_stale(now, stamp.root, &sources));
    run("mv $F/r/src/nn/a.c $F/r/src/nn/other.c");
    assert_true(hpx_code_is_stale(now, stamp.root, &sources));
    run("mv $F/r/src/nn/other.c $F/r/src/nn/a.c; mkdir $F/r/src/nn/new; echo n >$F/r/src/nn/new/n.c");
    assert_true(hpx_code_is_stale(now, stamp.root, &sources));
    run("rm -r $F/r/src/nn/new");
    assert_false(hpx_code_is_stale(now, stamp.root, &sources));
    run("echo more >>$F/r/src/nn/a.c");
    assert_true(hpx_code_is_stale(now, stamp.root, &sources));
    char hex[HPX_CODE_HEX_BYTES], expected[HPX_CODE_HEX_BYTES];
    hpx_hex(hex, now, HPX_CODE_BYTES);
    hex_version(expected, repository, SOURCES);
    assert_string_equal(hex, expected);
    char *missing = hpx_path_join(folder, "missing");
    assert_false(hpx_code_is_stale(now, missing, &sources));

    hpx_fields fields = {0};
    const uint8_t *bytes;
    size_t size;
    uint64_t dirty;
    const char *text;
    hpx_code_fields(&fields, &stamp, &sources);
    assert_int_equal(fields.count, 8);
    expect_ok(hpx_fields_bytes(&bytes, &size, &fields, "version", &error), &error);
    assert_int_equal(size, HPX_CODE_BYTES);
    assert_memory_equal(bytes, sources.version, size);
    expect_ok(hpx_fields_bytes(&bytes, &size, &fields, "patch", &error), &error);
    assert_int_equal(size, 2);
    expect_ok(hpx_fields_count(&dirty, &fields, "dirty", &error), &error);
    assert_int_equal(dirty, 1);
    expect_ok(hpx_fields_text(&text, &fields, "commit", &error), &error);
    assert_string_equal(text, code.commit);
    expect_ok(hpx_fields_text(&text, &fields, "branch", &error), &error);
    assert_string_equal(text, "main");
    expect_ok(hpx_fields_text(&text, &fields, "author-date", &error), &error);
    assert_string_equal(text, DATE);
    hpx_fields_free(&fields);
    hpx_code_free(&code);
    free(missing);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    /* Nothing of the user's configuration, nor of a git that runs this test. */
    static const char *const unset[] = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX",
                                        "XDG_CONFIG_HOME"};
    static const char *const set[][2] = {
        {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_NOSYSTEM", "1"},
        {"HOME", "/nonexistent"},           {"GIT_AUTHOR_NAME", "A"},
        {"GIT_AUTHOR_EMAIL", "a@b"},        {"GIT_COMMITTER_NAME", "A"},
        {"GIT_COMMITTER_EMAIL", "a@b"},     {"GIT_OPTIONAL_LOCKS", "0"},
        {"GIT_TEMPLATE_DIR", ""},           {"LC_ALL", "C"},
        {"GIT_AUTHOR_DATE", DATE},          {"GIT_COMMITTER_DATE", "2024-07-08T00:00:00Z"},
    };
    for (size_t i = 0; i < COUNT(unset); i++)
        unsetenv(unset[i]);
    for (size_t i = 0; i < COUNT(set); i++)
        setenv(set[i][0], set[i][1], 1);
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_changes),
        WITH_FOLDER(test_many_files),
        WITH_FOLDER(test_names),
        WITH_FOLDER(test_odd_files),
        WITH_FOLDER(test_unknown),
        WITH_FOLDER(test_states_of_git),
        WITH_FOLDER(test_staged_and_undone),
        WITH_FOLDER(test_subfolder),
        WITH_FOLDER(test_worktree),
        WITH_FOLDER(test_unborn),
        WITH_FOLDER(test_no_repository),
        WITH_FOLDER(test_refused),
        WITH_FOLDER(test_stamp),
        WITH_FOLDER(test_detached),
        WITH_FOLDER(test_submodule),
        WITH_FOLDER(test_line_endings),
        WITH_FOLDER(test_hash_of_another_kind),
        WITH_FOLDER(test_foreign_owner),
        WITH_FOLDER(test_checkout),
        WITH_FOLDER(test_checkout_of_old_records),
        WITH_FOLDER(test_checkout_refuses),
        WITH_FOLDER(test_show),
        WITH_FOLDER(test_checkout_unborn),
        WITH_FOLDER(test_records_of_a_subfolder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
